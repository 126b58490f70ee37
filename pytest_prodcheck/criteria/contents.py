"""`rows` and `relations`: declared row counts and seed data, and rows that point to nothing (A35, A37, B33, E16).

Our reader may see less than there is: where policies hide rows from it, what it does not see proves nothing.
"""

from __future__ import annotations

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import Query
from pytest_prodcheck.criteria import policies, queries, schema_tables
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.query import QueryAnswer

_COUNTED = 100
_LEAST = (">", ">=")
"""What rows that are hidden cannot break."""


def rows(table: str, promised: int | str, answer: QueryAnswer | None, catalog: Catalog, target: str) -> list[Finding]:
    """A finding where the table is missing, could not be counted, or does not hold `promised` rows."""
    relation = schema_tables.existing(catalog, table)
    if relation is None or answer is None:
        return [schema_tables.missing(catalog, table, target, "rows")]
    if answer.failed:
        return queries.judge(Query(sql=""), answer, target, 0.0, f"rows of {table}")
    count, limit = int(answer.rows[0][0]), grammar.comparison(promised) if isinstance(promised, str) else None
    whole = sees_all(catalog, relation)
    holds = limit.holds(count) if limit else count == promised
    if holds and (whole or (limit and limit.operator in _LEAST)):
        return []
    most = int(limit.value) if limit else int(promised)
    seen = f"more than {most}" if count > most else str(count)
    shown = relation.qualified
    if holds or (count <= most and not whole):
        return [_hidden("rows", target, catalog, relation, f"{shown} shows {seen} rows, promised {promised}")]
    code = "database.data.seed_missing" if count == 0 else "database.query.unexpected"
    message = f"{shown} holds {seen} rows, promised {promised}"
    remedy = "run the seed job" if count <= most else "decide about these rows; the promise or the data is wrong"
    data = {"table": shown}
    return [Finding("rows", target, message, code, "error", seen, str(promised), shown, remedy, data=data)]


def relations(column: str, other: str, answer: QueryAnswer | None, catalog: Catalog, target: str) -> list[Finding]:
    """A finding where rows of `column` have no counterpart in `other`; at most 100 are counted."""
    child, parent = (_relation(catalog, name) for name in (column, other))
    for name, relation in ((column, child), (other, parent)):
        if relation is None:
            return [schema_tables.missing(catalog, name.rpartition(".")[0], target, "relations")]
    if answer is None:
        return [_no_column(column, other, catalog, target)]
    if answer.failed:
        return queries.judge(Query(sql=""), answer, target, 0.0, f"relation {column}")
    count = int(answer.rows[0][0])
    for relation in (child, parent):
        if relation and not sees_all(catalog, relation) and (count or relation is child):
            said = f"{count} rows of {column} seem to point to nothing" if count else f"{column} was judged in part"
            return [_hidden("relations", target, catalog, relation, said)]
    if not count or child is None:
        return []
    seen = f"more than {_COUNTED}" if count > _COUNTED else str(count)
    message = f"{seen} rows of {column} point to nothing in {other}"
    remedy = f"decide about these rows; then a foreign key from {column} to {other}"
    return [
        Finding(
            "relations", target, message, "database.data.orphans", "error", seen, "0", column, remedy,
            data={"table": child.qualified, "column": column.rpartition(".")[2]},
        )
    ]  # fmt: skip


def sees_all(catalog: Catalog, relation: Relation) -> bool:
    """Whether no policy hides rows of the relation, or of what a view with security_invoker reads, from our reader."""
    if relation.kind in "rp":
        return policies.hides_nothing(catalog, catalog.user, relation)
    read = (catalog.relations.get(name) for name in relation.reads if relation.security_invoker)
    return all(one is None or sees_all(catalog, one) for one in read)


def _relation(catalog: Catalog, column: str) -> Relation | None:
    return schema_tables.existing(catalog, column.rpartition(".")[0])


def _no_column(column: str, other: str, catalog: Catalog, target: str) -> Finding:
    lacking = next(
        name
        for name in (column, other)
        if not any(one.name == name.rpartition(".")[2] for one in getattr(_relation(catalog, name), "columns", ()))
    )
    table, _, name = lacking.rpartition(".")
    message = f"column {name} is missing in {table}: the relation {column} → {other} cannot be judged"
    data = {"table": table, "column": name}
    return Finding("relations", target, message, "database.schema.column_missing", subject=table, data=data)


def _hidden(criterion: str, target: str, catalog: Catalog, relation: Relation, said: str) -> Finding:
    message = f"{said}; policies of {relation.qualified} hide rows from {catalog.user}, so this proves nothing"
    remedy = f"a policy on {relation.typed} FOR SELECT TO {catalog.user} USING (true) is yours to create"
    return Finding(
        criterion, target, message, "database.health.not_visible", "insufficient", subject=relation.qualified,
        remedy=remedy, data={"role": catalog.user},
    )  # fmt: skip
