"""The figures of a run, target by target, for the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.criteria import latency
from pytest_prodcheck.gate.owner import Owner
from pytest_prodcheck.observe.result import CheckVerdict


def rows(owner: Owner, checks: Sequence[CheckVerdict]) -> tuple[Mapping[str, Any], ...]:
    """One row a configured target: how many checks, how they ended, and the latency of its requests."""
    by_target = {target: [check for check in checks if check.target == target] for target in owner.targets}
    # load that nobody asked for is no part of the run
    return tuple(_row(owner, target, mine) for target, mine in by_target.items() if mine or target != "load")


def _row(owner: Owner, target: str, checks: Sequence[CheckVerdict]) -> Mapping[str, Any]:
    seen = [one for one in owner.observations if one.target == target and one.kind in ("declared", "sample")]
    words = {
        word: sum(check.verdict == word for check in checks) for word in ("pass", "fail", "blocked", "insufficient")
    }
    return {"target": target, "checks": len(checks), **words, **latency.summary(seen)}


def revision(environment: Environment, owner: Owner) -> Mapping[str, Any] | None:
    """What the environment was expected to serve, what it served, and how long was waited."""
    if environment.revision is None:
        return None
    facts = owner.revision_facts
    return {
        "expected": environment.revision.expected or None,
        "serving": list(facts.get("serving", ())),
        "waited_s": facts.get("waited_s", 0.0),
    }
