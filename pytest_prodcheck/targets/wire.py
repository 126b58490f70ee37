"""The one wire: everything that is HTTP goes through here — guarded, capped, timed by phase, bounded, recorded.

It rests on the standard library's `http.client`, which costs a third of the CPU of the alternatives (design.md §4).
"""

from __future__ import annotations

import http.client
import secrets
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_prodcheck import __version__
from pytest_prodcheck.config.models import Requests, Target
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets import peer_certificate
from pytest_prodcheck.targets.caps import CapReached, HostCaps
from pytest_prodcheck.targets.connection import Origin, Resolver, TimedConnection, tls_context
from pytest_prodcheck.targets.cookies import Jars
from pytest_prodcheck.targets.guard import http as guard
from pytest_prodcheck.targets.guard.origins import Origins
from pytest_prodcheck.targets.reaper import Reaper
from pytest_prodcheck.targets.transport_errors import classify

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of an answer that are read at most; what a target says is bounded."""
REDIRECT_LIMIT = 10
_CHUNK = 16384
_HEADER_LIMIT = 500
_REVEALING = frozenset({"set-cookie", "location", "www-authenticate", "link", "refresh", "authorization"})
"""Answer headers that carry credentials in forms that only patterns know."""
_IDLE_SECONDS = 4.0
"""An idle connection older than this is not used again: servers close theirs after 5 s (uvicorn, Node)."""


@dataclass(slots=True)
class Line:
    """What the wire knows of one target: how to trust it, what is always sent to it."""

    target: str
    origins: Origins
    tls: ssl.SSLContext | None = None
    ca: Path | None = None
    proxy: Origin | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    idle: list[tuple[float, TimedConnection]] = field(default_factory=list)


class Wire:
    """Sends HTTP requests for all targets of one run. Safe to call from many threads."""

    def __init__(
        self, requests: Requests, redactor: Redactor, run: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._requests, self._redactor, self._run, self._clock = requests, redactor, run, clock
        self._lines: dict[str, Line] = {}
        self._caps: dict[Origin, HostCaps] = {}
        self._caps_lock = threading.Lock()
        self.resolver, self.jars = Resolver(), Jars()
        self.stopped = threading.Event()
        self._reaper = Reaper()
        self.refused = self.writes = 0

    def open(self, target: str, table: Target, urls: tuple[str, ...], headers: Mapping[str, str], base: Path) -> None:
        """Makes a target known: only its `urls`' origins will be contacted on its behalf.

        Raises OSError or ssl.SSLError when its certificate files cannot be read.
        """
        secure = any(url.startswith("https:") for url in urls)
        self._lines[target] = Line(
            target,
            Origins.of(*urls),
            tls_context(table.tls, base) if secure else None,
            None if table.tls.ca in ("system", "certifi") else base / table.tls.ca,
            Origin.of(table.proxy) if table.proxy else None,
            headers,
        )

    def widen(self, target: str, *urls: str) -> None:
        """Lets a target contact further origins that a configured one has named (an issuer's token endpoint)."""
        line = self._lines[target]
        line.origins = line.origins.with_urls(*urls)

    def caps(self, origin: Origin) -> HostCaps:
        """The caps of one host, shared by all targets on it."""
        with self._caps_lock:
            return self._caps.setdefault(origin, HostCaps(self._requests))

    @property
    def sent(self) -> int:
        """How many requests were sent so far, to all hosts."""
        return sum(caps.sent for caps in self._caps.values())

    def stop(self) -> None:
        """Sends nothing more and ends what is under way."""
        self.stopped.set()
        self._reaper.cut_all()

    def close(self) -> None:
        """Closes all idle connections."""
        for line in self._lines.values():
            while line.idle:
                line.idle.pop()[1].close()

    def send(self, request: HttpRequest) -> Observation:
        """One exchange, redirects followed where asked; a failed one is an observation with `error`.

        Raises errors.Refused for what the guard refuses: nothing was sent then.
        """
        seen: list[str] = []
        observation = self._exchange(request)
        while request.follow and observation.status in (301, 302, 303, 307, 308) and "location" in observation.headers:
            location = observation.data.get("location", observation.headers["location"])
            following = self._next(request, location, observation.status)
            if isinstance(following, str):
                return replace(observation, error="redirect.refused", message=following, expected=False)
            seen.append(urlsplit(request.url).path or "/")
            if len(seen) > REDIRECT_LIMIT or urlsplit(following.url).path in seen[:-1]:
                chain = " → ".join([*seen, urlsplit(following.url).path])
                return replace(observation, error="redirect.loop", message=f"redirect loop {chain}", expected=False)
            request = following
            observation = self._exchange(request)
        return replace(observation, data={**observation.data, "redirects": seen}) if seen else observation

    def _next(self, request: HttpRequest, location: str, status: int) -> HttpRequest | str:
        line = self._lines[request.target]
        try:
            url = guard.check_redirect(request, location, line.origins, status)
        except Refused as refusal:
            self.refused += 1
            return str(refusal)
        again = status in (307, 308) or request.method in ("GET", "HEAD")
        return replace(request, url=url) if again else replace(request, url=url, method="GET", body=b"")

    def _exchange(self, request: HttpRequest) -> Observation:
        line = self._lines[request.target]
        try:
            guard.check(request, line.origins)
        except Refused:
            self.refused += 1
            raise
        origin = Origin.of(request.url)
        caps = self.caps(origin)
        self.writes += request.effect == "write"
        called, deadline = time.perf_counter(), time.monotonic() + request.timeout
        try:
            with caps.permit(max(deadline, time.monotonic() + request.timeout * 3), self.stopped):
                observation = self._attempt(request, line, origin)
        except CapReached as reason:
            return self._failed(request, "stopped", str(reason))
        if observation.status == 429:
            caps.back_off(_retry_after(observation.headers))
        return replace(observation, wall=time.perf_counter() - called)

    def _attempt(self, request: HttpRequest, line: Line, origin: Origin) -> Observation:
        """One request on the wire; sent again on a new connection where an idle one turned out to be closed.

        RFC 9112 §9.3.1 allows that for reads: the server closed before it saw the request.
        """
        started_at, deadline = self._clock(), time.monotonic() + request.timeout
        connection = self._connection(line, origin)
        while True:
            try:
                if connection.sock is None:
                    connection.timeout = max(0.05, deadline - time.monotonic())
                    connection.connect()
                with self._reaper.watch(connection.sock, deadline):
                    return self._converse(connection, request, line, started_at, deadline)
            except (OSError, http.client.HTTPException, ValueError) as error:
                connected = connection.sock is not None and connection.reused
                stale = connection.reused and isinstance(error, ConnectionError) and request.effect == "read" and not request.once
                late = time.monotonic() >= deadline
                shaken = "tls" in connection.phases or not origin.scheme == "https"
                connected = connected or (connection.sock is not None and bool(connection.phases) and shaken)
                connection.close()
                if stale and not late:
                    connection = self._fresh(line, origin)
                    continue
                kind = "timeout" if late and connected else classify(error, connected=connected)
                return self._explained(request, line, origin, kind, error, started_at, connection.phases)

    def _converse(
        self, connection: TimedConnection, request: HttpRequest, line: Line, started_at: float, deadline: float
    ) -> Observation:
        phases = {} if connection.reused else dict(connection.phases)
        connection.sock.settimeout(max(0.05, deadline - time.monotonic()))
        begin = time.perf_counter()
        self._write(connection, request, line)
        if connection.certificate is None:
            _wait_readable(connection)
        first = time.perf_counter()
        response = connection.getresponse()
        first = first if connection.certificate is None else time.perf_counter()
        phases["first_byte"] = first - begin
        body, cut = _read(response, deadline)
        phases["body"] = time.perf_counter() - first
        certificate = {} if connection.reused else self._certificate(connection)
        response.close()
        if not cut and not response.will_close:
            connection.reused = True
            line.idle.append((time.monotonic(), connection))
        else:
            connection.close()
        return self._observed(request, response, body, cut, started_at, phases, certificate)

    def _write(self, connection: TimedConnection, request: HttpRequest, line: Line) -> None:
        parts = urlsplit(request.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        plain_proxy = line.proxy and parts.scheme == "http"
        connection.putrequest(request.method, request.url if plain_proxy else path, skip_accept_encoding=True)
        headers = {
            "accept": "*/*",
            "accept-encoding": "identity",
            "user-agent": f"prodcheck/{__version__} (run {self._run})",
            "x-prodcheck-run": self._run,
            "traceparent": f"00-{self._run:0>32}-{secrets.token_hex(8)}-01",
            **{name.lower(): value for name, value in line.headers.items()},
            **{name.lower(): value for name, value in request.headers.items()},
        }
        if request.jar and (cookies := self.jars.header(request.jar, request.url)):
            headers["cookie"] = cookies
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            headers["content-length"] = str(len(request.body))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(request.body or None)

    def _connection(self, line: Line, origin: Origin) -> TimedConnection:
        while line.idle:
            try:
                since, connection = line.idle.pop()
            except IndexError:
                break
            if connection.origin == origin and time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.close()
        return self._fresh(line, origin)

    def _fresh(self, line: Line, origin: Origin) -> TimedConnection:
        return TimedConnection(origin, self.resolver, line.tls if origin.scheme == "https" else None, line.proxy)

    def _certificate(self, connection: TimedConnection) -> dict[str, Any]:
        der = connection.certificate
        return {"certificate": peer_certificate.facts(der)} if der else {}

    def _observed(
        self,
        request: HttpRequest,
        response: http.client.HTTPResponse,
        body: bytes,
        cut: str,
        started_at: float,
        phases: Mapping[str, float],
        certificate: Mapping[str, Any],
    ) -> Observation:
        status = response.status
        raw = {name.lower(): value for name, value in response.getheaders()}
        if request.jar:
            self.jars.keep(request.jar, request.url, response.msg)
        for cookie in response.msg.get_all("set-cookie", ()):
            self._redactor.add(cookie.split(";")[0].partition("=")[2].strip(), "a cookie of the target")
        expected = not cut and (status in request.expected if request.expected else 200 <= status < 300)
        data: dict[str, Any] = dict(certificate)
        if "location" in raw:
            data["location"] = raw["location"]
        return Observation(
            target=request.target,
            operation=self._name(request),
            kind=request.kind,
            subject=request.subject,
            user=request.user,
            started_at=started_at,
            phases=phases,
            status=status,
            error=cut,
            headers={name: self._shown(name, value) for name, value in raw.items()},
            excerpt="" if expected else self._redactor.clean_bytes(body, raw.get("content-type", "")),
            size=len(body),
            attempt=request.attempt,
            expected=expected,
            data=data,
            body=body,
        )

    def _explained(
        self,
        request: HttpRequest,
        line: Line,
        origin: Origin,
        kind: str,
        error: BaseException,
        started_at: float,
        phases: Mapping[str, float],
    ) -> Observation:
        """A failed exchange; for a certificate that is not trusted, with the certificate that was shown."""
        data: dict[str, Any] = {"host": origin.host, "port": origin.port}
        if kind.startswith("tls.") and line.proxy is None:
            address = self.resolver.look_up(origin.host, origin.port, 1.0)[0][1]
            certificate, sent = peer_certificate.shown_by(origin, address, min(5.0, request.timeout))
            data["certificate"] = certificate
            if kind == "tls.untrusted" and peer_certificate.lacks_intermediate(certificate, sent, line.ca):
                kind = "tls.chain_incomplete"
        text = f"{request.timeout:g} s without a complete answer" if kind == "timeout" else str(error)
        return replace(self._failed(request, kind, text), started_at=started_at, phases=phases, data=data)

    def _failed(self, request: HttpRequest, kind: str, text: str) -> Observation:
        return Observation(
            target=request.target,
            operation=self._name(request),
            kind=request.kind,
            subject=request.subject,
            user=request.user,
            started_at=self._clock(),
            error=kind,
            message=self._redactor.clean(text, 500),
            attempt=request.attempt,
            expected=False,
        )

    def _shown(self, name: str, value: str) -> str:
        """A header's value as it may be kept: bounded, without secrets and control characters."""
        if name in _REVEALING or len(value) > _HEADER_LIMIT or not value.isprintable():
            return self._redactor.clean(value, _HEADER_LIMIT)
        return self._redactor.scrub(value)

    def _name(self, request: HttpRequest) -> str:
        return request.operation or self._redactor.clean(f"{request.method} {urlsplit(request.url).path or '/'}", 300)


def _wait_readable(connection: TimedConnection) -> None:
    """Blocks until the answer's first byte is there, so that parsing does not count as the server's time."""
    import socket

    connection.sock.recv(1, socket.MSG_PEEK)


def _read(response: http.client.HTTPResponse, deadline: float) -> tuple[bytes, str]:
    """The body within its limit, and the error class of a cut one."""
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(min(response.length or _CHUNK, _CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_LIMIT:
            return b"".join(chunks)[:BODY_LIMIT], "body.too_large"
        if time.monotonic() > deadline:
            raise TimeoutError("the body did not end in time")
    if response.length:
        return b"".join(chunks), "timeout" if time.monotonic() > deadline else "body.truncated"
    return _decoded(b"".join(chunks), response.getheader("content-encoding", "") or ""), ""


def _decoded(body: bytes, encoding: str) -> bytes:
    """Gzip and deflate undone within the limit, for servers that compress although we ask for `identity`."""
    if encoding.strip().lower() not in ("gzip", "deflate", "x-gzip"):
        return body
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, BODY_LIMIT)
    except zlib.error:
        return body


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After header (RFC 9110 §10.2.3), 1 s where there is none that can be read, 60 s at most."""
    text = headers.get("retry-after", "")
    return min(60.0, float(text)) if text.isdigit() else 1.0
