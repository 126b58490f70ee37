"""Tests that are never collected, so that nobody could miss them: `--ignore`, `collect_ignore`, `-o python_files=…`.

They narrow the run as paths do: the verdict names them, and is not complete.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

_COLLECTION = ("python_files", "python_classes", "python_functions", "norecursedirs", "testpaths")
"""The ini keys that decide what is a test, where the command line overrides them."""


def reason(config: pytest.Config, path: Path) -> str:
    """Why pytest leaves `path` out, where it holds tests; empty for a directory that it never enters."""
    option = _option(config, path)
    if not option and path.is_dir() and _never_entered(config, path):
        return ""
    return (option or "collect_ignore, or a hook") if any(_tests(config, path)) else ""


def narrowed(config: pytest.Config, ignored: Mapping[Path, str]) -> Iterator[tuple[str, str]]:
    """What is left out, each with its reason: the ignored, and what the command line redefines as no test."""
    for path, why in ignored.items():
        shown = path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path
        yield shown.as_posix(), why
    for given in config.getoption("override_ini", None) or ():
        name = given.partition("=")[0].strip()
        if name in _COLLECTION:
            yield name, f"-o {given}"


def _option(config: pytest.Config, path: Path) -> str:
    base = config.invocation_params.dir
    if path in [(base / one).resolve() for one in config.getoption("ignore") or ()]:
        return "--ignore"
    globs = [str(base / one) for one in config.getoption("ignore_glob") or ()]
    return "--ignore-glob" if any(fnmatch.fnmatch(str(path), one) for one in globs) else ""


def _never_entered(config: pytest.Config, path: Path) -> bool:
    if path.name == "__pycache__" or (path / "pyvenv.cfg").exists():
        return True
    return any(fnmatch.fnmatch(path.name, pattern) for pattern in config.getini("norecursedirs"))


def _tests(config: pytest.Config, path: Path) -> Iterator[Path]:
    patterns = config.getini("python_files")
    if path.is_dir():
        yield from (found for pattern in patterns for found in path.rglob(pattern))
    elif any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns):
        yield path
