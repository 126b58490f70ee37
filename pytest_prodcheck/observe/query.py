"""A guarded query and its answer, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.observation import Json, Observation

Guard = Callable[[str, Catalog | None, Collection[str]], None]
"""Passes a statement that can only read, or raises `errors.Refused`."""


@dataclass(frozen=True, slots=True)
class Impersonation:
    """As whom a query runs, for its transaction only."""

    role: str = ""
    """SET LOCAL ROLE; empty stays with our reader."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Settings such as `app.user_id`, set by `set_config(…, true)`."""


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """What a query gave. Where it failed, `observation` has `code` (SQLSTATE) or `error`, and there are no rows."""

    observation: Observation
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    """Python values, as psycopg adapts them."""
    truncated: bool = False
    """Whether the server had more rows than were asked for."""

    @property
    def failed(self) -> bool:
        """Whether there is no answer to judge."""
        return bool(self.observation.code or self.observation.error)

    @property
    def value(self) -> Json:
        """A single cell as its value, one column as a list, anything else as a list of objects; all of it JSON-safe."""
        rows = [[json_safe(cell) for cell in row] for row in self.rows]
        if len(self.columns) == 1:
            return rows[0][0] if len(rows) == 1 else [row[0] for row in rows]
        return [dict(zip(self.columns, row, strict=True)) for row in rows]


def json_safe(value: Any) -> Json:
    """`value` as JSON can hold it: exact numbers stay numbers, times are ISO 8601, bytes are hex as PostgreSQL shows
    them, and what JSON has no word for (NaN, a range, an address) is its text."""
    from datetime import timedelta
    from decimal import Decimal

    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal | float):
        return _number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): json_safe(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _number(value: Any) -> Json:
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    return int(value) if value == int(value) and not isinstance(value, float) else float(value)
