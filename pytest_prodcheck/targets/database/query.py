"""Guarded queries: each in a connection and a READ ONLY transaction of its own, which is rolled back and hung up."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.observation import Kind, Observation
from pytest_prodcheck.observe.query import Guard, Impersonation, QueryAnswer
from pytest_prodcheck.targets.database import server_words
from pytest_prodcheck.targets.database.connect import attempt
from pytest_prodcheck.targets.database.placeholders import numbered

if TYPE_CHECKING:
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Session

_BEGIN = (
    "begin transaction read only; select 1; "
    "set local statement_timeout = {statement}; set local lock_timeout = {lock}; "
    "set local idle_in_transaction_session_timeout = {idle}; set local standard_conforming_strings = on"
)
"""`select 1` comes first: after a query, SET TRANSACTION and BEGIN READ WRITE fail with 25001 (facts.md §11)."""
_LOCK_SHARE = 0.5
_GRACE = 1.0
"""Seconds that the server gets beyond its own statement_timeout before we hang up."""
_CHUNK = 100
_QUOTED = re.compile(r"'(?!-?infinity')[^']*'")
"""A value that Python lacks, in psycopg's words about it."""


class Reader:
    """Our reader of one database. A connection is used for one query and closed: a session cannot carry anything over,
    not even what the guard does not know (an advisory lock, a setting, a prepared statement)."""

    def __init__(
        self,
        dsn: str,
        *,
        timeout: float = 10.0,
        application_name: str = "prodcheck",
        catalog: Catalog | None = None,
        functions: Collection[str] = (),
        target: str = "database",
        guard: Guard | None = None,
    ) -> None:
        self._dsn, self._timeout, self._name = dsn, timeout, application_name
        self._catalog, self._functions, self._target = catalog, functions, target
        self._guard = guard or _default_guard()

    def __repr__(self) -> str:
        return f"Reader({self._target!r})"

    def query(
        self,
        sql: str,
        params: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        as_user: Impersonation | None = None,
        row_limit: int = 1000,
        name: str = "",
        kind: Kind = "declared",
    ) -> QueryAnswer:
        """The answer to one statement, with at most `row_limit` rows.

        Raises `errors.Refused` for what is not a proven read, before anything is sent. All else that goes wrong is in
        the answer's observation: SQLSTATE in `code`, or a class in `error`. `phases`: `first_byte` until the first row,
        `body` for the others; connecting is apart. Placeholders are `%s` and `%(name)s`, and `%` is one only where
        there are `params`; the guard judges the very text that is sent.
        """
        statement, values = numbered(sql, params)
        self._guard(statement, self._catalog, self._functions)
        session, observation = attempt(
            self._dsn, timeout=self._timeout, application_name=self._name, target=self._target
        )
        operation = f"query {name}" if name else "query"
        observation = replace(observation, operation=operation, subject=name, kind=kind)
        if session is None:
            return QueryAnswer(observation)
        try:
            return self._ask(session, observation, statement, values, as_user or Impersonation(), row_limit)
        finally:
            session.hang_up()

    def _ask(
        self,
        session: Session,
        observation: Observation,
        statement: str,
        values: Sequence[Any] | None,
        user: Impersonation,
        row_limit: int,
    ) -> QueryAnswer:
        from psycopg import Error

        from pytest_prodcheck.targets.database.session import Expired

        session.bound(self._timeout + _GRACE)
        step, started = "begin", time.perf_counter()
        try:
            session.execute(_limits(self._timeout).encode())
            step = "impersonation"
            _impersonate(session, user)
            step, started = "statement", time.perf_counter()
            answer = _rows(session, observation, statement, values, row_limit)
            session.execute(b"rollback")
        except Expired:
            failed = replace(observation, error="timeout", message=f"no answer within {self._timeout:.0f} s")
        except Error as error:
            failed = _failure(observation, error)
        else:
            return answer
        wall = time.perf_counter() - started
        phases = {**observation.phases, "first_byte": wall}
        return QueryAnswer(
            replace(failed, expected=False, phases=phases, wall=wall, data={**failed.data, "step": step})
        )


def _rows(
    session: Session,
    observation: Observation,
    statement: str,
    values: Sequence[Any] | None,
    row_limit: int,
) -> QueryAnswer:
    """Streams, so that a large answer is neither sent nor kept; a stream always uses the extended protocol, which takes
    one statement only."""
    from psycopg import RawCursor

    cursor = RawCursor(session)
    started = time.perf_counter()
    stream = cursor.stream(statement.encode(), values, size=min(_CHUNK, row_limit + 1))
    rows = list(islice(stream, 1))
    first = time.perf_counter()
    rows += islice(stream, row_limit)
    ended = time.perf_counter()
    columns = tuple(column.name for column in cursor.description or ())
    del stream  # cancels what was not read
    truncated = len(rows) > row_limit
    data = {**observation.data, "columns": list(columns), "rows": min(len(rows), row_limit), "truncated": truncated}
    phases = {**observation.phases, "first_byte": first - started, "body": ended - first}
    seen = replace(observation, phases=phases, wall=observation.wall + ended - started, data=data)
    return QueryAnswer(seen, columns, tuple(rows[:row_limit]), truncated)


def _limits(timeout: float) -> str:
    milliseconds = max(1, int(timeout * 1000))
    return _BEGIN.format(statement=milliseconds, lock=max(1, int(milliseconds * _LOCK_SHARE)), idle=2 * milliseconds)


def _impersonate(session: Session, user: Impersonation) -> None:
    """Context first: the role may not be allowed to change it. Names and values travel as parameters."""
    settings = [*user.context.items(), *([("role", user.role)] if user.role else [])]
    for name, value in settings:
        session.execute("select set_config(%s, %s, true)", (name, value))


def _failure(observation: Observation, error: Error) -> Observation:
    """The observation of a server's error; without an SQLSTATE, of a lost connection or a value that Python lacks.
    Nothing in it quotes a value of a row."""
    from psycopg import OperationalError

    code, diagnosis = error.sqlstate or "", error.diag
    otherwise = "tcp.reset" if isinstance(error, OperationalError) else "protocol"
    text = server_words.told(error)
    if not code:
        text = _QUOTED.sub("'…'", text)
    named = ["schema_name", "table_name", "column_name", "constraint_name"]
    named += ["message_hint", "statement_position"] if server_words.names_objects(error) else []
    facts = {name: value for name in named if (value := getattr(diagnosis, name, None))}
    if setting := server_words.refused_by(error):
        facts["refused_by"] = setting
    return replace(
        observation, code=code, error="" if code else otherwise, message=text, data={**observation.data, **facts}
    )


def _default_guard() -> Guard:
    from pytest_prodcheck.targets.guard.sql import check

    return check
