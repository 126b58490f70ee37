"""Load runs made by hand: columns as the engine writes them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_prodcheck.observe.load import COLUMNS, ErrorClass, LoadRun, Part, Samples, Second

NAMES = ("GET /a", "POST /api/graphql")
ERRORS = (ErrorClass(""), ErrorClass("status", "500"), ErrorClass("status", "503"), ErrorClass("timeout"))
BEGAN = 1_800_000_000.0


class Row(NamedTuple):
    """One request, in seconds."""

    response: float = 0.050
    error: int = 0
    name: int = 0
    start: float = 30.0
    late: float = 0.0
    size: int = 100


def samples(*parts: Iterable[Row], errors: Sequence[ErrorClass] = ERRORS, names: Sequence[str] = NAMES) -> Samples:
    """The columns of some processes."""
    return Samples(tuple(names), tuple(errors), tuple(part(rows) for rows in parts))


def part(rows: Iterable[Row]) -> Part:
    """The columns of one process, in the order of their ends."""
    ordered = sorted(rows, key=lambda row: row.start + row.response)
    columns: dict[str, list[int]] = {
        "start": [round(row.start * 1e6) for row in ordered],
        "late": [round(row.late * 1e6) for row in ordered],
        "response": [round(row.response * 1e6) for row in ordered],
        "status": [200 if not row.error else 500 for row in ordered],
        "name": [row.name for row in ordered],
        "error": [row.error for row in ordered],
        "size": [row.size for row in ordered],
    }
    return Part(*(memoryview(array(column["code"], columns[column["name"]])) for column in COLUMNS))


def run(**changes: Any) -> LoadRun:
    """A run of a minute that came to its end, on a generator with nothing to do."""
    calm = Second(cpu=0.2, at=0.0, lag=0.001, descriptors=60, most_descriptors=1024)
    seconds = tuple(replace(calm, at=BEGAN + at) for at in range(60))
    base = LoadRun("browse", began_at=BEGAN, ended_at=BEGAN + 60, duration=60, users=50, sent=1000, samples=1000)
    return replace(replace(base, seconds=seconds), **changes)


def busy(share: float = 1.0, **how: Any) -> tuple[Second, ...]:
    """Seconds of a generator, of which a share was saturated."""
    return tuple(Second(BEGAN + at, **({"cpu": 0.99} | how if at < 60 * share else {"cpu": 0.2})) for at in range(60))
