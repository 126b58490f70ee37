"""One process of Locust, in a group of its own: given an order, heard line by line, ended with all it started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_prodcheck.load.order import Order

_MOST_BUFFERED = 4 * 1024 * 1024
_TAIL = 4000


class Process:
    """One process. `hear` never blocks; `kill` ends the whole group and waits for it."""

    def __init__(
        self, name: str, order: Order, arguments: Sequence[str], environ: Mapping[str, str], cwd: Path
    ) -> None:
        """Starts it. No secret is in its arguments or its environment: the order goes over a pipe."""
        self.name = name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        down_read, self._down = os.pipe()
        self._up, up_write = os.pipe()
        self._buffer = b""
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "pytest_prodcheck.load.child", str(down_read), str(up_write), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                cwd=cwd,
                pass_fds=(down_read, up_write),
                start_new_session=True,
            )
        finally:
            os.close(down_read)
            os.close(up_write)
        os.set_blocking(self._up, False)
        self._send(order.dumps())

    @property
    def pid(self) -> int:
        """Its id, which is its group's, too."""
        return self._child.pid

    @property
    def status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._child.poll()

    def hear(self) -> Iterator[dict[str, Any]]:
        """What it said since the last time."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._up, 65536):
                self._buffer += data
                if len(self._buffer) > _MOST_BUFFERED:
                    break
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    yield said

    def tell(self, **order: object) -> None:
        """Gives a further order; whoever is gone already does not hear it."""
        self._send(json.dumps(order).encode() + b"\n")

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._down, data) :]

    @property
    def printed(self) -> int:
        """Bytes that it printed."""
        return os.fstat(self._output.fileno()).st_size

    def tail(self) -> str:
        """The last of what it printed."""
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - _TAIL))
        return self._output.read().decode("utf-8", "replace")

    def wait(self, seconds: float) -> bool:
        """Waits for its end. Whether it came."""
        until = time.monotonic() + seconds
        while self.status is None and time.monotonic() < until:
            time.sleep(0.01)
        return self.status is not None

    def kill(self) -> None:
        """Ends it, and whatever it started in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()

    def close(self) -> None:
        """Gives the descriptors back. The process must have ended."""
        for descriptor in (self._down, self._up):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._output.close()
