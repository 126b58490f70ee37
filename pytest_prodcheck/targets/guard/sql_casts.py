"""Functions that run without being named: users' casts, and rows that JSON is put into.

Which value has which type is the server's to know. A cast counts as made where both of its ends are in the statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_prodcheck.observe.catalog import Cast, Relation
from pytest_prodcheck.targets.guard.sql_grammar import Node, strings, walk
from pytest_prodcheck.targets.guard.sql_names import Names
from pytest_prodcheck.targets.guard.words import words

_ROW_MAKERS = words(
    """json_populate_record json_populate_recordset jsonb_populate_record jsonb_populate_recordset
    jsonb_populate_record_valid"""
)
_BUILTIN = "pg_catalog."
_MODIFIERS = re.compile(r'\([\d,]*\)|\[\]|"')


def check(statement: Node, names: Names) -> None:
    """Raises `Refused` where the statement makes a user's cast that is not declared, or a row of a type whose values
    run a user's function."""
    catalog = names.catalog
    if catalog is None or not (catalog.casts or catalog.types):
        return
    nodes = list(walk(statement))
    tables = [node for kind, node in nodes if kind == "RangeVar"]
    if any(kind == "FuncCall" and strings(node.funcname)[-1] in _ROW_MAKERS for kind, node in nodes):
        for table in tables:
            names.type((table.schemaname, table.relname) if table.schemaname else (table.relname,))
    named = {one for kind, node in nodes if kind == "TypeName" for one in names.meanings(strings(node.names))}
    touched = named | set(_types(tables, _columns(nodes), names))
    for cast in catalog.casts:
        if cast.function not in names.declared and _made(cast, named, touched):
            reason = f"a cast from {cast.source} to {cast.target} may run the user function {cast.function}"
            names.refuse(reason, f"leave the cast out, or declare {cast.function} under functions")


def _made(cast: Cast, named: set[str], touched: set[str]) -> bool:
    if cast.implicit:
        return bool({cast.source, cast.target} & {one for one in touched if not one.startswith(_BUILTIN)})
    return cast.target in named and (cast.source in touched or cast.source.startswith(_BUILTIN))


def _columns(nodes: Iterable[tuple[str, Node]]) -> set[str]:
    """The names of all columns and fields that are written somewhere, also those that JOIN … USING names."""
    found: set[str] = set()
    for kind, node in nodes:
        fields = {"ColumnRef": "fields", "A_Indirection": "indirection", "JoinExpr": "using_clause"}.get(kind)
        if fields:
            found |= set(strings(getattr(node, fields)))
    return found


def _types(tables: Iterable[Node], columns: set[str], names: Names) -> Iterator[str]:
    """The row types of the tables, and the types of their columns that are written; under other names, of all."""
    for table in tables:
        relation = _relation(table, names)
        if relation is not None:
            yield relation.qualified
            renamed = table.HasField("alias") and table.alias.colnames
            for column in relation.columns:
                if renamed or column.name in columns:
                    yield from names.meanings(_MODIFIERS.sub("", column.type).split("."))


def _relation(table: Node, names: Names) -> Relation | None:
    parts = (table.schemaname, table.relname) if table.schemaname else (table.relname,)
    relations = names.catalog.relations if names.catalog else {}
    return next((relations[name] for name in names.meanings(parts) if name in relations), None)
