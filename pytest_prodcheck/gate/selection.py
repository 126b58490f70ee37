"""Which checks were selected, and who took the others away: completeness starts here.

Narrowing on purpose (-k, -m, ids, --lf, --prodcheck-only) makes the verdict partial. A check that --deselect or somebody
else's hook took away is a failure: a gate that can lose a check silently proves nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from pytest_prodcheck import markers
from pytest_prodcheck.gate import state
from pytest_prodcheck.gate.collection import SuiteModule
from pytest_prodcheck.gate.plan import Plan

_NARROWING = {"_pytest.mark": "-k or -m", "_pytest.cacheprovider": "--lf", "_pytest.stepwise": "--stepwise"}
OPT_IN_REASON = "opt-in: not asked for by -m"


@dataclass(slots=True)
class Selection:
    """What one process collected."""

    planned: tuple[str, ...] = ()
    """Every id of the plan."""
    collected: list[str] = field(default_factory=list)
    """Ids that run, gate checks and users' own, in order."""
    narrowed: dict[str, str] = field(default_factory=dict)
    """Id → the option that left it out on purpose."""
    dropped: dict[str, str] = field(default_factory=dict)
    """Id → who took it away without the right to."""
    own: list[str] = field(default_factory=list)
    """Ids of users' own tests among `collected`."""

    def as_data(self) -> dict[str, object]:
        """Builtins only, for the way from a worker to the controller."""
        return {
            "planned": list(self.planned),
            "collected": self.collected,
            "narrowed": self.narrowed,
            "dropped": self.dropped,
            "own": self.own,
        }


class Selector:
    """Follows the items of one process from collection to the final list."""

    def __init__(self, config: pytest.Config, plan: Plan, *, paths_given: bool) -> None:
        self._config, self._paths_given = config, paths_given
        self.selection = Selection(tuple(plan.checks))
        self._before: list[str] = []
        self._deselected: dict[str, str] = {}

    def before(self, items: Sequence[pytest.Item]) -> None:
        """All items, before anybody chose among them."""
        self._before = [item.nodeid for item in items]

    def deselected(self, items: Sequence[pytest.Item]) -> None:
        """Somebody says that these items will not run; the caller's module tells who."""
        reason = _caller()
        for item in items:
            self._deselected[item.nodeid] = reason

    def drop_opt_in(self, items: list[pytest.Item]) -> None:
        """Leaves out `load` and `soak` checks that the -m expression does not ask for (interface.md §1)."""
        for item in list(items):
            marks = {mark.name for mark in item.iter_markers()}
            wanted = [mark for mark in markers.OPT_IN if mark in marks]
            if wanted and not _asks_for(self._config.getoption("markexpr") or "", marks, wanted):
                items.remove(item)
                self._deselected[item.nodeid] = OPT_IN_REASON

    def finish(self, items: Sequence[pytest.Item]) -> Selection:
        """The final list; what is missing from it is put down to whoever took it."""
        chosen = self.selection
        chosen.collected = [item.nodeid for item in items]
        chosen.own = [item.nodeid for item in items if item.getparent(SuiteModule) is None]
        running, before = set(chosen.collected), set(self._before)
        for identifier in dict.fromkeys((*chosen.planned, *self._before)):
            if identifier in running:
                continue
            reason = self._deselected.get(identifier, "")
            if reason in _NARROWING.values() or reason == OPT_IN_REASON:
                chosen.narrowed[identifier] = reason
            elif reason:
                chosen.dropped[identifier] = reason
            elif identifier not in before and self._paths_given:
                chosen.narrowed[identifier] = "paths or ids"
            elif identifier in before:
                chosen.dropped[identifier] = "a hook removed it without saying so"
            else:
                chosen.dropped[identifier] = "planned but not collected"
        return chosen


def _caller() -> str:
    """Who called `pytest_deselected`: an option's name for pytest's own plugins, the module for others."""
    frame = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module == "_pytest.main":
            return "--deselect"
        for known, option in _NARROWING.items():
            if module.startswith(known):
                return option
        if not module.startswith(("pluggy", "pytest_prodcheck")):
            return f"the hook of {module}"
        frame = frame.f_back  # type: ignore[assignment]
    return "an unknown hook"


def _asks_for(expression: str, marks: set[str], opt_in: list[str]) -> bool:
    """Whether -m is true with the opt-in mark and false without it: `load`, `load or smoke`; never `not soak`."""
    from _pytest.mark.expression import Expression

    if not expression:
        return False
    try:
        compiled = Expression.compile(expression)
    except SyntaxError:
        return False
    with_it = compiled.evaluate(lambda name, **_: name in marks)
    without = compiled.evaluate(lambda name, **_: name in marks - set(opt_in))
    return bool(with_it and not without)


def order(items: list[pytest.Item]) -> None:
    """Limits of whole targets last: they are judged over what all others have seen."""
    items.sort(key=lambda item: bool((check := state.read(item).check) and check.last))


def misused(items: Sequence[pytest.Item]) -> list[str]:
    """Users' own tests whose criteria cannot be judged with the fixtures that they use, one line each."""
    problems = []
    for item in items:
        facts = state.read(item)
        if facts.check is None and facts.sampled_limits and not _can_sample(item):
            problems.append(
                f"{item.nodeid}: a rate or a quantile needs samples: use prodcheck_http and its sample(), "
                f'e.g. prodcheck_http.sample("/checkout")'
            )
    return problems


def _can_sample(item: pytest.Item) -> bool:
    return any(name in getattr(item, "fixturenames", ()) for name in ("prodcheck_http", "prodcheck_graphql"))


def unmet(items: Sequence[pytest.Item], targets: Sequence[str], environment: str, users: Sequence[str]) -> list[str]:
    """Users' own tests that need a target or user that the environment does not have, one line each."""
    kinds = {*targets, *(target.split(".")[0] for target in targets)}
    problems = []
    for item in items:
        facts = state.read(item)
        for need in () if facts.check else facts.needs:
            if need.startswith("user:") and need.removeprefix("user:") not in users:
                problems.append(
                    f"{item.nodeid} needs user {need.removeprefix('user:')}, environment {environment} has none"
                )
            elif not need.startswith("user:") and need not in kinds:
                problems.append(f"{item.nodeid} needs target {need}, environment {environment} has none")
    return problems
