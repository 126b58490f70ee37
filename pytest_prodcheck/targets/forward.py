"""Ports of a cluster, forwarded to this machine by `kubectl port-forward` for the length of the run."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Self

from pytest_prodcheck.errors import ConfigError

HOST = "127.0.0.1"
START_S = 15.0
"""Seconds until every forward must stand."""
_STANDS = re.compile(rf"Forwarding from {re.escape(HOST)}:(\d+) ->")
_PATIENCE_S = 4.0
_LINE = 500


class Forward:
    """One forwarded port. Its process is tethered to ours: it ends when we do, however that is."""

    def __init__(self, target: str, place: str, kubectl: Sequence[str]) -> None:
        """`place` is `svc/NAME:PORT`; `kubectl` begins every command. Nothing waits here."""
        thing, _, port = place.rpartition(":")
        self.target, self.place, self.port = target, place, 0
        command = [*kubectl, "port-forward", f"--address={HOST}", thing, f":{port}"]
        self._lines: deque[str] = deque(maxlen=5)
        self._settled = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest_prodcheck.targets.tether", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the run, which ends this in its turn
        )
        self._reader = threading.Thread(target=self._read, name=f"prodcheck-forward-{target}", daemon=True)
        self._reader.start()

    def problem(self, deadline: float, patience_s: float) -> str:
        """Why it does not stand at `deadline` (monotonic), `patience_s` after its start; empty where it does."""
        self._settled.wait(max(0.0, deadline - time.monotonic()))
        if self.port:
            return ""
        if self._process.poll() is None and not self._settled.is_set():
            return f"kubectl does not forward {self.place} within {patience_s:.0f} s{self._said}"
        return f"kubectl cannot forward {self.place}{self._said}"

    @property
    def ended(self) -> str:
        """That it ended by itself, and its last words; empty while it stands."""
        return (
            f"forward.{self.target}: kubectl ended during the run{self._said}"
            if self._process.poll() is not None
            else ""
        )

    def close(self) -> None:
        """Ends it, within a few seconds."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_PATIENCE_S)
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def _said(self) -> str:
        lines = [line for line in self._lines if not _STANDS.search(line)]
        return f": {lines[-1]}" if lines else ""

    def _read(self) -> None:
        stream = self._process.stdout
        while stream and (raw := stream.readline(_LINE)):
            line = "".join(one if one.isprintable() else " " for one in raw.decode("utf-8", "replace")).strip()
            if found := _STANDS.search(line):
                self.port = int(found[1])
                self._settled.set()
            elif line and not line.startswith("Handling connection"):
                self._lines.append(line)
        self._settled.set()


class Forwards:
    """All forwards of a run."""

    def __init__(self, standing: Sequence[Forward]) -> None:
        self._standing = standing

    @classmethod
    def start(cls, places: Mapping[str, str], kubectl: Sequence[str], where: str, patience_s: float = START_S) -> Self:
        """Starts them beside each other: target → `svc/NAME:PORT`. `where` is the line of `forward`. Raises ConfigError
        with all that do not stand within `patience_s`; then none is left running."""
        if shutil.which(kubectl[0]) is None:
            raise ConfigError(
                f"{where}: forward needs {kubectl[0]}, which is not in PATH: install it, or leave forward out"
            )
        standing = [Forward(target, place, kubectl) for target, place in places.items()]
        forwards, deadline = cls(standing), time.monotonic() + patience_s
        problems = [(one, one.problem(deadline, patience_s)) for one in standing]
        if any(text for _, text in problems):
            forwards.close()
            raise ConfigError(*(f"{where}: forward.{one.target}: {text}" for one, text in problems if text))
        return forwards

    @property
    def addresses(self) -> Mapping[str, tuple[str, int]]:
        """Target → host and port on this machine."""
        return {one.target: (HOST, one.port) for one in self._standing}

    @property
    def ended(self) -> list[str]:
        """What ended by itself."""
        return [text for one in self._standing if (text := one.ended)]

    def close(self) -> None:
        """Ends all of them."""
        for one in self._standing:
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
