"""A server that says exactly the bytes that a test wants, in plain or over TLS, and a wire to ask it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pytest_prodcheck.config.models import Requests, Tls, WebTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.wire import Wire

Script = Callable[[socket.socket, "RawServer"], None]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class RawServer:
    """`port` listens; every connection runs the script in a thread of its own."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over; a script that waits, waits for it."""

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """The URL of a path."""
        return f"{scheme}://{host}:{self.port}{path}"

    def read(self, connection: socket.socket) -> bytes:
        """One request as it arrived, kept in `requests`; empty when the peer has closed."""
        raw = b""
        while b"\r\n\r\n" not in raw:
            chunk = connection.recv(65536)
            if not chunk:
                return b""
            raw += chunk
        head, _, body = raw.partition(b"\r\n\r\n")
        length = next((int(row[15:]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


def answering(
    pieces: Iterable[bytes] | Callable[[bytes], Iterable[bytes]], pause: float = 0.0, end: bool = True
) -> Script:
    """A script: reads a request, says the pieces, which its head may make, and ends, now or with the test."""

    def script(connection: socket.socket, server: RawServer) -> None:
        head = server.read(connection)
        for piece in pieces(head) if callable(pieces) else pieces:
            connection.sendall(piece)
            if pause and server.over.wait(pause):
                return
        if not end:
            server.over.wait(10)

    return script


@contextmanager
def raw_server(script: Script, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A listening server for the duration of the block."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = RawServer(listening.getsockname()[1])
    open_now: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            shaken = context.wrap_socket(connection, server_side=True) if context else connection
            open_now.append(shaken)
            with shaken:
                script(shaken, server)
        connection.close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                server.connections += 1
                open_now.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        server.over.set()
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for connection in open_now:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


def always(answer: bytes = OK, *, close: bool = False) -> Script:
    """A script that gives the same answer to every request."""

    def script(connection: socket.socket, server: RawServer) -> None:
        while server.read(connection):
            connection.sendall(answer)
            if close:
                return

    return script


@contextmanager
def wire_to(
    *urls: str, caps: Requests | None = None, tls: Tls | None = None, proxy: str = "", base: Path = Path("/")
) -> Iterator[Wire]:
    """A wire with one target, `http`, that may contact `urls`."""
    wire = Wire(caps or Requests(), Redactor(), "0" * 32)
    wire.open("http", WebTarget(tls=tls or Tls(), proxy=proxy), urls, {}, base)
    try:
        yield wire
    finally:
        wire.stop()
        wire.close()


def get(url: str, **fields: object) -> HttpRequest:
    """A GET of the target `http`; five seconds unless told otherwise."""
    return HttpRequest("http", "GET", url, **{"timeout": 5.0, **fields})  # type: ignore[arg-type]
