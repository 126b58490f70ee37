"""Causes in what a migration makes: schema, indexes and privileges."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "database.schema.table_missing",
        "dropped or renamed although migrations are at the head (42P01)",
        "table {table} is missing: dropped, renamed, not migrated, or another database",
        "compare with the migrations; the server log says who dropped it",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.schema.column_missing",
        "column gone although migrations are at the head (42703)",
        "column {column} is missing in {table}",
        "compare with the migrations",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.schema.column_type",
        "right name, wrong type (42883, 42846)",
        "{column} of {table} has another type than the code needs",
        "a migration for the column's type; not a data fix",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.schema.search_path",
        "the name resolves to another schema or to none",
        "{table} exists, and the search_path of {user} does not find it",
        "ALTER ROLE … RESET search_path is yours to run; or qualify the name",
        "psql -h {host} -p {port} -U {role} -d {database} -c 'show search_path'",
    ),
    CauseKind(
        "database.schema.schema_missing",
        "no such schema (3F000)",
        "schema {schema} does not exist",
        "compare with the migrations",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dn'",
    ),
    CauseKind(
        "database.schema.key_missing",
        "a promised key or constraint is not there",
        "{table} lacks a promised key",
        "compare with the migrations",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.schema.column_changed",
        "a column accepts, refuses or fills in other values than its contract says",
        "{column} of {table} differs from the contract: {why}",
        "restore it by a migration; if it is meant, prodcheck pin ENV and commit the file",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.schema.object_missing",
        "a promised type, sequence, function, trigger or extension is not there",
        "{subject} is missing: {why}",
        "restore it by a migration; if it is meant, prodcheck pin ENV and commit the file",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.schema.object_changed",
        "a table, type, sequence, function, trigger or extension is not as its contract says",
        "{subject} differs from the contract: {why}",
        "restore it by a migration; if it is meant, prodcheck pin ENV and commit the file",
        "prodcheck pin ENV --only {target} --dry-run",
    ),
    CauseKind(
        "database.index.missing",
        "a promised index is not there, or covers something else",
        "{table} lacks a promised index",
        "restore it by a migration; if it is meant, prodcheck pin ENV and commit the file",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.privilege.missing",
        "GRANT missing (42501)",
        "{role} lacks a privilege on {table}",
        "GRANT is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dp {table}'",
    ),
    CauseKind(
        "database.privilege.excess",
        "a role has a privilege that its contract does not give",
        "{role} has more privileges on {table} than the contract gives",
        "REVOKE is yours to run; if it is meant, prodcheck pin ENV and commit the file",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\dp {table}'",
    ),
)
