"""The files that `prodcheck pin` writes: what would change, then the file, whole or not at all."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pytest_prodcheck.config.models import DatabaseTarget, GraphqlTarget, Target
from pytest_prodcheck.errors import ConfigError, UsageProblem
from pytest_prodcheck.gate import drift
from pytest_prodcheck.gate.pins import Pin
from pytest_prodcheck.observe import contract_file
from pytest_prodcheck.observe.contract import INVALID, Contract

_LINES = 200


def place(table: Target) -> str:
    """Where a target's contract is; empty where it declares none."""
    if isinstance(table, DatabaseTarget):
        return table.contract
    return table.schema_ if isinstance(table, GraphqlTarget) else ""


def told(pin: Pin, base: Path, *, write: bool) -> Iterator[str]:
    """The lines that say what changes; when they have been read, the file is written. Raises UsageProblem where it
    cannot be."""
    path = Path(place(pin.table))
    shown = str(path.relative_to(base)) if path.is_relative_to(base) else path.name
    if pin.problem or (pin.contract and pin.contract.unread):
        reason = pin.problem or "; ".join(
            f"{part}: {why}" for part, why in (pin.contract or Contract(0)).unread.items()
        )
        yield f"NOT PINNED  {pin.name}: {reason}; {shown} stays as it is"
        return
    if pin.contract is not None and contract_file.read(pin.text, shown) != pin.contract.pinned:
        raise UsageProblem(f"{shown}: not written: the file would not say what was read; please report this")
    old = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    if old == pin.text:
        yield f"unchanged   {shown} ({pin.name})"
        return
    yield from _changes(old, pin, shown)
    yield from _doubts(pin)
    if not write:
        yield f"not written {shown} ({pin.name}): --dry-run"
        return
    _replace(path, pin.text, shown)
    yield f"wrote       {shown} ({pin.name}): {_size(pin)}; next: read it, commit it"


def _changes(old: str, pin: Pin, shown: str) -> Iterator[str]:
    """The difference as a diff of the file, and what it means."""
    if not old:
        return
    lines = list(
        difflib.unified_diff(old.splitlines(), pin.text.splitlines(), shown, f"{shown} (now)", lineterm="", n=1)
    )
    yield from lines[:_LINES]
    if len(lines) > _LINES:
        yield f"… and {len(lines) - _LINES} further lines"
    try:
        yield from drift.meaning(old, pin)
    except ConfigError as error:
        yield f"the file that is there cannot be read ({error}); it is replaced"


def _doubts(pin: Pin) -> Iterator[str]:
    """What a healthy environment would not have, and is pinned all the same."""
    for name, table in (pin.contract.tables if pin.contract else {}).items():
        for index, text in table.indexes.items():
            if text.endswith(INVALID):
                yield f"warning     index {index} of {name} is invalid, and pinned so"
        for key, text in table.keys.items():
            if text.endswith(" NOT VALID"):
                yield f"warning     key {key} of {name} was never validated, and is pinned so"


def _size(pin: Pin) -> str:
    if pin.contract is None:
        return f"{len(pin.sdl.splitlines())} lines of SDL"
    tables = pin.contract.tables.values()
    numbers = {
        "tables and views": len(tables),
        "columns": sum(len(table.columns) for table in tables),
        "policies": sum(len(table.policies) for table in tables),
        "functions": len(pin.contract.functions),
    }
    return ", ".join(f"{number} {what}" for what, number in numbers.items())


def _replace(path: Path, text: str, shown: str) -> None:
    """Whoever reads the file meanwhile reads the old or the new one, whole."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(temporary).unlink()
        raise UsageProblem(f"{shown} cannot be written: {error.strerror}") from None
