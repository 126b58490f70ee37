"""One table of names for all processes of a run: their columns get the ids of the first that had a name."""

from __future__ import annotations

import json
from array import array
from pathlib import Path
from typing import Any

from pytest_prodcheck.load.samples import NAMES
from pytest_prodcheck.observe.load import COLUMNS

_ROWS = 65536
_MOST = 65535


def merge(folder: Path) -> int:
    """Writes `names.json` from the tables beside the processes' folders, and gives columns its ids where they differ.
    Returns the number of rows. Raises OSError, ValueError for a table that is damaged."""
    names: dict[str, int] = {}
    errors: dict[tuple[str, str], int] = {("", ""): 0}
    rows = 0
    for place in sorted(one for one in folder.iterdir() if one.is_dir()):
        table = _table(place.with_suffix(".json"))
        named = [names.setdefault(name, len(names)) for name in table["names"]]
        failed = [errors.setdefault((kind, text), len(errors)) for kind, text in table["errors"]]
        _renumber(place / "name.H", named)
        _renumber(place / "error.H", failed)
        sizes = [_rows(place / f"{column['name']}.{column['code']}", column["code"]) for column in COLUMNS]
        rows += min(sizes)
    whole = {"names": list(names), "errors": [list(key) for key in errors]}
    (folder / NAMES).write_text(json.dumps(whole), "utf-8")
    return rows


def _table(path: Path) -> dict[str, Any]:
    """The table of a process; an empty one where it ended before it wrote any."""
    if not path.is_file():
        return {"names": [], "errors": [["", ""]]}
    table: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return table


def _rows(path: Path, code: str) -> int:
    return path.stat().st_size // array(code).itemsize if path.is_file() else 0


def _renumber(path: Path, ids: list[int]) -> None:
    """Another id for each in a column, where any differs; in pieces, so that memory stays bounded."""
    if ids == list(range(len(ids))) or not path.is_file():
        return
    known = dict(enumerate(ids))
    with path.open("r+b") as file:
        while data := file.read(_ROWS * 2):
            column = array("H")
            column.frombytes(data[: len(data) // 2 * 2])
            changed = array("H", (min(known.get(one, one), _MOST) for one in column))
            file.seek(-len(data), 1)
            file.write(changed.tobytes())
