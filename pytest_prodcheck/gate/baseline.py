"""`--prodcheck-baseline=FILE`: what an earlier run adds to this one: what is new, and what takes longer than then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.criteria import slowdown
from pytest_prodcheck.criteria.slowdown import Change
from pytest_prodcheck.gate.plan import ROOT
from pytest_prodcheck.gate.results import Attempt
from pytest_prodcheck.history import changes as since_then
from pytest_prodcheck.history.earlier import Earlier
from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.observe.series import Series

OLD_S = 30 * 86400.0
"""Age from which on a note says how old it is: much else may have changed since."""


class Held(NamedTuple):
    """The series of a run, held against the earlier one."""

    series: tuple[Series, ...]
    changes: tuple[Change, ...] = ()

    @property
    def compared(self) -> set[tuple[str, str]]:
        """Target and thing of each that is no slower."""
        return {(one.target, one.thing) for one in self.changes if one.word in ("within noise", "faster")}


def held(earlier: Earlier, series: tuple[Series, ...], vantage: str) -> Held:
    """The series against those of the earlier run; of one that saw from elsewhere (`vantage`), none is."""
    if earlier.vantage != vantage:
        return Held(series)
    changes = slowdown.compare(earlier.series, series)
    return Held(slowdown.keeping_references(series, earlier.series, changes), changes)


def attempts(changes: Sequence[Change]) -> dict[str, Attempt]:
    """A check of its own for each target that was compared and is slower: a warning."""
    by_target: dict[str, list[Change]] = {}
    for change in changes:
        by_target.setdefault(change.target, []).append(change)
    found = {target: slowdown.findings(rows) for target, rows in by_target.items()}
    return {
        f"{ROOT}::baseline[{target}]": Attempt("degraded", rows, criteria=(slowdown.CRITERION,), executed=False)
        for target, rows in found.items()
        if rows
    }


def marked(result: RunResult, earlier: Earlier, held: Held) -> RunResult:
    """The result with what is new of it, and what has changed since."""
    found = since_then.since(earlier, result.checks, result.causes, result.accepted, held.compared)
    latency = [one.as_json() for one in held.changes]
    return replace(
        result,
        checks=found.checks,
        causes=found.causes,
        baseline=since_then.as_json(found, earlier, latency),
        notes=(*result.notes, *_notes(earlier, result)),
    )


def _notes(earlier: Earlier, result: RunResult) -> Iterator[str]:
    if earlier.age_s > OLD_S:
        yield f"the baseline is {show_duration(float(earlier.age_s // 86400 * 86400))} old"
    if not earlier.complete:
        unknown = _unknown_then(earlier, {check.id: check for check in result.checks})
        yield f"the baseline is of a partial run: {unknown} of this run's checks were not in it, and are called new"
    if earlier.vantage != result.vantage:
        then, now = earlier.vantage, result.vantage
        yield f"latency was not compared: the baseline was seen from the {then}, this run from the {now}"


def _unknown_then(earlier: Earlier, now: Mapping[str, object]) -> int:
    return sum(name not in earlier.checks for name in now)
