"""The probe pool: lanes, results, the end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from pytest_prodcheck.errors import DeadlinePassed
from pytest_prodcheck.observe.pool import ProbePool

STUCK = """
import sys, time, threading
from pytest_prodcheck.observe.pool import ProbePool
pool = ProbePool()
started = threading.Event()
pending = pool.submit("lane", 1, lambda: (started.set(), time.sleep(60)))
started.wait(5)
print("verdict")
"""


@pytest.fixture
def pool():
    """A pool that ends with the test."""
    pool = ProbePool()
    yield pool
    pool.end()


def test_results_and_exceptions_travel(pool):
    """The waiting side gets what the call gave, or the very exception that it raised."""
    assert pool.submit("a", 2, lambda: 42).result(2) == 42
    error = KeyError("x")

    def fails():
        raise error

    pending = pool.submit("a", 2, fails)
    with pytest.raises(KeyError) as raised:
        pending.result(2)
    assert raised.value is error
    assert pending.failed


def test_lane_never_has_more_threads_than_its_size(pool):
    """Of forty jobs in a lane of three, three run at once, all run, and another lane is not held up."""
    lock, now, most = threading.Lock(), 0, 0

    def job():
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return True

    jobs = [pool.submit("slow", 3, job) for _ in range(40)]
    begin = time.monotonic()
    assert pool.submit("other", 1, lambda: 1).result(2) == 1
    assert time.monotonic() - begin < 0.1
    assert all(pending.result(5) for pending in jobs)
    assert most == 3


def test_stuck_job_starves_no_other_of_its_lane(pool):
    """However jobs come in, a thread that is stuck is no reason for the rest of the lane to wait."""
    release = threading.Event()
    for _ in range(50):
        pool.submit("lane", 64, lambda: release.wait(5))
        assert pool.submit("lane", 64, lambda: 1).result(1) == 1
    release.set()


def test_result_has_a_deadline(pool):
    """Waiting ends at its timeout, and says that no answer was there."""
    release = threading.Event()
    pending = pool.submit("a", 1, lambda: release.wait(5))
    with pytest.raises(DeadlinePassed, match="before the answer was there"):
        pending.result(0.05)
    release.set()
    assert pending.result(2)


def test_stop_settles_what_is_queued_even_behind_a_stuck_thread(pool):
    """After a stop, queued and new jobs end at once as never run, also for those who wait without a timeout."""
    release, started, ran = threading.Event(), threading.Event(), []
    pool.submit("a", 1, lambda: (started.set(), release.wait(5)))
    started.wait(2)
    queued = [pool.submit("a", 1, lambda: ran.append(1)) for _ in range(3)]
    pool.stop()
    for pending in [*queued, pool.submit("a", 1, lambda: ran.append(1))]:
        assert pending.done
        with pytest.raises(DeadlinePassed):
            pending.result()
    release.set()
    assert ran == []


def test_threads_go_home_at_the_end():
    """`end` lets all idle threads go at once; a stuck one is left behind after two seconds at most."""
    pool = ProbePool()
    jobs = [pool.submit("home", 8, lambda: time.sleep(0.02)) for _ in range(8)]
    for pending in jobs:
        pending.result(2)
    begin = time.monotonic()
    pool.end()
    assert time.monotonic() - begin < 0.5
    assert not [thread for thread in threading.enumerate() if thread.name == "prodcheck-home"]


def test_stuck_thread_cannot_hang_the_interpreter():
    """A process whose probe never returns ends all the same."""
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, "verdict\n")
    assert time.monotonic() - begin < 10
