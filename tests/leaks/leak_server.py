"""A system that tells everything it knows: it repeats what it is sent, and answers with what it was given to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from leak_secrets import COOKIE, LOGIN_TOKEN, REFRESH_TOKEN


@dataclass
class Said:
    """One programmed answer: status line, headers and the chunks of its body, as bytes on the wire."""

    body: bytes = b""
    status: int = 500
    reason: bytes = b"Internal Server Error"
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"text/plain; charset=utf-8"),)
    chunks: tuple[bytes, ...] = ()


@dataclass
class Teller:
    """The running system. `said` are its programmed answers by path; `heard` the bodies that arrived."""

    url: str
    said: dict[str, Said] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def telling() -> Iterator[Teller]:
    """A system on a free port of 127.0.0.1 for the duration of the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.teller = Teller(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.teller
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    teller: Teller


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        teller, path = self.server.teller, self.path.partition("?")[0]
        teller.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        if path in teller.said:
            self._say(teller.said[path])
        elif path == "/login":
            self._json(200, {"access_token": LOGIN_TOKEN.value, "refresh_token": REFRESH_TOKEN.value}, login=True)
        elif path == "/graphql":
            message = f"{self.headers.get('authorization')} may not: {body.decode('utf-8', 'replace')}"
            self._json(200, {"errors": [{"message": message, "extensions": {"code": "access-denied"}}]})
        elif path.startswith("/echo"):
            headers = {name: value.encode("latin-1").decode("utf-8", "replace") for name, value in self.headers.items()}
            echo = {"headers": headers, "path": self.path, "body": body.decode("utf-8", "replace")}
            self._json(500 if path == "/echo/500" else 200, echo)
        else:
            self._json(200, {"status": "ok"})

    do_POST = do_GET

    def _json(self, status: int, value: Any, *, login: bool = False) -> None:
        cookie = (b"set-cookie", f"sid={COOKIE.value}; Path=/; HttpOnly".encode())
        headers = ((b"content-type", b"application/json"), *((cookie,) if login else ()))
        self._say(Said(json.dumps(value, ensure_ascii=False).encode(), status, b"OK", headers))

    def _say(self, said: Said) -> None:
        parts = [b"HTTP/1.1 %d %s" % (said.status, said.reason), *(b"%s: %s" % pair for pair in said.headers)]
        length = b"transfer-encoding: chunked" if said.chunks else b"content-length: %d" % len(said.body)
        self.wfile.write(b"\r\n".join([*parts, length, b"", b""]))
        for chunk in said.chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n" if said.chunks else said.body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
