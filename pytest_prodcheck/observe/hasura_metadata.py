"""Hasura's metadata as data that can be compared: what there is, by name, with digests in the place of values.

No value is kept: a definition may hold an address or a header with a secret in it (hasura.io, "Metadata API").
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Kind = Literal["table", "permission", "relationship", "other"]

PERMISSIONS: Final = ("select", "insert", "update", "delete")
_SESSION: Final = re.compile(r"x-hasura-[a-z0-9-]+", re.IGNORECASE)
_RELATIONSHIPS: Final = ("object_relationships", "array_relationships", "remote_relationships")
_NAMED: Final = {
    "actions": "action",
    "remote_schemas": "remote schema",
    "cron_triggers": "cron trigger",
    "rest_endpoints": "REST endpoint",
    "query_collections": "query collection",
    "inherited_roles": "inherited role",
}
"""Lists of the metadata whose entries have a name; where they lead to is an environment's own and is not compared."""
_NAME_KEYS: Final = ("name", "role_name", "collection")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the metadata says."""

    kind: Kind
    table: str = ""
    """`public.tasks`; empty for what belongs to no table."""
    role: str = ""
    action: str = ""
    """Of a permission: `select`, `insert`, `update` or `delete`."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Key of its definition → digest of the value: what differs can be named, and its value is nowhere."""
    session: tuple[str, ...] = ()
    """Session variables (`x-hasura-user-id`) that decide which rows a permission reaches: those of its filter, of an
    insert's check; none where the condition is true for every row."""


def read(document: object) -> dict[str, Entry]:
    """Name → entry of an exported metadata document (of version 2 or 3, or as `export_metadata` wraps it)."""
    whole = document if isinstance(document, Mapping) else {}
    whole = whole["metadata"] if isinstance(whole.get("metadata"), Mapping) else whole
    found: dict[str, Entry] = {}
    for source in _sources(whole):
        for table in _tables(source, "tables"):
            found.update(_table(table))
        for function in _tables(source, "functions"):
            found[f"function {_qualified(function.get('function'))}"] = Entry("other")
    for key, word in _NAMED.items():
        for item in _tables(whole, key):
            name = next((str(item[one]) for one in _NAME_KEYS if one in item), "")
            found[f"{word} {name}"] = Entry("other")
    return found


def _sources(whole: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = whole.get("sources")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else [whole]


def _tables(source: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    listed = source.get(key)
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _table(table: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    name = _qualified(table.get("table"))
    yield f"table {name}", Entry("table", name, parts=_digests(table, ("configuration", "is_enum")))
    for action in PERMISSIONS:
        for granted in _tables(table, f"{action}_permissions"):
            role, rule = str(granted.get("role", "")), granted.get("permission")
            rule = rule if isinstance(rule, Mapping) else {}
            yield (
                f"{action} permission of {role} on {name}",
                Entry("permission", name, role, action, _digests(rule, tuple(rule)), _session(rule, action)),
            )
    for key in _RELATIONSHIPS:
        for related in _tables(table, key):
            named = f"relationship {name}.{related.get('name', '')}"
            yield named, Entry("relationship", name, parts=_digests(related, ("using", "definition")))
    for trigger in _tables(table, "event_triggers"):
        yield f"event trigger {trigger.get('name', '')} on {name}", Entry("other", name)


def _qualified(named: object) -> str:
    if isinstance(named, Mapping):
        return f"{named.get('schema', 'public')}.{named.get('name', '')}"
    return f"public.{named}" if isinstance(named, str) else ""


def _digests(definition: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, str]:
    """Digests of what is there and not empty: Hasura leaves out what an author may write as empty."""
    return {key: _digest(definition[key]) for key in keys if definition.get(key) not in (None, {}, [], "", False)}


def _digest(value: object) -> str:
    ordered = sorted(value, key=str) if isinstance(value, list) else value
    return hashlib.sha256(json.dumps(ordered, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _session(rule: Mapping[str, Any], action: str) -> tuple[str, ...]:
    condition = rule.get("check" if action == "insert" else "filter")
    said = "" if _always(condition) else json.dumps(condition, default=str)
    return tuple(sorted({name.lower() for name in _SESSION.findall(said)}))


def _always(condition: object) -> bool:
    """Whether a condition holds for every row: `{}`, and `_or` with such an alternative."""
    if not isinstance(condition, Mapping):
        return False
    return all(_member_always(str(key), value) for key, value in condition.items())


def _member_always(key: str, value: object) -> bool:
    alternatives = [_always(one) for one in value] if isinstance(value, list) else []
    if key == "_or":
        return any(alternatives)
    if key == "_and":
        return all(alternatives)
    return key not in ("_not", "_exists") and value == {}
