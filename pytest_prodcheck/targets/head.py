"""The heads of HTTP/1.1 messages (RFC 9112): a request's as it is written, an answer's as it is read.

`http.client` checks and writes header by header, and reads an answer's with the parser of mail: together that was half
of what an exchange costs. A head that is not plainly one name and one value a line is still that parser's to read.
"""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Mapping

_LINE, _FIELDS = 65536, 100
"""Bytes of a line and number of header fields at most, as in `http.client`."""
_FIELD = re.compile(r"^([!-9;-~]+):[ \t]*([^\r\n]*)\r?\n", re.MULTILINE)


def written(method: str, target: str, fields: Mapping[str, str]) -> bytes:
    """The head of a request. Raises ValueError for what would end a line, or the head, before its time."""
    if " " in target or not (target.isascii() and target.isprintable()):
        raise http.client.InvalidURL(f"not a request target: {target!r}")
    lines = [f"{method} {target} HTTP/1.1\r\n", *[f"{name}: {value}\r\n" for name, value in fields.items()], "\r\n"]
    head = "".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines):
        raise ValueError("a line break in the method or a header")
    return head.encode("latin-1")


def host(name: str, port: int) -> str:
    """The value of `Host` (RFC 9110 §7.2), as `http.client` writes it: IPv6 in brackets and without its zone, port
    80 left out."""
    shown = f"[{name.partition('%')[0]}]" if ":" in name else name
    return shown if port == http.client.HTTP_PORT else f"{shown}:{port}"


def read(stream: io.BufferedIOBase) -> http.client.HTTPMessage:
    """The header fields of an answer. Raises http.client.HTTPException for too many, or one that is too long."""
    lines: list[bytes] = []
    while not lines or lines[-1] not in (b"\r\n", b"\n", b""):
        lines.append(stream.readline(_LINE + 1))
        if len(lines[-1]) > _LINE:
            raise http.client.LineTooLong("header line")
        if len(lines) > _FIELDS:
            raise http.client.HTTPException(f"got more than {_FIELDS} headers")
    head = b"".join(lines)
    found = _FIELD.findall(head.decode("latin-1"))
    if len(found) != len(lines) - 1:
        return http.client.parse_headers(io.BytesIO(head))
    message = http.client.HTTPMessage()
    for name, value in found:
        message.set_raw(name, value)
    return message


class FinalResponse(http.client.HTTPResponse):
    """A response behind any number of interim ones (103 Early Hints), which `http.client` takes for final.

    RFC 9110 §15.2: a client must be able to parse one or more 1xx answers before the final one.
    """

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while status < 200 and status != 101:
            read(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason

    def begin(self) -> None:
        """As in `http.client`, which leaves no other way in for a reader of its own: status, fields, framing."""
        version, status, reason = self._read_status()
        if not version.startswith("HTTP/1.") and version != "HTTP/0.9":
            raise http.client.UnknownProtocol(version)
        self.code = self.status = status
        self.version, self.reason = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11, reason.strip()
        self.headers = self.msg = read(self.fp)
        self.chunked = (self.headers.get("transfer-encoding") or "").lower() == "chunked"
        self.chunk_left = None
        self.length = self._promised_length()
        self.will_close = self._check_close() or (self.length is None and not self.chunked)  # type: ignore[attr-defined]

    def _promised_length(self) -> int | None:
        """Bytes of the body, where the head says it (RFC 9112 §6.3)."""
        if self.status in (204, 304) or self.status < 200 or self._method == "HEAD":  # type: ignore[attr-defined]
            return 0
        try:
            length = int(self.headers.get("content-length") or "")
        except ValueError:
            return None
        return None if length < 0 or self.chunked else length
