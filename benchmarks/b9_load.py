"""B9: load. What our listeners cost beside raw Locust, what the quicker user is worth, how soon a load is aborted.

    python benchmarks/b9_load.py [--seconds 8] [--rounds 7]

Side by side: two generators at the same time on one core, so that both suffer what else the machine does, against one
server on another core: raw `locust` with a file and the same file through the engine (guard, cap, exact samples, live
figures); raw Locust with and without exact samples; the engine with FastHttpUser and with QuickUser. Compared are
requests per second of CPU time, start-up included; ratios are medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pytest_prodcheck.load import engine, samples
from pytest_prodcheck.load.hooks import Hooks
from pytest_prodcheck.load.order import Order

SERVER = Path(__file__).parents[1] / "tests" / "load" / "known_server.py"
FAST = (
    "from locust import FastHttpUser, task\n\n"
    "class U(FastHttpUser):\n    @task\n    def t(self):\n        self.client.get('/')\n"
)
QUICK = (
    "from locust import task\nfrom pytest_prodcheck.load import QuickUser\n\n"
    "class U(QuickUser):\n    @task\n    def t(self):\n        self.client.get('/')\n"
)
SAMPLES = (
    FAST
    + """
import tempfile
from pathlib import Path
from locust import events
from pytest_prodcheck.load.child.recorder import Recorder
recorder = Recorder(Path(tempfile.mkdtemp(dir="FOLDER")) / "samples")
events.request.add_listener(recorder.request)
events.quit.add_listener(lambda **_: recorder.close())
"""
)
USERS = 10
SPINE = """
import asyncio, sys
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 2\\r\\n\\r\\nok"
class P(asyncio.Protocol):
    def connection_made(self, transport): self.t = transport
    def data_received(self, data): self.t.write(ANSWER * data.count(b"\\r\\n\\r\\n"))
async def main():
    server = await asyncio.get_running_loop().create_server(P, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Generator(NamedTuple):
    """One of two that are compared."""

    arguments: list[str]
    """For Python."""
    report: Path | None = None
    """Where it leaves Locust's own report; None for one that prints how many requests it sent."""

    def sent(self, said: bytes) -> int:
        """How many requests it sent."""
        return int(json.loads(self.report.read_text())[0]["num_requests"]) if self.report else int(said)


def raw(file: Path, url: str, seconds: float, folder: Path) -> Generator:
    """Locust's own command."""
    arguments = ["-m", "locust", "-f", str(file), "--headless", "-u", str(USERS), "-r", "100", "-H", url,
                 "-t", f"{seconds:.0f}s", "--only-summary", "-L", "ERROR"]  # fmt: skip
    arguments += ["--json-file", str(folder / file.stem)]
    return Generator(arguments, folder / f"{file.stem}.json")


def ours(file: Path, url: str, seconds: float, folder: Path) -> Generator:
    """The same through the engine, in a process of its own."""
    return Generator([__file__, "--engine", str(file), url, str(seconds), str(folder)])


def engine_run(file: str, url: str, seconds: str, folder: str) -> None:
    """What that process does."""
    place = Path(tempfile.mkdtemp(dir=folder))
    order = Order("b9", file, url, users=USERS, spawn_rate=100, duration=float(seconds), origins=(url,), per_second=1e6)
    run = engine.run(order, place, Path(folder), dict(os.environ), Hooks())
    if run.ending != "finished" or not len(samples.read(place)) == run.samples > 0:
        raise SystemExit(f"{run.ending}: {run.message} {run.notes}")
    print(run.samples)


def pinned(core: int, *arguments: str) -> subprocess.Popen[bytes]:
    """Python on one core."""
    command = ["taskset", "-c", str(core), sys.executable, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PRODCHECK": ""})


def together(*generators: Generator) -> list[float]:
    """Requests per second of CPU time of each, all on one core at the same time."""
    core = min(os.sched_getaffinity(0))
    begun = [pinned(core, *one.arguments) for one in generators]
    found: list[float] = []
    for one, process in zip(generators, begun, strict=True):
        said = process.stdout.read() if process.stdout else b""
        _, process.returncode, used = os.wait4(process.pid, 0)
        if process.returncode:
            raise SystemExit(f"{one.arguments} ended with {process.returncode}: {said.decode()}")
        found.append(one.sent(said) / (used.ru_utime + used.ru_stime))
    return found


def abort(url: str, folder: Path) -> float:
    """Seconds from the first request of a target that answers 500 to everything, to the end of all processes."""
    file = folder / "abort.py"
    file.write_text(FAST)
    order = Order("b9", str(file), url, users=20, spawn_rate=100, duration=60, origins=(url,), abort=("errors < 50%",))
    run = engine.run(order, folder / "abort", folder, dict(os.environ), Hooks())
    if run.ending != "aborted":
        raise SystemExit(f"{run.ending}: {run.message}")
    return run.ended_at - run.began_at


def ratios(url: str, seconds: float, rounds: int, folder: Path) -> list[list[float]]:
    """Of each round: engine to raw Locust, Locust that keeps samples to raw Locust, QuickUser to FastHttpUser. Prints
    the rates."""
    fast, sampled, quick = (folder / f"{name}.py" for name in ("fast", "sampled", "quick"))
    fast.write_text(FAST)
    sampled.write_text(SAMPLES.replace("FOLDER", str(folder)))
    quick.write_text(QUICK)
    pairs = {
        "engine, raw locust": (ours(fast, url, seconds, folder), raw(fast, url, seconds, folder)),
        "locust with our samples, raw locust": (raw(sampled, url, seconds, folder), raw(fast, url, seconds, folder)),
        "QuickUser, FastHttpUser": (ours(quick, url, seconds, folder), ours(fast, url, seconds, folder)),
    }
    found: list[list[float]] = [[] for _ in pairs]
    for _ in range(rounds):
        for shares, (names, pair) in zip(found, pairs.items(), strict=True):
            one, other = together(*pair)
            print(f"{names}: {one:.0f}, {other:.0f} requests per second of CPU", flush=True)
            shares.append(one / other)
    return found


def shown(shares: list[float]) -> str:
    """The median, and from where to where the rounds were."""
    return f"{median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})"


def main() -> None:
    """Prints the figures."""
    if sys.argv[1:2] == ["--engine"]:
        engine_run(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = pinned(max(os.sched_getaffinity(0)), "-c", SPINE)
        try:
            url = f"http://127.0.0.1:{server.stdout.readline().decode().strip()}"
            whole, sampled, quick = ratios(url, given.seconds, given.rounds, folder)
        finally:
            server.kill()
        plan = folder / "plan.json"
        plan.write_text(json.dumps({"statuses": [500], "delays": [0.01]}))
        failing = subprocess.Popen(
            [sys.executable, str(SERVER), str(plan)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            took = abort(f"http://127.0.0.1:{failing.stdout.readline().strip()}", folder)
        finally:
            failing.kill()
    print(f"engine / raw locust, per CPU second: {shown(whole)}, promise: at least 95 %")
    print(f"locust with our samples / raw locust, per CPU second: {shown(sampled)}, promise: at least 95 %")
    print(f"QuickUser / FastHttpUser, both in the engine: {median(quick):.2f}, promise: at least 1.5")
    print(f"abort: {took:.2f} s from the first request to the end of all processes, promise: 2 s")
    print(f"load average {os.getloadavg()[0]:.1f}, {time.strftime('%H:%M')}")


if __name__ == "__main__":
    main()
