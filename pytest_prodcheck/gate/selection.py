"""Which checks were selected, and who took the others away: completeness starts here.

Narrowing on purpose (-k, -m, ids, --lf, --prodcheck-only) makes the verdict partial. A check that --deselect or
somebody else's hook took away is a failure: a gate that can lose a check silently proves nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_prodcheck import markers
from pytest_prodcheck.gate import ignoring, state
from pytest_prodcheck.gate.collection import SuiteModule
from pytest_prodcheck.gate.plan import Plan

LAST_FAILED, DESELECT, STEPWISE = "--lf", "--deselect", "--stepwise"
SILENTLY, NEVER = "a hook removed it without saying so", ""
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

    def __init__(self, config: pytest.Config, plan: Plan, base: Path, *, paths_given: bool) -> None:
        """`base` is the directory of prodcheck.toml; `paths_given` says that the arguments narrow the plan."""
        self._config, self._paths_given, self._base = config, paths_given, base
        self.selection = Selection(tuple(plan.checks))
        self._before: list[str] = []
        self._paths: set[Path] = set()
        self._deselected: dict[str, str] = {}
        self._on_purpose: set[str] = set()
        self._ignored: dict[Path, str] = {}

    def before(self, items: Sequence[pytest.Item]) -> None:
        """All items, before anybody chose among them."""
        self._before = [item.nodeid for item in items]
        self._paths = {item.path for item in items}

    def empty_suites(self, suites: Sequence[str]) -> list[str]:
        """The team's own suites that hold no test, one line each: a suite that is named and empty proves nothing."""
        if self._paths_given or self._config.getoption("lf", False):
            return []
        asked = [Path(argument.partition("::")[0]).resolve() for argument in self._config.args]
        places = {suite: (self._base / suite).resolve() for suite in suites}
        places = {suite: place for suite, place in places.items() if {place, *place.parents} & set(asked)}
        return [
            f"[prodcheck] suites: {suite} holds no test (python_files is {self._config.getini('python_files')})"
            for suite, place in places.items()
            if not any(path == place or place in path.parents for path in self._paths)
        ]

    def ignored(self, path: Path) -> None:
        """A file or directory that will not be collected: tests of the team that are in it are left out, not lost."""
        if why := ignoring.reason(self._config, path):
            self._ignored[path] = why

    def deselected(self, items: Sequence[pytest.Item]) -> None:
        """Somebody says that these items will not run; the caller's module tells who."""
        reason, on_purpose = self._reason(*_caller())
        for item in items:
            self._deselected[item.nodeid] = reason
            if on_purpose:
                self._on_purpose.add(item.nodeid)

    def drop_opt_in(self, items: list[pytest.Item]) -> None:
        """Leaves out `load` and `soak` checks that the -m expression does not ask for (interface.md §1)."""
        for item in list(items):
            marks = state.read(item).marks
            wanted = [mark for mark in markers.OPT_IN if mark in marks]
            if wanted and not asks_for(self._config.getoption("markexpr") or "", marks, wanted):
                items.remove(item)
                self._deselected[item.nodeid] = OPT_IN_REASON
                self._on_purpose.add(item.nodeid)

    def finish(self, items: Sequence[pytest.Item]) -> Selection:
        """The final list; what is missing from it is put down to whoever took it."""
        chosen = self.selection
        chosen.collected = [item.nodeid for item in items]
        chosen.own = [item.nodeid for item in items if item.getparent(SuiteModule) is None]
        running, before = set(chosen.collected), set(self._before)
        for identifier in dict.fromkeys((*chosen.planned, *self._before)):
            if identifier in running:
                continue
            if identifier in self._deselected:
                kept = chosen.narrowed if identifier in self._on_purpose else chosen.dropped
                kept[identifier] = self._deselected[identifier]
            elif identifier in before:
                chosen.dropped[identifier] = SILENTLY
            elif self._paths_given or self._config.getoption("lf", False):
                chosen.narrowed[identifier] = "paths or ids" if self._paths_given else LAST_FAILED
            else:
                chosen.dropped[identifier] = NEVER
        chosen.narrowed.update(ignoring.narrowed(self._config, self._ignored))
        return chosen

    def _reason(self, module: str, function: str) -> tuple[str, bool]:
        """Why the caller of `pytest_deselected` left items out, and whether that is a selection on purpose."""
        if module == "_pytest.mark":
            option = "-m" if function == "deselect_by_mark" else "-k"
            given = self._config.getoption("markexpr" if option == "-m" else "keyword")
            return f"{option} {given}", True
        if module == "_pytest.cacheprovider":
            return LAST_FAILED, True
        if module == "_pytest.stepwise":
            return STEPWISE, False
        return (DESELECT if module == "_pytest.main" else f"the hook {function} of {module}"), False


def _caller() -> tuple[str, str]:
    """Module and function that called `pytest_deselected`."""
    frame = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("pluggy", "pytest_prodcheck")):
            return module, frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]
    return "an unknown module", "unknown"


def missed(identifier: str, reason: str) -> str:
    """What is wrong with a check that was taken away: the line for its failed report."""
    if reason in (SILENTLY, NEVER):
        return f"planned but not collected: {identifier}" + (f" ({reason})" if reason else "")
    if reason == STEPWISE:
        return f"partial run: {identifier} was not executed, {STEPWISE} began after it"
    return f"required check {identifier} was deselected by {reason}"


def asks_for(expression: str, marks: frozenset[str], opt_in: list[str]) -> bool:
    """Whether -m is true with the opt-in mark and false without it: `load`, `load or smoke`; never `not soak`."""
    from _pytest.mark.expression import Expression

    if not expression:
        return False
    try:
        compiled = Expression.compile(expression)
    except SyntaxError:
        return False
    with_it = compiled.evaluate(lambda name, /, **_: name in marks)
    without = compiled.evaluate(lambda name, /, **_: name in marks - set(opt_in))
    return bool(with_it and not without)


def order(items: list[pytest.Item]) -> None:
    """Limits of whole targets last: they are judged over what all others have seen."""
    items.sort(key=lambda item: bool((check := state.read(item).check) and check.last))


def stripped(items: Sequence[pytest.Item]) -> list[str]:
    """Users' own tests where Python removes assertions: pytest keeps those of test modules, not those of the helper
    modules that they import."""
    own = next((item.nodeid for item in items if state.read(item).check is None), "")
    if not sys.flags.optimize or not own:
        return []
    return [
        f"assertions are disabled (PYTHONOPTIMIZE) in the modules that tests import: {own} could not fail; "
        "run without it, or the shipped checks alone"
    ]


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
        for need in () if facts.check else [need.removeprefix("fixture:") for need in facts.needs]:
            if need.startswith("user:") and need.removeprefix("user:") not in users:
                problems.append(
                    f"{item.nodeid} needs user {need.removeprefix('user:')}, environment {environment} has none"
                )
            elif not need.startswith("user:") and need not in kinds:
                problems.append(f"{item.nodeid} needs target {need}, environment {environment} has none")
    return problems
