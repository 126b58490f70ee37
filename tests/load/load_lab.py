"""What tests of load hold in their hands: a server that knows, and an engine that runs scenarios against it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_prodcheck.load import engine, samples
from pytest_prodcheck.load.hooks import Hooks
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.observe.load import LoadRun, Samples

SERVER = Path(__file__).with_name("known_server.py")


@dataclass
class Known:
    """A running server."""

    process: subprocess.Popen[str]
    plan: Path
    url: str

    def seen(self) -> list[tuple[float, float, int, str]]:
        """Stops it. Arrival, seconds, status, method and path of each request."""
        if self.process.poll() is None:
            self.process.communicate("", timeout=10)
        return [tuple(row[:4]) for row in self._rows()]

    def taken(self) -> list[tuple[int, float]]:
        """Number of each request, and the seconds that its answer took."""
        return [(row[4], row[1]) for row in self._rows()]

    def _rows(self) -> list[list[Any]]:
        return list(json.loads(self.plan.with_suffix(".seen").read_text()))


@dataclass
class Lab:
    """Runs scenarios in a folder of its own."""

    folder: Path
    count: int = 0
    hooks: dict[str, Any] = field(default_factory=dict)

    def order(self, text: str, url: str, **changes: Any) -> Order:
        """An order for a Locust file with this text."""
        self.count += 1
        file = self.folder / f"scenario{self.count}.py"
        file.write_text(text)
        settings = {"host": url, "origins": (url,), "duration": 2.0, "users": 2, "grace": 2.0, **changes}
        return Order("scenario", str(file), **settings)

    def run(self, order: Order) -> LoadRun:
        """The run of an order."""
        folder = self.folder / f"samples-{self.count}"
        return engine.run(order, folder, self.folder, dict(os.environ), Hooks(**self.hooks))

    def processes(self) -> set[int]:
        """Locust processes of its runs that still run; others of this machine are not ours."""
        found, ours = set(), os.fsencode(self.folder / "scenario")
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if b"pytest_prodcheck.load.child" in line and ours in line:
                    found.add(int(entry.name))
        return found

    def samples(self, run: LoadRun) -> Samples:
        """What it measured."""
        return samples.read(run.folder)


def quantile(values: list[float], share: float) -> float:
    """Nearest rank."""
    return sorted(values)[max(0, -(-int(share * 10000) * len(values) // 10000) - 1)]


def latencies(found: Samples) -> list[float]:
    """Seconds from the intended start of what was answered."""
    return [
        (late + took) / 1e6
        for part in found.parts
        for late, took, error in zip(part.late, part.response, part.error, strict=True)
        if not error
    ]


BROWSE = """
from locust import FastHttpUser, constant, task

class Browser(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def home(self):
        self.client.get("/")
"""
