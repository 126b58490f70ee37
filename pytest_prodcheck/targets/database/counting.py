"""Bounded counts of declared tables and relations: a statement never counts further than its promise can tell."""

from __future__ import annotations

from math import ceil

from pytest_prodcheck.config import grammar
from pytest_prodcheck.observe.catalog import Catalog, Relation

ORPHANS_SHOWN = 100


def rows(catalog: Catalog, table: str, promised: int | str) -> str:
    """The statement that counts a table, up to one more than the promise speaks of; empty where there is no table."""
    relation = catalog.relations.get(catalog.meant(table))
    limit = grammar.comparison(promised) if isinstance(promised, str) else None
    most = ceil(limit.value) if limit else int(promised)
    if relation is None:
        return ""
    return f"select count(*) from (select from {_quoted(relation)} limit {most + 1}) counted"


def orphans(catalog: Catalog, column: str, other: str) -> str:
    """The statement that counts rows which point to nothing; empty where a table or a column is not there."""
    child, parent = split(catalog, column), split(catalog, other)
    if child is None or parent is None:
        return ""
    from_, to = f'"{_escaped(child[1])}"', f'"{_escaped(parent[1])}"'
    return (
        f"select count(*) from (select from {_quoted(child[0])} c where c.{from_} is not null and not exists "
        f"(select from {_quoted(parent[0])} p where p.{to} = c.{from_}) limit {ORPHANS_SHOWN + 1}) counted"
    )


def split(catalog: Catalog, column: str) -> tuple[Relation, str] | None:
    """Relation and column of `tasks.project_id`; None where one of them is not there."""
    table, _, name = column.rpartition(".")
    relation = catalog.relations.get(catalog.meant(table))
    there = relation is not None and any(one.name == name for one in relation.columns)
    return (relation, name) if relation is not None and there else None


def _quoted(relation: Relation) -> str:
    return f'"{_escaped(relation.schema)}"."{_escaped(relation.name)}"'


def _escaped(name: str) -> str:
    return name.replace('"', '""')
