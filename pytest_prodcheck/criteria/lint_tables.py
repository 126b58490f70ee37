"""Rules about tables, indexes and extensions themselves (C19, T7).

Splinter 0001, 0004, 0005, 0009, 0018, 0020, 0022.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria.lint_scene import Hit, Rule, Scene
from pytest_prodcheck.observe.lint_facts import ForeignKey, Index

_ROWS = 10_000
_DAY_S = 86_400.0
"""T7: what statistics say of small tables, or of the first day, says nothing."""
_DEAD_SHARE = 0.5
_KINDS = "collation config dictionary namespace oper operator proc procedure"
_REG = frozenset(f"reg{kind}" for kind in _KINDS.split())
"""Types that keep pg_upgrade from running."""


def unindexed_foreign_key(scene: Scene) -> Iterator[Hit]:
    """0001: a foreign key that no index begins with: each delete in the other table reads this one whole."""
    leading: dict[str, list[Index]] = {}
    for index in scene.facts.indexes:
        leading.setdefault(index.table, []).append(index)
    for key in scene.facts.foreign_keys:
        if _exposed(scene, key.table) and not any(_serves(index, key) for index in leading.get(key.table, ())):
            columns = ", ".join(key.columns)
            message = (
                f"foreign key {key.name} of {key.table} ({columns}) has no index: "
                f"every delete in {key.target} reads all of it"
            )
            remedy = f"CREATE INDEX CONCURRENTLY ON {key.table} ({columns}) is yours to run"
            yield Hit(key.table, message, remedy, key.table)


def _serves(index: Index, key: ForeignKey) -> bool:
    first = index.columns[: len(key.columns)]
    return index.valid and not index.partial and set(first) == set(key.columns)


def no_primary_key(scene: Scene) -> Iterator[Hit]:
    """0004: rows that cannot be named."""
    for table in scene.tables:
        if not any(key.kind == "p" for key in table.keys):
            message = f"table {table.qualified} has no primary key"
            yield Hit(table.qualified, message, "give it one: replication and updates name rows by it", table.qualified)


def unused_index(scene: Scene) -> Iterator[Hit]:
    """0005: an index that is only written to; judged after a day of statistics, and of tables of 10,000 rows (T7)."""
    rows = {one.table: one.live for one in scene.facts.rows}
    for index in scene.facts.indexes if scene.facts.counted_for_s >= _DAY_S else ():
        if (
            not index.scans
            and not index.constraint
            and _exposed(scene, index.table)
            and rows.get(index.table, 0) >= _ROWS
        ):
            days = int(scene.facts.counted_for_s // _DAY_S)
            message = f"index {index.name} of {index.table} was not used in {days} day{'s' if days > 1 else ''}"
            yield Hit(index.table, message, f"DROP INDEX CONCURRENTLY {index.name} is yours to run", index.table)


def duplicate_index(scene: Scene) -> Iterator[Hit]:
    """0009: two indexes that do the same."""
    same: dict[tuple[str, str], list[str]] = {}
    for index in scene.facts.indexes:
        if _exposed(scene, index.table):
            same.setdefault((index.table, index.definition), []).append(index.name)
    for (table, _), names in same.items():
        if len(names) > 1:
            message = f"indexes {', '.join(names)} of {table} are the same"
            yield Hit(table, message, f"DROP INDEX CONCURRENTLY {names[-1]} is yours to run", table)


def unsupported_type(scene: Scene) -> Iterator[Hit]:
    """0018: columns whose values pg_upgrade cannot carry over."""
    for table in scene.tables:
        if columns := [one.name for one in table.columns if one.type.removesuffix("[]") in _REG]:
            message = f"{table.qualified} ({', '.join(columns)}) has a reg* type: pg_upgrade refuses it"
            yield Hit(table.qualified, message, "store the name as text", table.qualified)


def bloat(scene: Scene) -> Iterator[Hit]:
    """0020: dead rows by the statistics, half of all and at least 10,000. (Splinter estimates bytes from `pg_stats`, of
    which a reader sees only its own tables.)"""
    for one in scene.facts.rows:
        if one.dead >= _ROWS and one.dead >= _DEAD_SHARE * (one.live + one.dead) and _exposed(scene, one.table):
            message = f"{one.table} has {one.dead} dead rows beside {one.live} live ones"
            yield Hit(one.table, message, "look at autovacuum for this table, and at long transactions", one.table)


def outdated_extension(scene: Scene) -> Iterator[Hit]:
    """0022: the server has a newer version than the database."""
    for one in scene.facts.extensions:
        if one.available and one.available != one.installed:
            message = f"extension {one.name} is {one.installed}, the server has {one.available}"
            yield Hit(f"{one.schema}.{one.name}", message, f"ALTER EXTENSION {one.name} UPDATE is yours to run")


def _exposed(scene: Scene, table: str) -> bool:
    """Whether the API exposes it; not where somebody's lock keeps its indexes from being read."""
    relation = scene.catalog.relations.get(table) if table not in scene.catalog.locked else None
    return relation is not None and relation.schema in scene.lint.schemas and not relation.parent


RULES = (
    Rule("0001", "INFO", "database.lint.foreign_key_unindexed", unindexed_foreign_key),
    Rule("0004", "INFO", "database.lint.primary_key_missing", no_primary_key),
    Rule("0005", "INFO", "database.lint.index_unused", unused_index),
    Rule("0009", "WARN", "database.lint.index_duplicate", duplicate_index),
    Rule("0018", "WARN", "database.lint.type_unsupported", unsupported_type),
    Rule("0020", "INFO", "database.lint.bloat", bloat),
    Rule("0022", "WARN", "database.lint.extension_outdated", outdated_extension),
)
