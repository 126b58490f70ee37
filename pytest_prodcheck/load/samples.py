"""Samples of a load run, read from their folder without copying them: columns are mapped into memory."""

from __future__ import annotations

import json
import mmap
from pathlib import Path

from pytest_prodcheck.observe.load import COLUMNS, ErrorClass, Part, Samples

NAMES = "names.json"
"""`{"names": ["GET /"], "errors": [["", ""], ["status", "503"]]}`, beside the folders of the processes."""


def read(folder: str | Path) -> Samples:
    """The samples in `folder`. A row that only some columns have (a process was killed while it wrote) is left out.

    Raises OSError where the folder or its table of names cannot be read, ValueError where the table is damaged.
    """
    place = Path(folder)
    table = json.loads((place / NAMES).read_text("utf-8"))
    errors = tuple(ErrorClass(str(kind), str(message)) for kind, message in table["errors"])
    parts = tuple(_part(process) for process in sorted(place.iterdir()) if process.is_dir())
    return Samples(tuple(table["names"]), errors, tuple(part for part in parts if len(part)))


def _part(folder: Path) -> Part:
    columns = [_column(folder / f"{column['name']}.{column['code']}", column["code"]) for column in COLUMNS]
    rows = min(len(column) for column in columns)
    return Part(*(column[:rows] for column in columns))


def _column(path: Path, code: str) -> memoryview[int]:
    width = memoryview(b"").cast("B").cast(code).itemsize  # type: ignore[call-overload]
    if not path.is_file() or not (whole := path.stat().st_size // width * width):
        return memoryview(b"").cast("B").cast(code)  # type: ignore[call-overload, no-any-return]
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return memoryview(mapped)[:whole].cast(code)  # type: ignore[call-overload, no-any-return]
