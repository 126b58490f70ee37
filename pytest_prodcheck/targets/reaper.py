"""Total deadlines for sockets: a per-read timeout does not end an answer that drips one byte at a time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

_TICK_SECONDS = 0.1


class Reaper:
    """Shuts down each watched socket whose deadline has passed; the blocked read then ends at once."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[float, socket.socket]] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def watch(self, connection: socket.socket, deadline: float) -> Iterator[None]:
        """Watches `connection` while the block runs; `deadline` is on the monotonic clock."""
        key = id(connection)
        self._watched[key] = (deadline, connection)
        if self._thread is None:
            self._start()
        try:
            yield
        finally:
            self._watched.pop(key, None)

    def cut_all(self) -> None:
        """Ends every watched exchange now (the run was stopped)."""
        for _, connection in list(self._watched.values()):
            _cut(connection)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="prodcheck-reaper", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._wake.wait(_TICK_SECONDS):
            now = time.monotonic()
            for deadline, connection in list(self._watched.values()):
                if deadline < now:
                    _cut(connection)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # not SSLSocket.shutdown, which takes the TLS object away from the thread that reads on it
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
