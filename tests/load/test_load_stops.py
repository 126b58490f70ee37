"""Load stops: by itself when the target suffers, for whoever says so, and with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from load_lab import BROWSE, Known, Lab

from pytest_prodcheck.load import words
from pytest_prodcheck.load.order import Order


@pytest.mark.parametrize(
    ("plan", "abort", "says"),
    [
        ({"delays": [0.01], "statuses": [500]}, "errors < 50%", "requests failed in the last second"),
        ({"delays": [0.0], "statuses": [0]}, "errors < 50%", "requests failed in the last second"),
        ({"delays": [30.0]}, "p95 < 500ms", "p95 "),
    ],
    ids=["errors", "resets", "freezes"],
)
def test_a_suffering_target_ends_the_load(
    plan: dict[str, object], abort: str, says: str, serve: Callable[..., Known], lab: Lab
) -> None:
    """Within two seconds after an abort limit is passed, also where no request is answered any more (A48)."""
    server = serve(**plan)
    began = time.monotonic()
    run = lab.run(lab.order(BROWSE, server.url, users=20, spawn_rate=100, duration=60.0, abort=(abort,)))
    assert run.ending == "aborted"
    assert says in run.message
    assert abort in run.message
    assert run.ended_at - run.began_at < 10  # a busy machine; alone it is under two
    assert time.monotonic() - began < 40
    assert not lab.processes()


def test_a_red_target_and_an_interruption_end_the_load(serve: Callable[..., Known], lab: Lab) -> None:
    """The breaker and Ctrl-C stop it at once, and say why."""
    server = serve(delays=[0.01])
    lab.hooks = {"red": lambda: "database is no longer ready"}
    broken = lab.run(lab.order(BROWSE, server.url, duration=60.0))
    began = time.monotonic()
    lab.hooks = {"stopped": lambda: "Ctrl-C" if time.monotonic() - began > 2 else ""}
    stopped = lab.run(lab.order(BROWSE, server.url, duration=60.0))
    assert (broken.ending, broken.code) == ("breaker", "load.run.breaker")
    assert broken.message == "database is no longer ready"
    assert (stopped.ending, stopped.message) == ("interrupted", "Ctrl-C")
    assert not lab.processes()


RUNNER = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from load_lab import BROWSE, Lab
lab = Lab(Path({folder!r}))
lab.run(lab.order(BROWSE, {url!r}, duration=60.0, workers={workers}))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_outlives_a_killed_runner(workers: int, serve: Callable[..., Known], lab: Lab, tmp_path: Path) -> None:
    """Whoever started Locust is killed (SIGKILL): its processes end by themselves."""
    server = serve(delays=[0.01])
    text = RUNNER.format(here=str(Path(__file__).parent), folder=str(tmp_path), url=server.url, workers=workers)
    runner = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: len(lab.processes()) >= (1 if workers == 1 else workers + 1))
        _until(lambda: bool(list(tmp_path.glob("samples-1/*/start.q"))))
    finally:
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    _until(lambda: not lab.processes())
    assert not lab.processes()


def _until(holds: Callable[[], bool]) -> None:
    """Waits for something, at most half a minute."""
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_scenario_that_blocks_the_event_loop_is_ended(serve: Callable[..., Known], lab: Lab) -> None:
    """A busy loop in a task cannot keep Locust running."""
    server = serve()
    text = BROWSE + "        while True:\n            pass\n"
    lab.hooks = {"stopped": _after(3.0)}
    run = lab.run(lab.order(text, server.url, duration=60.0))
    assert run.ending == "interrupted"
    assert run.ended_at - run.began_at < 30
    assert not lab.processes()


def _after(seconds: float) -> Callable[[], str]:
    began = time.monotonic()
    return lambda: "enough" if time.monotonic() - began > seconds else ""


def test_four_workers_share_the_load(serve: Callable[..., Known], lab: Lab) -> None:
    """Locust's own master and workers: together they start what was ordered."""
    from pytest_prodcheck.load.order import Stage

    server = serve()
    order = lab.order(
        BROWSE, server.url, model="open", rate=100, stages=(Stage(2.0, 100, True),), duration=2.0, workers=4
    )
    run = lab.run(order)
    found = lab.samples(run)
    assert (run.ending, run.workers, run.workers_lost) == ("finished", 4, ())
    assert len(found.parts) == 4
    assert len(found) == run.sent == run.planned == len(server.seen()) == 200


def test_a_worker_that_is_killed_is_named(serve: Callable[..., Known], lab: Lab) -> None:
    """The others go on, and the result says which was lost and how many samples with it."""
    server = serve(delays=[0.01])
    victim: list[int] = []

    def kill_one() -> str:
        rows = [pid for pid in lab.processes() if b"--worker" in (Path("/proc") / str(pid) / "cmdline").read_bytes()]
        written = list(lab.folder.glob("samples-1/worker-*/start.q"))
        if not victim and len(rows) == 4 and written and all(file.stat().st_size for file in written):
            victim.append(min(rows))
            os.kill(victim[0], signal.SIGKILL)
        return ""

    lab.hooks = {"stopped": kill_one}
    run = lab.run(lab.order(BROWSE, server.url, users=8, spawn_rate=100, duration=6.0, workers=4))
    assert victim
    assert run.ending == "finished"
    assert len(run.workers_lost) == 1
    assert any(f"{run.workers_lost[0]} ended before the run (signal 9)" in note for note in run.notes)
    assert len(lab.samples(run)) == run.samples > 0


def test_a_port_that_is_taken_is_named(serve: Callable[..., Known], lab: Lab) -> None:
    """One clear cause, and nothing left."""
    import socket

    server = serve()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = lab.run(lab.order(BROWSE, server.url, workers=2, port=port))
    assert (run.ending, run.code) == ("failed", "load.port.taken")
    assert f"port {port}" in run.message
    assert not lab.processes()


def test_no_secret_is_in_a_command_line(tmp_path: Path) -> None:
    """What a process list shows are the file, the host and numbers."""
    order = Order(
        "s", "s.py", "http://h", environ={"TOKEN": "pXs7Qx9"}, credentials={"m": {"authorization": "pXs7Qx9"}}
    )
    lines = [words.local(order), words.master(order, 2), words.worker(order)]
    assert "pXs7Qx9" not in repr(lines)
    assert "pXs7Qx9" not in repr(order)
