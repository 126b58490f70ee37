"""A connected socket on which nothing waits beyond a deadline, no answer grows beyond a bound, and only reads leave."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Sequence

from pytest_prodcheck.targets.cache.address import Place
from pytest_prodcheck.targets.connection import Resolver
from pytest_prodcheck.targets.guard import redis as guard

LARGEST = 4_000_000
"""Bytes of one answer. A page of SCAN or an INFO has some ten thousand."""
_KEPT = 200
"""Bytes of an answer's beginning: what is no Redis says by it what it is."""


class TooMuch(Exception):
    """An answer is larger than we read."""


class Stream:
    """What redis-py's parser takes for a socket. `sendall` is the seam: the guard sees every byte that leaves."""

    def __init__(self, connected: socket.socket, end: float, licence: guard.Licence | None = None) -> None:
        """`end` is on the clock of `time.perf_counter`; `licence` is the one write that may pass."""
        self._socket, self._end, self._licence = connected, end, licence
        self._received = 0
        self.timed_out = False
        self.head = b""
        """The beginning of what came since the last command."""

    def bound(self, timeout: float) -> None:
        """From now on, everything ends within `timeout` seconds, or raises TimeoutError."""
        self._end = time.perf_counter() + timeout

    def sendall(self, data: bytes) -> None:
        """Sends whole commands. Raises errors.Refused for what is not a proven read, before any of it is sent."""
        guard.check_sent(data, self._licence)
        self._received, self.head = 0, b""
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; none where the server closed. Raises TooMuch, TimeoutError, OSError."""
        self._socket.settimeout(self._left())
        try:
            data = self._socket.recv(size)
        except TimeoutError:
            self.timed_out = True
            raise
        self._received += len(data)
        self.head += data[: max(0, _KEPT - len(self.head))]
        if self._received > LARGEST:
            raise TooMuch(f"the answer is larger than {LARGEST:,} bytes")
        return data

    def settimeout(self, seconds: float | None) -> None:
        """Nothing: the deadline is ours."""

    @property
    def quiet(self) -> bool:
        """Whether the connection is open and nothing lies in it."""
        look = select.poll()
        look.register(self._socket, select.POLLIN)
        return not look.poll(0)

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate in DER, where it speaks TLS."""
        return self._socket.getpeercert(True) if isinstance(self._socket, ssl.SSLSocket) else None

    def close(self) -> None:
        """Closes the socket, without a word that could block."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _left(self) -> float:
        left = self._end - time.perf_counter()
        self.timed_out = left <= 0
        if self.timed_out:
            raise TimeoutError("no answer in time")
        return left


def connected(place: Place, resolver: Resolver, end: float) -> tuple[socket.socket, dict[str, float]]:
    """A TCP connection to the first address that takes one, and the seconds of `dns` and `tcp`. Raises OSError."""
    started = time.perf_counter()
    addresses = resolver.look_up(place.host, place.port, max(0.05, end - started))
    looked_up = time.perf_counter()
    failure: OSError = OSError("the name has no address")
    for number, (family, host, port) in enumerate(addresses):
        made = socket.socket(family, socket.SOCK_STREAM)
        made.settimeout(max(0.05, end - time.perf_counter()) / (len(addresses) - number))
        try:
            made.connect((host, port))
        except OSError as error:
            made.close()
            failure = error
        else:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made, {"dns": looked_up - started, "tcp": time.perf_counter() - looked_up}
    raise failure


def encrypted(plain: socket.socket, context: ssl.SSLContext, host: str, end: float) -> ssl.SSLSocket:
    """The connection after its handshake. Raises OSError (ssl.SSLError is one); the plain one is closed then."""
    plain.settimeout(max(0.05, end - time.perf_counter()))
    shaken = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    try:
        shaken.do_handshake()
    except BaseException:
        shaken.close()
        raise
    return shaken


def handshakes(place: Place, end: float) -> bool:
    """Whether the place speaks TLS: a handshake and nothing else. Verification is off because nothing is asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        plain, _ = connected(place, Resolver(), end)
        encrypted(plain, context, place.host, end).close()
    except ssl.SSLError as error:
        return any(said in (error.reason or "") for said in _ALERTS)
    except OSError:
        return False
    return True


_ALERTS: Sequence[str] = ("ALERT", "CERTIFICATE_REQUIRED")
"""What a server says that speaks TLS and does not like ours."""


def is_postgres(place: Place, end: float) -> bool:
    """Whether the place answers PostgreSQL's SSLRequest (PostgreSQL manual 55.7), which asks for nothing."""
    try:
        plain, _ = connected(place, Resolver(), end)
        with plain:
            plain.settimeout(max(0.05, end - time.perf_counter()))
            plain.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            return plain.recv(1) in (b"S", b"N", b"E")
    except OSError:
        return False


def speaks_plainly(place: Place, end: float) -> bool:
    """Whether the place answers a PING without TLS, as Redis does."""
    try:
        plain, _ = connected(place, Resolver(), end)
        with plain:
            plain.settimeout(max(0.05, end - time.perf_counter()))
            plain.sendall(b"*1\r\n$4\r\nPING\r\n")
            return plain.recv(8)[:2] in (b"+P", b"-N", b"-E", b"-L", b"-M", b"-D", b"-W", b"-B")
    except OSError:
        return False
