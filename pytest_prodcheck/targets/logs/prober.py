"""The logs target as the owner asks it: read once, when everything else was asked, and shared by all checks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.log import Digest, Fold, Gap, Own, Window
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.logs.reading import Reading, Source, SourceProblem, stamp

Folding = Callable[[LogsTarget, Window, Own], Fold]
"""What makes the fold that takes the lines of one reading."""
_LONGEST_BEFORE = 3600.0
_SPARE = 2.0
"""Seconds before the rollout that belong to it: its first lines are older than the pod's own record of its start."""


class LogsProber:
    """Reads one target's logs; never writes."""

    def __init__(
        self,
        target: str,
        table: LogsTarget,
        folding: Folding,
        source: Source,
        run: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        """`run` is the run's id, by which our own lines are told; `now` is a wall clock."""
        self.target, self.table, self.lane, self.width = target, table, target, 2
        self._folding, self._source, self._run, self._now = folding, source, run, now
        self._began = now()
        self._own = Own(run)
        self._readings: dict[int, tuple[Digest, Observation]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def ready(self) -> Evidence:
        """Whether the source is there and may be read."""
        began, started = self._now(), time.monotonic()
        try:
            self._source.look()
        except SourceProblem as problem:
            error = "refused" if problem.refused else ""
            seen = Observation(self.target, "look for logs", "readiness", started_at=began, message=problem.message,
                               expected=False, wall=time.monotonic() - started)  # fmt: skip
            told = {"code": problem.code, "message": problem.message, "refused": bool(error), "remedy": problem.remedy}
            return Evidence((seen,), {"problem": told})
        return Evidence((Observation(self.target, "look for logs", "readiness", started_at=began),))

    def know(self, observations: Iterable[Observation]) -> None:
        """What the run has asked meanwhile: lines of those requests are ours."""
        self._own = Own.of(self._run, observations)

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The digest, read once an attempt. Raises SourceProblem."""
        del function, subject, user
        with self._lock:
            if attempt not in self._readings:
                self._readings[attempt] = self._read()
            digest, seen = self._readings[attempt]
        return Evidence((seen,), {"digest": digest, "asked": self._own.asked})

    def query(self) -> Digest:
        """The digest for a test's own fixture: what was read last, or is read now. Raises SourceProblem."""
        with self._lock:
            if not self._readings:
                self._readings[1] = self._read()
            return self._readings[max(self._readings)][0]

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Nothing of logs is sampled."""
        del function, subject, user
        return None

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """Nothing of logs is sampled."""
        return ()

    def close(self) -> None:
        """Ends a reading that is under way."""
        self._stopped.set()

    def _read(self) -> tuple[Digest, Observation]:
        began, started = self._now(), time.monotonic()
        reading = self._reading(began, started)
        try:
            reading.window = self._window(began)
            reading.fold = self._folding(self.table, reading.window, self._own)
            self._source.read(reading)
        except SourceProblem as problem:
            reading.lose(self.target, "refused" if problem.refused else "unreadable", problem.message)
        digest = reading.fold.result()
        digest = replace(digest, gaps=(*reading.gaps, *_late(digest, reading.late)))
        answers = {
            name: {"lines": list(said.lines), "code": said.code, "exception": said.exception}
            for name, said in digest.answers.items()
        }
        seen = Observation(
            self.target,
            f"read {len(digest.streams)} log stream{'' if len(digest.streams) == 1 else 's'}",
            "readiness",
            started_at=began,
            wall=time.monotonic() - started,
            size=digest.bytes,
            data={"lines": digest.lines, "answers": answers},
        )
        return digest, seen

    def _reading(self, began: float, started: float) -> Reading:
        window = Window(began, began, began)
        most = grammar.size_limit(self.table.at_most).value
        fold = self._folding(self.table, window, self._own)
        return Reading(fold, window, most, started + self.table.reading, stopped=self._stopped.is_set)

    def _window(self, until: float) -> Window:
        span = self.table.span
        if span is not None:
            since, why = until - span, f"the last {grammar.show_duration(span)}"
        elif self.table.since == "run":
            since, why = self._began, "this run began"
        else:
            rolled_out = self._source.rollout()
            if rolled_out is None:
                text = "it is not known when the rollout was: say `since` as a duration"
                raise SourceProblem(self.target, text, "logs.window.unproven")
            since, why = rolled_out - _SPARE, f"the rollout at {stamp(rolled_out)[:19]}Z"
        compared = self.table.before if self.table.before is not None else min(until - since, _LONGEST_BEFORE)
        return Window(since, until, since - compared, why, span is None, _zone(), self._began)


def _late(digest: Digest, late: Iterable[str]) -> list[Gap]:
    """Streams that were not read from their beginning, and whose first line is of within the window."""
    firsts = {stream.name: stream.first for stream in digest.streams}
    return [
        Gap(name, "rotated", f"its oldest line is of {stamp(first)}, the window begins at {stamp(digest.window.since)}")
        for name in sorted(late)
        if (first := firsts.get(name)) is not None and first > digest.window.since
    ]


def _zone() -> float:
    """Seconds by which this machine's local time is behind UTC: files of this machine have it, where they say none."""
    return float(-time.localtime().tm_gmtoff)
