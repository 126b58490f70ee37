"""The walk over a SELECT: every node must be one that a read needs, every name one that may run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_prodcheck.targets.guard import sql_casts
from pytest_prodcheck.targets.guard.sql_grammar import (
    Node,
    children,
    is_any_sublink,
    kind,
    lock_strength,
    strings,
    unwrap,
    verb,
)
from pytest_prodcheck.targets.guard.sql_names import Names
from pytest_prodcheck.targets.guard.sql_outputs import outputs
from pytest_prodcheck.targets.guard.words import words

READING_NODES = words(
    """A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star Alias BitString BoolExpr Boolean BooleanTest
    CTECycleClause CTESearchClause CaseExpr CaseWhen CoalesceExpr CollateClause ColumnDef ColumnRef CommonTableExpr
    Float FuncCall GroupingFunc GroupingSet Integer JoinExpr JsonAggConstructor JsonArgument JsonArrayAgg
    JsonArrayConstructor JsonArrayQueryConstructor JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate JsonKeyValue
    JsonObjectAgg JsonObjectConstructor JsonOutput JsonParseExpr JsonReturning JsonScalarExpr JsonSerializeExpr
    JsonTable JsonTableColumn JsonTablePathSpec JsonValueExpr List MinMaxExpr NamedArgExpr NullTest ParamRef
    RangeFunction RangeSubselect RangeTableFunc RangeTableFuncCol RangeTableSample RangeVar ResTarget RowExpr
    SQLValueFunction SelectStmt SortBy String SubLink TypeCast TypeName WindowDef WithClause XmlExpr XmlSerialize"""
)
"""The nodes of raw parse trees (nodes/parsenodes.h) that a read is made of. What is not here is refused."""

_LOCKS = {
    "LCS_FORKEYSHARE": "FOR KEY SHARE",
    "LCS_FORSHARE": "FOR SHARE",
    "LCS_FORNOKEYUPDATE": "FOR NO KEY UPDATE",
    "LCS_FORUPDATE": "FOR UPDATE",
}
_SAMPLING = frozenset({"bernoulli", "system"})
_IMPLIED = {"BETWEEN": (">=", "<="), "NOT BETWEEN": (">=", "<=")}
_IMPLIED |= {f"{name} SYMMETRIC": operators for name, operators in _IMPLIED.items()}


class Tree:
    """One SELECT with everything in it."""

    def __init__(self, statement: Node, names: Names) -> None:
        self._statement, self._names = statement, names
        self._outputs = outputs(statement, names.catalog)

    def check(self) -> None:
        """Raises `Refused` at the first node or name that a read does not have."""
        self._visit(self._statement, frozenset())
        sql_casts.check(self._statement, self._names)

    def _visit(self, node: Node, ctes: frozenset[str]) -> None:
        node, found = unwrap(node), kind(node)
        if found == "Node":  # a wrapper around nothing: an alias that is not given, a column list that is left out
            return
        if found not in READING_NODES:
            self._names.refuse(f"{found} has no place in a read", "write it as a plain SELECT")
        if found == "SelectStmt":
            self._select(node, ctes)
            return
        if found == "RangeVar":
            self._relation(node, ctes)
        elif judge := _JUDGES.get(found):
            judge(self, node)
        for child in children(node):
            self._visit(child, ctes)

    def _select(self, node: Node, ctes: frozenset[str]) -> None:
        if node.HasField("into_clause"):
            self._names.refuse("SELECT INTO creates a table", "leave INTO out")
        for lock in node.locking_clause:
            strength = lock_strength(lock.locking_clause.strength)
            self._names.refuse(f"row-locking clause {_LOCKS.get(strength, strength)}", "leave it out")
        if node.HasField("with_clause"):
            ctes = self._with(node.with_clause, ctes)
        for child in children(node, but="with_clause"):
            self._visit(child, ctes)

    def _with(self, clause: Node, ctes: frozenset[str]) -> frozenset[str]:
        """Visits the queries of WITH, each in its own scope, and gives the names that the main query sees.

        Without RECURSIVE a query does not see its own name: there it still means a relation (manual, SELECT)."""
        own = [cte.common_table_expr for cte in clause.ctes]
        if clause.recursive:
            ctes |= {cte.ctename for cte in own}
        for cte in own:
            if kind(cte.ctequery) != "SelectStmt":
                reason = f"data-modifying WITH ({verb(cte.ctequery)})"
                self._names.refuse(reason, "every query of WITH must be a SELECT")
            self._visit(cte, ctes)
            ctes |= {cte.ctename}
        return ctes

    def _relation(self, node: Node, ctes: frozenset[str]) -> None:
        if node.schemaname:
            self._names.relation((node.schemaname, node.relname))
        elif node.relname not in ctes:
            self._names.relation((node.relname,))

    def _func_call(self, node: Node) -> None:
        self._names.function(strings(node.funcname))

    def _a_expr(self, node: Node) -> None:
        parts = strings(node.name)
        for name in _IMPLIED.get(parts[-1], ()):
            self._names.operator((name,))
        if parts[-1] not in _IMPLIED:
            self._names.operator(parts)

    def _sub_link(self, node: Node) -> None:
        if is_any_sublink(node):
            self._names.operator(strings(node.oper_name) or ("=",))
        elif node.oper_name:
            self._names.operator(strings(node.oper_name))

    def _sort_by(self, node: Node) -> None:
        if node.use_op:
            self._names.operator(strings(node.use_op))

    def _case_expr(self, node: Node) -> None:
        if node.HasField("arg"):
            self._names.operator(("=",))

    def _join_expr(self, node: Node) -> None:
        if node.using_clause or node.is_natural:
            self._names.operator(("=",))

    def _type_name(self, node: Node) -> None:
        self._names.type(strings(node.names))

    def _range_table_sample(self, node: Node) -> None:
        parts = strings(node.method)
        if parts[-1] not in _SAMPLING or parts[:-1] not in ((), ("pg_catalog",)):
            self._names.function(parts)

    def _a_indirection(self, node: Node) -> None:
        for name in strings(node.indirection):
            self._names.field(name)

    def _column_ref(self, node: Node) -> None:
        parts = strings(node.fields)
        if len(parts) < 2 or len(parts) < len(node.fields):
            return
        columns = self._outputs.get(parts[-2], ())
        if not columns or any(parts[-1] not in found for found in columns):
            self._names.field(parts[-1])


_JUDGES: Mapping[str, Callable[[Tree, Node], None]] = {
    "FuncCall": Tree._func_call,
    "A_Expr": Tree._a_expr,
    "SubLink": Tree._sub_link,
    "SortBy": Tree._sort_by,
    "CaseExpr": Tree._case_expr,
    "JoinExpr": Tree._join_expr,
    "TypeName": Tree._type_name,
    "RangeTableSample": Tree._range_table_sample,
    "A_Indirection": Tree._a_indirection,
    "ColumnRef": Tree._column_ref,
}
