"""A small HTTP system on a real socket: routes that a test programs, and a count of what arrived."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What a route says. `delay` is in seconds; `never` accepts the request and does not answer it."""

    status: int = 200
    body: object = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    never: bool = False

    @property
    def raw(self) -> bytes:
        """The body's bytes: JSON, unless it is text already."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        """`text/plain` for text, `application/json` for anything else."""
        return "text/plain" if isinstance(self.body, str) else "application/json"


@dataclass
class System:
    """The system under test. `asked` lists every request that arrived, as `METHOD /path`, in order."""

    port: int
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    _routes: dict[str, list[Answer | Callable[[Mapping[str, str]], Answer]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def on(self, route: str, *answers: Answer | int | object) -> None:
        """Programs `/path` or `METHOD /path`: answers one after the other, the last one for ever.

        An answer is a status, a body, an `Answer`, or a function from the request's headers to an `Answer`.
        """
        key = route if " " in route else f"GET {route}"
        self._routes[key] = [_programmed(answer) for answer in answers]

    def answer(self, request: str, headers: Mapping[str, str]) -> Answer:
        """What comes next for `METHOD /path`; 404 for a route that nobody programmed."""
        queue = self._routes.get(request, [Answer(404, "no such route")])
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        return answer if isinstance(answer, Answer) else answer(headers)

    def count(self, request: str) -> int:
        """How often `METHOD /path` arrived."""
        return self.asked.count(request)


def _programmed(answer: object) -> Answer | Callable[[Mapping[str, str]], Answer]:
    if isinstance(answer, Answer) or callable(answer):
        return answer
    return Answer(answer) if isinstance(answer, int) else Answer(body=answer)


@contextmanager
def running(routes: Mapping[str, Sequence[Answer]] | None = None) -> Iterator[System]:
    """A system on a free port of 127.0.0.1 for the duration of the block; `/` answers 200."""
    listening = _Listener(("127.0.0.1", 0), _Handler)
    system = listening.system = System(listening.server_port)
    system.on("/", "ok")
    for route, answers in (routes or {}).items():
        system.on(route, *answers)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield system
    finally:
        system.ended.set()
        listening.shutdown()
        thread.join()
        listening.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    system: System


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        system, request = self.server.system, f"{self.command} {self.path.partition('?')[0]}"
        self.rfile.read(int(self.headers.get("content-length", 0)))
        system.asked.append(request)
        system.headers.append({name.lower(): value for name, value in self.headers.items()})
        answer = system.answer(request, system.headers[-1])
        if answer.never:
            system.ended.wait(60)
            self.close_connection = True
            return
        time.sleep(answer.delay)
        self._send(answer)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"content-type": answer.content_type, "content-length": str(len(answer.raw)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.raw)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
