"""The faults of migrations, sessions, locks, indexes and constraints: what the gate reads beside the schema."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import CONTRACT, HEALTH, LIMITS, MIGRATIONS, OPERATION, Fault

_TOUCHES = LIMITS + CONTRACT


def _migration(name: str, summary: str, cause: str, *explains: str) -> Fault:
    return Fault(name, "database", summary, (f"database.migration.{cause}",), (*MIGRATIONS, *explains), (), _TOUCHES)


def _health(name: str, summary: str, cause: str) -> Fault:
    return Fault(name, "database", summary, (cause,), HEALTH, (), _TOUCHES)


FAULTS = (
    _migration(
        "migration-behind",
        "the newest migration is not applied: task_summary is missing",
        "pending",
        *OPERATION,
    ),
    _migration("migration-failed", "the newest migration began and did not finish", "failed"),
    _migration("migration-edited", "the file of an applied migration was changed", "edited"),
    _migration("migration-ahead", "the code was rolled back: the database has a migration more", "ahead"),
    _migration("migration-never-run", "the table of migrations is empty", "never_run"),
    _migration("migration-locked", "a migrator that died holds the migration lock", "locked"),
    _health("long-transaction", "a report has worked in one transaction for seconds", "database.transaction.long"),
    _health("idle-in-transaction", "a worker opened a transaction and forgot it", "database.lock.idle_in_transaction"),
    _health("lock-queue", "a worker waits for a table that a migration keeps locked", "database.lock.contention"),
    _health("index-invalid", "CREATE INDEX CONCURRENTLY failed and left its index", "database.index.invalid"),
    _health("constraint-not-validated", "a foreign key was added NOT VALID", "database.constraint.not_validated"),
    _health("statistics-hidden", "the reader lost pg_read_all_stats", "database.health.not_visible"),
)
