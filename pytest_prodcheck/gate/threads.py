"""What a test does beside its body, exceptions in its threads and coroutines that nobody awaits: it fails the test,
whatever becomes of the warning about it.

`-W ignore`, a `filterwarnings` mark or `-p no:threadexception` would otherwise turn such a test green.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

import pytest

from pytest_prodcheck.gate.recorder import Recorder

_UNAWAITED = "_warn_unawaited_coroutine"
"""What CPython calls in `warnings`, before any filter, for a coroutine that is collected without having run."""


class Threads:
    """Hooks that follow `threading.excepthook`, and CPython's own for coroutines, for the length of the session."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._before = recorder, threading.excepthook
        self._unawaited = getattr(warnings, _UNAWAITED, None)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Comes before pytest's own hook, which is installed when it is configured."""
        self._before = threading.excepthook
        threading.excepthook = self._seen
        if self._unawaited is not None:
            setattr(warnings, _UNAWAITED, self._missed)

    def pytest_unconfigure(self) -> None:
        """Gives the hook back."""
        if threading.excepthook == self._seen:
            threading.excepthook = self._before
        if self._unawaited is not None:
            setattr(warnings, _UNAWAITED, self._unawaited)

    def _seen(self, arguments: Any) -> None:
        if arguments.exc_type is not SystemExit:
            line = str(arguments.exc_value).partition("\n")[0]
            self._recorder.went_wrong(f"exception in a thread of {{}}: {arguments.exc_type.__name__}: {line}")
        self._before(arguments)

    def _missed(self, coroutine: Any) -> None:
        name = getattr(coroutine, "__qualname__", "")
        self._recorder.went_wrong(f"coroutine {name} of {{}} was never awaited: nothing of it ran")
        if self._unawaited is not None:
            self._unawaited(coroutine)
