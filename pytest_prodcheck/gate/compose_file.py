"""The compose files of a target, read once a process."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from pytest_prodcheck.config.compose.model import ComposeFile, Service
from pytest_prodcheck.config.compose.reader import read
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.config.models.compose import ComposeTarget


def of(environment: Environment, table: ComposeTarget) -> ComposeFile:
    """What the files promise. Raises ConfigError."""
    return _read(tuple(Path(environment.base) / name for name in table.compose), table.project)


def judged(environment: Environment, table: ComposeTarget) -> tuple[Service, ...]:
    """The services that must run: the declared ones, or all but those that only a profile starts."""
    services = of(environment, table).services.values()
    return tuple(one for one in services if (one.name in table.services if table.services else not one.optional))


@lru_cache(maxsize=16)
def _read(paths: tuple[Path, ...], project: str) -> ComposeFile:
    return read(paths, os.environ, project)
