"""Progress on long work: a line now and then, from a thread, while the gate waits for its targets."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable
from typing import TextIO

TERMINAL_SECONDS, PIPE_SECONDS = 5.0, 20.0
"""How often a line comes where somebody watches, and where a log is written."""


def open_stream() -> TextIO | None:
    """Standard output as it is now, while pytest captures nothing; None where it has no file behind it.

    While a test runs, pytest captures what is written: its own terminal writer could not be heard.
    """
    try:
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8", errors="replace")
    except (OSError, ValueError, io.UnsupportedOperation):
        return None


class Progress:
    """Says what `status` gives, at intervals, as long as it changes; silent in a run that is over before the first."""

    def __init__(self, stream: TextIO, status: Callable[[], str], interval: float | None = None) -> None:
        self._stream, self._status = stream, status
        self._interval = interval or (TERMINAL_SECONDS if stream.isatty() else PIPE_SECONDS)
        self._over = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="prodcheck-progress", daemon=True)

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Says nothing more, and closes the stream."""
        self._over.set()
        self._thread.join(1.0)
        self._stream.close()

    def _run(self) -> None:
        while not self._over.wait(self._interval):
            text = self._status()
            if text and text != self._said:
                self._stream.write(f"\nprodcheck: {text}\n")
                self._said = text
