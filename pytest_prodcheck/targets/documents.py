"""The files that `operations` names, read from beside prodcheck.toml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_prodcheck.errors import ConfigError


def read(base: Path, patterns: Sequence[str]) -> dict[str, str]:
    """Path relative to `base` → text, for every file that a glob matches, each once, sorted within its glob.

    Raises ConfigError for a pattern that matches nothing (a promise about no document is none), leads out of `base`
    by an absolute path, or names a file that cannot be read as UTF-8.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for pattern in patterns:
        paths = [] if Path(pattern).is_absolute() else sorted(path for path in base.glob(pattern) if path.is_file())
        if not paths:
            problems.append(f'operations = "{pattern}" matches no file under {base.name or base}')
        for path in paths:
            try:
                found[path.relative_to(base).as_posix()] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{path.name}: cannot be read: {type(error).__name__}")
    if problems:
        raise ConfigError(*problems)
    return found
