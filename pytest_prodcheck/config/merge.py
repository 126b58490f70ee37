"""One environment from what it extends, its families and its defaults, still as plain tables (interface.md §2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_prodcheck.config.models import ADDRESS_KEYS, TARGET_MODELS
from pytest_prodcheck.config.problems import Problems, nearest

Table = dict[str, Any]

DEFAULTS = ("timeout", "latency")
"""Keys beside `kind` that are defaults for every target."""
HTTP_DEFAULTS = ("tls", "proxy", "headers")
"""Keys beside `kind` that are defaults for the targets that speak HTTP."""
NEVER_INHERITED: tuple[tuple[str, ...], ...] = (("writes",), ("accepted",), ("load", "consent"))
DOCUMENTS = frozenset(
    {"expect", "expect_headers", "json", "claims", "data", "errors", "query", "security_headers", "health", "first"}
)
"""Keys whose values are documents: in them `false` is JSON's (of `health`: not judged), and removes nothing."""
NOT_JUDGED = {
    "logs": frozenset({"traffic", "personal_data"}),
    "cache": frozenset({"memory", "clients", "replication_lag"}),
}
"""Kind → its keys of which `false` says that nothing is judged, and which have a default: it removes nothing."""

REMOVED = object()
"""Stands where `false` removed an inherited key, until the defaults are merged in."""


def chain(environments: Mapping[str, Any], name: str, problems: Problems) -> tuple[str, ...]:
    """`name` and what it extends, nearest first. A cycle or an unknown base is a problem, and ends the chain."""
    found = [name]
    while (base := environments[found[-1]].get("extends")) is not None:
        place = ("env", found[-1], "extends")
        if not isinstance(base, str):
            problems.at(place, "extends is the name of one environment", 'extends = "_base"')
        elif base in found:
            problems.at(place, f"extends forms a cycle: {' -> '.join([*found, base])}")
        elif not isinstance(environments.get(base), Mapping):
            known = [other for other, table in environments.items() if isinstance(table, Mapping)]
            problems.at(place, f"extends an unknown environment{nearest(base, known)}")
        else:
            found.append(base)
            continue
        break
    return tuple(found)


def extended(environments: Mapping[str, Any], names: tuple[str, ...]) -> Table:
    """The environment `names[0]` merged over the others: tables merge, lists replace, `false` removes."""
    merged: Table = {}
    for name in reversed(names):
        for path in NEVER_INHERITED:
            _drop(merged, path)
        merged = _merged(merged, environments[name], ())
    merged.pop("extends", None)
    return merged


def _drop(table: Table, path: tuple[str, ...]) -> None:
    for key in path[:-1]:
        if not isinstance(table.get(key), dict):
            return
        table[key] = dict(table[key])  # the document itself stays as it was read
        table = table[key]
    table.pop(path[-1], None)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any], path: tuple[str, ...]) -> Table:
    result: Table = dict(base)
    inside_document = bool(DOCUMENTS.intersection(path))
    for key, value in over.items():
        result[key] = _over(base.get(key, REMOVED), value, (*path, key), inside_document)
    return result


def _over(base: object, value: object, path: tuple[str, ...], inside_document: bool) -> object:
    if isinstance(value, dict):
        if isinstance(base, str) and path[-2:-1] == ("endpoints",):
            base = {"path": base}  # the short form of an endpoint is a table with nothing but a path
        return _merged(base, value, path) if isinstance(base, dict) else value
    kept = path[-1] in NOT_JUDGED.get(path[0], ())
    inherited = base is not REMOVED and not isinstance(base, bool) and not kept
    return REMOVED if value is False and inherited and not inside_document else value


def _without_removed(value: object) -> Any:
    return _pruned(value) if _has_removed(value) else value


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return {key: _pruned(item) for key, item in value.items() if item is not REMOVED}
    return value


def _has_removed(value: object) -> bool:
    return value is REMOVED or (isinstance(value, dict) and any(map(_has_removed, value.values())))


@dataclass(frozen=True, slots=True)
class RawTarget:
    """One target's table, family and environment defaults merged in; `path` is where it stands below `env.NAME`."""

    id: str
    kind: str
    path: tuple[str, ...]
    table: Table = field(repr=False)


def targets(environment: Table, problems: Problems) -> Iterator[RawTarget]:
    """Every target of a merged environment. Families are taken apart; a table without an address is a problem."""
    for kind in TARGET_MODELS:
        table = environment.get(kind, REMOVED)
        if table is REMOVED:
            continue
        if not isinstance(table, dict):
            problems.add((kind,), _no_table(table), f'[env.NAME.{kind}] {ADDRESS_KEYS[kind][0]} = "…"')
        elif _has_address(kind, table) or _of_platform(kind, table):
            yield _target(kind, (kind,), table, environment)
        else:
            yield from _family(kind, table, environment, problems)


def _family(kind: str, table: Table, environment: Table, problems: Problems) -> Iterator[RawTarget]:
    fields = field_names(kind)
    members = {key: value for key, value in table.items() if key not in fields and isinstance(value, dict)}
    shared = {key: value for key, value in table.items() if key in fields}
    keys = " or ".join(ADDRESS_KEYS[kind])
    example = f'{ADDRESS_KEYS[kind][0]} = "{_ADDRESS_EXAMPLES[kind]}"'
    if not members:
        problems.add((kind,), f"a target needs an address: {keys} is missing{_near_address(kind, table)}", example)
    unshared = {key: value for key, value in table.items() if key not in members and value is not REMOVED}
    problems.unknown_keys((kind,), unshared, fields)
    for name, member in members.items():
        if _has_address(kind, member):
            yield _target(f"{kind}.{name}", (kind, name), _merged(shared, member, (kind, name)), environment)
        else:
            text = f"neither a target ({keys} is missing{_near_address(kind, member)}) nor a key of {kind}"
            problems.add((kind, name), text + nearest(name, fields), example)


def field_names(kind: str) -> frozenset[str]:
    """The keys that a target's table may have, as TOML writes them."""
    return frozenset(info.alias or name for name, info in TARGET_MODELS[kind].model_fields.items())


_ADDRESS_EXAMPLES = {
    "cluster": "staging",
    "http": "https://app.example",
    "auth": "https://auth.example/",
    "graphql": "https://api.example/v1/graphql",
    "database": "env:PRODCHECK_DSN",
    "cache": "env:REDIS_URL",
    "websocket": "wss://app.example/ws",
    "logs": "backend/server.log",
    "load": "browse",
}


def _near_address(kind: str, table: Mapping[str, Any]) -> str:
    for key in table:
        if key not in field_names(kind) and (found := nearest(key, ADDRESS_KEYS[kind])):
            return f"; {key} is unknown{found}"
    return ""


def _no_table(value: object) -> str:
    if value is False:
        return "false removes an inherited table, and nothing is inherited here"
    return "a target is a table"


def _has_address(kind: str, table: Mapping[str, Any]) -> bool:
    return any(table.get(key, REMOVED) is not REMOVED for key in ADDRESS_KEYS[kind])


def _of_platform(kind: str, table: Mapping[str, Any]) -> bool:
    """Whether it is a target without an address: logs that the cluster's platform keeps. A family has members
    instead."""
    members = (value for key, value in table.items() if key not in field_names(kind))
    return kind == "logs" and not any(isinstance(one, dict) and _has_address(kind, one) for one in members)


def _target(target_id: str, path: tuple[str, ...], table: Table, environment: Table) -> RawTarget:
    kind = path[0]
    # the latency of an API server, or of what keeps logs, is not the system's; that of load has limits of its own
    shared = ("timeout",) if kind in ("cluster", "logs", "load") else DEFAULTS
    keys = shared + (HTTP_DEFAULTS if "headers" in field_names(kind) else ())
    defaults = {key: environment[key] for key in keys if environment.get(key, REMOVED) is not REMOVED}
    merged: Table = _without_removed(_merged(defaults, table, path))
    if kind == "auth" and "secret" in merged and "issuer" not in merged:
        merged.setdefault("algorithms", ["HS256"])  # a shared secret without an issuer can only be HMAC (RFC 7518 §3.2)
    if isinstance(endpoints := merged.get("endpoints"), dict):
        merged["endpoints"] = {name: _endpoint(value) for name, value in endpoints.items()}
    return RawTarget(target_id, kind, path, merged)


def _endpoint(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def without_targets(environment: Table) -> Table:
    """What of a merged environment is the environment's own: neither a target nor a default for targets."""
    foreign = {*TARGET_MODELS, *DEFAULTS, *HTTP_DEFAULTS}
    own: Table = _without_removed({key: value for key, value in environment.items() if key not in foreign})
    return own
