"""The one wire: everything that is HTTP goes through here — guarded, capped, timed by phase, bounded, recorded.

It rests on the standard library's `http.client`, which costs a third of the CPU of the alternatives (design.md §4).
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from pytest_prodcheck.config.models import Requests, Tls, WebTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets import exchange
from pytest_prodcheck.targets.caps import CapReached, HostCaps
from pytest_prodcheck.targets.connection import Origin, Proxy, Resolver, TimedConnection, tls_context
from pytest_prodcheck.targets.cookies import Jars
from pytest_prodcheck.targets.guard import http as guard
from pytest_prodcheck.targets.guard.origins import Origins
from pytest_prodcheck.targets.reaper import Reaper
from pytest_prodcheck.targets.recording import Began, Failure, Recording
from pytest_prodcheck.targets.transport_errors import classify

REDIRECT_LIMIT = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_IDLE_SECONDS = 4.0
"""An idle connection older than this is not used again: servers close theirs after 5 s (uvicorn, Node)."""


@dataclass(slots=True)
class Line:
    """What the wire knows of one target: how to trust it, what is always sent to it."""

    origins: Origins
    tls: Tls
    base: Path
    proxy: Proxy | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    idle: list[tuple[float, TimedConnection]] = field(default_factory=list)
    context: ssl.SSLContext | None = None
    check: Callable[[HttpRequest], None] | None = None
    """What judges its requests beside the guard of all HTTP; raises errors.Refused."""

    @property
    def ca(self) -> Path | None:
        """The file of the trusted roots; None for a store of the system's."""
        return None if self.tls.ca == "system" else self.base / self.tls.ca

    def context_for(self, origin: Origin) -> ssl.SSLContext | None:
        """The TLS context for an origin, made once; None where it speaks plain HTTP."""
        if origin.scheme == "https" and self.context is None:
            self.context = tls_context(self.tls, self.base)
        return self.context if origin.scheme == "https" else None

    def take_idle(self, origin: Origin) -> TimedConnection | None:
        """A connection to `origin` that is still fresh; stale ones are closed on the way."""
        while self.idle:
            try:
                since, connection = self.idle.pop()
            except IndexError:
                return None
            if connection.origin == origin and time.monotonic() - since < _IDLE_SECONDS and connection.quiet:
                return connection
            connection.close()
        return None


class Wire:
    """Sends HTTP requests for all targets of one run. Safe to call from many threads."""

    def __init__(
        self, requests: Requests, redactor: Redactor, run: str, clock: Callable[[], float] = time.time
    ) -> None:
        """`run` names this run in every request (User-Agent, `x-prodcheck-run`, `traceparent`)."""
        self._requests, self._run, self._clock = requests, run, clock
        self._recording = Recording(redactor, clock)
        self._lines: dict[str, Line] = {}
        self._caps: dict[Origin, HostCaps] = {}
        self._caps_lock = threading.Lock()
        self.resolver, self.jars = Resolver(), Jars()
        self.stopped = threading.Event()
        self._reaper = Reaper()
        self.refused = self.writes = 0

    def open(
        self,
        target: str,
        table: WebTarget,
        urls: tuple[str, ...],
        headers: Mapping[str, str],
        base: Path,
        context: ssl.SSLContext | None = None,
        check: Callable[[HttpRequest], None] | None = None,
    ) -> None:
        """Makes a target known: only its `urls`' origins will be contacted on its behalf. `context` stands for what the
        table says of TLS; `check` refuses what is no read of this kind of server, whatever HTTP calls it.

        Raises ConfigError when its certificate files cannot be used.
        """
        proxy = Proxy.of(table.proxy) if table.proxy else None
        line = self._lines[target] = Line(Origins.of(*urls), table.tls, base, proxy, headers, check=check)
        if context is not None:
            line.context = context
        elif table.tls.ca != "system" or table.tls.client_certificate or any(url.startswith("https:") for url in urls):
            line.context = tls_context(table.tls, base)  # now, so that a file that cannot be read is seen at once

    def widen(self, target: str, *urls: str) -> None:
        """Lets a target contact further origins that a configured one has named (an issuer's token endpoint)."""
        line = self._lines[target]
        line.origins = line.origins.with_urls(*urls)

    def caps(self, origin: Origin) -> HostCaps:
        """The caps of one host, shared by all targets on it."""
        with self._caps_lock:
            if origin not in self._caps:
                self._caps[origin] = HostCaps(self._requests)
            return self._caps[origin]

    @property
    def sent(self) -> int:
        """How many requests were sent so far, to all hosts."""
        return sum(caps.sent for caps in list(self._caps.values()))

    def stop(self) -> None:
        """Sends nothing more and ends what is under way."""
        self.stopped.set()
        self._reaper.cut_all()

    def close(self) -> None:
        """Closes all idle connections."""
        self._reaper.close()
        for line in self._lines.values():
            while line.idle:
                line.idle.pop()[1].close()

    def send(self, request: HttpRequest) -> Observation:
        """One exchange, redirects followed where asked; a failed one is an observation with `error`.

        Raises errors.Refused for what the guard refuses: nothing was sent then.
        """
        seen: list[str] = []
        urls: set[str] = set()
        observation, location = self._exchange(request)
        while request.follow and location and observation.status in _REDIRECTS:
            following = self._next(request, location, observation.status)
            if isinstance(following, str):
                return self._recording.noted(observation, "redirect.refused", following)
            seen.append(urlsplit(request.url).path or "/")
            if len(seen) > REDIRECT_LIMIT or following.url in urls:
                chain = " → ".join([*seen, urlsplit(following.url).path])
                return self._recording.noted(observation, "redirect.loop", f"redirect loop {chain}")
            urls.add(request.url)
            spent = sum(observation.phases.values())
            request = replace(following, timeout=max(0.05, request.timeout - spent))
            observation, location = self._exchange(request)
        return replace(observation, data={**observation.data, "redirects": seen}) if seen else observation

    @contextmanager
    def standing(
        self, target: str, url: str, timeout: float, at_most: float
    ) -> Iterator[tuple[TimedConnection, dict[str, str], Callable[[], None]]]:
        """Like `connected`, for what stands long: it is in flight until the function that comes with it is called.
        How many stand is capped by `HostCaps.standing`, which its caller holds."""
        with ExitStack() as stack:
            permit = stack.enter_context(ExitStack())
            line, origin = self._lines[target], Origin.of(url)
            line.origins.check(urlsplit(url), f"WebSocket {urlsplit(url).path}")
            end = time.monotonic() + at_most
            permit.enter_context(self.caps(origin).permit(end, self.stopped))
            connection = self._fresh(line, origin)
            stack.callback(connection.close)
            connection.timeout = timeout
            stack.enter_context(self._reaper.watch(connection, end + timeout))
            connection.connect()
            yield connection, exchange.own_headers(self._run), permit.close

    def count_write(self) -> None:
        """A declared write went out that is no request of HTTP."""
        with self._caps_lock:
            self.writes += 1

    @contextmanager
    def connected(
        self, target: str, url: str, timeout: float, at_most: float
    ) -> Iterator[tuple[TimedConnection, dict[str, str]]]:
        """A connection of its own to a configured origin, and the headers that say who we are: for what is more than
        one exchange (a WebSocket). It counts as one request, stands within `timeout` and ends after `at_most` seconds.

        Raises errors.Refused, caps.CapReached, and OSError for a connection that fails.
        """
        line, origin = self._lines[target], Origin.of(url)
        line.origins.check(urlsplit(url), f"WebSocket {urlsplit(url).path}")
        end = time.monotonic() + at_most
        with self.caps(origin).permit(end, self.stopped):
            connection = self._fresh(line, origin)
            connection.timeout = timeout
            try:
                with self._reaper.watch(connection, end + timeout):
                    connection.connect()
                    yield connection, exchange.own_headers(self._run)
            finally:
                connection.close()

    def _next(self, request: HttpRequest, location: str, status: int) -> HttpRequest | str:
        line = self._lines[request.target]
        try:
            url = guard.check_redirect(request, location, line.origins, status)
        except Refused as refusal:
            self.refused += 1
            return str(refusal)
        again = status in (307, 308) or request.method in ("GET", "HEAD")
        if Origin.of(url) != Origin.of(request.url):
            request = replace(request, headers=_impersonal(request.headers))
        return replace(request, url=url) if again else replace(request, url=url, method="GET", body=b"")

    def _exchange(self, request: HttpRequest) -> tuple[Observation, str]:
        """The observation, and where it redirects to as the server wrote it (which is never kept)."""
        line = self._lines[request.target]
        try:
            whole = replace(request, headers={**line.headers, **request.headers}) if line.headers else request
            guard.check(whole, line.origins)
            if line.check:
                line.check(whole)
        except Refused:
            self.refused += 1
            raise
        caps = self.caps(Origin.of(request.url))
        called = time.perf_counter()
        try:
            with caps.permit(time.monotonic() + request.timeout * 3, self.stopped):
                self._count_write(request)
                observation, location = self._attempt(request, line, called)
        except CapReached as reason:
            return self._recording.failed(request, Failure("stopped", str(reason), self._clock())), ""
        if observation.status == 429:
            caps.back_off(exchange.retry_after(observation.headers))
        return (observation if observation.wall else replace(observation, wall=time.perf_counter() - called)), location

    def _attempt(self, request: HttpRequest, line: Line, called: float) -> tuple[Observation, str]:
        """One request on the wire; sent again on a new connection where an idle one turned out to be closed.

        RFC 9112 §9.3.1 allows that for reads: the server closed before it saw the request.
        """
        origin, began = Origin.of(request.url), Began(self._clock(), called)
        deadline = time.monotonic() + request.timeout
        connection = line.take_idle(origin) or self._fresh(line, origin)
        while True:
            try:
                return self._converse(connection, request, line, began, deadline)
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                late = time.monotonic() >= deadline
                if _may_send_again(connection, request, error) and not late:
                    connection = self._fresh(line, origin)
                    continue
                failure = Failure(*self._why(error, connection, late), began.at, connection.phases, error)
                return self._recording.explained(request, failure, origin, self.resolver, line.ca, line.proxy), ""

    def _why(self, error: Exception, connection: TimedConnection, late: bool) -> tuple[str, str]:
        """The class of a failed exchange, and its words. What we cut ourselves is not the server's fault."""
        if self.stopped.is_set():
            return "stopped", "the run was stopped while the answer was awaited"
        if connection.proxy and not connection.established:
            return "proxy", f"proxy {connection.proxy.origin}: {error}"
        if late and connection.established:
            return "timeout", str(error)
        return classify(error, connected=connection.established), str(error)

    def _count_write(self, request: HttpRequest) -> None:
        if request.effect == "write":
            with self._caps_lock:
                self.writes += 1

    def _converse(
        self, connection: TimedConnection, request: HttpRequest, line: Line, began: Began, deadline: float
    ) -> tuple[Observation, str]:
        with self._reaper.watch(connection, deadline):
            if connection.sock is None:
                connection.timeout = max(0.05, deadline - time.monotonic())
                connection.connect()
            answer = exchange.converse(connection, request, self._headers(request, line), deadline)
        if self.stopped.is_set() and not answer.keeps:
            raise ConnectionAbortedError("our cut looks like the end of a body without a length")
        if request.jar:
            self.jars.keep(request.jar, request.url, answer.headers)
        observation = self._recording.answered(request, answer, began)
        if answer.keeps:
            connection.reused = True
            line.idle.append((time.monotonic(), connection))
        else:
            connection.close()
        if answer.status == 407 and line.proxy:  # RFC 9110 §15.5.8: only a proxy says so
            wants = "refuses our credentials" if line.proxy.authorization else "wants credentials"
            observation = self._recording.noted(observation, "proxy", f"proxy {line.proxy.origin} {wants} (407)")
        return observation, answer.headers.get("location", "")

    def _headers(self, request: HttpRequest, line: Line) -> dict[str, str]:
        headers = exchange.own_headers(self._run)
        headers.update((name.lower(), value) for name, value in line.headers.items())
        headers.update((name.lower(), value) for name, value in request.headers.items())
        if request.jar and (cookies := self.jars.header(request.jar, request.url)):
            headers["cookie"] = cookies
        return headers

    def _fresh(self, line: Line, origin: Origin) -> TimedConnection:
        return TimedConnection(origin, self.resolver, line.context_for(origin), line.proxy)


def _impersonal(headers: Mapping[str, str]) -> dict[str, str]:
    """What may follow a redirect to another origin: not who asks (Fetch standard, HTTP-redirect fetch)."""
    return {name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")}


def _may_send_again(connection: TimedConnection, request: HttpRequest, error: Exception) -> bool:
    closed = isinstance(error, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return connection.reused and closed and request.effect == "read" and not request.once
