"""What this process sees of itself, four times a second: its share of a core, the event loop's lag, descriptors."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Callable
from pathlib import Path
from time import monotonic, perf_counter, process_time, time
from typing import Any

import gevent
from locust.runners import STATE_RUNNING

from pytest_prodcheck.load.child.arrivals import Counts
from pytest_prodcheck.load.child.limiter import Limiter
from pytest_prodcheck.load.child.recorder import Recorder

_BEAT = 0.05
_MOST_TOLD = 400
_OLD = 0.25


class Figures:
    """`look` is called by a thread beside the event loop."""

    def __init__(self, recorder: Recorder, counts: Counts, limiter: Limiter, wall: Callable[[], float] = time) -> None:
        """`wall` is the machine's clock, seconds since the epoch."""
        self._wall = wall
        self._recorder, self._counts, self._limiter = recorder, counts, limiter
        self.runner: Any = None
        self.raised = 0
        self._cpu, self._at = process_time(), monotonic()
        self._beat, self._lag = perf_counter(), 0.0
        self._clock = wall() - monotonic()

    def beat(self) -> None:
        """Runs in the event loop: how late it comes is the lag of everybody."""
        while True:
            before = perf_counter()
            gevent.sleep(_BEAT)
            self._beat = perf_counter()
            self._lag = max(self._lag, self._beat - before - _BEAT)

    def look(self) -> dict[str, Any]:
        """The figures since the last look. Latencies are microseconds, thinned evenly where there are many."""
        now, cpu = monotonic(), process_time()
        spent = max(1e-6, now - self._at)
        share, self._cpu, self._at = (cpu - self._cpu) / spent, cpu, now
        lag, self._lag = max(self._lag, perf_counter() - self._beat - _BEAT), 0.0
        recorder = self._recorder
        window, recorder.window = recorder.window, []
        jumped = self._wall() - monotonic() - self._clock
        self._clock += jumped
        return {
            "at": self._wall(),
            "cpu": round(share, 3),
            "lag": round(max(0.0, lag), 4),
            "descriptors": _descriptors(),
            "most_descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "users": self._counts.under_way or (self.runner.user_count if self.runner else 0),
            "ended": recorder.ended,
            "failed": recorder.failed,
            "due": self._counts.due,
            "started": self._counts.started,
            "unstarted": self._counts.unstarted,
            "under_way": max(self._counts.under_way + self._counts.cut, len(recorder.begun) + recorder.cut),
            "missing": self._missing(),
            "over": self._counts.over,
            "held": self._limiter.held,
            "times": _thinned(window),
            "waiting": self._waiting(),
            "jumped": round(jumped, 3) if abs(jumped) > 0.5 else 0,
            "problem": recorder.problem,
            "raised": self.raised,
        }

    def _missing(self) -> int:
        """Users that ended before the run did, in the closed model; while they are spawned, nobody is missing."""
        runner = self.runner
        if runner is None or runner.state != STATE_RUNNING or self._counts.dispatchers:
            return 0
        return max(0, int(runner.target_user_count) - int(runner.user_count))

    def _waiting(self) -> list[int]:
        """Microseconds that requests have been under way, of those that have been for long."""
        now = perf_counter()
        with contextlib.suppress(RuntimeError):  # changed while it was read: the next look is near
            ages = [now - begun for begun in list(self._recorder.begun.values())]
            return _thinned([int(age * 1e6) for age in ages if age > _OLD])
        return []


def _thinned(values: list[int]) -> list[int]:
    step = -(-len(values) // _MOST_TOLD) or 1
    return sorted(values)[::step] if step > 1 else values


def _descriptors() -> int:
    with contextlib.suppress(OSError):
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    return 0
