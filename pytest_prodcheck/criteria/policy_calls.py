"""Which functions a policy calls for each row, read from the tree of PostgreSQL's own grammar (postgast)."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator
from importlib import import_module
from typing import Any

Node = Any
"""A protobuf message; postgast's stub names an attribute `None`, which no type checker accepts."""

_NAMES = """
    random random_normal clock_timestamp timeofday gen_random_uuid uuid_generate_v4 nextval setval set_config pg_sleep
    pg_advisory_lock pg_advisory_xact_lock pg_try_advisory_lock pg_try_advisory_xact_lock pg_notify txid_current
    pg_current_xact_id"""
_VOLATILE = frozenset(_NAMES.split())
"""Functions of `pg_catalog` (and of common extensions) that are VOLATILE and that somebody may write into a policy."""
_SETTING = "current_setting"


@functools.lru_cache(maxsize=10_000)
def per_row(condition: str, functions: frozenset[str]) -> tuple[str, ...]:
    """Calls that give the same for every row and are made for each: `current_setting(…)`, and those of `functions`
    (bare names) that take no column. Inside a `(select …)` they are made once (Splinter 0003, an "init plan")."""
    wanted = functions | {_SETTING}
    found = [name for name, columns in _calls(_parsed(condition), subqueries=False) if name in wanted and not columns]
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=10_000)
def volatile(condition: str) -> tuple[str, ...]:
    """The VOLATILE functions of PostgreSQL itself that the condition calls."""
    names = (name for name, _ in _calls(_parsed(condition), subqueries=True))
    return tuple(dict.fromkeys(name for name in names if name in _VOLATILE))


def _parsed(condition: str) -> Node | None:
    postgast = import_module("postgast")
    try:
        return postgast.parse(f"select {condition}").stmts[0].stmt.select_stmt.target_list[0]
    except postgast.PgQueryError:
        return None


def _calls(message: Node | None, *, subqueries: bool) -> Iterator[tuple[str, bool]]:
    """Bare name of each called function, and whether a column is among what it is given."""
    if message is None:
        return
    for field, value in message.ListFields():
        if field.message_type is None or (field.name == "sub_link" and not subqueries):
            continue
        for one in [value] if hasattr(value, "ListFields") else value:
            if field.name == "func_call":
                yield one.funcname[-1].string.sval, _has_column(one)
            yield from _calls(one, subqueries=subqueries)


def _has_column(message: Node) -> bool:
    return any(
        field.name == "column_ref" or _has_column(one)
        for field, value in message.ListFields()
        if field.message_type is not None
        for one in ([value] if hasattr(value, "ListFields") else value)
    )


def names(functions: Collection[str]) -> frozenset[str]:
    """The bare names of `schema.name`."""
    return frozenset(name.rpartition(".")[2] for name in functions)
