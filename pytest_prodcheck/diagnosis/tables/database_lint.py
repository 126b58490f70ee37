"""Causes that the lint names: rules that hold in any schema (docs/rls.md)."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "database.rls.policies_ored",
        "permissive policies are OR-ed to more than meant (Splinter 0006)",
        "permissive policies on {table} are OR-ed: each widens the others",
        "join them, or make the narrowing one AS RESTRICTIVE",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.policy_volatile",
        "a policy calls a VOLATILE function",
        "a policy on {table} calls a VOLATILE function",
        "declare the function STABLE if it only reads",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.user_metadata",
        "a policy trusts claims that users may change (Splinter 0015)",
        "a policy on {table} trusts claims that users may change",
        "decide by a claim that only the provider sets",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.lint.policy_per_row",
        "a policy calls for each row what is the same for all (Splinter 0003)",
        "a policy on {table} calls for each row what is the same for all",
        "write the call as (select …)",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.lint.foreign_key_unindexed",
        "a foreign key without an index (Splinter 0001)",
        "a foreign key of {table} has no index",
        "CREATE INDEX CONCURRENTLY is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.lint.users_exposed",
        "a view hands out the provider's users (Splinter 0002)",
        "{subject} hands out auth.users",
        "REVOKE is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dp {table}'",
    ),
    CauseKind(
        "database.lint.primary_key_missing",
        "a table without a primary key (Splinter 0004)",
        "{table} has no primary key",
        "give it one",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.lint.index_unused",
        "an index that nothing uses (Splinter 0005)",
        "an index of {table} is not used",
        "DROP INDEX CONCURRENTLY is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.lint.index_duplicate",
        "two indexes that do the same (Splinter 0009)",
        "{table} has the same index twice",
        "DROP INDEX CONCURRENTLY is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.lint.search_path_mutable",
        "a function without a search_path of its own (Splinter 0011)",
        "{subject} has no search_path of its own",
        "ALTER FUNCTION … SET search_path is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\df+ {subject}'",
    ),
    CauseKind(
        "database.lint.extension_exposed",
        "an extension in a schema that the API exposes (Splinter 0014)",
        "{subject} is an extension in an exposed schema",
        "ALTER EXTENSION … SET SCHEMA is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dx'",
    ),
    CauseKind(
        "database.lint.relation_exposed",
        "a materialised view or foreign table that the API's roles may read (Splinter 0016, 0017)",
        "{table} can have no policy, and the API's roles may read it",
        "REVOKE is yours to run, or name it under rls.public",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dp {table}'",
    ),
    CauseKind(
        "database.lint.type_unsupported",
        "a column whose type pg_upgrade refuses (Splinter 0018)",
        "{table} has a column of a reg* type",
        "store the name as text",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.lint.bloat",
        "more dead rows than live ones (Splinter 0020)",
        "{table} has more dead rows than live ones",
        "look at autovacuum and at long transactions",
        "psql -h {host} -p {port} -U {login} -d {database} -c 'select relname, n_live_tup, n_dead_tup, last_autovacuum from pg_stat_user_tables order by 3 desc limit 5'",
    ),
    CauseKind(
        "database.lint.extension_outdated",
        "an extension that is older than the server's files (Splinter 0022)",
        "{subject} is older than what the server has",
        "ALTER EXTENSION … UPDATE is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dx'",
    ),
    CauseKind(
        "database.lint.columns_exposed",
        "columns with secrets are granted without RLS (Splinter 0023)",
        "columns of {table} that hold secrets may be read by {role}",
        "REVOKE is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dp {table}'",
    ),
    CauseKind(
        "database.lint.definer_executable",
        "the API's roles may call a SECURITY DEFINER function (Splinter 0028, 0029)",
        "{role} may call {subject}, which runs as its owner",
        "REVOKE EXECUTE is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\df+ {subject}'",
    ),
)
