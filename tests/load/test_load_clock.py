"""A clock that jumps while load runs: it is said, and no figure comes from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import time

import pytest

from pytest_prodcheck.load import result
from pytest_prodcheck.load.heard import Heard
from pytest_prodcheck.load.order import Order, Stage

ORDER = Order("browse", model="open", rate=100, duration=10.0, stages=(Stage(10.0, 100, True),))
GENERATOR = """
import json, sys
from pathlib import Path
from time import time
from pytest_prodcheck.load.child.arrivals import Counts
from pytest_prodcheck.load.child.figures import Figures
from pytest_prodcheck.load.child.limiter import Limiter
from pytest_prodcheck.load.child.recorder import Recorder
moved = 0.0
recorder = Recorder(Path(sys.argv[1]) / "local")
figures = Figures(recorder, Counts(), Limiter(100.0), lambda: time() + moved)
looks = [figures.look()]
recorder.request("GET", "/", 12.0, 2)
moved = float(sys.argv[2])
looks += [figures.look(), figures.look()]
recorder.close()
print(json.dumps(looks))
"""
"""What a generator tells of itself; in a process of its own, for Locust patches the sockets of whoever loads it."""


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_jump_is_told_once_and_moves_no_figure(seconds: float, tmp_path: Path) -> None:
    """NTP put the clock right in the middle of a run: all arrivals that were due are still known to be due."""
    command = [sys.executable, "-c", GENERATOR, str(tmp_path), str(seconds)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    heard = Heard(ORDER)
    heard.hear("local", {"began": time()})
    for look in told:
        heard.hear("local", look)
    run = result.result(ORDER, tmp_path, tmp_path, heard, result.End(), (), str)
    assert run.notes == (f"the clock of local jumped by {seconds:g} s; times of requests are not touched",)
    assert (run.ending, run.planned, run.samples) == ("finished", 1000, 1)


def test_an_aborted_run_plans_by_the_time_that_it_had(tmp_path: Path) -> None:
    """Its wall-clock beginning lies in the future: the clock was put back since."""
    heard = Heard(ORDER)
    heard.hear("local", {"began": time() + 3600.0})
    heard.began -= 5.0
    run = result.result(ORDER, tmp_path, tmp_path, heard, result.End("aborted", "slow", "load.run.aborted"), (), str)
    assert run.planned == pytest.approx(500, abs=20)
