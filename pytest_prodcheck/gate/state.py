"""What the gate keeps with each pytest item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_prodcheck import markers
from pytest_prodcheck.gate.collection import SuiteModule
from pytest_prodcheck.gate.plan import Check

FIXTURE_TARGETS = {
    f"prodcheck_{kind}": kind
    for kind in ("http", "auth", "graphql", "websocket", "database", "cache", "cluster", "logs", "load")
}


@dataclass(slots=True)
class ItemState:
    """One item: its planned check, if it is a shipped one, and its criteria markers."""

    check: Check | None
    criteria: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Marker name → arguments of each use, closest first."""
    needs: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()
    """Names of all its markers."""
    executed: bool = False
    keywords: Mapping[str, Any] | None = None
    """What its reports share."""

    @property
    def latency(self) -> tuple[str, ...]:
        """Limits of all `latency` marks."""
        return tuple(limit for mark in self.criteria.get("latency", ()) for limit in mark["limits"])

    @property
    def error_rate(self) -> str | None:
        """The closest `error_rate` mark's limit."""
        marks = self.criteria.get("error_rate")
        return str(marks[0]["limit"]) if marks else None

    @property
    def sampled_limits(self) -> tuple[str, ...]:
        """The limits that one request cannot decide."""
        rate = (self.error_rate,) if self.error_rate else ()
        return tuple(limit for limit in self.latency if limit.startswith(("p", "mean"))) + rate


STATE = pytest.StashKey[ItemState]()


def read(item: pytest.Item) -> ItemState:
    """The item's state, read from its markers once. Raises errors.MarkerError with `file:line`."""
    known = item.stash.get(STATE, None)
    if known is None:
        known = item.stash[STATE] = _read(item)
    return known


def _read(item: pytest.Item) -> ItemState:
    criteria: dict[str, list[dict[str, Any]]] = {}
    marks = list(item.iter_markers())
    for mark in marks:
        if mark.name in markers.CRITERIA:
            criteria.setdefault(mark.name, []).append(markers.read(mark.name, mark.args, mark.kwargs, item))
    check = None
    if item.getparent(SuiteModule) is not None:
        check = item.callspec.params["check"]  # type: ignore[attr-defined]
    needs = check.needs if check else _needs(item, criteria)
    return ItemState(check, criteria, needs, frozenset(mark.name for mark in marks))


def _needs(item: pytest.Item, criteria: dict[str, list[dict[str, Any]]]) -> tuple[str, ...]:
    """What a user's own test needs: its `needs` marks, the users it names, the targets of its criteria and fixtures."""
    named = [target for mark in criteria.get("needs", ()) for target in mark["targets"]]
    named += [f"user:{mark['user']}" for mark in criteria.get("jwt_claims", ())]
    named += ["database" for name in ("schema_tables", "rls") if name in criteria]
    fixtures = getattr(item, "fixturenames", ())
    named += [f"fixture:{kind}" for fixture, kind in FIXTURE_TARGETS.items() if fixture in fixtures]
    return tuple(dict.fromkeys(named))
