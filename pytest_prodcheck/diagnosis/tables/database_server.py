"""Causes in the server itself: its state, its disk, queries and locks."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "database.server.read_only",
        "a replica or a read-only database takes no write (25006)",
        "connected to a replica or a read-only database: writes fail (25006)",
        "use the primary's endpoint; check default_transaction_read_only",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pg_is_in_recovery(), current_setting($$default_transaction_read_only$$)'",
    ),
    CauseKind(
        "database.server.out_of_memory",
        "the server has no memory left (53200)",
        "PostgreSQL is out of memory (53200)",
        "lower work_mem or connections; look at the host's memory",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'show work_mem'",
    ),
    CauseKind(
        "database.server.io_error",
        "the server cannot read or write its files (58030)",
        "PostgreSQL cannot read or write its files (58030)",
        "look at the server log and the host's disks",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pg_current_logfile()'",
    ),
    CauseKind(
        "database.disk.full",
        "53100",
        "the disk of the database is full (53100): writes fail",
        "free space or grow the volume",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select relname, pg_size_pretty(pg_total_relation_size(oid)) from pg_class order by pg_total_relation_size(oid) desc limit 5'",
    ),
    CauseKind(
        "database.query.timeout",
        "the query itself is slow (57014)",
        "a query was cancelled by its time limit (57014)",
        "look at the plan of the query; check for locks first",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pid, wait_event_type, now() - query_start, left(query, 60) from pg_stat_activity order by 3 desc nulls last limit 5'",
    ),
    CauseKind(
        "database.query.unexpected",
        "the query ran and gave something else than was promised",
        "{subject} gives {seen}, promised {expected}",
        "decide about these rows; the promise or the data is wrong",
        "psql -h {host} -p {port}",
    ),
    CauseKind(
        "database.query.failed",
        "the declared query fails by itself",
        "the query {subject} fails: {sqlstate}",
        "correct the declared query",
        "psql -h {host} -p {port}",
    ),
    CauseKind(
        "database.query.too_slow",
        "the query took longer than was promised",
        "{subject} took {seen}, promised {expected}",
        "look at the plan of the query; check for locks first",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pid, wait_event_type, now() - query_start, left(query, 60) from pg_stat_activity order by 3 desc nulls last limit 5'",
    ),
    CauseKind(
        "database.query.refused",
        "the query is not a proven read and was not sent",
        "{subject} is not a proven read and was not sent",
        "write it as one SELECT; declare the functions it needs",
        "prodcheck doctor ENV --offline",
    ),
    CauseKind(
        "database.lock.contention",
        "others wait for a lock (55P03, waits)",
        "requests wait for a lock on {table}",
        "find who holds it",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pid, pg_blocking_pids(pid), left(query, 60) from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0'",
    ),
    CauseKind(
        "database.lock.idle_in_transaction",
        "an open idle transaction holds locks or slots",
        "a session is idle in transaction and holds locks or slots",
        "pg_terminate_backend is yours to run; set idle_in_transaction_session_timeout",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select pid, application_name, now() - state_change from pg_stat_activity where state like 'idle in transaction%' order by 3 desc\"",
    ),
    CauseKind(
        "database.lock.deadlock",
        "transactions wait for each other (40P01)",
        "PostgreSQL ended a deadlock (40P01)",
        "take locks in one order; the server log names both statements",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select datname, deadlocks from pg_stat_database'",
    ),
    CauseKind(
        "database.lock.serialization",
        "concurrent transactions collide (40001)",
        "transactions collide and are rolled back (40001)",
        "retry the transaction in the application",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select datname, xact_rollback from pg_stat_database'",
    ),
)
