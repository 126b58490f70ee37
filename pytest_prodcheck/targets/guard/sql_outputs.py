"""Which columns each name in FROM is known to have.

`value.name` calls a function where the value has no column of that name (PostgreSQL manual, 8.16.5), so the guard must
know that it has. Only what is certain is listed.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.targets.guard.sql_grammar import Node, kind, strings, walk

Columns = frozenset[str]
_ALIASED = frozenset({"RangeSubselect", "RangeFunction", "RangeTableFunc", "JsonTable", "JoinExpr"})


def outputs(statement: Node, catalog: Catalog | None) -> Mapping[str, tuple[Columns, ...]]:
    """Name in FROM → the certain columns of each thing that has this name anywhere in the statement."""
    nodes = list(walk(statement))
    ctes: dict[str, list[Columns]] = {}
    for found, node in nodes:
        if found == "CommonTableExpr":
            ctes.setdefault(node.ctename, []).append(_cte(node))
    named: dict[str, list[Columns]] = {}
    for found, node in nodes:
        if found == "RangeVar":
            named.setdefault(_name(node), []).extend(_table(node, ctes, catalog))
        elif found in _ALIASED and node.HasField("alias"):
            named.setdefault(node.alias.aliasname, []).append(_aliased(node))
    return {name: tuple(columns) for name, columns in named.items()}


def _name(table: Node) -> str:
    return str(table.alias.aliasname if table.HasField("alias") else table.relname)


def _table(table: Node, ctes: Mapping[str, list[Columns]], catalog: Catalog | None) -> list[Columns]:
    if table.alias.colnames:
        return [frozenset(strings(table.alias.colnames))]
    if not table.schemaname and table.relname in ctes:
        return ctes[table.relname]
    if catalog is None:
        return [frozenset()]
    schemas = (table.schemaname,) if table.schemaname else catalog.search_path
    known = (catalog.relations.get(f"{schema}.{table.relname}") for schema in schemas)
    relation = next((found for found in known if found), None)
    return [frozenset(column.name for column in relation.columns) if relation else frozenset()]


def _cte(cte: Node) -> Columns:
    if cte.aliascolnames:
        return frozenset(strings(cte.aliascolnames))
    return _selected(cte.ctequery.select_stmt)


def _aliased(node: Node) -> Columns:
    """Columns under an alias. Names given with it hide the old ones; those of a function's row count where written."""
    if node.alias.colnames:
        return frozenset(strings(node.alias.colnames))
    if kind(node) == "RangeSubselect":
        return _selected(node.subquery.select_stmt)
    if kind(node) == "RangeFunction":
        return frozenset(column.column_def.colname for column in node.coldeflist)
    return frozenset()


def _selected(statement: Node) -> Columns:
    """The names of the columns that a SELECT gives, as far as its list spells them; a set operation has the left's."""
    while statement.HasField("larg"):
        statement = statement.larg
    return frozenset(name for target in statement.target_list if (name := _target(target.res_target)))


def _target(target: Node) -> str:
    """The column's name as PostgreSQL gives it (FigureColname), where that is plain."""
    if target.name:
        return str(target.name)
    if target.val.HasField("column_ref"):
        return "".join(strings(target.val.column_ref.fields[-1:]))
    return "".join(strings(target.val.func_call.funcname[-1:]))
