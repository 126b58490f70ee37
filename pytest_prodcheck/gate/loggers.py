"""The loggers of the process, as a table that can be walked through while threads add to it.

pytest walks through them around every phase of every test (`catching_logs`, since 9.2), without the lock of `logging`.
A thread that meanwhile loads a client library makes loggers; the walk then raised RuntimeError, which failed a check or
ended the session.
"""

from __future__ import annotations

import logging
from typing import TypeVar

import pytest

Value = TypeVar("Value")


class Walkable(dict[str, Value]):
    """A dictionary whose values are given as they are now."""

    def values(self) -> list[Value]:  # type: ignore[override]
        """A list of their own: made in one step of the interpreter."""
        return list(super().values())


class Loggers:
    """Hooks that put such a table in the place of `logging`'s for the length of a session."""

    def __init__(self) -> None:
        self._before = logging.root.manager.loggerDict
        self._own = self._before

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Comes before anything of ours starts a thread."""
        manager = logging.root.manager
        with logging._lock:  # type: ignore[attr-defined]
            self._before = manager.loggerDict
            self._own = manager.loggerDict = Walkable(self._before)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Gives the old table back, with what has come to it."""
        manager = logging.root.manager
        with logging._lock:  # type: ignore[attr-defined]
            if manager.loggerDict is self._own:
                self._before.update(self._own)
                manager.loggerDict = self._before
