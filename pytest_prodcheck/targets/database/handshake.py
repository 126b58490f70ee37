"""One connection attempt, driven poll by poll: timed by phase, never longer than its deadline (libpq manual, 32.1)."""

from __future__ import annotations

import ctypes
import functools
import select
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_VERBOSE = 2
"""libpq-fe.h: PQERRORS_VERBOSE, the only text of a failed connection that carries the SQLSTATE."""


@dataclass(slots=True)
class Handshake:
    """How one attempt went. `pgconn` is set where it succeeded, and is closed otherwise."""

    pgconn: PGconn | None = field(default=None, repr=False)
    text: str = ""
    """libpq's words about the failure; empty where the deadline ended it."""
    connected: bool = False
    """Whether TCP stood."""
    heard: bool = False
    """Whether the other side ever sent a byte, or closed."""
    phases: dict[str, float] = field(default_factory=dict)


def shake(conninfo: str, end: float) -> Handshake:
    """Connects until `end` (on `time.perf_counter`'s clock). Failures are in the result, never raised."""
    from psycopg import pq

    outcome = Handshake()
    started = time.perf_counter()
    pgconn: PGconn = pq.PGconn.connect_start(conninfo.encode())
    del conninfo
    speak_sqlstates(pgconn)
    if pgconn.status != pq.ConnStatus.BAD and _drive(pgconn, outcome, started, end):
        outcome.pgconn = pgconn
        return outcome
    outcome.text = pgconn.error_message.decode("utf-8", "replace").strip() if pgconn.status == pq.ConnStatus.BAD else ""
    pgconn.finish()
    return outcome


def _drive(pgconn: PGconn, outcome: Handshake, started: float, end: float) -> bool:
    """Polls until the session is ready (True), failed, or out of time (False)."""
    from psycopg.pq import ConnStatus, PollingStatus

    tls_began = 0.0
    wanted: int = PollingStatus.WRITING
    while True:
        event = select.POLLIN if wanted == PollingStatus.READING else select.POLLOUT
        if not _ready(pgconn.socket, event, end):
            return False
        outcome.heard = outcome.heard or wanted == PollingStatus.READING
        wanted = pgconn.connect_poll()
        now = time.perf_counter()
        if not outcome.connected and pgconn.status not in (ConnStatus.BAD, ConnStatus.STARTED, ConnStatus.NEEDED):
            outcome.connected, tls_began = True, now
            outcome.phases["tcp"] = now - started
        if tls_began and pgconn.ssl_in_use and "tls" not in outcome.phases and pgconn.status != ConnStatus.SSL_STARTUP:
            outcome.phases["tls"] = now - tls_began
        if wanted == PollingStatus.OK:
            outcome.phases["first_byte"] = now - started - sum(outcome.phases.values())
            return True
        if wanted == PollingStatus.FAILED:
            return False


def _ready(descriptor: int, event: int, end: float) -> bool:
    left = end - time.perf_counter()
    if left <= 0:
        return False
    waiter = select.poll()  # select() fails on descriptors above 1023
    waiter.register(descriptor, event)
    return bool(waiter.poll(left * 1000))


def speak_sqlstates(pgconn: PGconn) -> None:
    """Makes libpq put the SQLSTATE into its texts where its library can be reached; psycopg has no call for it, and
    gives connection failures no SQLSTATE (facts.md §6)."""
    library, pointer = _libpq(), getattr(pgconn, "pgconn_ptr", None)
    if library is not None and pointer:
        library.PQsetErrorVerbosity(ctypes.c_void_p(pointer), _VERBOSE)


@functools.cache
def _libpq() -> ctypes.CDLL | None:
    """The very libpq that psycopg uses: the wheel's own, already loaded."""
    from psycopg import pq

    if pq.__impl__ != "binary":
        return None
    import psycopg_binary

    home = Path(psycopg_binary.__file__).parent
    for path in (*home.parent.glob("psycopg_binary.libs/libpq-*"), *home.glob(".dylibs/libpq*")):
        try:
            return ctypes.CDLL(str(path))
        except OSError:
            continue
    return None
