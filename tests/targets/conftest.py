"""`PRODCHECK_TEST_POSTGRES`, a directory with `postgres` and `initdb`: the tests run on that server's version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_prodcheck.demo.postgres import Postgres

_FOLDER = os.environ.get("PRODCHECK_TEST_POSTGRES", "")

if _FOLDER:
    Postgres.binaries = Path(_FOLDER)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says of every test that its server is not here, where another one than the embedded was asked for."""
    if _FOLDER and not (Path(_FOLDER) / "postgres").is_file():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"no PostgreSQL in {_FOLDER}"))
