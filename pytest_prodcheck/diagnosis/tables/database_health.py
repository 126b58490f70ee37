"""Causes in the server's own statistics, its plans and its pooler."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "database.transaction.long",
        "a transaction has been open for too long: it holds locks and keeps dead rows alive",
        "a transaction is open for longer than promised",
        "find out what it does; pg_terminate_backend is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pid, application_name, now() - xact_start from pg_stat_activity where xact_start is not null order by 3 desc limit 5'",
    ),
    CauseKind(
        "database.replication.lag",
        "a replica is behind: reads from it are old",
        "a replica is behind",
        "look at the replica's load and at long queries on it",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select application_name, state, replay_lag from pg_stat_replication'",
    ),
    CauseKind(
        "database.replication.slot_inactive",
        "a replication slot that nobody reads keeps WAL until the disk is full",
        "a replication slot that nobody reads keeps WAL",
        "start its reader, or pg_drop_replication_slot (yours to run)",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select slot_name, active, restart_lsn from pg_replication_slots'",
    ),
    CauseKind(
        "database.server.not_a_replica",
        "a primary where a replica is promised",
        "the server is a primary, a replica is promised",
        "correct the endpoint",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select pg_is_in_recovery()'",
    ),
    CauseKind(
        "database.constraint.not_validated",
        "a constraint is NOT VALID: older rows may break it",
        "a constraint of {table} is not validated",
        "ALTER TABLE … VALIDATE CONSTRAINT is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.wraparound.near",
        "transaction ids run out: the server will stop taking writes",
        "transaction ids run out",
        "let VACUUM FREEZE run; end old transactions, prepared ones and slots",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select datname, age(datfrozenxid) from pg_database order by 2 desc'",
    ),
    CauseKind(
        "database.size.over_limit",
        "the database is larger than promised",
        "the database is larger than promised",
        "see what grows; then at the volume",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select relname, pg_size_pretty(pg_total_relation_size(oid)) from pg_class order by pg_total_relation_size(oid) desc limit 5'",
    ),
    CauseKind(
        "database.table.dead_rows",
        "many rows of a table are dead: it is read more slowly and does not shrink",
        "many rows of {table} are dead",
        "let autovacuum run; look for transactions that stay open",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select relname, n_live_tup, n_dead_tup, last_autovacuum from pg_stat_user_tables order by 3 desc limit 5'",
    ),
    CauseKind(
        "database.table.never_analysed",
        "a large table was never analysed: its plans are guesses",
        "{table} was never analysed",
        "ANALYZE is yours to run; see whether autovacuum is on",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select relname, last_analyze, last_autoanalyze from pg_stat_user_tables order by n_live_tup desc limit 5'",
    ),
    CauseKind(
        "database.index.missing",
        "a foreign key of a large table has no index, and the table is read whole",
        "{table} is read whole for want of an index",
        "CREATE INDEX CONCURRENTLY is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select relname, seq_scan, idx_scan, n_live_tup from pg_stat_user_tables order by seq_tup_read desc limit 5'",
    ),
    CauseKind(
        "database.cache.low_hit_ratio",
        "too many reads miss the server's memory",
        "too few reads come from memory",
        "look at the largest sequential scans, then at shared_buffers",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select blks_hit, blks_read from pg_stat_database where datname = current_database()'",
    ),
    CauseKind(
        "database.statement.slow",
        "a statement is slow in the mean, by pg_stat_statements",
        "a statement is slow in the mean",
        "look at its plan",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select queryid, calls, mean_exec_time from pg_stat_statements order by mean_exec_time desc limit 5'",
    ),
    CauseKind(
        "database.query.plan",
        "the plan of a declared query is not the promised one",
        "the plan of {query} is not the promised one",
        "see whether the index is there and valid; ANALYZE is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\di+'",
    ),
    CauseKind(
        "database.health.not_visible",
        "our reader may not see what is to be judged",
        "{role} may not see what is to be judged",
        "GRANT pg_read_all_stats is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\du'",
    ),
    CauseKind(
        "database.pooler.console_unreachable",
        "PgBouncer's console cannot be read",
        "PgBouncer's console cannot be read",
        "correct pooler.dsn: database `pgbouncer`, a user of `stats_users`",
        "psql -h {host} -p {port} -d pgbouncer -c 'show version'",
    ),
    CauseKind(
        "database.pooler.wrong_mode",
        "PgBouncer pools by another mode than promised",
        "PgBouncer pools {pool} by another mode",
        "correct pool_mode in pgbouncer.ini",
        "psql -h {host} -p {port} -d pgbouncer -c 'show databases'",
    ),
    CauseKind(
        "database.pooler.paused",
        "PgBouncer holds back all clients of a database",
        "PgBouncer holds back all clients of {pool}",
        "RESUME on the console is yours to run",
        "psql -h {host} -p {port} -d pgbouncer -c 'show databases'",
    ),
)
