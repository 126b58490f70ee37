"""`setup`: the commands that make a fresh database the application's own, run once, without a shell."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_prodcheck.errors import UsageProblem

_SHOWN = 12
"""Last lines of its output that a failure quotes."""


def run(
    command: str, folder: Path, environ: Mapping[str, str], seconds: float, watch: Callable[[int], object] = id
) -> None:
    """Runs one command in `folder`. `watch` is told its process group, which ends with the run: what the command leaves
    in the background may serve it. Raises UsageProblem with its last lines where it fails or does not end in time."""
    try:
        words = shlex.split(command)
        process = subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageProblem(f"containers.setup: {command!r} cannot be run: {reason}") from None
    with process:
        watch(process.pid)
        try:
            said, _ = process.communicate(timeout=max(0.1, seconds))
        except BaseException as ended:  # Ctrl-C, too: nothing that it started may go on
            left_behind = process.poll() is not None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(ended, subprocess.TimeoutExpired):
                raise
            how = "ended, but what it started in the background did not" if left_behind else "did not end"
            raise UsageProblem(f"containers.setup: {command!r} {how} within {seconds:.0f} s") from None
    if process.returncode:
        lines = said.decode(errors="replace").rstrip().splitlines()[-_SHOWN:]
        raise UsageProblem(
            f"containers.setup: {command!r} ended with exit status {process.returncode}: nothing was checked",
            *(f"  {line}" for line in lines),
        )
