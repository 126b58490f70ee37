"""One HTTP connection whose set-up is timed by phase: DNS, TCP, TLS (RFC 9110 over RFC 9112)."""

from __future__ import annotations

import base64
import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from pytest_prodcheck.config.models import Tls
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.targets.arrival import StampedSocket
from pytest_prodcheck.targets.head import FinalResponse

_TIMEOUT_SLACK = 0.05
Address = tuple[int, str, int]
"""Family, IP address, port."""


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454): what a connection is for, and what caps count by."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """The origin of an absolute URL."""
        parts = urlsplit(url)
        return _origin(parts.scheme, parts.netloc)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@lru_cache(maxsize=256)
def _origin(scheme: str, netloc: str) -> Origin:
    parts = SplitResult(scheme, netloc, "", "", "")
    return Origin(scheme, (parts.hostname or "").lower(), parts.port or (443 if scheme == "https" else 80))


@dataclass(frozen=True, slots=True)
class Proxy:
    """The HTTP proxy of a target: where it is, and the `proxy-authorization` it is sent (RFC 9110 §11.7.2)."""

    origin: Origin
    authorization: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> Proxy:
        """The proxy at a URL; its user and password, percent-encoded there, become Basic credentials (RFC 7617)."""
        parts = urlsplit(url)
        if parts.username is None:
            return cls(Origin.of(url))
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(Origin.of(url), f"Basic {base64.b64encode(pair.encode()).decode()}")

    @property
    def headers(self) -> dict[str, str]:
        """What is sent to the proxy alone."""
        return {"proxy-authorization": self.authorization} if self.authorization else {}


class Resolver:
    """Addresses by host, looked up once a run. A resolver that hangs cannot hang us."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Sequence[Address]] = {}

    def look_up(self, host: str, port: int, timeout: float) -> Sequence[Address]:
        """All stream addresses of the host, in the system's order. Raises socket.gaierror, also for a slow resolver."""
        if known := self._known.get((host, port)):
            return known
        answer: list[Sequence[Address] | OSError] = []
        name = host.encode() if host.isascii() else host  # text would load the codec of international names

        def ask() -> None:
            try:
                found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
                answer.append(list(dict.fromkeys((int(row[0]), str(row[4][0]), port) for row in found)))
            except UnicodeError:
                answer.append(socket.gaierror(socket.EAI_NONAME, "the host name is not a valid name"))
            except OSError as error:
                answer.append(error)

        thread = threading.Thread(target=ask, name="prodcheck-resolver", daemon=True)
        thread.start()
        thread.join(timeout)
        if not answer:
            raise socket.gaierror(socket.EAI_AGAIN, f"the resolver did not answer in {timeout:.0f} s")
        if isinstance(answer[0], OSError):
            raise answer[0]
        self._known[(host, port)] = answer[0]
        return answer[0]


class TimedConnection(http.client.HTTPConnection):
    """An `http.client` connection that times its set-up and keeps the peer's certificate."""

    response_class = FinalResponse

    def __init__(self, origin: Origin, resolver: Resolver, context: ssl.SSLContext | None, proxy: Proxy | None) -> None:
        hop = proxy.origin if proxy else origin
        super().__init__(hop.host, hop.port)
        self.origin, self.proxy = origin, proxy
        self.phases: dict[str, float] = {}
        self.reused = False
        self.began = 0.0
        """When the request's first byte was sent, on the clock of `time.perf_counter`."""
        self.open_socket: socket.socket | None = None
        """The socket from before it is connected on; `http.client` forgets its own before the body was read."""
        self._resolver, self._context = resolver, context
        if proxy and context:
            self.set_tunnel(origin.host, origin.port, proxy.headers)

    def put(self, data: bytes) -> None:
        """Sends a whole request; remembers when its first byte went out."""
        self.began = time.perf_counter()
        self.sock.sendall(data)

    def allow(self, seconds: float) -> None:
        """Lets each read and write take so long. A system call that changes next to nothing is left out: the reaper
        ends the exchange at its deadline all the same."""
        if isinstance(self.sock, StampedSocket):
            self.sock.allow(seconds)
            return
        now = self.sock.gettimeout()
        if now is None or abs(now - seconds) > _TIMEOUT_SLACK:
            self.sock.settimeout(seconds)

    def connect(self) -> None:
        """Looks up, connects, tunnels and shakes hands within `self.timeout` seconds; fills `phases`.

        A proxy's tunnel belongs to `tcp`: until it stands, the host itself was not reached.
        """
        end = time.perf_counter() + float(self.timeout or 10.0)
        started = time.perf_counter()
        addresses = self._resolver.look_up(self.host, self.port, end - started)
        looked_up = time.perf_counter()
        self.sock = self._connect_first(addresses, end)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if getattr(self, "_tunnel_host", None):
            self._tunnel()  # type: ignore[attr-defined]
            if time.perf_counter() >= end:  # `http.client` takes the reaper's cut for the end of the proxy's answer
                raise TimeoutError("the tunnel did not stand in time")
        connected = time.perf_counter()
        self.phases = {"dns": looked_up - started, "tcp": connected - looked_up}
        if self._context:
            self._shake_hands(self._context, end)
            self.phases["tls"] = time.perf_counter() - connected

    def _shake_hands(self, context: ssl.SSLContext, end: float) -> None:
        self.sock.settimeout(max(0.05, end - time.perf_counter()))
        encrypted = context.wrap_socket(self.sock, server_hostname=self.origin.host, do_handshake_on_connect=False)
        self.sock = self.open_socket = encrypted
        encrypted.do_handshake()

    def _connect_first(self, addresses: Sequence[Address], end: float) -> socket.socket:
        """A connection to the first address that takes one; the last one's error where none does."""
        failure: OSError = OSError("the name has no address")
        for number, (family, host, port) in enumerate(addresses):
            left = max(0.05, end - time.perf_counter()) / (len(addresses) - number)
            connection = self.open_socket = StampedSocket(family, socket.SOCK_STREAM)
            connection.settimeout(left)
            try:
                connection.connect((host, port))
            except OSError as error:
                connection.close()
                failure = error
            else:
                connection.settimeout(max(0.05, end - time.perf_counter()))
                return connection
        raise failure

    @property
    def quiet(self) -> bool:
        """Whether an idle connection is still open and nothing lies in it: an end, or bytes behind the last answer,
        which would be taken for the answer to the next request."""
        if self.sock is None:
            return False
        look = select.poll()
        look.register(self.sock, select.POLLIN)
        return not look.poll(0)

    @property
    def established(self) -> bool:
        """Whether the TCP connection stood, so that what failed then is not that nothing listens."""
        return self.reused or "tcp" in self.phases

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate in DER, on a TLS connection."""
        return self.sock.getpeercert(True) if isinstance(self.sock, ssl.SSLSocket) else None


def tls_context(tls: Tls, base: Path) -> ssl.SSLContext:
    """The context of one target; verification is never off. Raises ConfigError for files that are no certificates."""
    context = ssl.create_default_context()
    if tls.ca != "system":
        with _usable("ca", "a PEM file of certificate authorities"):
            context = ssl.create_default_context(cafile=str(base / tls.ca))
    if pair := tls.client_certificate:
        with _usable("client_certificate", "a PEM file of a certificate, and one of its own key"):
            context.load_cert_chain(base / pair.certificate, base / pair.key, password=_no_password)
    return context


@contextmanager
def _usable(key: str, wanted: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        unread = "cannot be read (is the key behind a passphrase?)"
        reason = unread if "PEM lib" in str(error) else str(getattr(error, "reason", None) or error.strerror or unread)
        reason = reason.replace("_", " ").lower()
        raise ConfigError(f"tls.{key}: cannot be used: {reason}; name {wanted}") from None


def _no_password() -> str:
    """Instead of a question on the terminal, which nobody answers; OpenSSL then says that it cannot read the key."""
    return ""


def refusing_addresses(addresses: Sequence[Address], timeout: float) -> Mapping[str, str]:
    """IP address → error class of those that take no connection; an address family that we lack does not count."""
    from pytest_prodcheck.targets.transport_errors import classify

    failed: dict[str, str] = {}
    for family, host, port in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect((host, port))
        except OSError as error:
            kind = classify(error, connected=False)
            if kind != "tcp.unreachable":
                failed[host] = kind
        finally:
            connection.close()
    return failed
