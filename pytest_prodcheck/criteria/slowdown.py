"""The criterion `baseline`: whether requests take longer than in an earlier run, beyond noise (D39).

A difference is a finding where ranks prove it (together at most 1 % false alarms a run, by Holm's procedure) and it is
large enough to matter: a shift above 10 % of the earlier median and above 20 ms. Anything else is within noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.criteria import ranks, statistics
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.series import Series

CRITERION = "baseline"
CODE = "baseline.latency.slower"
FEWEST = 5
"""Answers on either side below which no difference could be proven."""
ALPHA = 0.01
"""Probability of a false alarm, over all comparisons of a run together."""
SHARE, SECONDS = 0.10, 0.020
"""What a shift must exceed, both, to matter."""
_DEVIATIONS = 2.576
"""Of a normal distribution, for an interval of 99 %."""

Word = Literal["slower", "faster", "within noise", "too few"]


@dataclass(frozen=True, slots=True)
class Change:
    """One series held against the earlier run; seconds."""

    target: str
    subject: str
    operation: str
    user: str
    word: Word
    n_then: int
    n_now: int
    then: float
    """The median."""
    now: float
    shift: float = 0.0
    low: float = 0.0
    high: float = 0.0
    """The interval of the shift (99 %): the band of noise lies within."""
    probability: float = 1.0
    """Of a difference like this by chance."""

    @property
    def name(self) -> str:
        """`http.app GET /api/tasks as member`."""
        return f"{self.target} {self.operation}" + (f" as {self.user}" if self.user else "")

    @property
    def thing(self) -> str:
        """The subject of its finding: `tasks as member`."""
        return (self.subject or self.operation) + (f" as {self.user}" if self.user else "")

    def as_json(self) -> dict[str, Any]:
        """The row of `verdict.json`."""
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}


def compare(earlier: Iterable[Series], now: Iterable[Series]) -> tuple[Change, ...]:
    """Every series that both runs have, held against the other."""
    before = {one.key: one for one in earlier}
    pairs = [(before[one.key], one) for one in now if one.key in before]
    changes = [_measured(then, one) for then, one in pairs if then.samples and one.samples]
    slower, faster = _proven(changes, "slower"), _proven(changes, "faster")
    return tuple(_worded(change, at in slower, at in faster) for at, change in enumerate(changes))


def findings(changes: Iterable[Change]) -> tuple[Finding, ...]:
    """A warning for each series that is slower."""
    return tuple(_finding(change) for change in changes if change.word == "slower")


def keeping_references(
    now: Iterable[Series], earlier: Iterable[Series], changes: Iterable[Change]
) -> tuple[Series, ...]:
    """The series of this run; one that is slower keeps what it was held against."""
    before = {one.key: one for one in earlier}
    slow = {(one.target, one.subject, one.operation, one.user) for one in changes if one.word == "slower"}
    return tuple(replace(one, reference=_held_against(before[one.key])) if one.key in slow else one for one in now)


def _held_against(then: Series) -> tuple[float, ...]:
    return then.reference or then.samples


def _measured(then: Series, now: Series) -> Change:
    before, after = _held_against(then), now.samples
    counts = (len(before) if then.reference else then.n, now.n)
    medians = (statistics.quantile(before, 0.5), statistics.quantile(after, 0.5))
    if min(len(before), len(after)) < FEWEST:
        return Change(*now.key, "too few", *counts, *medians)
    moved = ranks.shift(before, after, _DEVIATIONS)
    probability = ranks.larger(before, after) if moved.value >= 0 else ranks.larger(after, before)
    return Change(*now.key, "within noise", *counts, *medians, *moved, probability)


def _proven(changes: Sequence[Change], word: Word) -> frozenset[int]:
    """Positions of the changes in one direction that Holm's procedure (1979, Scand. J. Stat. 6:65) takes as proven."""
    compared = [(at, change) for at, change in enumerate(changes) if change.word != "too few"]
    sign = 1 if word == "slower" else -1
    ranked = sorted((change.probability if change.shift * sign > 0 else 1.0, at) for at, change in compared)
    proven = set()
    for done, (probability, at) in enumerate(ranked):
        if probability > ALPHA / (len(ranked) - done):
            break
        proven.add(at)
    return frozenset(proven)


def _worded(change: Change, slower: bool, faster: bool) -> Change:
    large = abs(change.shift) > max(SHARE * change.then, SECONDS)
    if large and slower:
        return replace(change, word="slower")
    return replace(change, word="faster") if large and faster else change


def line(change: Change) -> str:
    """`median 48ms → 75ms, shift +27ms (+56 %; 99 %: 22ms to 31ms), 59 requests then, 59 now`."""
    sign = "+" if change.shift >= 0 else "-"
    share = f"{100 * change.shift / change.then:+.0f} %; " if change.then else ""
    band = f"{share}99 %: {_signed(change.low)} to {_signed(change.high)}"
    medians = f"median {show_duration(change.then)} → {show_duration(change.now)}"
    moved = f"shift {sign}{show_duration(abs(change.shift))} ({band})"
    return f"{medians}, {moved}, {change.n_then} requests then, {change.n_now} now"


def _signed(seconds: float) -> str:
    return f"{'-' if seconds < 0 else '+'}{show_duration(abs(seconds))}"


def _finding(change: Change) -> Finding:
    who = f" as {change.user}" if change.user else ""
    return Finding(
        CRITERION,
        change.target,
        f"{change.operation}{who} is slower than in the baseline: {line(change)}",
        CODE,
        "warning",
        f"median {show_duration(change.now)}",
        f"not slower than {show_duration(change.then)} by more than 10 % and 20ms",
        change.thing,
        data={"operation": change.operation, "user": change.user, "probability": change.probability,
              "then": change.then, "now": change.now, "shift": change.shift, "n_then": change.n_then,
              "n_now": change.n_now},
    )  # fmt: skip
