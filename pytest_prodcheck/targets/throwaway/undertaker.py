"""A process that outlives its run: when the run's end of the pipe closes, it removes what is left of it.

    python -m pytest_prodcheck.targets.throwaway.undertaker RUN

A SIGKILL closes the pipe as well as an orderly end does. It does what Ryuk does, without an image that must be pulled
and without a container that holds the daemon's socket; where Ryuk is on, both do.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

_SECONDS = 20.0
_SWEPT = b"swept"


class Undertaker:
    """The process, as the run holds it."""

    def __init__(self, run: str) -> None:
        """Starts it, in a session of its own: Ctrl-C is for the run."""
        ours = str(Path(__file__).resolve().parents[3])
        path = os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )

    def finish(self, *, swept: bool) -> None:
        """Lets it sweep, where nobody has, and waits until it has ended; one that is slow goes on by itself."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(_SWEPT if swept else b"")
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS)


def main(run: str) -> None:
    """Waits for the end of standard input, then removes what the run has left, unless it says that nothing is."""
    if sys.stdin.buffer.read() == _SWEPT:
        return
    from testcontainers.core.docker_client import DockerClient

    from pytest_prodcheck.targets.throwaway.labels import sweep

    client = DockerClient().client
    with contextlib.closing(client):
        sweep(client, run)


if __name__ == "__main__":
    main(sys.argv[1])
