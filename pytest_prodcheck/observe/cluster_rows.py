"""Rows of pods in a Table: which of thousands are worth a second look, told without a dictionary for each."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.observe.cluster import Table
from pytest_prodcheck.observe.observation import Json

_OVER = ("Completed", "Succeeded")


def unwell(table: Table) -> Iterator[dict[str, Json]]:
    """The rows that say that a pod is not well, or was not always: not running, not ready, restarted."""
    columns = table.columns
    at = {name: columns.index(name) if name in columns else -1 for name in ("Ready", "Status", "Restarts")}
    ready, status, restarts = at["Ready"], at["Status"], at["Restarts"]
    told = min(at.values()) >= 0
    for row in table.rows:
        if not (told and len(row) >= len(columns) and _is_well(row[ready], row[status], row[restarts])):
            yield dict(zip(columns, row, strict=False))


def _is_well(ready: Json, status: Json, restarts: Json) -> bool:
    if status in _OVER:
        return True
    had, _, wanted = str(ready).partition("/")
    return status == "Running" and had == wanted != "" and restarts in ("0", 0)
