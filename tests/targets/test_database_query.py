"""Guarded queries on a real PostgreSQL: typed answers, nothing left behind, never longer than the deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import postgres_peers as peers
import psycopg
import pytest
from filled_postgres import filled

from pytest_prodcheck.config.models import DatabaseTarget
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.query import Impersonation
from pytest_prodcheck.targets.database.prober import DatabaseProber
from pytest_prodcheck.targets.database.query import Reader

SCHEMA = """
create table goals(id serial primary key, owner text, title text, price numeric(10,2), doc jsonb, at timestamptz);
insert into goals(owner, title, price, doc, at) select case n % 2 when 0 then 'a' else 'b' end, 'goal ' || n, n * 1.5,
 '{"k": [1, 2]}', '2026-01-02 03:04:05+00' from generate_series(1, 20) n;
create role app login password 'app'; create role reader login password 'reader'; grant app to reader;
grant select, insert on goals to app; grant select on goals to reader;
alter table goals enable row level security; create policy own on goals
 using (owner = current_setting('app.user', true));
create table locked(id int); grant select on locked to reader; create sequence numbers;
"""


def no_guard(statement: str, catalog: Catalog | None, functions: Collection[str]) -> None:
    """Lets everything pass, so that what the transaction itself holds back can be seen."""


def refusing(statement: str, catalog: Catalog | None, functions: Collection[str]) -> None:
    """Refuses everything."""
    raise Refused(statement, "no", "never")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server with twenty rows of two owners, under row-level security."""
    with filled(SCHEMA) as running:
        yield running


@pytest.fixture
def reader(server: Postgres) -> Reader:
    """Our reader, whose queries pass our own guard."""
    return Reader(server.dsn("reader", "reader"), timeout=2, application_name="prodcheck/q")


@pytest.fixture
def superuser(server: Postgres) -> Reader:
    """The most powerful role without any guard: all that holds it is the transaction."""
    return Reader(server.dsn(), timeout=2, application_name="prodcheck/q", guard=no_guard)


def count(server: Postgres, query: str) -> object:
    """One value, as the superuser sees it."""
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def test_values_are_python_values_and_json_safe(superuser: Reader) -> None:
    """psycopg's types for the test, JSON's for reports."""
    query = """select 1 as i, 1.50::numeric as n, 2.00::numeric as whole, true as b, null as nothing, 'x' as t,
        '{"k": [1]}'::jsonb as j, '\\x00ff'::bytea as raw, '2026-01-02'::date as d,
        '2026-01-02 03:04:05+00'::timestamptz as at, array[1, 2] as many, 'NaN'::float8 as nan,
        '1 hour'::interval as span, 'infinity'::float8 as far"""
    answer = superuser.query(query)
    assert answer.rows[0][:4] == (1, Decimal("1.50"), Decimal("2.00"), True)
    assert answer.rows[0][8:10] == (date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert answer.value == [
        {
            "i": 1, "n": 1.5, "whole": 2, "b": True, "nothing": None, "t": "x", "j": {"k": [1]}, "raw": "\\x00ff",
            "d": "2026-01-02", "at": "2026-01-02T03:04:05+00:00", "many": [1, 2], "nan": "nan", "span": 3600.0,
            "far": "inf",
        }
    ]  # fmt: skip
    assert json.dumps([answer.value, answer.observation.as_json()])


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("select 7", 7),
        ("select n from generate_series(1, 3) n", [1, 2, 3]),
        ("select n, -n as m from generate_series(1, 2) n", [{"n": 1, "m": -1}, {"n": 2, "m": -2}]),
        ("select 1 where false", []),
        ("select '100%' as share", "100%"),
    ],
)
def test_an_answer_has_the_form_that_expectations_compare(reader: Reader, query: str, value: object) -> None:
    """A cell is its value, a column a list, rows a list of objects."""
    assert reader.query(query).value == value


def test_parameters_travel_apart_from_the_statement(reader: Reader) -> None:
    """A value is never SQL."""
    assert reader.query("select %s::text", ("'; drop table goals; --",)).value == "'; drop table goals; --"
    assert reader.query("select %(n)s::int + %(n)s::int + 5 %% 3", {"n": 1}).value == 4


@pytest.mark.parametrize(("statement", "params"), [("select %s", ()), ("select 1", (1,)), ("select %(a)s", {"b": 1})])
def test_parameters_that_do_not_match_are_refused(reader: Reader, statement: str, params: object) -> None:
    """Nothing is sent."""
    with pytest.raises(Refused, match="do not match"):
        reader.query(statement, params)  # type: ignore[arg-type]


def test_rows_are_bounded(reader: Reader) -> None:
    """More rows than asked for are neither kept nor awaited."""
    started = time.perf_counter()
    answer = reader.query("select generate_series(1, 100000000) as n", row_limit=10)
    assert (len(answer.rows), answer.truncated) == (10, True)
    assert time.perf_counter() - started < 2
    exact = reader.query("select n from generate_series(1, 10) n", row_limit=10)
    assert (len(exact.rows), exact.truncated) == (10, False)


def test_what_the_guard_refuses_is_never_sent(server: Postgres) -> None:
    """Not even a connection is opened."""
    with peers.serving(peers.Relay(server.port)) as port:
        reader = Reader(f"host=127.0.0.1 port={port} user=reader", guard=refusing)
        with pytest.raises(Refused):
            reader.query("select 1")
    with pytest.raises(Refused, match="DELETE is not a read"):
        Reader("host=127.0.0.1 port=1 user=reader").query("delete from goals")


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("insert into goals(owner) values ('x')", "25006"),
        ("create table made(id int)", "25006"),
        ("select nextval('numbers')", "25006"),
        ("set transaction read write", "25001"),
        ("select set_config('transaction_read_only', 'off', false)", "25001"),
        ("select 1; commit; insert into goals(owner) values ('x')", "42601"),
        ("select count(*) from goals for update", "25006"),
    ],
)
def test_the_transaction_holds_even_a_superuser_without_a_guard(
    server: Postgres, superuser: Reader, statement: str, sqlstate: str
) -> None:
    """READ ONLY, which a first query makes final, and the extended protocol, which takes one statement."""
    before = count(server, "select count(*) from goals")
    answer = superuser.query(statement)
    assert answer.failed
    assert answer.observation.code in (sqlstate, "0A000")
    assert count(server, "select count(*) from goals") == before


@pytest.mark.parametrize(
    "statement",
    ["commit", "rollback", "begin transaction read write", "start transaction isolation level serializable"],
)
def test_steering_the_transaction_writes_nothing(server: Postgres, superuser: Reader, statement: str) -> None:
    """Whatever becomes of the transaction, one statement was sent, and the connection is gone."""
    answer = superuser.query(statement)
    assert answer.failed
    assert count(server, "select count(*) from pg_stat_activity where application_name = 'prodcheck/q'") == 0


def test_nothing_of_a_session_is_left(server: Postgres, superuser: Reader) -> None:
    """An advisory lock outlives a rollback; it ends with the connection, which serves one query only."""
    assert superuser.query("select pg_advisory_lock(42)").observation.code == ""
    deadline = time.perf_counter() + 2
    while count(server, "select count(*) from pg_locks where locktype = 'advisory'") and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert count(server, "select count(*) from pg_locks where locktype = 'advisory'") == 0


def test_it_says_who_we_are(reader: Reader) -> None:
    """application_name names the run, the path is untouched, the limits are on."""
    query = """select current_setting('application_name') as name, current_setting('search_path') as path,
        current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
        current_setting('idle_in_transaction_session_timeout') as idle,
        current_setting('transaction_read_only') as ro"""
    assert reader.query(query).value == [
        {"name": "prodcheck/q", "path": '"$user", public', "statement": "2s", "lock": "1s", "idle": "4s", "ro": "on"}
    ]


def test_a_slow_query_ends_with_57014(server: Postgres) -> None:
    """The server's statement_timeout comes before our own deadline, and says what it was."""
    slow = Reader(server.dsn(), timeout=0.3, guard=no_guard).query("select pg_sleep(5)", name="slow")
    assert (slow.observation.code, slow.observation.operation) == ("57014", "query slow")
    assert 0.3 <= slow.observation.phases["first_byte"] < 1.3


def test_a_lock_of_another_ends_with_55p03(server: Postgres) -> None:
    """We wait for locks half as long as for answers."""
    with psycopg.connect(server.dsn()) as holder:
        holder.execute("lock table locked in access exclusive mode")
        waiting = Reader(server.dsn("reader", "reader"), timeout=0.6).query("select * from locked")
    assert waiting.observation.code == "55P03"


def test_a_server_that_freezes_ends_in_time(server: Postgres) -> None:
    """No answer, no error: our own deadline."""
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        reader = Reader(f"host=127.0.0.1 port={port} user=reader password=reader dbname=postgres", timeout=0.3)
        relay.frozen.set()
        started = time.perf_counter()
        answer = reader.query("select 1")
    assert answer.observation.error in ("timeout", "protocol")
    assert time.perf_counter() - started < 2.5


def test_impersonation_holds_for_one_transaction(server: Postgres, reader: Reader) -> None:
    """Role and settings apply, RLS shows the user's rows only, and the next query is our reader's again."""
    query = "select current_user::text as who, count(*) as rows, min(owner) as owner from goals"
    for user in ("a", "b"):
        answer = reader.query(query, as_user=Impersonation("app", {"app.user": user}))
        assert answer.value == [{"who": "app", "rows": 10, "owner": user}]
    assert reader.query(query).value == [{"who": "reader", "rows": 0, "owner": None}]


def test_a_value_of_the_context_is_never_sql(reader: Reader) -> None:
    """Claims come from outside."""
    hostile = "a', true); drop table goals; --"
    answer = reader.query("select current_setting('app.user')", as_user=Impersonation("", {"app.user": hostile}))
    assert answer.value == hostile


def test_a_role_that_may_not_be_taken_is_said(reader: Reader) -> None:
    """42501 of the impersonation is not the query's own."""
    answer = reader.query("select 1", as_user=Impersonation("postgres"))
    assert (answer.observation.code, answer.observation.data["step"]) == ("42501", "impersonation")
    assert not answer.rows


@pytest.mark.parametrize(
    ("query", "sqlstate"),
    [("select * from nowhere", "42P01"), ("select nothing from goals", "42703"), ("select 'x' ->> 1 + true", "42883")],
)
def test_a_failure_has_its_sqlstate(reader: Reader, query: str, sqlstate: str) -> None:
    """The server's code and words are in the observation; nothing is raised."""
    seen = reader.query(query).observation
    assert (seen.code, seen.error, seen.expected) == (sqlstate, "", False)
    assert seen.message


def test_a_value_that_python_lacks_is_said(reader: Reader) -> None:
    """PostgreSQL's infinity is no date of Python's."""
    answer = reader.query("select 'infinity'::date")
    assert answer.observation.error == "protocol"
    assert "infinity" in answer.observation.message


def test_a_refused_login_is_an_answer(server: Postgres) -> None:
    """The observation of the connection is the query's; the reader's repr holds no password."""
    reader = Reader(server.dsn("reader", "wrong-Pa55word"), timeout=2)
    answer = reader.query("select 1", name="one")
    assert (answer.observation.code, answer.observation.subject, answer.failed) == ("28P01", "one", True)
    assert "wrong-Pa55word" not in repr(reader) + repr(answer)


def test_a_connection_that_dies_is_an_answer(server: Postgres, superuser: Reader) -> None:
    """The backend is terminated in the middle of its query."""
    answer = superuser.query("select pg_terminate_backend(pg_backend_pid())")
    assert answer.observation.code == "57P01" or answer.observation.error == "tcp.reset"
    assert answer.failed


def test_names_are_judged_as_the_impersonated_role_means_them(server: Postgres) -> None:
    """ "$user" in the search path is the role's own schema: what it finds there first is judged, not our reader's."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create schema app; create table app.shown(id int); create table public.shown(id int)")
        connection.execute("create function app.lower(text) returns text language sql as 'select $1'")
        connection.execute("create view app.counted as select pg_try_advisory_lock(1); create table counted(id int)")
        connection.execute("grant usage on schema app to app; grant select on all tables in schema app, public to app")
        connection.execute("grant select on counted to reader")
    rls = {"tables": ["goals"], "roles": {"member": "app"}}
    table = DatabaseTarget.model_validate({"dsn": server.dsn("reader", "reader"), "rls": rls})
    prober = DatabaseProber("database", table, "r", lambda _: {})
    prober.ready()
    assert not prober.query("select lower('A'), (select count(*) from counted)", None).failed
    assert not prober.query("select pg_catalog.lower('A') from shown", None, "member").failed
    for statement in ("select lower('A')", "select * from counted"):
        with pytest.raises(Refused, match=r"app\.(lower|counted)"):
            prober.query(statement, None, "member")


def test_nothing_of_one_query_reaches_the_next(server: Postgres, superuser: Reader) -> None:
    """Settings, roles, prepared statements, cursors, listeners: each query has a session of its own."""
    for statement in (
        "select set_config('app.user', 'a', false)",
        "select set_config('statement_timeout', '0', false)",
        "set session characteristics as transaction read write",
        "set role app",
        "listen somebody",
        "prepare left as select 1",
        "declare left cursor with hold for select 1",
    ):
        superuser.query(statement)
        left = superuser.query(
            "select current_user::text, coalesce(current_setting('app.user', true), ''),"
            " current_setting('statement_timeout'), current_setting('transaction_read_only'),"
            " (select count(*) from pg_prepared_statements), (select count(*) from pg_cursors),"
            " (select count(*) from pg_listening_channels()), pg_my_temp_schema()::int"
        )
        assert left.rows == (("postgres", "", "2s", "on", 0, 1, 0, 0),)
