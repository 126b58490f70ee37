"""PostgreSQL of other versions than the embedded one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from pytest_prodcheck.demo.postgres import Postgres


class Debian(Postgres):
    """Debian's PostgreSQL 15, which has TLS; `or_skip` where it is not installed."""

    binaries = Path("/usr/lib/postgresql/15/bin")

    @classmethod
    def or_skip(cls) -> type[Debian]:
        """Skips the test where it is not installed."""
        if not cls.binaries.is_dir():
            pytest.skip("Debian's PostgreSQL 15 is not installed: apt-get install postgresql-15")
        return cls


@cache
def version() -> int:
    """The major version that the tests run on."""
    return Postgres.version()


def understood(statements: str) -> str:
    """The statements of many tests without what the server is too old for: views as their callers and the flush of
    statistics (15), grants without inheritance (16), in whose place the reader inherits nothing."""
    if version() < 15:
        statements = re.sub(r"\s+with \(security_invoker[^)]*\)", "", statements)
        statements = statements.replace("pg_stat_force_next_flush()", "pg_sleep(1)")
    if version() < 16 and _NO_INHERITANCE in statements:
        statements = statements.replace(_NO_INHERITANCE, "") + "alter role reader noinherit;"
    return statements


_NO_INHERITANCE = " with inherit false, set true"


def needs(major: int, *words: str, where: str = "") -> None:
    """Skips the test on an older server; where `words` are given, if one of them is in `where`."""
    if version() < major and (not words or any(word in where for word in words)):
        pytest.skip(f"PostgreSQL {major} brought it")
