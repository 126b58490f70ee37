"""The checks of load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_prodcheck.config.models import Environment, LoadScenario, LoadTarget
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder


def checks(environment: Environment, target: str, table: LoadTarget) -> Iterator[Check]:
    """One a scenario, and one for what is promised of all together. Load stands above all other layers: a target that
    is not ready blocks it."""
    build = Builder(environment, target, table)
    others = tuple(
        name
        for name, other in environment.targets.items()
        if other.required and name.split(".")[0] not in ("load", "logs")
    )
    for name, scenario in table.scenarios.items():
        if permits(environment, name, table):
            function = "test_soak" if scenario.soak else "test_load"
            check = build.check(function, name, users=_users(environment, scenario))
            yield replace(check, needs=(*others, *check.needs[1:]))
    if table.limits or table.names:
        yield replace(build.check("test_limits", last=True), needs=others)
    if table.memory:
        yield replace(build.check("test_memory", last=True), needs=others)


def _users(environment: Environment, scenario: LoadScenario) -> tuple[str, ...]:
    """As whom a scenario acts, as far as its declaration says it: a shipped one sends what others declare."""
    named = [scenario.as_]
    if scenario.file == "browse":
        hosts = environment.of_kind("http").values()
        named += [table.endpoints[name].as_ for table in hosts for name in table.repeatable]
    elif scenario.file == "graphql":
        named += [user for table in environment.of_kind("graphql").values() for user in table.as_[:1]]
    return tuple(dict.fromkeys(filter(None, named)))


def permits(environment: Environment, name: str, table: LoadTarget) -> bool:
    """Whether a scenario may be run here: every one that only reads, and the writes that `writes` names."""
    written = table.scenarios[name].effect == "write"
    return not written or name in environment.writes or f"load.{name}" in environment.writes
