"""The text that an environment was read from: which line promised what, through `extends`, families and defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_prodcheck.config.key_path import KeyPath, has


@dataclass(frozen=True)
class Source:
    """One `prodcheck.toml` and the environment that is read from it."""

    path: Path
    text: str
    parsed: Mapping[str, Any] | None = None
    """The document where it is at hand; else it is read again when something asks for it."""
    chain: tuple[str, ...] = ()
    """The environment and what it extends, nearest first."""

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The text as TOML."""
        return tomllib.loads(self.text) if self.parsed is None else self.parsed

    @property
    def bare(self) -> Source:
        """The same without its document, for whoever keeps it all run long and asks it only when something is wrong."""
        return Source(self.path, self.text, None, self.chain)

    @cached_property
    def lines(self) -> dict[KeyPath, int]:
        """Line of every key; made when the first problem asks for it, because most files have none."""
        from pytest_prodcheck.config import lines

        return lines.index(self.text)

    def line(self, path: KeyPath) -> int:
        """Line of a key path from the root of the document."""
        from pytest_prodcheck.config import lines

        return lines.line(self.lines, path)

    def where(self, path: KeyPath) -> str:
        """`prodcheck.toml:31` for a key path below the environment."""
        return f"{self.path.name}:{self.line(self.origin(path))}"

    def origin(self, path: KeyPath) -> KeyPath:
        """The path from the root where a key of the merged environment is written: in the environment, in what it
        extends, in its family's shared defaults or beside `kind`. The longest written ancestor where it is nowhere."""
        candidates = [("env", name, *tail) for tail in self._tails(path) for name in self.chain]
        for candidate in candidates:
            if self._depth(candidate) == len(candidate):
                return candidate
        if not candidates:
            return path
        longest = max(candidates[: len(self.chain)], key=self._depth)
        return longest[: max(2, self._depth(longest))]

    def _tails(self, path: KeyPath) -> Iterator[KeyPath]:
        yield path
        if len(path) > 2:
            yield (path[0], *path[2:])
        for start in (1, 2):
            if len(path) > start:
                yield path[start:]

    def _depth(self, path: KeyPath) -> int:
        """How many keys of `path` are written in the document."""
        node: Any = self.document
        for depth, key in enumerate(path):
            if not has(node, key):
                return depth
            node = node[key]
        return len(path)
