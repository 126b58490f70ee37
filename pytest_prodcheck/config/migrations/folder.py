"""Reads a folder of migrations: the files of the tool, and nothing beside them."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from pytest_prodcheck.config.migrations.repository import BadMigration, Files, Repository
from pytest_prodcheck.config.migrations.tools import TOOLS

_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "dist-packages"})
_MOST_FILES = 20_000
_MOST_BYTES = 4 << 20


def read(directory: Path, tool: str) -> Repository:
    """The migrations below `directory`. Raises BadMigration: no folder, none in it, or one that is bad."""
    known = TOOLS[tool]
    if not directory.is_dir():
        raise BadMigration(directory.name, "no such folder")
    files = _files(directory, tool)
    if not files:
        raise BadMigration(directory.name, f"holds no migration of {tool}, such as {known.example}")
    found = known.parse(files)
    if not found.migrations:
        raise BadMigration(directory.name, f"holds no migration of {tool}, such as {known.example}")
    return found


def texts(directory: Path, tool: str, names: Collection[str]) -> dict[str, str]:
    """Name of a migration → what its files say, in the order of the names; only of those that have files of their own.

    Raises BadMigration, as `read` does.
    """
    files = _files(directory, tool)
    found = {name: [files[path] for path in files if _named(path, name)] for name in names}
    return {name: b"\n".join(own).decode("utf-8", "replace") for name, own in found.items() if own}


def _named(path: str, name: str) -> bool:
    """Whether a file is the migration's, or lies in its folder; Django's name begins with the application's."""
    last = name.replace(".", "/").rpartition("/")[2]
    return any(part in (name, last) or part.startswith((f"{name}.", f"{last}.")) for part in path.split("/"))


def _files(directory: Path, tool: str) -> Files:
    pattern = TOOLS[tool].file
    found: dict[str, bytes] = {}
    for above, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(names):
            path = Path(above, name)
            shown = path.relative_to(directory).as_posix()
            if pattern.search(shown) and len(found) < _MOST_FILES:
                found[shown] = _content(path, shown)
    return found


def _content(path: Path, shown: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadMigration(shown, f"cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise BadMigration(shown, f"is larger than {_MOST_BYTES >> 20} MB")
    return content
