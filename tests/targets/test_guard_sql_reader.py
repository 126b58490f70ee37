"""Guard, snapshot and reader together on a real PostgreSQL: everyday reads are answered, users' code never runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.query import Reader
from pytest_prodcheck.targets.database.snapshot import snapshot

CASES = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
TABLES = """
create role reader login password 'reader'; create schema app; create schema util; create schema ext;
create type mood as enum ('sad', 'ok', 'happy'); create domain email as text check (value ~ '@');
create table users(id int primary key, email text, mood mood default 'ok', tags text[] default '{a,b}',
 created timestamptz default now());
create table goals(id serial primary key, user_id int references users, title text, doc jsonb,
 touched_at timestamptz default now(), price numeric(10,2) default 1.5,
 during tsrange default '[2026-01-01,2026-02-01)', uid uuid default gen_random_uuid());
create table audit_log(id serial, note text); create sequence ticket_seq; create table parent(id int);
create table child(x int) inherits (parent); create table rls_docs(id int, owner text);
alter table rls_docs enable row level security;
create policy p on rls_docs using (owner = current_setting('app.user', true));
create table measures(at date, v int) partition by range (at);
create table measures_1 partition of measures for values from ('2026-01-01') to ('2026-02-01');
insert into users(id, email) values (1, 'a@shop.test'), (2, 'b@shop.test');
insert into goals(user_id, title, doc) select 1 + n % 2, 'goal ' || n, '{"k": 1, "a": {"b": [1, 2, 3]}}'
 from generate_series(1, 20) n;
create view v_ok as select id, title from goals; create materialized view mv as select count(*) n from goals;
create function stab() returns int stable language plpgsql as $$ begin perform pg_advisory_lock(79); return 1; end $$;
create extension pg_stat_statements;
"""
HOSTILE = """
create extension dblink schema ext; create extension file_fdw; create extension tablefunc schema ext;
create server files foreign data wrapper file_fdw;
create foreign table prog(line text) server files options (program 'touch MARK; echo 1');
create table pm(id int) partition by list (id); create table pm1 partition of pm for values in (1);
create foreign table pmf partition of pm for values in (2) server files options (program 'touch MARK; echo 2');
create table ip(line text);
create foreign table ipf() inherits (ip) server files options (program 'touch MARK; echo x');
create view v_prog as select * from prog; create view v_v_prog as select * from v_prog;
create function acts(int default 1) returns int language plpgsql as
 $$ begin perform pg_advisory_lock($1); return 1; end $$;
create function bump() returns int language sql as 'select acts(77)';
create function immut(int) returns int immutable language sql as 'select acts(78)';
create function rowf(goals) returns int language sql as 'select acts(80)';
create function lower(users) returns text language sql as 'select acts(81)::text';
create function definer() returns int security definer language sql as 'select acts(82)';
create function util.count_rows(text) returns bigint language sql as 'select acts(83)::bigint';
create function setret() returns setof int language sql as 'select acts(84)';
create function sf(int, int) returns int language sql as 'select acts(85)';
create aggregate agg(int) (sfunc = sf, stype = int, initcond = '0');
create function dflt(a int default bump()) returns int language sql as 'select a';
create operator ### (leftarg = int, rightarg = int, function = sf);
create function castf(text) returns bool immutable language sql as 'select acts(86) = 1';
create domain checked as text check (castf(value)); create type comp as (a checked);
create table has_checked(c checked); insert into has_checked values ('x');
create function castfn(users) returns int language sql as 'select acts(87)';
create cast (users as int) with function castfn(users);
create function tocomp(int) returns comp language sql as $$ select row('x')::comp $$;
create cast (int as comp) with function tocomp(int) as assignment;
create function mood_to_int(mood) returns int language sql as 'select acts(89)';
create cast (mood as int) with function mood_to_int(mood) as implicit;
create function textsub(anyelement) returns int language sql as 'select acts(93)';
create function pg_backend_pid(int) returns int language sql as 'select acts(94)';
create function app.now() returns timestamptz language sql as $$ select '2026-01-01'::timestamptz $$;
create view v_bump as select bump() b; create view v_nested as select * from v_bump;
create view v_lock as select pg_try_advisory_lock(90) l;
create view v_sub as select id, (select bump()) b from users; create view v_nextval as select nextval('ticket_seq');
create view v_setconfig as select set_config('a.b', 'c', false); create view v_op as select 1 ### 2 x;
create view v_cast as select email::checked from users; create view v_agg as select agg(id) from users;
create view v_win as select agg(id) over () from users; create view v_sleep as select pg_sleep(1)::text;
create view v_xml as select query_to_xml('select bump()', true, false, '');
create view v_dbl as select * from ext.dblink('host=127.0.0.1', 'delete from goals') t(n int);
create procedure proc() language plpgsql as $$ begin insert into audit_log(note) values ('p'); commit; end $$;
select lo_from_bytea(424242, 'x');
"""
GRANTS = """
grant usage on schema app, util, ext to reader; grant select on all tables in schema public to reader;
grant select on all sequences in schema public to reader
"""
ENDLESS = [
    "select count(*) from generate_series(1, 100000000000)",
    "with recursive t(n) as (select 1 union all select n from t) select count(*) from t",
    "select count(*) from pg_class a, pg_class b, pg_class c, pg_class d",
    "select array_agg(i) from generate_series(1, 100000000) i",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres({"shared_preload_libraries": "pg_stat_statements", "max_prepared_transactions": "2"}) as running:
        _fill(running, TABLES)
        yield running


@pytest.fixture(scope="module")
def hostile() -> Iterator[Postgres]:
    with Postgres({"shared_preload_libraries": "pg_stat_statements", "max_prepared_transactions": "2"}) as running:
        _fill(running, TABLES)
        _fill(running, HOSTILE.replace("MARK", str(running.directory / "mark")))
        yield running


def _fill(server: Postgres, statements: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(statements.encode())
        admin.execute(GRANTS.encode())


def _reader(dsn: str, timeout: float = 8.0) -> Reader:
    """A reader that knows the catalog, as the gate's own does."""
    with connect(dsn, timeout=10, application_name="prodcheck/q") as session:
        catalog = snapshot(session)
    return Reader(dsn, timeout=timeout, catalog=catalog)


@pytest.fixture(scope="module")
def reader(server: Postgres) -> Reader:
    return _reader(server.dsn("reader", "reader"))


@pytest.fixture(scope="module")
def attacked(hostile: Postgres) -> Reader:
    return _reader(hostile.dsn())


@pytest.mark.parametrize("statement", CASES["reads"], ids=range(len(CASES["reads"])))
def test_an_everyday_read_is_answered(statement: str, reader: Reader) -> None:
    """What teams write in `queries` and in tests passes the guard and gives its rows."""
    seen = reader.query(statement).observation
    assert (seen.code, seen.error) == ("", ""), seen.message


@pytest.mark.parametrize("statement", CASES["attacks"], ids=range(len(CASES["attacks"])))
def test_an_attack_is_refused(statement: str, attacked: Reader) -> None:
    """Statements that write, steer, lock, sleep, reach out, or run users' code are refused although all might run."""
    with pytest.raises(Refused):
        attacked.query(statement)


@pytest.mark.parametrize("statement", ENDLESS)
def test_work_without_end_is_ended(statement: str, server: Postgres) -> None:
    """A read that takes too much is a read: the server ends it, at the time-out."""
    started = time.perf_counter()
    seen = _reader(server.dsn(), 0.4).query(statement).observation
    assert (seen.code, seen.error) in (("57014", ""), ("", "timeout"))
    assert time.perf_counter() - started < 10
