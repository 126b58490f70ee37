"""A gate in a subprocess against a small real system: `system` is programmed, `gate` configured and run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from harness import Gate, Outcome
from small_system import System, running

from pytest_prodcheck.demo.postgres import Postgres

CORPUS = Path(__file__).with_name("false_greens.yaml")


@pytest.fixture
def system() -> Iterator[System]:
    """A small HTTP system on a free port."""
    with running() as one:
        yield one


@pytest.fixture
def gate(pytester: pytest.Pytester, system: System, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate on `system`, with one healthy endpoint configured; nothing of the outer run reaches it."""
    for name in list(os.environ):
        if name.startswith(("PYTEST_XDIST", "PYTEST_ADDOPTS", "GITHUB_", "CI", "COV_", "PYTHONPATH")):
            monkeypatch.delenv(name)
    made = Gate(pytester, system)
    made.config()
    return made


@pytest.fixture(scope="session")
def assert_required() -> Callable[[str, Outcome], None]:
    """Holds an outcome against an entry of `false_greens.yaml`: exit status, verdict and what is said."""
    entries = {entry["id"]: entry for entry in yaml.safe_load(CORPUS.read_text(encoding="utf-8"))}

    def hold(identifier: str, outcome: Outcome) -> None:
        entry = entries[identifier]
        outcome.assert_is(entry["required"]["exit"], entry["required"]["verdict"], *entry["says"])

    return hold


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A throwaway PostgreSQL server for all tests of this process."""
    server = Postgres()
    yield server
    server.stop()
