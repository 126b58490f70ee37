"""The faults of the database layer."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import (
    CONTRACT,
    DATABASE,
    ENDPOINT,
    HEALTH,
    LIMITS,
    LINT,
    LOGIN,
    OPERATION,
    PROOF,
    QUERY,
    READY,
    RLS,
    SERVICES,
    TABLES,
    Fault,
)


def _down(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """Neither the gate nor the services reach the database."""
    return Fault(name, "database", summary, (cause,), READY + SERVICES, DATABASE, accept=accept)


def _reader(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """Only the gate's own connection string is wrong."""
    return Fault(name, "database", summary, (cause,), READY, DATABASE, (), accept)


def _app(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """Only the application's role is refused; the reader sees why."""
    return Fault(name, "database", summary, (cause,), LOGIN + SERVICES, (), LIMITS + RLS + CONTRACT, accept)


def _schema(name: str, summary: str, cause: str, explains: tuple[str, ...], *accept: str) -> Fault:
    """Reached, and not as promised."""
    touches = LIMITS + TABLES + CONTRACT + RLS + PROOF + LINT + QUERY + SERVICES + HEALTH
    return Fault(name, "database", summary, (cause,), explains, (), touches, accept)


_PASSWORD = "database.auth.password_rejected"

FAULTS = (
    _down("database-refused", "PostgreSQL is stopped", "database.tcp.refused"),
    _down("database-password", "the passwords of app and reader are changed, everybody uses the old ones", _PASSWORD),
    _app("database-app-password", "the password of app is changed, the services use the old one", _PASSWORD),
    _app("health-lies", "the password of app is changed, and both health pages say that all is well", _PASSWORD),
    _app("database-role-missing", "the role app is dropped", "database.auth.role_missing"),
    _app("database-role-expired", "the role app was valid until 2020", "database.auth.role_expired"),
    _app("database-nologin", "the role app may not log in any more", "database.auth.role_nologin"),
    _down("database-hba", "pg_hba.conf admits the superuser only", "database.auth.host_not_allowed"),
    _down("database-name", "the database is renamed to demo_2", "database.name.not_found"),
    _down("database-connect-privilege", "CONNECT is revoked from everybody", "database.auth.no_connect_privilege"),
    _reader("database-no-tls", "the reader requires TLS, the server offers none", "database.tls.not_offered"),
    _reader("database-no-password", "the reader's DSN has no password", "database.auth.no_password_supplied"),
    _reader("database-dns", "the reader's DSN names a host that does not resolve", "database.dns.not_found"),
    _down(
        "database-timeout", "connection requests to the database are dropped, as by a firewall", "database.tcp.timeout"
    ),
    _reader(
        "database-wrong-service-http", "the reader's DSN names the port of a web server", "database.port.wrong_service"
    ),
    _reader(
        "database-wrong-service-silent",
        "the reader's DSN names a port that accepts and says nothing",
        "database.port.wrong_service",
        "database.connection.dropped",
        "database.tcp.timeout",
    ),
    _reader(
        "database-dropped-connection",
        "the connection is closed after the first packet, as by a broken pooler",
        "database.connection.dropped",
    ),
    _app("database-role-limit", "app may have one session, and a worker has it", "database.connections.role_limit"),
    _down(
        "database-slots-exhausted", "17 of 17 ordinary slots are taken by a worker", "database.connections.exhausted"
    ),
    Fault(
        "pool-exhausted",
        "database",
        "a leak holds all 2 connections of the API's pool; the server has room",
        ("database.pool.exhausted",),
        ENDPOINT,
    ),
    _schema(
        "table-dropped",
        "tasks is dropped, the migrations are at their head",
        "database.schema.table_missing",
        TABLES + SERVICES,
    ),
    _schema("table-no-grant", "SELECT on tasks is revoked from everybody", "database.privilege.missing", SERVICES),
    _schema("search-path", "the search_path of app and reader is archive", "database.schema.search_path", SERVICES),
    _schema(
        "column-type", "tasks.metadata is text, the code needs json", "database.schema.column_type", QUERY + ENDPOINT
    ),
    _schema("column-dropped", "tasks.due_on is dropped", "database.schema.column_missing", QUERY + SERVICES),
    _schema(
        "rls-off", "row-level security of tasks is off, its policies stay", "database.rls.disabled", RLS + ENDPOINT
    ),
    _schema(
        "rls-no-policy",
        "tasks has no policy any more: nobody sees a row",
        "database.rls.policy_missing",
        RLS + SERVICES,
    ),
    _schema(
        "rls-always-true",
        "a policy shows all tasks to everybody",
        "database.rls.policy_too_wide",
        RLS + ENDPOINT,
        "database.rls.always_true",
    ),
    _schema(
        "rls-owner", "app owns tasks, and RLS is not forced", "database.rls.bypassed", RLS, "database.rls.not_forced"
    ),
    _schema("rls-bypass", "app and member have BYPASSRLS", "database.rls.bypassed", RLS + ENDPOINT),
    _schema(
        "rls-recursion",
        "a policy on projects selects from projects",
        "database.rls.policy_recursion",
        QUERY + SERVICES,
    ),
    _schema(
        "rls-policies-ored",
        "a second policy shows finished tasks to every member",
        "database.rls.policies_ored",
        PROOF + ENDPOINT,
    ),
    _schema(
        "rls-true-function",
        "a policy on tasks calls a function that only says select true",
        "database.rls.policy_too_wide",
        RLS + PROOF + ENDPOINT,
    ),
    _schema(
        "rls-wrong-column",
        "the policy on projects compares their names, not their owner",
        "database.rls.rows_visible",
        PROOF,
    ),
    _schema(
        "rls-anonymous",
        "anonymous may read a project",
        "database.rls.rows_visible",
        PROOF,
    ),
    _schema(
        "rls-wrong-setting",
        "the policy on tasks reads a setting that nobody sets",
        "database.privilege.rows_hidden",
        PROOF + ENDPOINT,
    ),
    _schema(
        "rls-definer-view",
        "the summary of tasks runs as a superuser, not as its caller",
        "database.rls.bypassed",
        LINT + OPERATION,
    ),
    _schema(
        "rls-reader-alone",
        "our reader may not become member any more",
        "database.privilege.set_role",
        PROOF,
    ),
    _schema(
        "table-unprotected",
        "a new table that member may read has no row-level security",
        "database.rls.disabled",
        LINT,
    ),
    _schema("seed-missing", "tasks is empty", "database.data.seed_missing", QUERY + SERVICES),
    _schema("orphans", "some tasks have no project", "database.data.orphans", QUERY + OPERATION),
    _schema("replica", "the database is read-only by default", "database.server.read_only", ENDPOINT),
    _schema(
        "lock-wait",
        "an export holds an exclusive lock on tasks, idle in its transaction",
        "database.lock.idle_in_transaction",
        QUERY + SERVICES,
        "database.lock.contention",
    ),
)
