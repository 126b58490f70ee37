"""What is measured from outside: wall time, CPU time and peak memory of whole processes; round trips on the wire."""

from __future__ import annotations

import os
import socket
import socketserver
import statistics
import subprocess
import sys
import threading
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


@contextmanager
def relayed(port: int) -> Iterator[tuple[int, list[bytes]]]:
    """A port that passes every connection on to `port`, and the first byte of each turn of its clients."""
    turns: list[bytes] = []

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _pass_on(self.request, port, turns)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], turns
        finally:
            server.shutdown()


def round_trips(turns: Sequence[bytes]) -> int:
    """How often a client of PostgreSQL spoke and then waited, the log-in not counted."""
    return sum(turn in (b"Q", b"P", b"B") for turn in turns)


def _pass_on(client: socket.socket, port: int, turns: list[bytes]) -> None:
    """Passes one connection on, and keeps the first byte of each turn of the client."""
    client_speaks = threading.Event()

    def back() -> None:
        while data := deployed.recv(1 << 16):
            client_speaks.clear()
            client.sendall(data)

    with socket.create_connection(("127.0.0.1", port)) as deployed:
        answers = threading.Thread(target=back, daemon=True)
        answers.start()
        while data := client.recv(1 << 16):
            if not client_speaks.is_set():
                turns.append(data[:1])
                client_speaks.set()
            deployed.sendall(data)
        deployed.shutdown(socket.SHUT_WR)
        answers.join()
