"""The SQL guard against a real PostgreSQL: legitimate reads run, and no attack leaves a trace, whoever asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from postgres_servers import needs

from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.catalog import Catalog, Column, Relation
from pytest_prodcheck.targets.guard import sql
from pytest_prodcheck.targets.guard.functions import HARMLESS, PURPOSES
from pytest_prodcheck.targets.guard.sql_names import OPERATORS, acts

CASES: list[dict[str, Any]] = [
    case
    for case in yaml.safe_load((Path(__file__).parents[1] / "unit" / "guard" / "read_only_attacks.yaml").read_text())
    if case["surface"] == "sql"
]
ATTACKS = [case for case in CASES if case["expected"] != "allowed_readonly"]
READS = [case for case in CASES if case["expected"] == "allowed_readonly"]
SCHEMA = """
CREATE TABLE users(id int PRIMARY KEY, email text);
CREATE TABLE goals(id serial PRIMARY KEY, user_id int REFERENCES users, title text, doc jsonb, touched_at timestamptz);
CREATE TABLE audit_log(id serial, note text); CREATE SEQUENCE ticket_seq; CREATE INDEX goals_title_idx ON goals(title);
CREATE TABLE rls_docs(id int, owner text); ALTER TABLE rls_docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON rls_docs USING (owner = current_setting('app.user', true));
INSERT INTO users VALUES (1, 'a@shop.test'), (2, 'b@shop.test');
INSERT INTO goals(user_id, title, doc) SELECT 1 + n % 2, 'goal ' || n, '{"k": 1}' FROM generate_series(1, 20) n;
INSERT INTO rls_docs VALUES (1, 'a'), (2, 'b');
CREATE ROLE app_reader LOGIN PASSWORD 'reader'; CREATE ROLE app_writer LOGIN PASSWORD 'writer';
"""
GRANTS = """
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app_reader;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO app_writer;
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO app_writer;
"""
TRACES = {
    "goals": "SELECT * FROM goals ORDER BY id",
    "users": "SELECT * FROM users ORDER BY id",
    "audit_log": "SELECT * FROM audit_log ORDER BY id",
    "rls_docs": "SELECT * FROM rls_docs ORDER BY id",
    "relations": "SELECT relname, relfilenode FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    "sequences": "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1",
    "locks": "SELECT locktype, mode, objid FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype = 'advisory'",
    "prepared transactions": "SELECT gid FROM pg_prepared_xacts",
    "replication slots": "SELECT slot_name FROM pg_replication_slots",
    "large objects": "SELECT oid FROM pg_largeobject_metadata ORDER BY 1",
    "settings": "SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting",
    "grants": "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
}
ROLES = ("superuser", "app_reader", "app_writer")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres({"max_prepared_transactions": "5", "statement_timeout": "10s"}) as postgres:
        with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
            admin.execute(SCHEMA)
            for setup in dict.fromkeys(case["setup"] for case in CASES if case.get("setup")):
                _set_up(admin, postgres, setup)
            admin.execute(
                "CREATE FUNCTION shadowed(goals) RETURNS int LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_advisory_lock(99); RETURN 1; END $$"
            )
            admin.execute(GRANTS)
        yield postgres


@pytest.fixture(scope="module")
def catalog(server: Postgres) -> Catalog:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        return _snapshot(admin)


def _set_up(admin: psycopg.Connection[Any], postgres: Postgres, setup: str) -> None:
    """Runs a case's set-up once; several cases share objects, and some set-ups only say what another session did."""
    for statement in re.split(r";\s*(?=CREATE|SELECT)", _fill(setup, postgres)):
        text = statement.partition("  -- ")[0].replace("CREATE EXTENSION ", "CREATE EXTENSION IF NOT EXISTS ")
        text = text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        if text.startswith("--") or (
            "lo_from_bytea" in text and admin.execute("SELECT 1 FROM pg_largeobject_metadata").fetchall()
        ):
            continue
        admin.execute(text)


def _fill(text: str, postgres: Postgres) -> str:
    values = {
        "{port}": str(postgres.port),
        "{db}": "postgres",
        "{superuser}": postgres.superuser,
        "{password}": postgres.password,
        "{mark}": str(postgres.directory / "mark"),
        "{server_file}": str(postgres.data / "PG_VERSION"),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _snapshot(admin: psycopg.Connection[Any]) -> Catalog:
    """What the guard needs of the catalog, without hazards: views that lock or write are left to the transaction."""
    relations = {}
    for name, kind, columns in admin.execute(
        "SELECT relname, relkind::text, array_agg(attname::text) "
        "FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
        "WHERE relnamespace = 'public'::regnamespace AND attnum > 0 GROUP BY 1, 2"
    ):
        found = tuple(Column(column, "text", True) for column in columns)
        relations[f"public.{name}"] = Relation("public", name, kind, "postgres", columns=found)
    functions = dict(
        admin.execute(
            "SELECT 'public.' || proname, max(provolatile::text) || CASE WHEN bool_or(prosecdef) THEN '+d' ELSE '' END "
            "FROM pg_proc WHERE pronamespace = 'public'::regnamespace GROUP BY 1"
        ).fetchall()
    )
    operators = admin.execute("SELECT oprname FROM pg_operator WHERE oprnamespace = 'public'::regnamespace").fetchall()
    return Catalog(
        "postgres",
        "postgres",
        180006,
        ("pg_catalog", "public"),
        relations,
        functions=functions,
        operators=frozenset(name for (name,) in operators),
    )


def _dsn(server: Postgres, role: str) -> str:
    return server.dsn() if role == "superuser" else server.dsn(role, role.removeprefix("app_"))


def _probe(server: Postgres, role: str, statement: str) -> list[Any]:
    """The guarded transaction in its smallest form; the connection is closed whatever happens."""
    connection = psycopg.connect(_dsn(server, role), autocommit=True, options="-c statement_timeout=300")
    try:
        connection.execute("BEGIN READ ONLY")
        connection.execute("SELECT 1")
        rows = connection.execute(statement, prepare=True).fetchall()
        connection.execute("ROLLBACK")
        return rows
    finally:
        connection.close()


def _traces(server: Postgres) -> dict[str, list[Any]]:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        return {name: admin.execute(query).fetchall() for name, query in TRACES.items()}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("case", READS, ids=lambda case: case["id"])
def test_a_legitimate_read_runs(case: dict[str, Any], role: str, server: Postgres, catalog: Catalog) -> None:
    """What the guard lets through runs in the guarded transaction for every role and returns its rows."""
    sql.check(case["payload"], catalog)
    if case["id"] == "sql-ok-word-in-string":
        assert _probe(server, role, case["payload"]) == [(0,)]
    elif case["id"] == "sql-ok-orphans":
        assert _probe(server, role, case["payload"]) == []
    else:
        assert _probe(server, role, case["payload"])


@pytest.mark.parametrize("role", ROLES)
def test_no_attack_leaves_a_trace(role: str, server: Postgres, catalog: Catalog) -> None:
    """Every attack is refused, or stopped or undone by the server: tables, sequences, locks stay as they were."""
    before, notified = _traces(server), []
    with psycopg.connect(server.dsn(), autocommit=True) as listener:
        listener.execute("LISTEN prodcheck")
        for case in ATTACKS:
            statement = _fill(case["payload"], server)
            try:
                sql.check(statement, catalog)
                _probe(server, role, statement)
            except (Refused, psycopg.Error) as error:
                refused = isinstance(error, Refused)
                assert refused or case["expected"] == "rolled_back", case["id"]
            else:
                assert case["expected"] == "rolled_back", case["id"]
        notified = list(listener.notifies(timeout=0.05))
    assert _traces(server) == before
    assert notified == []
    assert not (server.directory / "mark").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT (4711::bigint).pg_advisory_lock",
        "SELECT g.nextval FROM to_regclass('ticket_seq') g",
        "SELECT k.pg_try_advisory_lock FROM generate_series(1::bigint, 2) k",
        "SELECT g.shadowed FROM goals g",
        "SELECT (g).shadowed FROM goals g",
        "SELECT g.title FROM goals AS g(a, b) UNION SELECT g.shadowed::text FROM goals AS g(a, b)",
    ],
)
def test_what_is_refused_as_a_field_really_runs_a_function(statement: str, server: Postgres, catalog: Catalog) -> None:
    """The server does run functions by attribute notation, so refusing it is not caution for its own sake."""
    with pytest.raises(Refused, match=r"function"):
        sql.check(statement, catalog)
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        assert superuser.execute(statement).fetchall()
        superuser.execute("SELECT setval('ticket_seq', 1, false)")


@pytest.fixture(scope="module")
def builtins(server: Postgres) -> dict[str, dict[str, Any]]:
    query = """
        SELECT proname, bool_or(provolatile = 'v') AS volatile,
               bool_or(pronargs - pronargdefaults <= 1 AND pronargs > 0 OR provariadic <> 0) AS one_argument
        FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND 2281 <> ALL (proargtypes) GROUP BY 1"""
    with psycopg.connect(server.dsn(), row_factory=psycopg.rows.dict_row) as admin:
        return {row["proname"]: row for row in admin.execute(query)}


VOLATILE_READERS = re.compile(
    r"array_sample|array_shuffle|clock_timestamp|current_query|gen_random_uuid|uuidv[47]|random(_normal)?|timeofday|"
    r"pg_blocking_pids|pg_(database_)?collation_actual_version|pg_control_\w+|pg_current_wal_\w+|pg_\w+_size|"
    r"pg_get_(aios|backend_memory_contexts|loaded_modules|multixact_members|shmem_allocations|wait_events)|"
    r"pg_get_wal_(replay_pause_state|resource_managers)|pg_is_\w+|pg_last_\w+|pg_lock_status|pg_partition_(ancestors|tree)|"
    r"pg_notification_queue_usage|pg_prepared_xact|pg_sequence_last_value|pg_stat_get_\w+|"
    r"pg_xact_(commit_timestamp(_origin)?|status)|txid_status"
)
ACTS = re.compile(
    r"set_config|nextval|setval|.*sleep.*|.*advisory.*|lo_.*|.*read_file|.*_ls_.*|.*to_xml.*|ts_stat|ts_rewrite|.*notify|"
    r".*terminate.*|.*cancel.*|.*reload.*|pg_logical_.*|pg_stat_reset.*|.*export_snapshot|.*promote|.*create.*|.*drop.*|"
    r"binary_upgrade.*|brin_.*|gin_.*|.*import.*|.*backup_st.*|pg_log_.*|.*rotate.*|.*switch.*|.*advance.*|.*restore.*|"
    r".*clear.*|txid_current|pg_current_xact_id|.*input_is_valid|.*input_error.*"
)


def test_every_harmless_function_is_postgresqls_own(builtins: dict[str, Any]) -> None:
    """Each name of the list exists in pg_catalog, and stands in it once."""
    needs(18)
    assert HARMLESS - builtins.keys() == set()
    assert sum(map(len, PURPOSES.values())) == len(HARMLESS)


def test_no_harmless_function_acts(builtins: dict[str, Any]) -> None:
    """What is VOLATILE in the list is a known reader; nothing in it writes, locks, sleeps, reads files or runs text."""
    needs(18)
    volatile = {name for name in HARMLESS if builtins[name]["volatile"]}
    assert {name for name in volatile if not VOLATILE_READERS.fullmatch(name)} == set()
    assert {name for name in HARMLESS if ACTS.fullmatch(name)} == set()


def test_every_acting_builtin_is_known_as_a_field(builtins: dict[str, Any]) -> None:
    """A VOLATILE built-in that can be called with one argument, so as a field, is harmless or known to act."""
    callable_as_field = {name for name, row in builtins.items() if row["one_argument"] and row["volatile"]}
    assert {name for name in callable_as_field if name not in HARMLESS and not acts(name)} == {
        "amvalidate",  # looks at an operator class
        "plpgsql_validator",  # compiles, and only for the function's owner
    }


def test_every_builtin_operator_is_known_and_runs_no_volatile_function(server: Postgres) -> None:
    """The list of operators is the server's, and none of them has a side effect."""
    needs(18)
    with psycopg.connect(server.dsn()) as admin:
        found = admin.execute(
            "SELECT oprname, bool_or(provolatile = 'v') FROM pg_operator JOIN pg_proc ON pg_proc.oid = oprcode "
            "WHERE oprnamespace = 'pg_catalog'::regnamespace GROUP BY 1"
        ).fetchall()
    assert {name for name, _ in found} == OPERATORS
    assert not any(volatile for _, volatile in found)
