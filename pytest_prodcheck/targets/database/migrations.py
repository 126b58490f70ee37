"""The record of a migration tool, read in one round trip; where it is, the catalog snapshot knows already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.migrations import Entry, Ledger
from pytest_prodcheck.targets.database import server_words
from pytest_prodcheck.targets.database.bundle import Unanswered, ask
from pytest_prodcheck.targets.database.migrations_sql import RECORDS, Record

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session


def located(catalog: Catalog, tool: str, table: str = "") -> tuple[Relation, Record] | Ledger:
    """The tool's table and how to read it; a ledger that says why not, where there is none or none that we may read."""
    relations = [one for one in catalog.relations.values() if one.kind in "rpv"]
    other = ""
    for record in RECORDS[tool]:
        candidates = _found(catalog, relations, table or record.table)
        if len(candidates) > 1:
            names = " and ".join(sorted(one.qualified for one in candidates))
            return Ledger(
                problem=f"{names} are there, and nothing says which is meant",
                remedy="name it: `table` of the migrations",
            )
        if not candidates:
            continue
        (relation,) = candidates
        columns = {column.name for column in relation.columns}
        if not columns.issuperset(record.columns) or columns.intersection(record.foreign):
            lacking = ", ".join(sorted(set(record.columns) - columns)) or "what it has is another's"
            other = f"{relation.qualified} is not {tool}'s table: it lacks {lacking}"
            if extra := columns.intersection(record.foreign):
                other = f"{relation.qualified} is another tool's table, not {tool}'s: it has {', '.join(sorted(extra))}"
            continue
        if not relation.readable:
            return Ledger(
                relation.qualified,
                problem=f"{catalog.user} may not read {relation.qualified}",
                remedy=f"GRANT USAGE ON SCHEMA {relation.schema} TO {catalog.user}; "
                f"GRANT SELECT ON {_quoted(relation)} TO {catalog.user}",
            )
        return relation, record
    if other:
        return Ledger(problem=other, remedy="correct `tool` or `table` of the migrations")
    return Ledger(empty=not any(one.kind in "rp" for one in relations))


def ledger(session: Session, found: tuple[Relation, Record], catalog: Catalog, *, timeout: float) -> Ledger:
    """The rows of the table and the tool's lock: one message, rolled back; a failure is the ledger's `problem`."""
    relation, record = found
    try:
        rows, *locks = ask(session, _statements(relation, record, catalog), timeout=timeout)
    except Unanswered as failed:
        problem = f"{relation.qualified} could not be read: {failed}"
        lacks = failed.code if failed.code == server_words.ROW_SECURITY else ""
        return Ledger(relation.qualified, problem=problem, lacks=lacks)
    entries = tuple(Entry(*(str(value) for value in row)) for row in rows)  # type: ignore[arg-type]
    return Ledger(relation.qualified, entries, tuple(str(one) for (one,) in (locks[0] if locks else ())))


def _statements(relation: Relation, record: Record, catalog: Catalog) -> Sequence[str]:
    statements = [record.select.format(table=_quoted(relation))]
    if record.lock and not record.lock_table:
        statements.append(record.lock)
    elif record.lock:
        name = f"{relation.schema}.{record.lock_table.format(table=relation.name)}"
        lock = catalog.relations.get(name)
        if lock is not None and lock.readable:
            statements.append(record.lock.format(lock_table=_quoted(lock)))
    return statements


def _found(catalog: Catalog, relations: Sequence[Relation], name: str) -> list[Relation]:
    """The table by its full name, by our search path, or wherever those of this name are."""
    if exact := catalog.resolve(name):
        return [exact]
    return [one for one in relations if one.name == name.rpartition(".")[2]]


def _quoted(relation: Relation) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (relation.schema, relation.name))
