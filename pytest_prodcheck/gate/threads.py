"""Exceptions in threads that a test started: they fail the test, whatever becomes of pytest's warning about them.

`-W ignore`, a `filterwarnings` mark or `-p no:threadexception` would otherwise turn such a test green.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pytest_prodcheck.gate.recorder import Recorder


class Threads:
    """Hooks that follow `threading.excepthook` for the length of the session."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._before = recorder, threading.excepthook

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Comes before pytest's own hook, which is installed when it is configured."""
        self._before = threading.excepthook
        threading.excepthook = self._seen

    def pytest_unconfigure(self) -> None:
        """Gives the hook back."""
        if threading.excepthook == self._seen:
            threading.excepthook = self._before

    def _seen(self, arguments: Any) -> None:
        if arguments.exc_type is not SystemExit:
            line = str(arguments.exc_value).partition("\n")[0]
            self._recorder.raised_in_thread(f"{arguments.exc_type.__name__}: {line}")
        self._before(arguments)
