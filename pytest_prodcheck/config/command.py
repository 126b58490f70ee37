"""Secrets from a command (`cmd:…`): its own process group, a deadline, little of our environment, no shell."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

DEADLINE = 30.0
"""Seconds that a command may take."""
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR")
"""What of our environment a command sees: other secrets of the run are none of its business."""


def output(line: str, folder: Path, environ: Mapping[str, str], deadline: float = DEADLINE) -> str:
    """Standard output of the command. Raises LookupError with the reason, never with anything that it printed."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise LookupError("has an unclosed quotation mark") from None
    passed_on = {name: environ[name] for name in _PASSED_ON if name in environ}
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=passed_on,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise LookupError(f"cannot run: {error.strerror}") from None
    except ValueError:
        raise LookupError("cannot run: it has a NUL character") from None
    return _finished(process, deadline)


def _finished(process: subprocess.Popen[bytes], deadline: float) -> str:
    with process:
        try:
            out, _ = process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise LookupError(f"did not end within {deadline:g} s") from None
    if process.returncode:
        raise LookupError(f"failed with exit status {process.returncode}; its output is not shown")
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise LookupError("gave no UTF-8 text") from None
