"""A quicker user class for ordinary Locust: HTTP/1.1 over a kept connection, with no more Python than that takes.

    from pytest_prodcheck.load import QuickUser

It sends GET and HEAD and bodies it is given, reads answers by their length or in chunks, follows no redirect and keeps
no cookies. Measured beside FastHttpUser in `benchmarks/b9_load.py`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Container, Mapping
from time import perf_counter, time
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent import socket
from locust import User
from locust.exception import CatchResponseError

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.load import users

_MOST = 64 * 1024 * 1024
_HEAD = 64 * 1024


class QuickError(ConnectionError):
    """An answer that is no HTTP/1.1, or ended early."""


class QuickAnswer:
    """What came back."""

    __slots__ = ("_head", "content", "status_code")

    def __init__(self, status_code: int, head: bytes, content: bytes) -> None:
        self.status_code, self._head, self.content = status_code, head, content

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case."""
        lines = self._head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}

    @property
    def text(self) -> str:
        """The body, as UTF-8."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        import json

        return json.loads(self.content)


class QuickStatusError(Exception):
    """An undeclared status."""


class QuickClient:
    """One connection to one host, opened when it is needed."""

    def __init__(self, base: str, request_event: Any, headers: Mapping[str, str], timeout: float, ca: str) -> None:
        parts = urlsplit(base)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._event, self._timeout, self._ca = request_event, timeout, ca
        self._socket: Any = None
        self._left = b""
        self.headers = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "pytest-prodcheck load", **headers}
        self._heads: dict[tuple[str, str], bytes] = {}
        self._limiter = users.limiter()
        self._begun = users.begun()

    def get(self, path: str, name: str = "", status: tuple[int, ...] = ()) -> QuickAnswer | None:
        """GET; None where no answer came, which is an error of the run."""
        return self.request("GET", path, name=name, status=status)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        name: str = "",
        status: Container[int] = (),
        wrong: Callable[[QuickAnswer], str] | None = None,
    ) -> QuickAnswer | None:
        """One request. `wrong` says what is wrong with an answer, empty for nothing. Another status than `status` (200
        to 399 where nothing is said) counts as an error."""
        if self._limiter is not None:
            self._limiter.take()
        me = gevent.getcurrent()
        started, begun = time(), perf_counter()
        self._begun[me] = begun
        answer: QuickAnswer | None = None
        failure: BaseException | None = None
        try:
            users.check(self._host, self._port, method, path, body)
            answer = self._exchange(self._head(method, path, body, headers) + body, method)
            code = answer.status_code
            if (code not in status) if status else not 200 <= code < 400:
                failure = QuickStatusError(str(code))
            elif wrong is not None and (text := wrong(answer)):
                failure = CatchResponseError(text)
        except Refused:
            raise
        except (OSError, QuickError, ValueError) as error:
            self.close()
            failure = error
        finally:
            took = (perf_counter() - begun) * 1000
            self._begun.pop(me, None)
        self._event.fire(
            request_type=method, name=name or path, response_time=took, exception=failure, response=answer,
            response_length=len(answer.content) if answer else 0, start_time=started, url=path,
            context={"prodcheck_declared": True} if status else {},
        )  # fmt: skip
        return answer

    def close(self) -> None:
        """Closes the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket, self._left = None, b""

    # --- HTTP/1.1 (RFC 9112) -----------------------------------------------------------------------------------------

    def _head(self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None) -> bytes:
        known = self._heads.get((method, path)) if not body and not headers else None
        if known is None:
            both = {**self.headers, **(headers or {}), **({"Content-Length": str(len(body))} if body else {})}
            users.check_headers(tuple(both))
            lines = [f"{method} {self._prefix}{path} HTTP/1.1", *(f"{key}: {value}" for key, value in both.items())]
            if any("\r" in one or "\n" in one for one in lines):
                raise ValueError("a line break in a path or header")
            known = "\r\n".join([*lines, "", ""]).encode("latin-1")
            if not body and not headers and len(self._heads) < 1000:
                self._heads[(method, path)] = known
        return known

    def _exchange(self, request: bytes, method: str) -> QuickAnswer:
        fresh = self._socket is None
        if fresh:
            self._connect()
        try:
            self._socket.sendall(request)
            head = self._until_head()
        except (OSError, QuickError):
            if fresh or method not in ("GET", "HEAD"):
                raise
            self._connect()  # an idle connection that the server closed: one request on a new one, as clients do
            self._socket.sendall(request)
            head = self._until_head()
        return self._answer(head, method)

    def _connect(self) -> None:
        self.close()
        plain = socket.create_connection((self._host, self._port), timeout=self._timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        if self._secure:
            context = ssl.create_default_context(cafile=None if self._ca == "system" else self._ca)
            self._socket = context.wrap_socket(plain, server_hostname=self._host)

    def _until_head(self) -> bytes:
        data = self._left
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > _HEAD:
                raise QuickError("the head of the answer is too long")
            data += self._more()
        self._left = data[end + 4 :]
        head = data[:end]
        if head[9:12] == b"100":
            return self._until_head()
        return head

    def _more(self) -> bytes:
        part: bytes = self._socket.recv(65536)
        if not part:
            raise QuickError("the connection was closed before the answer was complete")
        return part

    def _answer(self, head: bytes, method: str) -> QuickAnswer:
        if head[:7] != b"HTTP/1.":
            raise QuickError("the answer is no HTTP/1.1")
        status = int(head[9:12])
        lower = head.lower()
        if method == "HEAD" or status in (204, 304) or status < 200:
            content = b""
        elif (at := lower.find(b"\r\ncontent-length:")) >= 0:
            end = lower.find(b"\r\n", at + 17)
            content = self._exactly(int(lower[at + 17 : end if end >= 0 else None]))
        elif b"\r\ntransfer-encoding: chunked" in lower:
            content = self._chunks()
        else:
            content = self._to_the_end()
        if b"\r\nconnection: close" in lower or head[:8] == b"HTTP/1.0":
            self.close()
        return QuickAnswer(status, head, content)

    def _exactly(self, length: int) -> bytes:
        if length > _MOST or length < 0:
            raise QuickError("the body is larger than 64 MB")
        data = self._left
        if len(data) < length:
            parts, have = [data], len(data)
            while have < length:
                parts.append(self._more())
                have += len(parts[-1])
            data = b"".join(parts)
        self._left = data[length:]
        return data[:length]

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            while (end := self._left.find(b"\r\n")) < 0:
                self._left += self._more()
            length = int(self._left[:end].partition(b";")[0], 16)
            self._left = self._left[end + 2 :]
            size += length
            if size > _MOST:
                raise QuickError("the body is larger than 64 MB")
            part = self._exactly(length + 2)
            if not length:
                return b"".join(parts)
            parts.append(part[:-2])

    def _to_the_end(self) -> bytes:
        parts, size = [self._left], len(self._left)
        while part := self._socket.recv(65536):
            size += len(part)
            if size > _MOST:
                raise QuickError("the body is larger than 64 MB")
            parts.append(part)
        self.close()
        return b"".join(parts)


class QuickUser(User):
    """A user with a `QuickClient`, logged in as the environment's user that `as_` names."""

    abstract = True
    as_ = ""
    """Name of a declared user; empty for nobody."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        order = users.order()
        self.client = QuickClient(
            self.host or "", environment.events.request, users.headers(self.as_), order.timeout, order.ca
        )

    def on_stop(self) -> None:
        """Closes the connection."""
        self.client.close()
