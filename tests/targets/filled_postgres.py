"""A PostgreSQL of its own for the tests of one file, with what they need in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

from pytest_prodcheck.demo.postgres import Postgres


@contextlib.contextmanager
def filled(statements: str) -> Iterator[Postgres]:
    """A running server in which a superuser has executed these statements."""
    with Postgres() as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute(statements.encode())
        yield running
