"""Is an SQL condition true for every row? Judged on the tree of PostgreSQL's own grammar (postgast), three-valued.

Only what holds whatever the data is called true: constants, a value compared with itself, a condition or its opposite.
A condition without a column (`is_admin()`) is not: a function may answer differently for each user. `x = x` counts as
true, although it is unknown where x is NULL: nobody writes it to hide those rows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

Node = Any
"""A protobuf message; postgast's stub names an attribute `None`, which no type checker accepts."""
Truth = bool | None

_YES = frozenset({"t", "true", "y", "yes", "on", "1"})
_NO = frozenset({"f", "false", "n", "no", "off", "0"})
_AND, _OR, _NOT = 1, 2, 3
_IS_TRUE, _IS_NOT_TRUE, _IS_FALSE, _IS_NOT_FALSE = 1, 2, 3, 4
_IS_NULL, _IS_NOT_NULL = 1, 2
_EXISTS, _EXPRESSION = 1, 5
_PLAIN, _ANY, _DISTINCT, _NOT_DISTINCT, _IN = 1, 2, 4, 5, 7
_REFLEXIVE: Mapping[str, bool] = {"=": True, "<=": True, ">=": True, "<>": False, "<": False, ">": False}


@functools.lru_cache(maxsize=10_000)
def always_true(
    condition: str, never_null: frozenset[str] = frozenset(), true_functions: frozenset[str] = frozenset()
) -> bool:
    """Whether `condition`, as `pg_get_expr` deparses it, lets every row through; False for what cannot be parsed.
    `never_null` are the table's columns with NOT NULL: that one of them is not null says nothing about a row.
    `true_functions` (`schema.name`) give true whatever they are asked (see `gives_true`)."""
    postgast = import_module("postgast")
    try:
        statement = postgast.parse(f"select {condition}").stmts[0].stmt
    except postgast.PgQueryError:
        return False
    expression = statement.select_stmt.target_list[0].res_target.val
    if never_null:
        _settle_nulls(expression, never_null)
    if true_functions:
        _settle_calls(expression, true_functions | {name.rpartition(".")[2] for name in true_functions})
    return _truth(expression) is True


@functools.lru_cache(maxsize=1_000)
def gives_true(body: str) -> bool:
    """Whether a function in SQL gives true whatever it is asked: its last statement is `select true`, or what comes to
    the same. `body` is its text, or its whole definition where it is written in standard SQL (`RETURN`, `BEGIN
    ATOMIC`)."""
    postgast = import_module("postgast")
    try:
        statements = [one.stmt for one in postgast.parse(body).stmts]
    except postgast.PgQueryError:
        return False
    if statements and statements[-1].HasField("create_function_stmt"):
        statements = list(_standard_body(statements[-1].create_function_stmt.sql_body))
    return bool(statements) and _result(statements[-1]) is True


def _standard_body(body: Node) -> Sequence[Node]:
    """The statements of `RETURN …` or `BEGIN ATOMIC … END`."""
    while body.WhichOneof("node") == "list":
        items = list(body.list.items)
        if len(items) != 1:
            return items
        body = items[0]
    return [body] if body.WhichOneof("node") else []


def _result(statement: Node) -> Truth:
    if statement.HasField("return_stmt"):
        return _truth(statement.return_stmt.returnval)
    if not statement.HasField("select_stmt"):
        return None
    query = statement.select_stmt
    if query.from_clause or query.HasField("where_clause") or len(query.target_list) != 1:
        return None
    return _truth(query.target_list[0].res_target.val)


def _settle_calls(message: Node, true_functions: frozenset[str]) -> None:
    """Puts the constant true in the place of a call that always gives it."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in [value] if hasattr(value, "ListFields") else value:
            _settle_calls(one, true_functions)
    if message.DESCRIPTOR.name == "Node" and message.WhichOneof("node") == "func_call":
        name = ".".join(part.string.sval for part in message.func_call.funcname)
        if name in true_functions:
            message.a_const.boolval.boolval = True


def _settle_nulls(node: Node, never_null: frozenset[str]) -> None:
    """Puts the constant in the place of `column IS [NOT] NULL`; what sub-queries read is not this table's."""
    kind = node.WhichOneof("node")
    if kind == "null_test":
        column = _bare(node.null_test.arg)
        fields = list(column.column_ref.fields) if column.HasField("column_ref") else []
        if len(fields) == 1 and fields[0].string.sval in never_null:
            node.a_const.boolval.boolval = node.null_test.nulltesttype == _IS_NOT_NULL
            node.a_const.boolval.SetInParent()
    elif kind == "bool_expr":
        for argument in node.bool_expr.args:
            _settle_nulls(argument, never_null)


def _truth(wrapped: Node) -> Truth:
    kind = wrapped.WhichOneof("node")
    judge = _JUDGES.get(kind)
    return judge(getattr(wrapped, kind)) if judge else None


def _constant(node: Node) -> Truth:
    if node.HasField("boolval"):
        return bool(node.boolval.boolval)
    if node.HasField("ival"):  # `(1)::boolean`
        return bool(node.ival.ival)
    text = node.sval.sval.strip().lower()
    return True if text in _YES else False if text in _NO else None


def _boolean(node: Node) -> Truth:
    truths: list[Truth] = [_truth(argument) for argument in node.args]
    if node.boolop == _NOT:
        return None if truths[0] is None else not truths[0]
    wins = bool(node.boolop == _OR)
    if wins in truths or (wins and _has_opposites(node.args)):
        return wins
    return None if None in truths else not wins


def _has_opposites(arguments: Sequence[Node]) -> bool:
    """Whether two of the arguments are a condition and its opposite: `a OR NOT a`, `x IS NULL OR x IS NOT NULL`."""
    plain = {_shape(argument) for argument in arguments}
    for argument in arguments:
        if argument.HasField("bool_expr") and argument.bool_expr.boolop == _NOT:
            if _shape(argument.bool_expr.args[0]) in plain:
                return True
        elif argument.HasField("null_test"):
            opposite = type(argument)()
            opposite.CopyFrom(argument)
            opposite.null_test.nulltesttype = _IS_NULL + _IS_NOT_NULL - argument.null_test.nulltesttype
            if _shape(opposite) in plain:
                return True
    return False


def _comparison(node: Node) -> Truth:
    operator = node.name[-1].string.sval if node.name else ""
    left, right = _bare(node.lexpr), _bare(node.rexpr)
    elements = _elements(right)
    if node.kind == _DISTINCT:
        return False if _shape(left) == _shape(right) else None
    if node.kind in (_ANY, _IN) and operator == "=":
        return True if any(_shape(_bare(one)) == _shape(left) for one in elements) else None
    if operator == "~~" and right.HasField("a_const") and right.a_const.sval.sval:
        return True if not right.a_const.sval.sval.strip("%") else None
    if operator not in _REFLEXIVE or node.kind not in (_PLAIN, _NOT_DISTINCT):
        return None
    if _shape(left) == _shape(right):
        return _REFLEXIVE[operator]
    return _compare(left, right, operator)


def _elements(node: Node) -> Sequence[Node]:
    """The members of `IN (…)` and `= ANY (ARRAY[…])`."""
    if node.HasField("list"):
        return list(node.list.items)
    return list(node.a_array_expr.elements) if node.HasField("a_array_expr") else []


def _compare(left: Node, right: Node, operator: str) -> Truth:
    """Two different numbers, or two different texts of which only equality is certain."""
    a, b = _number(left), _number(right)
    if a is not None and b is not None:
        return {"=": a == b, "<>": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]
    if left.HasField("a_const") and right.HasField("a_const"):
        return {"=": False, "<>": True}.get(operator)
    return None


def _number(node: Node) -> float | None:
    if not node.HasField("a_const"):
        return None
    value = node.a_const
    if value.HasField("ival"):
        return float(value.ival.ival)
    return float(value.fval.fval) if value.HasField("fval") else None


def _null_test(node: Node) -> Truth:
    argument = _bare(node.arg)
    if argument.HasField("sqlvalue_function"):  # CURRENT_USER, CURRENT_DATE, …: never null
        return bool(node.nulltesttype == _IS_NOT_NULL)
    if not argument.HasField("a_const"):
        return None
    return bool(node.nulltesttype == _IS_NULL) == bool(argument.a_const.isnull)


def _boolean_test(node: Node) -> Truth:
    truth = _truth(node.arg)
    if truth is None:
        return None
    return {_IS_TRUE: truth, _IS_NOT_TRUE: not truth, _IS_FALSE: not truth, _IS_NOT_FALSE: truth}.get(node.booltesttype)


def _case(node: Node) -> Truth:
    if node.HasField("arg") or not node.HasField("defresult"):
        return None
    outcomes = [_truth(node.defresult)]
    for when in reversed(node.args):
        condition, result = _truth(when.case_when.expr), _truth(when.case_when.result)
        if condition is True:
            outcomes = [result]
        elif condition is None:
            outcomes.append(result)
    return outcomes[0] if len(set(outcomes)) == 1 else None


def _coalesce(node: Node) -> Truth:
    """Certain only by its first argument that is not the constant NULL: any other counts where the ones before it are
    NULL."""
    first = next((one for one in node.args if not _is_null(one)), node.args[0])
    return _truth(first)


def _is_null(node: Node) -> bool:
    bare = _bare(node)
    return bool(bare.HasField("a_const") and bare.a_const.isnull)


def _sub_query(node: Node) -> Truth:
    query = node.subselect.select_stmt
    always = not query.HasField("where_clause") or _truth(query.where_clause) is True
    if query.from_clause or not always or len(query.target_list) != 1:
        return None
    if node.sub_link_type == _EXISTS:
        return True
    return _truth(query.target_list[0].res_target.val) if node.sub_link_type == _EXPRESSION else None


def _bare(node: Node) -> Node:
    """The value without the casts that deparsing puts around it."""
    while node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    return node


def _shape(node: Node) -> bytes:
    """The tree without positions in the text, so that equal expressions are equal."""
    copy = type(node)()
    copy.CopyFrom(_bare(node))
    _forget_positions(copy)
    return bytes(copy.SerializeToString(deterministic=True))


def _forget_positions(message: Node) -> None:
    for field, value in message.ListFields():
        if field.name.endswith(("location", "list_start", "list_end")):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for one in [value] if hasattr(value, "ListFields") else value:
                _forget_positions(one)


_JUDGES: Mapping[str, Callable[[Node], Truth]] = {
    "a_const": _constant,
    "bool_expr": _boolean,
    "a_expr": _comparison,
    "null_test": _null_test,
    "boolean_test": _boolean_test,
    "case_expr": _case,
    "coalesce_expr": _coalesce,
    "sub_link": _sub_query,
    "type_cast": lambda node: _truth(node.arg),
}
