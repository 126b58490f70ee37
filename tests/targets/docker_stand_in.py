"""A stand-in for a Docker daemon, for what a real one cannot be brought to say: nonsense, malice, other versions."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

Answers = Mapping[str, tuple[int, Any]]
"""Path without its version → status, and a document, bytes as they are, or seconds between single bytes."""


@contextlib.contextmanager
def stand_in(folder: Path, answers: Answers) -> Iterator[tuple[str, list[str]]]:
    """The address of a socket that answers so, and the requests that it got."""
    got: list[str] = []

    class Handler(_Handler):
        """Answers from the table."""

        known: ClassVar[Answers] = answers
        asked: ClassVar[list[str]] = got

    folder.mkdir(exist_ok=True)
    path = folder / "docker.sock"
    with _Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"unix://{path}", got
        finally:
            server.shutdown()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up on a stand-in is right."""


class _Handler(BaseHTTPRequestHandler):
    known: ClassVar[Answers] = {}
    asked: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        """A socket's client has no address."""
        return ""

    def do_GET(self) -> None:
        """Answers what the table says; 404 for everything else."""
        path = urlsplit(self.path).path
        self.asked.append(f"GET {self.path}")
        plain = "/" + path.split("/", 2)[2] if path.startswith("/v1.") else path
        status, content = self.known.get(plain, (404, {"message": "page not found"}))
        drip = content if isinstance(content, float) else 0.0
        body = b" " * 1000 if drip else content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        for position in range(0, len(body), 1 if drip else len(body)):
            self.wfile.write(body[position : position + (1 if drip else len(body))])
            time.sleep(drip)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
