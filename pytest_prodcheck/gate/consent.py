"""Whether load may be sent at all: only where the environment consents. Anything else is exit 4."""

from __future__ import annotations

from collections.abc import Collection

from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.gate.selection import asks_for

_AROUND = 35.0
"""Seconds that a run of Locust may take beside its duration."""


def asked(expression: str) -> bool:
    """Whether -m asks for `load` or `soak`."""
    return any(asks_for(expression, frozenset({mark}), [mark]) for mark in ("load", "soak"))


def seconds(environment: Environment) -> float:
    """How long the scenarios take together, with what Locust needs to start and to end; the gate's deadline is beside
    it."""
    table = next(iter(environment.of_kind("load").values()), None)
    return sum(table.seconds(name) + table.timeout + _AROUND for name in table.scenarios) if table else 0.0


def problems(environment: Environment, expression: str, selected: Collection[str]) -> list[str]:
    """Why what -m asks for may not be run here, one line each. `selected` are the ids of the opt-in tests that would
    run."""
    table = next(iter(environment.of_kind("load").values()), None)
    if (table is not None and table.consent) or not (selected or asked(expression)):
        return []
    name = environment.name
    place = f"{environment.where('load')}: " if table is not None else ""
    return [
        f"{place}environment {name} does not consent to load: set consent = true in [env.{name}.load] where its owners "
        "agree (it is never inherited)"
    ]
