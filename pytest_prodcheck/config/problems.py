"""Problems of a `prodcheck.toml`: collected, so that one look shows all, and never with a value that may be secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_prodcheck.config.key_path import KeyPath, dotted
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.source import Source
from pytest_prodcheck.errors import ConfigError

CREDENTIAL = compiled(
    r"passw|passphrase|\bpwd\b|secret|token|api[-_]?key|credential|authorization|cookie"
    r"|(?:access|service|private|auth|functions)[-_]key",
    re.IGNORECASE,
)
"""Names of keys, headers and query parameters whose values are credentials."""
REFERENCES_ONLY = "secrets are references, never the value itself"


def nearest(name: str, known: Iterable[str], alike: float = 0.6) -> str:
    """`; did you mean X?`, or the known ones where none is near (`alike` of 1), or nothing where none is known."""
    import difflib  # 2 ms that only a mistake has to pay

    names = sorted(known)
    lowered = {other.lower(): other for other in names}
    if found := difflib.get_close_matches(name.lower(), lowered, 1, alike):
        return f"; did you mean {lowered[found[0]]}?"
    return f"; known: {', '.join(names)}" if names else ""


def _example(path: KeyPath) -> str:
    from pytest_prodcheck.config import keys  # of no use where nothing is wrong

    return keys.example_at(path)


class Problems:
    """What is wrong with one file. Key paths are relative to the environment, unless given to `at`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: dict[tuple[int, str], None] = {}

    def add(self, path: KeyPath, text: str, example: str = "") -> None:
        """A problem of a key of the merged environment; said where that key is written, with the key's own example
        where none is given."""
        origin = self.source.origin(path)
        depth = len(origin) - 2
        shown = (*origin, *path[depth:]) if origin[2:] == path[:depth] else origin
        self._note(self.source.line(origin), dotted(shown), text, example or _example(path))

    def at(self, path: KeyPath, text: str, example: str = "") -> None:
        """A problem of a key, its path counted from the root of the document."""
        self._note(self.source.line(path), dotted(path), text, example)

    def whole(self, text: str, path: KeyPath = ()) -> None:
        """A problem of the environment or the file as a whole, said without a key path."""
        self._note(self.source.line(path), "", text, "")

    def _note(self, line: int, key: str, text: str, example: str) -> None:
        parts = [f"{self.source.path.name}:{line}", *([key] if key else []), text]
        message = ": ".join(parts) + (f"; example: {example}" if example else "")
        self._found.setdefault((line, message))

    def unknown_keys(self, path: KeyPath, table: Mapping[str, Any], known: Iterable[str]) -> None:
        """Every key of `table` that is not among `known`."""
        names = sorted(known)
        for key, value in table.items():
            if key not in names:
                self.unknown_key((*path, key), value, names)

    def unknown_key(self, path: KeyPath, value: object, known: Iterable[str], example: str = "") -> None:
        """A key that does not exist here. Where its name promises a credential, its literal is pointed out, masked."""
        key = str(path[-1])
        hint = nearest(key, known)
        text = f"unknown key {key}{hint}"
        meant = hint.removeprefix("; did you mean ").removesuffix("?") if hint.endswith("?") else ""
        example = example or (_example((*path[:-1], meant)) if meant else "")
        if CREDENTIAL.search(key) and isinstance(value, str) and not value.startswith(("env:", "file:", "cmd:")):
            text += f"; {REFERENCES_ONLY} (written: {key} = [redacted])"
            example = f'"env:{re.sub("[^A-Z0-9]+", "_", key.upper())}"'
        self.add(path, text, example)

    def raise_if_any(self) -> None:
        """Raises ConfigError with all problems in the file's order."""
        if self._found:
            raise ConfigError(*(message for _, message in sorted(self._found)))
