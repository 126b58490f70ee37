"""Plain imports of our own modules: without pytest's assertion rewriting, which would compile each of them anew.

pytest rewrites every module of a distribution that holds a plugin. Ours hold no assertions but for the suites, and
where nothing may be cached (PYTHONDONTWRITEBYTECODE, a read-only image) rewriting a hundred modules costs a third of a
second.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

PACKAGE = "pytest_prodcheck."
SUITES = "pytest_prodcheck.suites."


class PlainImports:
    """A finder in front of pytest's: it answers for our package, the suites excepted."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module as Python itself finds it; None for everybody else's."""
        if not name.startswith(PACKAGE) or name.startswith(SUITES):
            return None
        return PathFinder.find_spec(name, path, target)


def install() -> None:
    """Puts the finder first, once."""
    if not any(isinstance(finder, PlainImports) for finder in sys.meta_path):
        sys.meta_path.insert(0, PlainImports())
