"""`connections`: the server, and each role with a limit of its own, has room for more connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_prodcheck.config import grammar
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Finding

_EXHAUSTED = "database.connections.exhausted"
_ROLE_LIMIT = "database.connections.role_limit"


def connections(catalog: Catalog, limit: str, target: str, app_roles: Sequence[str] = ()) -> list[Finding]:
    """Findings where the limit (`< 80%`, a share, or `<= 50`, a number) does not hold for the open connections of the
    server against `max_connections`, or of one of `app_roles` against its own limit."""
    used = sum(catalog.connections.values())
    found = _judge(limit, used, int(catalog.settings.get("max_connections", "0")), "the server", _EXHAUSTED, target)
    if found:
        found = [_with_names(found[0], catalog.connections)]
    for role in app_roles:
        most = catalog.roles[role].connection_limit if role in catalog.roles else -1
        if most > 0:
            taken = catalog.role_connections.get(role, 0)
            found += _judge(limit, taken, most, f"role {role}", _ROLE_LIMIT, target)
    return found


def _judge(limit: str, used: int, most: int, whose: str, code: str, target: str) -> list[Finding]:
    comparison = grammar.comparison(limit)
    if comparison is None or most <= 0:
        return []
    if comparison.holds(used / most if comparison.unit == "%" else used):
        return []
    seen = f"{used} of {most} ({used / most:.0%})"
    message = f"{seen} connections of {whose} are in use, promised {limit}"
    data = {"server_connections": used, "max_connections": most, "whose": whose}
    return [Finding("connections", target, message, code, seen=seen, promised=limit, subject=whose, data=data)]


def _with_names(finding: Finding, names: Mapping[str, int]) -> Finding:
    """The same finding, which says who holds most."""
    from dataclasses import replace

    ranked = sorted(names.items(), key=lambda item: -item[1])
    first, number = ranked[0] if ranked else ("", 0)
    message = f"{finding.message}; {number} by {first or 'clients without application_name'}"
    return replace(finding, message=message, data={**finding.data, "application_names": dict(ranked)})
