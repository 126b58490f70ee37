"""Whole processes, measured by the operating system: wall time, CPU time, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen


@dataclass(frozen=True)
class Cost:
    """What one finished process cost."""

    wall: float
    cpu: float
    memory: float
    """Peak resident memory in MiB, of the largest single process."""
    status: int
    output: str


def run(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> Cost:
    """Runs a command to its end; children that it waited for are part of its CPU time.

    Bytecode is written, as on any machine where nobody forbade it: without it pytest rewrites and compiles every
    plugin anew in each process, and the figure is about that.
    """
    log = folder / "output.txt"
    whole = {**os.environ, **(environment or {})}
    whole.pop("PYTHONDONTWRITEBYTECODE", None)
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=whole)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(wall, cpu, usage.ru_maxrss / 1024, process.returncode, log.read_text(errors="replace"))


def side_by_side(rounds: int, **commands: tuple[Sequence[str], Path]) -> dict[str, list[Cost]]:
    """Each command `rounds` times, in turn, after one warm-up round that is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, (command, folder) in commands.items():
            cost = run(command, folder)
            if number:
                costs[name].append(cost)
    return costs


def median(costs: Sequence[Cost], figure: str) -> float:
    """The median of one figure."""
    return statistics.median(getattr(cost, figure) for cost in costs)


def pytest_command(*arguments: str) -> list[str]:
    """pytest of this interpreter, without the cache directory."""
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]


@contextmanager
def server(delay_ms: float) -> Iterator[str]:
    """The benchmark server in a process of its own; gives its base URL."""
    script = Path(__file__).parent / "server.py"
    process = subprocess.Popen(
        [sys.executable, str(script), str(delay_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}" if process.stdout else ""
    finally:
        process.communicate()


def true_times(url: str) -> dict[str, float]:
    """What the server measured since the last time it was asked."""
    import json

    with urlopen(f"{url}/times") as answer:
        return json.loads(answer.read())


def say(name: str, figure: float, bound: float, text: str) -> bool:
    """Prints one figure beside its bound; whether it is kept."""
    kept = figure <= bound
    print(f"{name:<44} {figure:8.3f}   bound {bound:<8.3f} {'ok ' if kept else 'MISSED'}  {text}")
    return kept
