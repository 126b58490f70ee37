"""Causes in the rows and indexes of the database."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "database.index.invalid",
        "failed CREATE INDEX CONCURRENTLY",
        "an index of {table} is invalid",
        "REINDEX is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select indexrelid::regclass from pg_index where not indisvalid'",
    ),
    CauseKind(
        "database.index.corrupted",
        "an index is corrupted (XX002)",
        "an index of {table} is corrupted (XX002)",
        "REINDEX is yours to run; check the disks",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select * from pg_stat_database'",
    ),
    CauseKind(
        "database.data.corrupted",
        "the server finds its data corrupted (XX001)",
        "PostgreSQL finds its data corrupted (XX001)",
        "stop writes, check backups and disks",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'show data_checksums'",
    ),
    CauseKind(
        "database.data.invalid_input",
        "a value does not fit its type (22P02, 22023)",
        "a value does not fit its column's type ({sqlstate})",
        "correct what the application sends",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.data.constraint",
        "a row violates a constraint (23xxx)",
        "a row violates a constraint ({sqlstate})",
        "correct what the application writes, or the rows that block it",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.data.orphans",
        "rows point to nothing",
        "rows of {table} point to nothing",
        "decide about these rows; add the foreign key",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.data.null_values",
        "rows invisible because a value is NULL",
        "rows of {table} are invisible because a value is NULL",
        "decide about these rows",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.data.seed_missing",
        "a required table is empty",
        "table {table} is empty: seed not run",
        "run the seed job",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select count(*) from {table}'",
    ),
)
