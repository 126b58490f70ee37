"""Becomes a declared user in one read-only transaction and counts what it sees of each table, in three round trips.

First the limits and what the role may do; then one query over all tables as our reader and the same one as the user;
then the rollback. Only where that query fails is it halved, until the tables that make it fail are alone. What counts
is guarded like any query, table by table; names and values are quoted, and no row's data is ever fetched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.query import Impersonation
from pytest_prodcheck.observe.sight import BOUND, Counts, Failure, Look, Proof, Sight
from pytest_prodcheck.targets.database import server_words

if TYPE_CHECKING:
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Session

Guarded = Callable[[str], None]
"""Passes a statement that can only read, or raises `errors.Refused`."""
Row = tuple[Any, ...]
Answers = dict[str, Counts | Failure]

_BEGIN = (
    "begin transaction isolation level repeatable read read only; select 1; "
    "set local statement_timeout = {statement}; set local lock_timeout = {lock}; "
    "set local idle_in_transaction_session_timeout = {idle}; set local standard_conforming_strings = on"
)
"""`select 1` comes first: after a query, SET TRANSACTION and BEGIN READ WRITE fail with 25001 (facts.md §11)."""
_LOCK_SHARE = 0.5
_WHOLE = 3.0
"""The transaction may take this many times what one statement may."""
_ROLE = """select pg_has_role(current_user, r.oid,
 case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
 from pg_roles r where r.rolname = {role}"""
_FACTS = """select t.name, c.oid is not null,
 coalesce(has_schema_privilege(n.oid, 'USAGE') and (has_table_privilege(c.oid, 'SELECT')
  or has_any_column_privilege(c.oid, 'SELECT')), false),
 coalesce(has_schema_privilege(r.oid, n.oid, 'USAGE') and (has_table_privilege(r.oid, c.oid, 'SELECT')
  or has_any_column_privilege(r.oid, c.oid, 'SELECT')), false),
 coalesce(has_column_privilege(c.oid, a.attnum, 'SELECT'), t.owner = ''),
 coalesce(has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT'), t.owner = '')
 from (values {tables}) t(name, place, owner) left join pg_class c on c.oid = to_regclass(t.place)
 left join pg_roles r on r.rolname = {role} left join pg_namespace n on n.oid = c.relnamespace
 left join pg_attribute a on a.attrelid = c.oid and a.attname = t.owner and not a.attisdropped"""
_WAITED = ("57014", "55P03")
"""What ends the proof: a wait is not repeated."""


def prove(
    session: Session, user: str, become: Impersonation, looks: Sequence[Look], *, timeout: float, guard: Guarded
) -> Proof:
    """What `user` sees of the tables. Whatever goes wrong is in the proof: nothing is raised. `session` is used up."""
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Expired

    started_at, started = time.time(), time.perf_counter()
    seen = Observation("", "rls proof", subject=user, user=user, started_at=started_at)
    session.bound(timeout * _WHOLE)
    proof = Proof(user, become.role, seen)
    try:
        proof = _Transaction(session, become, guard).run(proof, looks, timeout)
    except Expired:
        seen = replace(seen, error="timeout", message=f"no answer within {timeout * _WHOLE:.0f} s", expected=False)
    except Error as error:
        failed = _failure(error)
        kind = "" if error.sqlstate else failed.code
        seen = replace(seen, code=error.sqlstate or "", error=kind, message=failed.message, expected=False)
    finally:
        session.hang_up()
    wall = time.perf_counter() - started
    return replace(proof, observation=replace(seen, wall=wall, phases={"first_byte": wall}))


class _Transaction:
    """The statements of one user's transaction."""

    def __init__(self, session: Session, become: Impersonation, guard: Guarded) -> None:
        self._session, self._become, self._guard = session, become, guard

    def run(self, proof: Proof, looks: Sequence[Look], timeout: float) -> Proof:
        """The proof with what was counted."""
        role_rows, facts = self._facts(looks, timeout)
        if self._become.role and not (role_rows and role_rows[0][0]):
            self._ask(["rollback"])
            return replace(proof, role_exists=bool(role_rows), may_become=False, sights=_sights(facts, {}, {}))
        pieces, refused = self._pieces(looks)
        for_reader = [name for name, exists, reads, _, owner, _ in facts if exists and reads and owner]
        for_user = [name for name, exists, _, reads, _, owner in facts if exists and reads and owner]
        reader, user = self._counted(
            {name: pieces[name] for name in for_reader if name in pieces},
            {name: pieces[name] for name in for_user if name in pieces},
        )
        self._ask(["rollback"])
        return replace(proof, sights=_sights(facts, reader | refused, user | refused))

    def _facts(self, looks: Sequence[Look], timeout: float) -> tuple[list[Row], list[Row]]:
        """Whether the role is there and may be taken; and per table whether it is there and who may read it."""
        role = literal(self._become.role) if self._become.role else "current_user"
        milliseconds = max(1, int(timeout * 1000))
        limits = {"statement": milliseconds, "lock": max(1, int(milliseconds * _LOCK_SHARE)), "idle": 2 * milliseconds}
        tables = ", ".join(
            f"({literal(one.table)}, {literal(_place(one.table))}, {literal(one.owner)})" for one in looks
        )
        facts = [_FACTS.format(role=role, tables=tables)] if looks else []
        answers = self._ask([_BEGIN.format(**limits), _ROLE.format(role=role), *facts])
        return (answers[-2], answers[-1]) if looks else (answers[-1], [])

    def _pieces(self, looks: Sequence[Look]) -> tuple[dict[str, str], Answers]:
        """The statement of each table that passes the guard, and why the others do not. Where the condition is ours, a
        column and a quoted value, the guard need only know what reading the table does."""
        pieces: dict[str, str] = {}
        refused: Answers = {}
        for look in looks:
            statement = _piece(look)
            try:
                self._guard(statement if look.foreign else f"select count(*) from {_place(look.table)}")
            except Refused as refusal:
                refused[look.table] = Failure("refused", refusal.reason)
            else:
                pieces[look.table] = statement
        return pieces, refused

    def _counted(self, reader: Mapping[str, str], user: Mapping[str, str]) -> tuple[Answers, Answers]:
        """Both answers in one round trip; where something fails, one after the other."""
        from psycopg import Error

        becoming = self._becoming()
        statements = ["savepoint reader", *_union(reader), *becoming, "savepoint as_user", *_union(user)]
        try:
            answers = self._ask(statements)
        except Error as error:
            if not error.sqlstate or error.sqlstate in _WAITED:
                raise
            self._ask(["rollback to savepoint reader"])
            as_reader = self._halved("reader", reader)
            self._ask([*becoming, "savepoint as_user"])
            return as_reader, self._halved("as_user", user)
        return _counts(answers[1] if reader else []), _counts(answers[-1] if user else [])

    def _becoming(self) -> list[str]:
        """Context first: the role may not be allowed to change it."""
        settings = [*self._become.context.items(), *([("role", self._become.role)] if self._become.role else [])]
        return [f"select set_config({literal(name)}, {literal(value)}, true)" for name, value in settings]

    def _halved(self, savepoint: str, pieces: Mapping[str, str]) -> Answers:
        """The counts of the tables that can be counted, and why the others cannot."""
        from psycopg import Error

        if not pieces:
            return {}
        try:
            return _counts(self._ask(_union(pieces))[-1])
        except Error as error:
            if not error.sqlstate or error.sqlstate in _WAITED:
                raise
            failed = _failure(error)
        self._ask([f"rollback to savepoint {savepoint}"])
        if len(pieces) == 1:
            return dict.fromkeys(pieces, failed)
        names = list(pieces)
        halves = names[: len(names) // 2], names[len(names) // 2 :]
        return {
            name: counts
            for half in halves
            for name, counts in self._halved(savepoint, {name: pieces[name] for name in half}).items()
        }

    def _ask(self, statements: Sequence[str]) -> list[list[Row]]:
        """One message, one answer: the rows of every statement; none for those that give none."""
        cursor = self._session.execute("; ".join(statements).encode())
        answers: list[list[Row]] = []
        while True:
            answers.append(cursor.fetchall() if cursor.description is not None else [])
            if not cursor.nextset():
                return answers


def _piece(look: Look) -> str:
    """`select` of the table's name and its counts, each of at most BOUND rows."""
    place = _place(look.table)
    conditions = [
        f"({look.condition})",
        f"({look.condition}) is not true",
        *(f"({one})" for one in look.others.values()),
    ]
    counts = ", ".join(
        f"(select count(*) from (select 1 from {place} where {one} limit {BOUND}) r)" for one in conditions
    )
    names = ", ".join(literal(name) for name in look.others)
    return f"select {literal(look.table)}, array[{names}]::text[], array[{counts}]"


def _union(pieces: Mapping[str, str]) -> list[str]:
    """One statement over all tables; none where there are none."""
    return [" union all ".join(pieces.values())] if pieces else []


def _counts(rows: Sequence[Row]) -> Answers:
    return {
        name: Counts(int(inside), int(outside), dict(zip(others, map(int, rest), strict=True)))
        for name, others, (inside, outside, *rest) in rows
    }


def _sights(facts: Sequence[Row], reader: Answers, user: Answers) -> dict[str, Sight]:
    return {
        name: Sight(name, exists, granted, owner_granted, reader.get(name), user.get(name))
        for name, exists, _, granted, _, owner_granted in facts
    }


def _failure(error: Error) -> Failure:
    """What may be said of a server's error: words that could hold a row's data are dropped."""
    words = (error.diag.message_primary or "") if server_words.names_objects(error) else ""
    return Failure(server_words.refused_by(error) or error.sqlstate or "tcp.reset", words)


def _place(table: str) -> str:
    from psycopg import sql

    return sql.Identifier(*table.split(".", 1)).as_string(None)


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    from psycopg import sql

    return sql.Identifier(name).as_string(None)


def literal(value: str) -> str:
    """`value` as an SQL literal whose type the server chooses."""
    from psycopg import sql

    return sql.Literal(value).as_string(None).strip()
