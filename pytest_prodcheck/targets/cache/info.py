"""INFO as a node (redis.io/commands/info; Valkey has the same fields)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pytest_prodcheck.observe.cache import Node, Replica

_MOST_FIELDS = 2000
_KEYS, _EXPIRES = re.compile(r"keys=(\d+)"), re.compile(r"(?:^|,)expires=(\d+)")


def node(text: bytes, address: str) -> Node:
    """The node that an INFO describes; what it does not say, or says in other words, is None."""
    fields = dict(_fields(text))
    valkey = fields.get("server_name") == "valkey"
    role = {"master": "primary", "slave": "replica"}.get(fields.get("role", ""), "")
    append_only = fields.get("aof_enabled") == "1"
    held = {int(name[2:]): value for name, value in fields.items() if re.fullmatch(r"db\d{1,5}", name)}
    return Node(
        address,
        "valkey" if valkey else "redis",
        fields.get("valkey_version" if valkey else "redis_version", "")[:40],
        fields.get("run_id", "")[:64],
        role,
        _is(fields, "master_link_status", "up") if role == "replica" else None,
        _number(fields, "master_link_down_since_seconds"),
        _number(fields, "master_last_io_seconds_ago"),
        fields.get("master_sync_in_progress") == "1",
        tuple(_replicas(fields)),
        _number(fields, "used_memory"),
        _number(fields, "maxmemory"),
        fields.get("maxmemory_policy", "")[:40],
        _refused(fields),
        _number(fields, "evicted_keys"),
        _number(fields, "expired_keys"),
        _number(fields, "keyspace_hits"),
        _number(fields, "keyspace_misses"),
        _number(fields, "connected_clients"),
        _number(fields, "maxclients"),
        _number(fields, "rejected_connections"),
        _is(fields, "rdb_last_bgsave_status", "ok"),
        _is(fields, "aof_last_write_status", "ok") if append_only else None,
        {number: int(found[1]) for number, value in held.items() if (found := _KEYS.match(value))},
        _expiring(held.values()),
        _number(fields, "total_commands_processed"),
        _is(fields, "aof_last_bgrewrite_status", "ok") if append_only else None,
        fields.get("redis_mode", fields.get("server_mode", ""))[:40],
    )


def fields_of(text: bytes) -> dict[str, str]:
    """`name:value` lines, as CLUSTER INFO has them too."""
    return dict(_fields(text))


def _fields(text: bytes) -> Iterator[tuple[str, str]]:
    for line in text.decode("utf-8", "replace").splitlines()[:_MOST_FIELDS]:
        name, colon, value = line.partition(":")
        if colon and not name.startswith("#"):
            yield name.strip(), value.strip()


def _replicas(fields: Mapping[str, str]) -> Iterator[Replica]:
    for name, value in fields.items():
        if re.fullmatch(r"slave\d{1,4}", name):
            parts = dict(part.partition("=")[::2] for part in value.split(","))
            lag = parts.get("lag", "")
            address = f"{parts.get('ip', '')}:{parts.get('port', '')}"
            yield Replica(address[:100], parts.get("state", "")[:40], int(lag) if lag.isdigit() else None)


def _expiring(databases: Iterable[str]) -> int | None:
    """How many keys have a time to live; None where a database does not say it."""
    found = [_EXPIRES.search(value) for value in databases]
    return None if None in found else sum(int(one[1]) for one in found if one)


def _refused(fields: Mapping[str, str]) -> int | None:
    found = re.fullmatch(r"count=(\d{1,19})", fields.get("errorstat_OOM", ""))
    return int(found[1]) if found else None


def _number(fields: Mapping[str, str], name: str) -> int | None:
    value = fields.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 20 else None


def _is(fields: Mapping[str, str], name: str, wanted: str) -> bool | None:
    return fields[name] == wanted if name in fields else None
