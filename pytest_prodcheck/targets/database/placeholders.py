"""Python's placeholders as PostgreSQL's own, so that the guard judges the very text that is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_prodcheck.errors import Refused

_PLACEHOLDER = re.compile(r"%(?:%|s|\((?P<name>[^)]+)\)s)")


def numbered(sql: str, params: Sequence[Any] | Mapping[str, Any] | None) -> tuple[str, Sequence[Any] | None]:
    """The statement with `$1` for `%s` and `%(name)s` (`%%` is a percent sign), and the values in that order.

    Without `params` it is left as it is. Raises `errors.Refused` where placeholders and values do not match.
    """
    if params is None:
        return sql, None
    by_name: Mapping[str, Any] = params if isinstance(params, Mapping) else {}
    in_order = () if isinstance(params, Mapping) else params
    values: list[Any] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        values.append(by_name[found["name"]] if found["name"] else in_order[len(values)])
        return f"${len(values)}"

    try:
        statement = _PLACEHOLDER.sub(number, sql)
    except (KeyError, IndexError):
        statement = ""
    if not statement or len(values) < len(in_order):
        raise Refused("SQL with parameters", "placeholders and values do not match", "write one %s for each value")
    return statement, values
