"""B9: load. What our listeners cost beside raw Locust, what the quicker user is worth, how soon a load is aborted.

    python benchmarks/b9_load.py [--seconds 6] [--rounds 3]

Side by side in one run, in turn, against one server in a process of its own: raw `locust` with a file, the same file
through the engine (guard, cap, exact samples, live figures), and QuickUser. Rates are requests per second of CPU time
of the generator, for a shared machine has other work; the best of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def children_cpu() -> float:
    """Seconds of CPU of all children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def raw(text: str, url: str, seconds: float, users: int, folder: Path) -> tuple[float, float]:
    """Requests per second of CPU, and per second, by Locust's own command."""
    file = folder / "raw.py"
    file.write_text(text)
    out = folder / "raw"
    command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "-u", str(users), "-r", "100", "-H", url,
               "-t", f"{seconds:.0f}s", "--only-summary", "--json-file", str(out), "-L", "ERROR"]  # fmt: skip
    before = children_cpu()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PRODCHECK": ""}, cwd=folder)
    cpu = children_cpu() - before
    (row,) = json.loads(out.with_suffix(".json").read_text())
    return row["num_requests"] / cpu, row["num_requests"] / seconds


def ours(text: str, url: str, seconds: float, users: int, folder: Path) -> tuple[float, float]:
    """The same through the engine."""
    file = folder / "ours.py"
    file.write_text(text)
    place = Path(tempfile.mkdtemp(dir=folder))
    order = Order("b9", str(file), url, users=users, spawn_rate=100, duration=seconds, origins=(url,), per_second=1e6)
    before = children_cpu()
    run = engine.run(order, place, folder, dict(os.environ), Hooks())
    cpu = children_cpu() - before
    if run.ending != "finished" or not len(samples.read(place)) == run.samples > 0:
        raise SystemExit(f"{run.ending}: {run.message} {run.notes}")
    return run.samples / cpu, run.samples / seconds


def abort(url: str, folder: Path) -> float:
    """Seconds from the first request of a target that answers 500 to everything, to the end of all processes."""
    file = folder / "abort.py"
    file.write_text(FAST)
    order = Order("b9", str(file), url, users=20, spawn_rate=100, duration=60, origins=(url,), abort=("errors < 50%",))
    run = engine.run(order, folder / "abort", folder, dict(os.environ), Hooks())
    if run.ending != "aborted":
        raise SystemExit(f"{run.ending}: {run.message}")
    return run.ended_at - run.began_at


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ways = {
        "locust, FastHttpUser": (raw, FAST),
        "engine, FastHttpUser": (ours, FAST),
        "engine, QuickUser": (ours, QUICK),
    }
    best: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = subprocess.Popen([sys.executable, "-c", SPINE], stdout=subprocess.PIPE, text=True)
        try:
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            for _ in range(given.rounds):
                for way, (run, text) in ways.items():
                    found = run(text, url, given.seconds, 10, folder)
                    best[way] = max(best.get(way, (0.0, 0.0)), found)
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
    for way, (per_cpu, rate) in best.items():
        print(f"{way:<24} {per_cpu:8.0f} requests per second of CPU, {rate:8.0f} per second")
    fast, same, quick = (best[way][0] for way in ways)
    print(f"engine / raw locust, per CPU second: {same / fast:.1%} (promise: at least 95 %)")
    print(f"QuickUser / FastHttpUser, both in the engine: {quick / same:.2f} (promise: at least 1.5)")
    print(f"abort: {took:.2f} s from the first request to the end of all processes (promise: 2 s)")
    print(f"load average {os.getloadavg()[0]:.1f}, {time.strftime('%H:%M')}")


if __name__ == "__main__":
    main()
