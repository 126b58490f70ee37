"""The line to whoever started this process: orders in, figures out. When it breaks, this process ends at once.

It runs in a thread of the operating system, started before gevent patches anything: a scenario that blocks the event
loop cannot keep it from ending.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
from collections.abc import Callable
from select import select
from time import monotonic
from typing import Any

INTERVAL = 0.25
_MOST_PENDING = 100


class Line:
    """Two pipes. Without file descriptors (plain `locust`) it says nothing to nobody."""

    def __init__(self, down: int, up: int) -> None:
        self._down, self._up = down, up
        self._said: list[dict[str, Any]] = []
        self._buffer = b""
        self.look: Callable[[], dict[str, Any]] | None = None
        """What is told of, four times a second."""
        self.obey: Callable[[dict[str, Any]], None] | None = None
        self._parent = os.getppid()

    def first(self) -> bytes:
        """The order, which comes first. Waits for it; ends the process where nobody gives one."""
        while b"\n" not in self._buffer:
            data = os.read(self._down, 65536)
            if not data:
                os._exit(0)
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def start(self) -> None:
        """Begins to listen and to tell."""
        _thread.start_new_thread(self._run, ())

    def say(self, **facts: Any) -> None:
        """Tells something once, at the next turn; what nobody hears is not kept for ever."""
        if len(self._said) < _MOST_PENDING:
            self._said.append(facts)

    def say_now(self, **facts: Any) -> None:
        """Tells something before the process ends."""
        self.say(**facts)
        self._tell()

    def _run(self) -> None:
        due = monotonic()
        while True:
            readable, _, _ = select([self._down], [], [], max(0.0, due - monotonic()))
            if readable:
                self._hear()
            if os.getppid() != self._parent:
                _end()
            if monotonic() >= due:
                due = monotonic() + INTERVAL
                self._tell()

    def _hear(self) -> None:
        data = os.read(self._down, 65536)
        if not data:
            _end()
        self._buffer += data
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            if self.obey:
                self.obey(json.loads(line))

    def _tell(self) -> None:
        said = self._said[:]
        del self._said[: len(said)]
        rows = [*said, *([self.look()] if self.look else [])]
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        try:
            while data:
                data = data[os.write(self._up, data) :]
        except BrokenPipeError:
            _end()


def _end() -> None:
    """Nobody is there any more: this process and all that it started end now."""
    os.killpg(0, signal.SIGKILL)
