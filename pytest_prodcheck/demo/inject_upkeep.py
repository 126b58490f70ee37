"""Faults of migrations, sessions, locks, indexes and constraints."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping

import psycopg

from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]
_PRISMA_LOCK = 72707369
_SECONDS, _WAITING = 5.2, 3.2
"""Longer than the demo's limits of transactions and of waits for locks."""
_NEWEST = "migration_name = '20260811000000_task_summary'"


def _sql(*statements: str) -> Injection:
    return lambda demo: demo.database.change(*statements)


def _locked(demo: System) -> None:
    demo.database.hold(demo.postgres.dsn(database="demo"), "migrator", f"select pg_advisory_lock({_PRISMA_LOCK})")
    demo.database.held[-1].commit()  # the lock is the session's, and no transaction stays open


def _works(demo: System, name: str, *statements: str) -> None:
    """A session that runs statements of which the last does not end."""
    session = psycopg.connect(demo.postgres.dsn(database="demo"), application_name=name)
    demo.database.held.append(session)
    for statement in statements[:-1]:
        session.execute(statement.encode())

    def work() -> None:
        with contextlib.suppress(psycopg.Error):
            session.execute(statements[-1].encode())

    threading.Thread(target=work, daemon=True).start()


def _long_transaction(demo: System) -> None:
    _works(demo, "monthly-report", "select pg_sleep(3600)")
    demo.later.append(lambda: time.sleep(_SECONDS))


def _idle(demo: System) -> None:
    demo.database.hold(demo.postgres.dsn(database="demo"), "forgetful-worker", "select 1")
    demo.later.append(lambda: time.sleep(_SECONDS))


def _lock_queue(demo: System) -> None:
    """The one that holds the lock works, so nobody is idle; it began just before the gate looks."""
    demo.database.change("create table archive.exports (id int)")

    def begin() -> None:
        _works(demo, "migration", "lock table archive.exports in access exclusive mode", "select pg_sleep(3600)")
        _works(demo, "nightly-export", "select count(*) from archive.exports")
        time.sleep(_WAITING)

    demo.later.append(begin)


def _invalid_index(demo: System) -> None:
    with contextlib.suppress(psycopg.errors.UniqueViolation):
        demo.database.change("create unique index concurrently tasks_done on tasks (done)")


INJECTIONS: Mapping[str, Injection] = {
    "migration-behind": _sql(f"delete from _prisma_migrations where {_NEWEST}", "drop view task_summary"),
    "migration-failed": _sql(
        f"update _prisma_migrations set finished_at = null, logs = 'Database error code: 42P07' where {_NEWEST}"
    ),
    "migration-edited": _sql(f"update _prisma_migrations set checksum = repeat('0', 64) where {_NEWEST}"),
    "migration-ahead": _sql(
        "insert into _prisma_migrations (id, checksum, migration_name, finished_at)"
        " values ('next', repeat('0', 64), '20260901000000_labels', now())"
    ),
    "migration-never-run": _sql("delete from _prisma_migrations"),
    "migration-locked": _locked,
    "long-transaction": _long_transaction,
    "idle-in-transaction": _idle,
    "lock-queue": _lock_queue,
    "index-invalid": _invalid_index,
    "constraint-not-validated": _sql(
        "alter table tasks add constraint tasks_owner foreign key (user_id) references users not valid"
    ),
    "statistics-hidden": _sql("revoke pg_read_all_stats from reader"),
}
