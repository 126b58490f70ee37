"""Total deadlines for connections: a per-read timeout does not end an answer that drips one byte at a time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Protocol

_TICK_SECONDS = 0.1


class Cuttable(Protocol):
    """A connection whose socket may change while it is set up."""

    open_socket: socket.socket | None


class Reaper:
    """Shuts down each watched connection whose deadline has passed; the blocked read then ends at once."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[float, Cuttable]] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopped = False

    @contextlib.contextmanager
    def watch(self, connection: Cuttable, deadline: float) -> Iterator[None]:
        """Watches `connection` while the block runs; `deadline` is on the monotonic clock.

        Raises ConnectionAbortedError after `cut_all`: nothing begins any more.
        """
        key = id(connection)
        self._watched[key] = (deadline, connection)
        if self._thread is None:
            self._start()
        try:
            if self._stopped:
                raise ConnectionAbortedError("the run was stopped")
            yield
        finally:
            self._watched.pop(key, None)

    def cut_all(self) -> None:
        """Ends every watched exchange now (the run was stopped)."""
        self._stopped = True
        for _, connection in list(self._watched.values()):
            _cut(connection)

    def close(self) -> None:
        """Ends the thread; what is watched later is watched by a new one."""
        with self._lock:
            self._wake.set()
            self._wake, self._thread = threading.Event(), None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(self._wake,), name="prodcheck-reaper", daemon=True
                )
                self._thread.start()

    def _run(self, wake: threading.Event) -> None:
        while not wake.wait(_TICK_SECONDS):
            now = time.monotonic()
            for deadline, connection in list(self._watched.values()):
                if deadline < now:
                    _cut(connection)


def _cut(connection: Cuttable) -> None:
    """`SSLSocket.shutdown` would drop its TLS state under a read of another thread; the plain one only ends it."""
    open_socket = connection.open_socket
    if open_socket is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
