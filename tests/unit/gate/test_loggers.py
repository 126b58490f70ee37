"""The table of loggers that pytest walks through while threads add to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from pytest_prodcheck.gate.loggers import Loggers

TABLE = "made_while_walking"


@pytest.fixture
def loggers() -> Iterator[Loggers]:
    """In the place of `logging`'s own table, and away again."""
    hooks = Loggers()
    hooks.pytest_sessionstart()
    yield hooks
    hooks.pytest_unconfigure()


def test_a_logger_made_meanwhile_ends_no_walk(loggers: Loggers) -> None:
    """pytest's own way of walking, with a logger made at each step."""
    del loggers
    logging.getLogger(f"{TABLE}.first")
    walked = 0
    for walked, _ in enumerate(logging.root.manager.loggerDict.values(), 1):
        logging.getLogger(f"{TABLE}.{walked}")
    assert walked >= 1


def test_the_old_table_comes_back_with_what_was_made() -> None:
    """The same object as before, so that who holds it sees the new loggers, too."""
    before, hooks = logging.root.manager.loggerDict, Loggers()
    hooks.pytest_sessionstart()
    made = logging.getLogger(f"{TABLE}.meanwhile")
    hooks.pytest_unconfigure()
    assert logging.root.manager.loggerDict is before
    assert before[f"{TABLE}.meanwhile"] is made


def test_another_table_is_not_taken_away() -> None:
    """Of two sessions, the one that ends first leaves the other's alone."""
    outer, inner = Loggers(), Loggers()
    outer.pytest_sessionstart()
    inner.pytest_sessionstart()
    inside = logging.root.manager.loggerDict
    outer.pytest_unconfigure()
    assert logging.root.manager.loggerDict is inside
    inner.pytest_unconfigure()
    outer.pytest_unconfigure()
    assert type(logging.root.manager.loggerDict) is dict
