"""One reading of the server's statistics, in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.health import (
    Client,
    Constraint,
    Health,
    Index,
    Replica,
    Slot,
    Statement,
    TableUse,
    Unindexed,
    Wait,
)
from pytest_prodcheck.targets.database import health_sql
from pytest_prodcheck.targets.database.bundle import ask

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

Row = tuple[Any, ...]
Thing = TypeVar("Thing")
_VIEW = "pg_stat_statements"


def reading(session: Session, catalog: Catalog, *, large: int, slow: float | None, timeout: float) -> Health:
    """The statistics as our role sees them. `large`: live rows from which tables are listed; `slow`: seconds from which
    statements are, None for none. Raises `bundle.Unanswered`."""
    view = _statements(catalog) if slow is not None else None
    statements = [*health_sql.ALWAYS, health_sql.TABLES.format(large=large), health_sql.UNINDEXED.format(large=large)]
    readable = view is not None and view.readable
    if view is not None and readable:
        name = f'"{view.schema}".{_VIEW}'
        statements.append(health_sql.STATEMENTS.format(view=name, least=int((slow or 0) * 1000)))
    answers = ask(session, statements, timeout=timeout)
    return _assembled(answers, view is not None and not readable)


def _statements(catalog: Catalog) -> Relation | None:
    return next((one for one in catalog.relations.values() if one.name == _VIEW and one.kind == "v"), None)


def _assembled(answers: Sequence[Sequence[Row]], denied: bool) -> Health:
    server, clients, waits, replicas, slots, indexes, constraints, tables, unindexed, *rest = answers
    role, privileged, recovery, read_only, lag, receives, size, hits, reads, failures, reset, oldest, hidden = server[0]
    seen = [row for row in rest[0] if row[0]] if rest else []
    return Health(
        role, privileged, recovery, read_only, lag, size, hits, reads, failures, reset,
        (oldest[0], int(oldest[1])), hidden,
        _each(Client, clients), tuple(_wait(*row) for row in waits),
        _each(Replica, replicas), _each(Slot, slots), _each(Index, indexes), _each(Constraint, constraints),
        _each(TableUse, tables), _each(Unindexed, unindexed),
        tuple(Statement(name, calls, float(mean)) for name, calls, mean in seen) if rest else None,
        len(rest[0]) - len(seen) if rest else 0, denied, receives,
    )  # fmt: skip


def _wait(pid: int, application: str, seconds: float | None, lock: str, blockers: list[int], *blocker: Any) -> Wait:
    return Wait(pid, application, seconds, lock, tuple(blockers), *blocker)


def _each(made: Callable[..., Thing], rows: Sequence[Row]) -> tuple[Thing, ...]:
    return tuple(made(*row) for row in rows)
