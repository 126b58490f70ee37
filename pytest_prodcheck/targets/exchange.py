"""One request and its answer on an open connection: written, timed, read within bounds."""

from __future__ import annotations

import contextlib
import http.client
import random
import ssl
import time
import zlib
from collections.abc import Mapping
from email.message import Message
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pytest_prodcheck import __version__
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets import head, peer_certificate
from pytest_prodcheck.targets.arrival import StampedSocket
from pytest_prodcheck.targets.connection import TimedConnection
from pytest_prodcheck.targets.head import FinalResponse

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of an answer that are read at most; what a target says is bounded."""
_CHUNK = 16384
_SPANS = random.Random()
"""Our own: `random` itself is the user's to seed. A system call for an id would make its thread wait for the lock."""


class Answer(NamedTuple):
    """What came back, raw; `recording` makes an observation of it."""

    status: int
    headers: Message
    body: bytes
    phases: Mapping[str, float]
    cut: str = ""
    """Error class where the body did not come whole."""
    keeps: bool = False
    """Whether the connection can be used again."""
    certificate: Mapping[str, Any] = {}
    """Facts about the peer's certificate, on a new TLS connection."""


def own_headers(run: str) -> dict[str, str]:
    """The headers by which a server knows us: User-Agent, run id, W3C trace context."""
    return {
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": f"prodcheck/{__version__} (run {run})",
        "x-prodcheck-run": run,
        "traceparent": f"00-{run:0>32}-{_SPANS.getrandbits(63) + 1:016x}-01",
    }


def converse(connection: TimedConnection, request: HttpRequest, headers: Mapping[str, str], deadline: float) -> Answer:
    """Sends the request and reads its answer; `deadline` is on the monotonic clock.

    Raises what the socket layer raises: OSError, http.client.HTTPException, ValueError.
    """
    phases = {} if connection.reused else dict(connection.phases)
    connection.allow(max(0.05, deadline - time.monotonic()))
    connection.began, encrypted = 0.0, connection.certificate
    stamped = connection.sock if isinstance(connection.sock, StampedSocket) else None
    if stamped is not None:
        stamped.forget()
    try:
        _write(connection, request, headers)
    except (ConnectionError, ssl.SSLEOFError):
        if encrypted:  # TLS 1.3 refuses our certificate only now; the alert that says so is still to be read
            connection.sock.recv(1)
        raise
    with contextlib.closing(FinalResponse(connection.sock, method=request.method)) as response:
        response.begin()
        first = time.perf_counter()
        body, cut = _read(response, deadline)
    last = time.perf_counter()
    began = connection.began
    if stamped is not None:
        began, first, last = stamped.departure, stamped.first_arrival, stamped.last_arrival
    phases["first_byte"], phases["body"] = max(0.0, first - began), last - first
    certificate = peer_certificate.facts(encrypted) if encrypted and not connection.reused else {}
    keeps = not cut and not response.will_close and response.status >= 200
    return Answer(response.status, response.msg, body, phases, cut, keeps, certificate)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After header (RFC 9110 §10.2.3), 1 s where there is none that can be read, 60 s at most."""
    text = headers.get("retry-after", "")
    return min(60.0, float(text)) if text.isascii() and text.isdigit() else 1.0


def _write(connection: TimedConnection, request: HttpRequest, headers: Mapping[str, str]) -> None:
    parts = urlsplit(request.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    proxy = connection.proxy if parts.scheme == "http" else None
    fields = {"Host": head.host(connection.origin.host, connection.origin.port)}
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        fields["content-length"] = str(len(request.body))
    fields.update(headers)
    if proxy:
        fields.update(proxy.headers)
    connection.put(head.written(request.method, request.url if proxy else path, fields) + request.body)


def _read(response: http.client.HTTPResponse, deadline: float) -> tuple[bytes, str]:
    """The body within its limit, and the error class of a cut one."""
    body = bytearray()  # not a list of chunks: a million chunks of two bytes would cost forty times their size
    while chunk := response.read1(min(response.length or _CHUNK, _CHUNK)):
        body += chunk
        if len(body) > BODY_LIMIT:
            return bytes(body[:BODY_LIMIT]), "body.too_large"
        if time.monotonic() > deadline:
            break
    if time.monotonic() > deadline:  # also where the reaper's cut looks like the end of a body without a length
        raise TimeoutError("the body did not end in time")
    if response.length:
        return bytes(body), "body.truncated"
    return _decoded(bytes(body), response.getheader("content-encoding", "") or "")


def _decoded(body: bytes, encoding: str) -> tuple[bytes, str]:
    """Gzip and deflate undone within the limit, for servers that compress although we ask for `identity`."""
    if encoding.strip().lower() not in ("gzip", "deflate", "x-gzip"):
        return body, ""
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = decoder.decompress(body, BODY_LIMIT)
    except zlib.error:
        return body, ""
    return plain, "body.too_large" if decoder.unconsumed_tail else ""
