"""The catalog snapshot: everything that criteria ask of a database, read once, in one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.errors import TargetError
from pytest_prodcheck.observe.catalog import Called, Cast, Catalog, Column, Key, Policy, Relation, Schema
from pytest_prodcheck.targets.database import catalog_sql, contract_sql, lint_sql
from pytest_prodcheck.targets.database.hazards import hazards
from pytest_prodcheck.targets.database.roles import roles, settings_by_role

if TYPE_CHECKING:
    from pytest_prodcheck.observe.contract import Contract
    from pytest_prodcheck.targets.database.session import Session

Row = tuple[Any, ...]
_BEGIN = (
    "begin transaction isolation level repeatable read read only; "
    "set local statement_timeout = {timeout}; set local lock_timeout = {lock}; "
    "set local standard_conforming_strings = on; set local jit = off"
)
_LOCK_SHARE = 0.25
"""Of the time: policies of a locked table cannot be read, and the others shall still come."""
_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
_VOLATILITIES = {3: "v", 2: "s", 1: "i"}


def snapshot(connection: Session, *, timeout: float = 30.0, lint: bool = False) -> Catalog:
    """What the database holds, as `connection`'s role sees it: one message to the server, one answer, rolled back.
    `lint` asks, in the same message, for what only the lint needs.

    Raises `errors.TargetError` with the SQLSTATE as its code, or `timeout` after `timeout` seconds.
    """
    return _read(connection, timeout, {}, lint).catalog


def snapshot_with_contract(
    connection: Session, *, timeout: float = 30.0, lint: bool = False
) -> tuple[Catalog, Contract]:
    """The same and the contract that it keeps, in the same message and transaction.

    A part that our reader may not read, or that somebody's lock keeps from being read, is in the contract's `unread`,
    with the reason; the others are there (then it takes a message a part). Raises as `snapshot` does.
    """
    from pytest_prodcheck.targets.database import contract

    version = connection.info.server_version
    found = _read(connection, timeout, contract_sql.parts(version), lint)
    return found.catalog, contract.assembled(found.catalog, found.names, found.parts, found.unread)


@dataclass(slots=True)
class _Read:
    catalog: Catalog
    names: Mapping[int, str]
    """Oid of every relation → its qualified name."""
    parts: Mapping[str, list[Row]]
    unread: dict[str, str]


def _read(connection: Session, timeout: float, parts: Mapping[str, str], lint: bool) -> _Read:
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Expired

    problem = ""
    try:
        connection.bound(timeout)
        return _found(connection, timeout, parts, lint_sql.ALL if lint else ())
    except Expired:
        code, problem = "timeout", f"the catalog did not come within {timeout:.0f} s"
    except Error as error:
        code, problem = error.sqlstate or "tcp.reset", f"the catalog could not be read: {str(error).splitlines()[0]}"
    connection.hang_up()
    raise TargetError("database", problem, code)


def _found(connection: Session, timeout: float, parts: Mapping[str, str], further: Sequence[str]) -> _Read:
    from psycopg.errors import InsufficientPrivilege, LockNotAvailable

    base, number = len(catalog_sql.ALL), len(catalog_sql.ALL) + len(further)
    first = (*(_plainly(catalog_sql.ALL) if parts else catalog_sql.ALL), *further)
    locked: frozenset[str] = frozenset()
    unread: dict[str, str] = {}
    try:
        answers = _ask(connection, timeout, (*first, *parts.values()))
    except LockNotAvailable:
        connection.execute(b"rollback")
        waiting = contract_sql.without_locked(connection.info.server_version) if parts else {}
        later = lint_sql.WITHOUT_LOCKED if further else ()
        again = _plainly(catalog_sql.WITHOUT_LOCKED) if parts else catalog_sql.WITHOUT_LOCKED
        *answers, names = _ask(connection, timeout, (*again, *later, *waiting.values(), catalog_sql.LOCKED))
        locked = frozenset(name for (name,) in names)
        by_lock = f"a lock on {', '.join(sorted(locked)) or 'a relation'} keeps them from being read"
        unread = {part: by_lock for part in (*contract_sql.WAITING, "policies") if parts}
        parts = waiting
    except InsufficientPrivilege:
        if not parts:
            raise
        connection.execute(b"rollback")
        answers = _ask(connection, timeout, first)
        for part, statement in parts.items():
            try:
                answers += _ask(connection, timeout, (contract_sql.PLAINLY, statement))
            except InsufficientPrivilege as refused:
                connection.execute(b"rollback")
                answers.append([])
                unread[part] = f"{refused.diag.message_primary} (42501)"
    names_by_oid = {row[0]: f"{row[1]}.{row[2]}" for row in answers[2]}
    lint = lint_sql.facts(answers[base:number], names_by_oid) if further else None
    catalog = replace(_assemble(answers[:base]), locked=locked, lint=lint)
    return _Read(catalog, names_by_oid, dict(zip(parts, answers[number:], strict=True)), unread)


def _plainly(statements: Sequence[str]) -> tuple[str, ...]:
    """The statements, all but the first, which asks for the session's own settings, in words that depend on none."""
    return (statements[0], contract_sql.PLAINLY, *statements[1:])


def _ask(connection: Session, timeout: float, statements: Sequence[str]) -> list[list[Row]]:
    began = _BEGIN.format(timeout=max(1, int(timeout * 1000)), lock=max(1, int(timeout * 1000 * _LOCK_SHARE)))
    cursor = connection.execute("; ".join((began, *statements, "rollback")).encode())
    answers: list[list[Row]] = []
    while True:
        if cursor.description is not None:
            answers.append(cursor.fetchall())
        if not cursor.nextset():
            return answers


def _assemble(answers: Sequence[list[Row]]) -> Catalog:
    server, schemas, tables, columns, grants, keys, policies, called, role_rows, members, overrides, *rest = answers
    functions, operators, types, casts, view_reads, calls, children, connections = rest
    view_casts = [(view, name) for name, views in types for view in views]
    database, user, version, path, in_recovery, settings = server[0]
    by_role = settings_by_role(role_rows, overrides)
    return Catalog(
        database,
        user,
        version,
        tuple(path),
        relations=_relations(
            tables, columns, grants, keys, (policies, called), view_reads, (calls, view_casts, children)
        ),
        schemas={name: Schema(name, owner, tuple(acl or ())) for name, owner, acl in schemas},
        roles=roles(role_rows, members, by_role),
        functions={name: _trait(*traits) for name, *traits in functions},
        operators=frozenset(name for (name,) in operators),
        types=frozenset(name for name, _ in types),
        casts=tuple(Cast(*cast) for cast in casts),
        settings={name: str(value) for name, value in settings.items()},
        in_recovery=in_recovery,
        connections=_totals((name, number) for name, _, number in connections),
        role_connections=_totals((role, number) for _, role, number in connections),
        database_settings=by_role.get("", {}),
    )


def _trait(volatility: int, definer: bool, of_extension: bool) -> str:
    return _VOLATILITIES[volatility] + ("+d" if definer else "") + ("+e" if of_extension else "")


def _totals(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for name, number in counts:
        totals[name] = totals.get(name, 0) + number
    return totals


def _relations(
    tables: list[Row],
    columns: list[Row],
    grants: list[Row],
    keys: list[Row],
    policies: tuple[list[Row], list[Row]],
    view_reads: list[Row],
    hidden: tuple[list[Row], list[Row], list[Row]],
) -> dict[str, Relation]:
    names: dict[int, str] = {row[0]: f"{row[1]}.{row[2]}" for row in tables}
    column_rows = {row[0]: row for row in columns}
    column_grants: dict[int, list[str]] = {row[0]: row[1] for row in grants}
    key_rows, policy_rows = _keys(keys), _policies(*policies, names)
    reads: dict[int, list[int]] = {}
    for view, read in view_reads:
        reads.setdefault(view, []).append(read)
    dangers = hazards({row[0]: row[3] for row in tables}, names, reads, *hidden)
    shared: dict[Row, Column] = {}
    found = {}
    for oid, schema, name, kind, owner, enabled, forced, readable, acl, parent, invoker in tables:
        found[names[oid]] = Relation(
            schema,
            name,
            kind,
            owner,
            enabled,
            forced,
            bool(readable),
            tuple(acl or ()),
            columns=_columns(column_rows.get(oid), shared),
            keys=tuple(key_rows.get(oid, ())),
            policies=tuple(policy_rows.get(oid, ())),
            column_acl=tuple(column_grants.get(oid, ())),
            hazards=dangers.get(oid, ()),
            parent=names.get(parent, ""),
            security_invoker=invoker,
            reads=tuple(sorted(names[read] for read in reads.get(oid, ()) if read in names)),
        )
    return found


def _columns(row: Row | None, shared: dict[Row, Column]) -> tuple[Column, ...]:
    """The columns of one relation. Equal columns are one object: tables of one team look alike."""
    if row is None:
        return ()
    built = []
    for described in zip(row[1], row[2], row[3], strict=True):
        column = shared.get(described)
        if column is None:
            column = shared[described] = Column(*described)
        built.append(column)
    return tuple(built)


def _keys(rows: list[Row]) -> dict[int, list[Key]]:
    found: dict[int, list[Key]] = {}
    for oid, *key in rows:
        found.setdefault(oid, []).append(Key(*key))
    return found


def _policies(rows: list[Row], called: list[Row], names: Mapping[int, str]) -> dict[int, list[Policy]]:
    calls: dict[tuple[int, str], list[Called]] = {}
    for *function, tables, policies in called:
        for place in zip(tables, policies, strict=True):
            calls.setdefault(place, []).append(Called(*function))
    found: dict[int, list[Policy]] = {}
    for oid, name, command, permissive, role_names, using, check, read in rows:
        reads = tuple(sorted(names[other] for other in read or () if other in names))
        mine = tuple(calls.get((oid, name), ()))
        policy = Policy(name, _COMMANDS[command], permissive, tuple(role_names), using, check, reads, mine)
        found.setdefault(oid, []).append(policy)
    return found
