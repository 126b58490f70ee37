"""A server on a real socket that answers as a test says, and a plain sender that asks it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import HttpRequest


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], Any]
Route = Answer | Callable[[Asked], Answer]


@dataclass
class Server:
    """Routes by `METHOD /path`, with its query or without; `asked` is everything that arrived."""

    url: str
    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of 127.0.0.1 for the duration of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = Asked(
                self.command, self.path, {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(self.headers.get("content-length", 0))),
            )  # fmt: skip
            server.asked.append(asked)
            plain = server.routes.get(f"{self.command} {self.path.partition('?')[0]}", (404, {}, "not found"))
            route = server.routes.get(f"{self.command} {self.path}", plain)
            status, headers, body = route(asked) if callable(route) else route
            raw = (
                body
                if isinstance(body, bytes)
                else body.encode()
                if isinstance(body, str)
                else json.dumps(body).encode()
            )
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{listening.server_port}")
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


class PlainSender:
    """The least that a `Sender` is: one connection a request, nothing repeated, nothing followed."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> Observation:
        """One exchange over a real socket."""
        self.requests.append(request)
        begin = time.time()
        parts = urlsplit(request.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=request.timeout)
        seen = Observation(request.target, request.operation, request.kind, request.subject, request.user, begin)
        try:
            connection.request(request.method, parts.path, request.body or None, dict(request.headers))
            response = connection.getresponse()
            body = response.read()
        except OSError:
            return Observation(request.target, request.operation, error="tcp.refused", expected=False, started_at=begin)
        finally:
            connection.close()
        ok = response.status in request.expected if request.expected else 200 <= response.status < 300
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Observation(
            seen.target, seen.operation, seen.kind, seen.subject, seen.user, begin, {}, time.time() - begin,
            response.status, headers=headers, excerpt=body[:200].decode("utf-8", "replace"), size=len(body),
            expected=ok, body=body,
        )  # fmt: skip
