"""Reads a folder of migrations: the files of the tool, and nothing beside them."""

from __future__ import annotations

import os
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
