"""The verdict of a run: pure functions from results to one of five words, and from the word to an exit status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_prodcheck.config.models import Environment

if TYPE_CHECKING:
    from pytest_prodcheck.observe.finding import Verdict
    from pytest_prodcheck.observe.result import RunVerdict

PASS, FAIL, INTERRUPTED, INTERNAL, USAGE, NOTHING, INSUFFICIENT = 0, 1, 2, 3, 4, 5, 6
"""Exit statuses (interface.md §1)."""


def of(verdicts: Iterable[Verdict], *, executed: int, policy: Environment) -> RunVerdict:
    """The run's verdict: the worst of its checks'; nothing executed is a failure. Policies turn words into warnings."""
    seen = set(verdicts)
    if "fail" in seen or (not executed and "blocked" not in seen):
        return "fail"
    for word in ("blocked", "insufficient"):
        if word in seen and not (word == "insufficient" and policy.insufficient == "warn"):
            return word
    return "degraded" if seen & {"degraded", "insufficient"} else "pass"


def exit_status(verdict: RunVerdict, policy: Environment, *, selected: int) -> int:
    """The exit status of a verdict; 5 where nothing was selected."""
    if not selected:
        return NOTHING
    if verdict in ("fail", "blocked", "unfinished"):
        return FAIL
    if verdict == "insufficient":
        return INSUFFICIENT
    return FAIL if verdict == "degraded" and policy.degraded == "fail" else PASS
