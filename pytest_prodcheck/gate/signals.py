"""SIGTERM and SIGHUP end a run as Ctrl-C does, with what was observed until then."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_ENDING = ("SIGTERM", "SIGHUP")


class Terminated(KeyboardInterrupt):
    """SIGTERM, SIGHUP, or the run's deadline: ends the run as Ctrl-C does, with exit status 1."""


def arm(handler: Callable[[int, FrameType | None], None]) -> Callable[[], None]:
    """Takes the signals that end a run, where this is the main thread; gives back what restores the old handlers.

    A signal that is ignored stays so: `nohup` wants the run to survive SIGHUP.
    """
    if not _in_main_thread():
        return lambda: None
    known = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    taken = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in taken:
        signal.signal(number, handler)
    return lambda: _put_back(taken)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """While the block runs, no signal but SIGKILL ends it: the verdict of a run that was ended is written whole."""
    if not _in_main_thread():
        yield
        return
    known = [getattr(signal, name) for name in (*_ENDING, "SIGINT") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in known}
    try:
        yield
    finally:
        _put_back(before)


def _put_back(handlers: dict[signal.Signals, Any]) -> None:
    if _in_main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
