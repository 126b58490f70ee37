"""The last second of a run, over all its processes: when it must be aborted, and what is shown of it live."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_prodcheck.config import load_limits
from pytest_prodcheck.config.grammar import Comparison, show_duration

SPAN = 1.0
"""Seconds that are looked at together: an abort comes within two."""
LEAST = 10
"""Requests that a second must have: fewer prove nothing worth stopping for."""


class Look(NamedTuple):
    """What one process said at one time."""

    at: float
    ended: int
    failed: int
    times: Sequence[int]
    waiting: Sequence[int]


@dataclass(slots=True)
class _Before:
    ended: int = 0
    failed: int = 0


class Window:
    """Takes looks, forgets those that are older than a second."""

    def __init__(self, abort: Sequence[str]) -> None:
        self._limits = [load_limits.abort_limit(text) for text in abort]
        self._looks: deque[tuple[str, Look]] = deque()
        self._before: dict[str, _Before] = {}
        self._waiting: dict[str, Sequence[int]] = {}

    def take(self, process: str, now: float, said: dict[str, Any]) -> None:
        """One look of a process; `now` is on our own clock."""
        before = self._before.setdefault(process, _Before())
        ended, failed = int(said["ended"]), int(said["failed"])
        look = Look(now, ended - before.ended, failed - before.failed, said["times"], said["waiting"])
        before.ended, before.failed = ended, failed
        self._looks.append((process, look))
        self._waiting[process] = look.waiting

    def _recent(self, now: float) -> list[Look]:
        while self._looks and self._looks[0][1].at < now - SPAN:
            self._looks.popleft()
        return [look for _, look in self._looks]

    def gone(self, process: str) -> None:
        """A process that ended has no request under way."""
        self._waiting.pop(process, None)

    def broken(self, now: float) -> str:
        """The abort limit that the last second passed, in words; empty for none."""
        looks = self._recent(now)
        ended, failed = sum(look.ended for look in looks), sum(look.failed for look in looks)
        times = sorted([*(time for look in looks for time in look.times), *self._old()])
        for limit in self._limits:
            text = _errors(limit, ended, failed) if limit.subject == "errors" else _slow(limit, times)
            if text:
                return f"{text} in the last second, abort limit {limit.text}"
        return ""

    def _old(self) -> list[int]:
        """Requests under way count with their age: a server that freezes answers none, and is slow all the same."""
        return [age for ages in self._waiting.values() for age in ages]

    def figures(self, now: float) -> tuple[float, float | None, float]:
        """Requests a second, p95 in seconds, and share of errors, of the last second."""
        looks = self._recent(now)
        ended, failed = sum(look.ended for look in looks), sum(look.failed for look in looks)
        times = sorted(time for look in looks for time in look.times)
        p95 = times[-(-95 * len(times) // 100) - 1] / 1e6 if times else None
        return ended / SPAN, p95, failed / ended if ended else 0.0


def _errors(limit: Comparison, ended: int, failed: int) -> str:
    if ended < LEAST or limit.holds(failed / ended):
        return ""
    return f"{failed} of {ended} requests failed"


def _slow(limit: Comparison, times: Sequence[int]) -> str:
    if len(times) < LEAST:
        return ""
    quantile = 1.0 if limit.subject == "max" else limit.quantile or 1.0
    seen = times[max(0, -(-int(quantile * 1000) * len(times) // 1000) - 1)] / 1e6
    return "" if limit.holds(seen) else f"{limit.subject} {show_duration(seen)} of {len(times)} requests"
