"""SIGTERM ends a run as Ctrl-C does, with what was observed until then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Terminated(KeyboardInterrupt):
    """SIGTERM, or the run's deadline: ends the run as Ctrl-C does, with exit status 1."""


def arm(handler: Callable[[int, FrameType | None], None]) -> Callable[[], None]:
    """Takes SIGTERM where this is the main thread; gives back what restores the old handler."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.signal(signal.SIGTERM, handler)
    return lambda: _put_back(before)


def _put_back(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
