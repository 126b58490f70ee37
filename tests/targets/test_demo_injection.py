"""Every fault of the demo is really injected: a raw client sees its symptom, and none of it on the healthy demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from demo_cache_symptoms import CACHE_SYMPTOMS, CACHE_UNTOUCHED
from demo_cluster_symptoms import CLUSTER_SYMPTOMS
from demo_raw import Raw

from pytest_prodcheck.demo.faults import FAULTS
from pytest_prodcheck.demo.stack import Stack

Probe = Callable[[Raw], str]
Symptoms = tuple[tuple[Probe, str], ...]
SELECT = "select 1"
TASKS = "{ tasks { id title due_on priority } }"


def reader(raw: Raw) -> str:
    return raw.sql(SELECT)


def app(raw: Raw) -> str:
    return raw.sql(SELECT, "app_dsn")


def tasks(raw: Raw) -> str:
    return raw.get("/api/tasks", "member")


def report(raw: Raw) -> str:
    return raw.get("/api/report", "member")


def me(raw: Raw) -> str:
    return raw.get("/api/me", "member")


def probe(raw: Raw) -> str:
    return raw.get("/api/me", "probe")


def home(raw: Raw) -> str:
    return raw.get("/")


def health(raw: Raw) -> str:
    return raw.get("/health")


def detailed(raw: Raw) -> str:
    return raw.get("/health/detailed")


def live(raw: Raw) -> str:
    return raw.live()


def count(raw: Raw) -> str:
    return raw.live('{"type": "count"}')


def idle(raw: Raw) -> str:
    return raw.live(wait=2.5)


def chatting(raw: Raw) -> str:
    return raw.live(*['{"type": "note", "text": "a"}'] * 3, wait=2.5)


def joining(raw: Raw) -> str:
    return raw.live('{"type": "join", "room": "r", "who": "N"}', clients=2, wait=1.0)


def noting(raw: Raw) -> str:
    return raw.live('{"type": "note", "text": "N"}', clients=2, wait=1.0)


def graphql(raw: Raw) -> str:
    return raw.graphql(TASKS)


def admin(raw: Raw) -> str:
    return raw.graphql(TASKS, "admin")


def claims(raw: Raw) -> str:
    return raw.claims()


def token(raw: Raw) -> str:
    return raw.token()


def showing(kind: str) -> Probe:
    return lambda raw: raw.showing(kind)


def session_of(application: str) -> Probe:
    return query(f"select state from pg_stat_activity where application_name = '{application}'")


def query(statement: str, dsn: str = "reader_dsn", role: str = "") -> Probe:
    return lambda raw: raw.sql(statement, dsn, role)


def asking(document: str, user: str = "member") -> Probe:
    return lambda raw: raw.graphql(document, user)


UNUSED = "select count(*) from pg_stat_activity where application_name = 'demo-api' and query = ''"
"""The API's connections that somebody took and asked nothing."""


def column(name: str) -> str:
    """Whether this column of `tasks` forbids NULL."""
    return f"select attnotnull from pg_attribute where attrelid = 'tasks'::regclass and attname = '{name}'"


def named(catalog: str, key: str, name: str) -> str:
    """How many rows of a catalog have this name."""
    return f"select count(*) from {catalog} where {key} = '{name}'"


def exported(raw: Raw) -> str:
    return raw.metadata("export_metadata")


def subscription(raw: Raw) -> str:
    return raw.subscription("subscription { tasks { id } }")


API_500 = (tasks, r"^500 .*internal server error")
GRAPHQL_DOWN = (graphql, r"^200 .*connection error.*postgres-error")
API_401 = (me, r"^401")
STRANGER_SEES = (query("select count(*) from tasks", role="member"), r"\[\([1-9]\d*,\)\]")

SYMPTOMS: dict[str, Symptoms] = {
    **CLUSTER_SYMPTOMS,
    **CACHE_SYMPTOMS,
    "load-pool-exhausted": ((lambda raw: raw.together("/api/tasks", "member", 6), r"(?:^|\n)500"),),
    "load-latency": ((lambda raw: raw.together("/api/tips"), r"(?:^|\n)200 slow"),),
    "database-refused": ((reader, "Connection refused"), API_500, GRAPHQL_DOWN, (detailed, '^200 .*"unhealthy"')),
    "database-password": (
        (reader, "password authentication failed"),
        (app, "password authentication"),
        API_500,
        GRAPHQL_DOWN,
    ),
    "database-app-password": ((app, "password authentication failed"), API_500, GRAPHQL_DOWN),
    "health-lies": ((app, "password authentication failed"), API_500),
    "database-role-missing": (
        (app, "password authentication failed"),
        (query("select count(*) from pg_roles where rolname = 'app'"), r"\[\(0,\)\]"),
        API_500,
    ),
    "database-role-expired": (
        (app, "password authentication failed"),
        (query("select rolvaliduntil::text from pg_roles where rolname = 'app'"), "2020-01-01"),
        API_500,
    ),
    "database-nologin": ((app, "not permitted to log in"), API_500),
    "database-hba": ((reader, "no pg_hba.conf entry"), (app, "no pg_hba.conf entry"), API_500, GRAPHQL_DOWN),
    "database-name": ((reader, 'database "demo" does not exist'), API_500, GRAPHQL_DOWN),
    "database-connect-privilege": ((reader, "permission denied for database"), API_500, GRAPHQL_DOWN),
    "database-no-tls": ((reader, "does not support SSL"),),
    "database-no-password": ((reader, "no password supplied"),),
    "database-dns": ((reader, "resolve host|translate host|Name or service|Temporary failure in name"),),
    "database-timeout": ((reader, "timeout expired"), (app, "timeout expired")),
    "database-wrong-service-http": ((reader, "invalid response to SSL negotiation"),),
    "database-wrong-service-silent": ((reader, "timeout expired"),),
    "database-dropped-connection": ((reader, "closed the connection unexpectedly"),),
    "database-role-limit": ((app, "too many connections for role"), API_500),
    "database-slots-exhausted": ((reader, "remaining connection slots|too many clients"), API_500, GRAPHQL_DOWN),
    "pool-exhausted": (
        (tasks, r"^500 .*couldn't get a connection after"),
        (
            query("select count(*) from pg_stat_activity where application_name = 'demo-api' and query = ''"),
            r"\[\(2,\)\]",
        ),
    ),
    "migration-behind": (
        (query("select to_regclass('task_summary'), max(migration_name) from _prisma_migrations"), r"None, '20260801"),
        (lambda raw: raw.graphql("{ task_summary { total } }"), "postgres-error"),
    ),
    "migration-failed": ((query("select count(*) from _prisma_migrations where finished_at is null"), r"\[\(1,\)"),),
    "migration-edited": ((query("select count(*) from _prisma_migrations where checksum like '000%'"), r"\[\(1,\)"),),
    "migration-ahead": ((query("select max(migration_name) from _prisma_migrations"), "20260901"),),
    "migration-never-run": ((query("select count(*) from _prisma_migrations"), r"\[\(0,\)"),),
    "migration-locked": ((query("select count(*) from pg_locks where objid = 72707369"), r"\[\(1,\)"),),
    "long-transaction": ((session_of("monthly-report"), "active"),),
    "idle-in-transaction": ((session_of("forgetful-worker"), "idle in transaction"),),
    "lock-queue": ((query("select count(*) > 0 from pg_locks where not granted"), r"\[\(True,\)"),),
    "index-invalid": ((query("select count(*) from pg_index where not indisvalid"), r"\[\([1-9]"),),
    "constraint-not-validated": ((query("select count(*) from pg_constraint where not convalidated"), r"\[\([1-9]"),),
    "statistics-hidden": ((query("select pg_has_role('pg_read_all_stats', 'USAGE')"), r"\[\(False,\)"),),
    "table-dropped": (
        (query("select count(*) from tasks"), "^42P01"),
        (
            query("select to_regclass('tasks'), max(migration_name) from _prisma_migrations"),
            r"None, '20260811000000_task_summary'",
        ),
        API_500,
        (graphql, "postgres-error"),
    ),
    "table-no-grant": ((query("select 1 from tasks"), "^42501"), API_500, (graphql, "postgres-error")),
    "search-path": (
        (query("select 1 from tasks"), "^42P01"),
        (
            query("select to_regclass('public.tasks')::text, to_regclass('tasks')"),
            r"'public.tasks', None|'tasks', None",
        ),
        API_500,
    ),
    "column-type": ((query("select metadata ->> 'label' from tasks"), "^42883"), API_500),
    "column-dropped": ((query("select due_on from tasks"), "^42703"), API_500, (graphql, "postgres-error")),
    "rls-off": (STRANGER_SEES, (tasks, "22222222-2222-4222"), (graphql, "Project 3")),
    "rls-no-policy": (
        (tasks, r'^200 .*"tasks":\[\]'),
        (query("select count(*) from pg_policies where tablename = 'tasks'"), r"\[\(0,\)"),
    ),
    "rls-always-true": (STRANGER_SEES, (tasks, "22222222-2222-4222")),
    "rls-owner": ((query("select count(*) from tasks", "app_dsn"), r"\[\([1-9]\d*,\)\]"),),
    "rls-bypass": (STRANGER_SEES, (tasks, "22222222-2222-4222")),
    "rls-policies-ored": (STRANGER_SEES,),
    "rls-true-function": (STRANGER_SEES, (tasks, "22222222-2222-4222")),
    "rls-wrong-column": ((query("select count(*) from projects", role="member"), r"\[\([1-9]\d*,\)\]"),),
    "rls-anonymous": ((query("select count(*) from projects", role="anonymous"), r"\[\(1,\)\]"),),
    "rls-wrong-setting": ((tasks, r"^200 .*\[\]"),),
    "rls-definer-view": (
        (query("select relowner::regrole::text from pg_class where relname = 'task_summary'"), "postgres"),
    ),
    "rls-reader-alone": ((query(SELECT, role="member"), "42501 .*permission denied to set role"),),
    "table-unprotected": ((query("select count(*) from notes", role="member"), r"\[\(0,\)\]"),),
    "rls-recursion": (
        (query("select 1 from projects"), "^42P17"),
        (lambda raw: raw.get("/api/projects", "member"), "^500"),
        (lambda raw: raw.graphql("{ projects { id } }"), "postgres-error"),
    ),
    "seed-missing": (
        (tasks, r'^200 .*"tasks":\[\]'),
        (
            query("select count(*) from tasks where exists (select from pg_policies where tablename = 'tasks')"),
            r"\[\(0,\)\]",
        ),
    ),
    "orphans": ((query("select count(*) from tasks where project_id is null"), r"\[\([1-9]\d*,\)\]"),),
    "replica": (
        (
            lambda raw: raw.post(
                "/api/tasks", {"title": "x", "project_id": "00000000-0000-4000-8000-000000000001"}, "member"
            ),
            "^500",
        ),
        (query("create temp table x ()", "app_dsn"), "^25006"),
        (detailed, "read-only"),
    ),
    "lock-wait": ((query("select count(*) from tasks"), "^55P03"), API_500),
    "jwks-missing": ((lambda raw: raw.jwks(), "^404"), API_401, (graphql, "invalid-jwt|NoUsableKeys")),
    "jwks-empty": ((lambda raw: raw.jwks(), r"^200 .*\{\}$"), (claims, "HS256"), API_401, (graphql, "NoUsableKeys")),
    "jwks-html": ((lambda raw: raw.jwks(), "^200 .*<!doctype"), API_401, (graphql, "NoUsableKeys")),
    "key-rotated": ((claims, "'k2'"), API_401, (graphql, "JWSInvalidSignature")),
    "jwks-stale-consumer": (
        (lambda raw: raw.jwks(), '"k2"'),
        (claims, "'k2'"),
        API_401,
        (graphql, "JWSInvalidSignature"),
    ),
    "algorithm": ((claims, "ES256"), API_401, (graphql, "AlgorithmMismatch")),
    "issuer-slash": (API_401, (graphql, "JWTNotInIssuer")),
    "issuer-mismatch": ((claims, r"o/demo'"), API_401, (graphql, "JWTNotInIssuer")),
    "audience": ((claims, "'demo-api'"), API_401, (graphql, "JWTNotInAudience")),
    "audience-consumer": (API_401, (graphql, "JWTNotInAudience")),
    "claims-roles": ((graphql, "jwt-missing-role-claims"),),
    "claims-namespace": ((graphql, "jwt-invalid-claims"),),
    "claims-role-not-allowed": ((graphql, "access-denied"),),
    "client-rejected": ((token, "^401 .*invalid_client"), (lambda raw: raw.token("colleague"), "invalid_client")),
    "grant-refused": ((token, "^400 .*unsupported_grant_type"),),
    "user-locked": ((lambda raw: raw.token("colleague"), "^400 .*invalid_grant"),),
    "token-expired": ((probe, "^401"),),
    "token-unsigned": ((claims, "'none'"), API_401, (graphql, "invalid-jwt")),
    "token-no-expiry": ((claims, r"^(?!.*'exp')"),),
    "token-lifetime": (API_401, (graphql, "JWTExpired")),
    "clock-skew": ((claims, r"ahead=(29|30)\d"), API_401, (graphql, "JWTIssuedAtFuture")),
    "identity-down": ((lambda raw: raw.discovery(), "ConnectError"), (detailed, "unhealthy")),
    "identity-certificate-expired": ((lambda raw: raw.discovery(), "certificate has expired"),),
    "discovery-missing": ((lambda raw: raw.discovery(), "^404"),),
    "discovery-other-issuer": ((lambda raw: raw.discovery(), '"issuer":"[^"]*/billing/"'),),
    "userinfo-missing": ((lambda raw: raw.get("/application/o/userinfo/", host="issuer"), "^404"),),
    "jwks-duplicate-kid": ((lambda raw: raw.jwks(), '"kid":"k1".*"kid":"k1"'),),
    "jwks-weak-key": ((lambda raw: raw.jwks(), '"n":"[^"]{100,180}"'),),
    "jwks-private-key": ((lambda raw: raw.jwks(), '"d":"'),),
    "api-accepts-unsigned": ((showing("unsigned"), "^200"),),
    "api-accepts-public-key": ((showing("public key"), "^200"),),
    "api-accepts-expired": ((showing("expired_token"), "^200"),),
    "api-accepts-audience": ((showing("foreign_token"), "^200"),),
    "api-verifies-nothing": ((showing("broken"), "^200"),),
    "api-crashes-on-tokens": ((showing("broken"), "^500"),),
    "engine-grants-any-role": ((lambda raw: raw.as_role("admin"), '"data"'),),
    "graphql-permission": ((graphql, "field 'tasks' not found in type: 'query_root'.*validation-failed"),),
    "graphql-untracked": ((graphql, "field 'tasks' not found"), (admin, "field 'tasks' not found")),
    "graphql-inconsistent": (
        (lambda raw: raw.get("/healthz", host="graphql_url"), "WARN: inconsistent objects in schema"),
        (lambda raw: raw.metadata(), '"is_consistent":false.*task_summary'),
        (lambda raw: raw.graphql("{ task_summary { total } }"), "validation-failed"),
    ),
    "graphql-not-graphql": ((graphql, "^200 .*<!doctype"),),
    "graphql-partial": (
        (
            lambda raw: raw.graphql("{ projects { id } advice { text } }"),
            '^200 .*("data".*remote-schema-error|errors.*"data")',
        ),
    ),
    "graphql-500-with-data": ((graphql, '^500 .*"data"'),),
    "graphql-down": ((graphql, "ConnectError"),),
    "graphql-field-removed": ((asking("{ tasks { metadata } }"), "field 'metadata' not found"),),
    "graphql-argument-changed": ((asking("{ tasks(limit: 1) { id } }"), "validation-failed"),),
    "graphql-permission-wide": ((asking("{ users { id } }"), '"data"'),),
    "graphql-anonymous-role": ((asking("{ tasks { id } }", ""), '"data"'),),
    "graphql-row-filter": (
        (exported, r'"tasks"[^\[]*\[{"role":"member","permission":{"columns":\[[^]]*\],"filter":{}'),
    ),
    "graphql-metadata-drift": ((exported, r'"columns":\s*\["id"\]'),),
    "graphql-suggestions": ((asking("{ taks { id } }"), "[Dd]id you mean"),),
    "graphql-subscription-silent": ((subscription, r"connection_ack.*TimeoutError"),),
    "graphql-no-upgrade": ((subscription, r"^ InvalidStatus"),),
    "ws-down": ((live, "ConnectionRefused|Connect call failed"),),
    "ws-upgrade-blocked": ((live, "InvalidStatus.*400"),),
    "ws-token-late": ((live, "4401"),),
    "ws-subprotocol": ((live, "^None "),),
    "ws-token-ignored": ((lambda raw: raw.live(user=""), "welcome"),),
    "ws-foreign-origin": ((lambda raw: raw.live(origin="https://elsewhere.example"), "welcome"),),
    "ws-idle-timeout": ((idle, "ConnectionClosedError"),),
    "ws-platform-timeout": ((chatting, "ConnectionClosedError"),),
    "ws-broadcast-lost": ((joining, r"^(?!.*joined.*joined.*joined)"),),
    "ws-fallback": ((count, "fallback"),),
    "ws-users-mixed": ((noting, r'"0".*"1".*\|.*"0"|"1".*"0".*\|.*"1"|"0".*\|.*"0".*"1"|"0".*\|.*"1".*"0"'),),
    "ws-crash": ((count, "1011"),),
    "document-outdated": (
        (graphql, "field 'priority' not found in type: 'tasks'"),
        (admin, "field 'priority' not found"),
    ),
    "certificate-expired": ((home, "certificate has expired"),),
    "certificate-hostname": ((home, "not valid for|mismatch"),),
    "certificate-untrusted": ((home, "unable to get local issuer|self-signed"),),
    "certificate-chain": ((home, "unable to get local issuer"),),
    "api-down": ((home, "ConnectError"),),
    "api-hangs": ((home, "ReadTimeout"),),
    "gateway-502": ((home, "^502 .*nginx"), (health, "^502")),
    "drift-null-allowed": ((query(column("user_id")), r"\[\(False,\)\]"),),
    "drift-column-added": ((query(column("team")), r"\[\(True,\)\]"),),
    "drift-foreign-key": ((query(named("pg_constraint", "conname", "tasks_project_id_fkey")), r"\[\(0,\)\]"),),
    "drift-unique-key": ((query(named("pg_constraint", "conname", "users_email_key")), r"\[\(0,\)\]"),),
    "drift-grant": ((query("select has_table_privilege('anonymous', '_prisma_migrations', 'select')"), "True"),),
    "drift-policy": (
        (
            query("select polroles::text from pg_policy where polrelid = 'users'::regclass and polname = 'own'"),
            r"{\d+,\d+}",
        ),
    ),
    "drift-trigger": ((query("select tgenabled::text from pg_trigger where tgname = 'tasks_stamp'"), "'D'"),),
    "drift-function": ((query("select prosecdef from pg_proc where proname = 'stamp'"), "True"),),
    "gateway-502-route": ((report, "^502 .*nginx"),),
    "gateway-503": ((home, "^503 .*nginx"), (health, "^503")),
    "gateway-504": ((report, "^504 .*nginx"),),
    "route-crash": ((report, "RemoteProtocolError|ReadError"),),
    "body-truncated": ((report, "RemoteProtocolError|ReadError"),),
    "unhandled-exception": ((report, "^500 .*internal server error"),),
    "maintenance": ((home, "^503 .*retry-after: 600.*maintenance"),),
    "rate-limited-ours": ((lambda raw: raw.often("/health"), "^200.*429 .*retry-after: 1"),),
    "rate-limited-others": ((home, "^429 .*retry-after: 120"),),
    "redirect-loop": ((lambda raw: raw.get("/login"), "location: /[^l]*$"), (home, "^302 .*location: /login")),
    "header-dropped": (API_401, (graphql, "invalid-headers")),
    "replicas-disagree": ((lambda raw: raw.often("/api/me", "member", 4), "200.*401.*200.*401"),),
    "html-instead-of-json": ((tasks, "^200 .*<!doctype"),),
    "slow": ((report, "^200 slow"),),
    "old-version": ((lambda raw: raw.get("/api/version"), "demo-0"),),
    "teapot": ((report, "^418 +$"),),
    "two-roots": ((reader, "password authentication failed"), (home, "certificate has expired"), GRAPHQL_DOWN),
}

UNTOUCHED: dict[str, Symptoms] = {
    "database-app-password": ((reader, r"\(1,\)"), (health, "^200"), (detailed, "unhealthy")),
    "health-lies": ((reader, r"\(1,\)"), (detailed, '"healthy"')),
    "pool-exhausted": ((reader, r"\(1,\)"), (graphql, '^200 .*"data"'), (app, r"\(1,\)")),
    "database-timeout": ((health, "^200"),),
    **CACHE_UNTOUCHED,
    "load-pool-exhausted": ((tasks, "^200"),),
    "load-latency": ((lambda raw: raw.get("/api/tips"), "^200 (?!slow)"),),
    "replica": ((tasks, "^200 .*Project 1"),),
    "lock-wait": ((lambda raw: raw.get("/api/projects", "member"), "^200"),),
    "claims-roles": ((me, "^200"),),
    "token-expired": ((me, "^200"),),
    "token-no-expiry": ((me, "^200"), (graphql, '"data"')),
    "identity-down": ((probe, "^200"),),
    "jwks-duplicate-kid": ((me, "^200"),),
    "api-accepts-unsigned": ((me, "^200"), (showing("broken"), "^401"), (showing("expired_token"), "^401")),
    "api-accepts-public-key": ((me, "^200"), (showing("unsigned"), "^401"), (showing("foreign_token"), "^401")),
    "api-accepts-expired": ((showing("foreign_token"), "^401"), (showing("public key"), "^401")),
    "api-crashes-on-tokens": ((me, "^200"),),
    "graphql-permission": ((admin, '"data"'),),
    "graphql-inconsistent": ((graphql, '"data"'), (reader, r"\(1,\)")),
    "unhandled-exception": ((tasks, "^200"),),
    "gateway-502-route": ((health, "^200"),),
    "gateway-504": ((health, "^200"),),
    "route-crash": ((tasks, "^200"),),
    "body-truncated": ((tasks, "^200"),),
    "teapot": ((tasks, "^200"),),
    "api-down": ((graphql, '"data"'),),
    "certificate-expired": ((graphql, '"data"'), (token, "^200")),
    "rls-no-policy": ((graphql, r'"tasks":\[\]'),),
}


def seen(fault: str) -> list[tuple[str, str]]:
    """What the fault's probes saw, each with the pattern that it must fit."""
    with Stack.start(fault) as stack:
        raw = Raw(stack.addresses)
        try:
            return [(ask(raw), pattern) for ask, pattern in SYMPTOMS[fault] + UNTOUCHED.get(fault, ())]
        finally:
            raw.close()


@pytest.fixture(scope="module")
def sightings(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[list[tuple[str, str]]]]]:
    """The demo of every selected fault, three at a time."""
    selected = [item.callspec.params["fault"] for item in request.session.items if _is_ours(item)]
    with ThreadPoolExecutor(3) as pool:
        yield {fault: pool.submit(seen, fault) for fault in selected}


def _is_ours(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and item.originalname == "test_fault_shows_its_symptom"


def test_every_fault_has_a_probe() -> None:
    """No fault is listed whose symptom nobody looks for."""
    assert set(FAULTS) == set(SYMPTOMS)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_shows_its_symptom(fault: str, sightings: dict[str, Future[list[tuple[str, str]]]]) -> None:
    """The fault's symptoms are there, and what it must not touch still works."""
    for text, pattern in sightings[fault].result(60):
        assert re.search(pattern, text, re.DOTALL), f"expected {pattern!r}, saw {text[:600]!r}"


def test_healthy_demo_shows_no_symptom() -> None:
    """None of the symptoms is there without its fault."""
    with Stack.start() as stack:
        raw = Raw(stack.addresses)
        false = [
            f"{fault}: {pattern!r} in {text[:300]!r}"
            for fault, symptoms in SYMPTOMS.items()
            for ask, pattern in symptoms
            if re.search(pattern, text := ask(raw), re.DOTALL)
        ]
        raw.close()
    assert false == []
