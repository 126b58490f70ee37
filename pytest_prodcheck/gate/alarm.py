"""What ends a run before its time: a signal, the deadline, and where the process does not listen, the watchdog."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from pytest_prodcheck.gate import course, signals

GRACE_SECONDS = 2.0
"""After the deadline, waits end by themselves within this; then the main thread is interrupted."""
ENDING_SECONDS = 5.0
"""How long an interrupted run may take to come to its end before a further signal interrupts it again."""
LAST_SECONDS = 20.0
"""After the deadline, a process in which no signal is heard (a test stuck in C code) is ended within this."""


class Alarm:
    """Armed for the length of a session; `cut_short` is told why, in the main thread, before that is interrupted."""

    def __init__(self, cut_short: Callable[[str], None]) -> None:
        self._cut_short = cut_short
        self._passed = False
        self._ending_until = 0.0
        self._timer: threading.Timer | None = None
        self._stderr: int | None = None
        self._restore: Callable[[], None] = lambda: None

    def arm(self, deadline: float) -> None:
        """Takes the signals; `deadline` is on the monotonic clock."""
        self._restore = signals.arm(self._signalled)
        left = max(0.0, deadline - time.monotonic())
        self._timer = threading.Timer(left + GRACE_SECONDS, self._deadline_passed)
        self._timer.daemon = True
        self._timer.start()
        with contextlib.suppress(OSError, ValueError, AttributeError):  # no standard error: no watchdog either
            self._stderr = os.dup(sys.stderr.fileno())
            # from a thread without the interpreter's lock; it prints where each thread is, never a value
            faulthandler.dump_traceback_later(left + LAST_SECONDS, file=self._stderr, exit=True)

    def stop(self) -> None:
        """The run has come to its end: neither deadline nor watchdog ends it any more."""
        if self._timer:
            self._timer.cancel()
        if self._stderr is not None:
            faulthandler.cancel_dump_traceback_later()
            os.close(self._stderr)
            self._stderr = None

    def disarm(self) -> None:
        """Gives the signals back."""
        self._restore()

    def _deadline_passed(self) -> None:
        self._passed = True
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _signalled(self, number: int, _frame: object) -> None:
        if time.monotonic() < self._ending_until:  # the first one is being obeyed
            return
        self._ending_until = time.monotonic() + ENDING_SECONDS
        reason = course.DEADLINE if self._passed else f"interrupted by {signal.Signals(number).name}"
        self._cut_short(reason)
        raise signals.Terminated(reason)
