"""Roles of the snapshot, with the closure of their memberships."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_prodcheck.observe.catalog import Role

Row = tuple[Any, ...]


def settings_by_role(role_rows: Iterable[Row], overrides: Iterable[Row]) -> dict[str, dict[str, str]]:
    """Role name → what ALTER ROLE … SET gives it here; the empty name stands for ALTER DATABASE … SET."""
    found = {row[0]: _settings(row[6]) for row in role_rows}
    for name, configured in overrides:
        found.setdefault(name, {}).update(_settings(configured))
    return found


def _settings(configured: Iterable[str] | None) -> dict[str, str]:
    split = (setting.partition("=") for setting in configured or ())
    return {name: value for name, _, value in split}


def roles(
    rows: Iterable[Row], memberships: Iterable[Row], settings: Mapping[str, Mapping[str, str]]
) -> dict[str, Role]:
    """Role name → role; `memberships` are rows of member, group, and whether the member inherits its privileges."""
    groups: dict[str, list[str]] = {}
    inherited: dict[str, list[str]] = {}
    for member, group, inherits in memberships:
        groups.setdefault(member, []).append(group)
        if inherits:
            inherited.setdefault(member, []).append(group)
    return {
        name: Role(
            name,
            superuser,
            bypasses,
            login,
            limit,
            until,
            _reachable(name, groups),
            _reachable(name, inherited),
            settings.get(name, {}),
        )
        for name, superuser, bypasses, login, limit, until, _ in rows
    }


def _reachable(start: str, edges: Mapping[str, list[str]]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    waiting = list(edges.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name] = None
            waiting += edges.get(name, ())
    return tuple(sorted(seen))
