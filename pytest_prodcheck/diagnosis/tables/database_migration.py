"""Causes in migrations."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "database.migration.pending",
        "head of the code is ahead of the database",
        "migrations are not applied: the code is ahead of the database",
        "run the migration job",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select * from {record}'",
    ),
    CauseKind(
        "database.migration.failed",
        "a migration began and did not finish (P3009, success=false)",
        "migration {migration} began and did not finish; it blocks all later ones",
        "resolve it with the migration tool, then run the rest",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select * from {record}'",
    ),
    CauseKind(
        "database.migration.dirty",
        "golang-migrate dirty flag or a held migration lock",
        "the migration table is marked dirty or locked",
        "find the unfinished migration, then release the mark with the tool",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select * from {record}'",
    ),
    CauseKind(
        "database.migration.ahead",
        "database is ahead of the code (after a rollback)",
        "the database is ahead of the code",
        "deploy the code that fits, or migrate down",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select * from {record}'",
    ),
    CauseKind(
        "database.migration.never_run",
        "database is empty",
        "no migration was ever run",
        "run the migration job; check the database name first",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dt'",
    ),
    CauseKind(
        "database.migration.edited",
        "checksum differs from the file",
        "an applied migration was edited afterwards",
        "restore the file; write a new migration",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select * from {record}'",
    ),
    CauseKind(
        "database.migration.branched",
        "the repository has several heads, or two migrations of one version",
        "the migrations are branched",
        "merge them in the repository",
        "git log --oneline -5",
    ),
    CauseKind(
        "database.migration.locked",
        "the migration tool's lock is held: a migration runs, or one died",
        "the lock of the migration tool is held",
        "if no migration runs now, release the lock with the tool",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pid, application_name, xact_start from pg_stat_activity order by 3 nulls last limit 5'",
    ),
    CauseKind(
        "database.migration.unreadable",
        "the migration table cannot be read, or is another tool's",
        "the migrations cannot be judged",
        "GRANT SELECT on the migration table is yours to run; or correct `tool` and `table`",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dp {record}'",
    ),
)
