"""A process that outlives its run: when the run's end of the pipe closes, it removes what is left of it.

    python -m pytest_prodcheck.targets.throwaway.undertaker RUN

A SIGKILL closes the pipe as well as an orderly end does. It does what Ryuk does, without an image that must be pulled
and without a container that holds the daemon's socket; where Ryuk is on, both do. What `setup` has left running ends,
too; a daemon that gives no answer is waited for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_SECONDS, _UNANSWERED = 20.0, 1.0
"""How long is waited for the sweep, and for one of a daemon that has given no answer: it goes on by itself."""
_PATIENCE, _PAUSE = 300.0, 1.0
"""Seconds for which such a daemon is asked again, and between two questions."""
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

    def watch(self, group: int) -> None:
        """Ends this process group with the run."""
        self._tell(b"%d\n" % group)

    def finish(self, *, swept: bool) -> None:
        """Lets it sweep, where nobody has, and waits until it has ended; one that is slow goes on by itself."""
        self._tell(_SWEPT if swept else b"")
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS if swept else _UNANSWERED)

    def _tell(self, said: bytes) -> None:
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(said)
                self._process.stdin.flush()


def main(run: str) -> None:
    """Waits for the end of standard input, then ends the process groups in it, and removes what the run has left,
    unless it says that nothing is."""
    said = sys.stdin.buffer.read().split(b"\n")
    for group in said[:-1]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(int(group), signal.SIGKILL)
    if said[-1] != _SWEPT:
        _sweep(run)


def _sweep(run: str) -> None:
    import docker
    import requests
    from testcontainers.core.docker_client import DockerClient

    from pytest_prodcheck.targets.throwaway.labels import sweep

    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException, OSError):
            client = DockerClient().client
            with contextlib.closing(client):
                sweep(client, run)
                return
        time.sleep(_PAUSE)


if __name__ == "__main__":
    main(sys.argv[1])
