"""The catalog snapshot against hand-written queries on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import postgres_peers as peers
import psycopg
import pytest
from postgres_servers import Debian, needs, understood, version

from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.errors import TargetError
from pytest_prodcheck.observe.catalog import Cast, Catalog, Column, Hazard
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot, snapshot_with_contract

SCHEMA = """
create role owner_group; create role app login password 'app' inherit; create role member login password 'm' noinherit;
create role ends login password 'e' valid until '2030-01-02 03:04:05+00' connection limit 7;
grant owner_group to app; grant owner_group to member; grant app to ends;
create role reader login password 'reader';
create schema shop authorization owner_group; grant usage on schema shop to reader, app; create schema hidden;
create type shop.mood as enum ('good', 'bad');
create domain shop.positive as int check (value > 0);
create table shop.users(id int primary key, email varchar(40) not null unique, mood shop.mood, tags text[]);
create table shop.tasks(id bigserial primary key, user_id int not null references shop.users, price numeric(10,2));
alter table shop.tasks owner to owner_group; alter table shop.tasks enable row level security;
create policy own on shop.tasks for select to app using (user_id = current_setting('app.user', true)::int);
create policy team on shop.tasks as restrictive for all
 using (exists (select 1 from shop.users u where u.id = user_id));
alter table shop.users enable row level security; alter table shop.users force row level security;
create view shop.plain as select * from shop.tasks;
create view shop.invoked with (security_invoker = true) as select * from shop.plain;
create materialized view shop.stored as select count(*) from shop.tasks;
create table shop.events(at date not null) partition by range (at);
create table shop.events_2026 partition of shop.events for values from ('2026-01-01') to ('2027-01-01');
create table hidden.secret(id int); create sequence shop.numbers;
grant select on shop.tasks to reader; grant select(email) on shop.users to reader;
create function shop.touch() returns int language sql volatile security definer as 'select 1';
create function shop.pure(int) returns int language sql immutable as 'select $1';
create function shop.pure(text) returns int language sql stable as 'select 1';
create operator shop.### (leftarg = int, rightarg = int, function = int4pl);
create function shop.mood_number(shop.mood) returns int language sql as 'select 1';
create domain shop.checked as int check (shop.pure(value) > 0);
create table shop.inside(a shop.checked[]); create type shop.deep as (b shop.inside);
create domain shop.over_checked as shop.checked; create type shop.span as range (subtype = shop.checked);
create view shop.casts as select 1::shop.checked as one; create view shop.plain_inside as select a from shop.inside;
create view shop.texts as select table_to_xml('shop.users', true, false, '') is null as empty;
create cast (shop.mood as int) with function shop.mood_number(shop.mood) as implicit;
create view shop.acts as select shop.touch() n; create view shop.over_acts as select * from shop.acts;
create view shop.locks as select pg_try_advisory_lock(1) as got;
create materialized view shop.acted as select * from shop.acts;
create view shop.harmless as
 select lower(email) as email, count(*), now() from shop.users group by 1 having count(*) > 1;
alter role app set search_path = shop, public; alter database postgres set work_mem = '5MB';
alter role app in database postgres set app.kind = 'x=y';
"""
EXTENSIONS = """
create extension file_fdw; create server files foreign data wrapper file_fdw;
create foreign table shop.remote(line text) server files options (filename '/etc/hostname');
create view shop.far as select * from shop.remote;
create table shop.parent(line text); alter foreign table shop.remote inherit shop.parent;
"""


def fill(dsn: str) -> None:
    """Creates the schema, without the parts that the installation lacks."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                connection.execute(understood(statement).encode())
        available = connection.execute("select from pg_available_extensions where name = 'file_fdw'").fetchone()
        if available is not None:
            connection.execute(EXTENSIONS.encode())


@pytest.fixture(scope="module")
def debian_server() -> Iterator[str]:
    """The DSN of a PostgreSQL 15 from Debian's binaries; skipped where they are not installed."""
    with Debian.or_skip()() as running:
        fill(running.dsn())
        yield running.dsn("reader", "reader")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """The embedded server with the schema."""
    with Postgres() as running:
        fill(running.dsn())
        yield running


@pytest.fixture(scope="module", params=["embedded", "debian"])
def dsn(request: pytest.FixtureRequest) -> str:
    """Our least-privileged reader's DSN on each version of the server."""
    if request.param == "debian":
        found: str = request.getfixturevalue("debian_server")
        return found
    running: Postgres = request.getfixturevalue("server")
    return running.dsn("reader", "reader")


@pytest.fixture(scope="module")
def catalog(dsn: str) -> Catalog:
    """The snapshot that a role without any special privilege gets."""
    with connect(dsn, timeout=5, application_name="prodcheck/snap") as session:
        return snapshot(session)


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    """The answer to a hand-written query."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_it_says_where_it_was_taken(catalog: Catalog) -> None:
    """Database, role, version, path and settings."""
    assert (catalog.database, catalog.user, catalog.in_recovery) == ("postgres", "reader", False)
    assert catalog.version // 10000 in (15, version())
    assert catalog.search_path == ("pg_catalog", "public")
    assert catalog.settings["max_connections"] == "60"
    assert catalog.settings["default_transaction_read_only"] == "off"
    assert catalog.connections["prodcheck/snap"] == 1
    assert catalog.role_connections["reader"] >= 1
    assert catalog.database_settings == {"work_mem": "5MB"}


def test_relations_are_those_of_pg_class(catalog: Catalog, dsn: str) -> None:
    """Every table, view, sequence and so on outside the system schemas, with owner and RLS flags."""
    by_hand = rows(
        dsn,
        """select schemaname || '.' || tablename, tableowner, rowsecurity from pg_tables
        where schemaname in ('shop', 'hidden', 'public') order by 1""",
    )
    tables = [one for one in catalog.relations.values() if one.kind in "rp"]
    assert sorted((one.qualified, one.owner, one.rls_enabled) for one in tables) == by_hand
    kinds = {name: catalog.relations[f"shop.{name}"].kind for name in ("events", "plain", "stored", "numbers")}
    assert kinds == {"events": "p", "plain": "v", "stored": "m", "numbers": "S"}
    assert catalog.relations["shop.users"].rls_forced


def test_columns_and_keys_are_complete(catalog: Catalog, dsn: str) -> None:
    """Names, types with their modifiers, NOT NULL; primary, unique and foreign keys."""
    users, tasks = catalog.relations["shop.users"], catalog.relations["shop.tasks"]
    assert users.columns == (
        Column("id", "integer", False),
        Column("email", "character varying(40)", False),
        Column("mood", "shop.mood", True),
        Column("tags", "text[]", True),
    )
    assert [key.kind for key in users.keys] == ["u", "p"]
    foreign = next(key for key in tasks.keys if key.kind == "f")
    assert foreign.definition == "FOREIGN KEY (user_id) REFERENCES shop.users(id)"
    number = sum(len(one.columns) for one in catalog.relations.values())
    expected = rows(
        dsn,
        """select count(*) from pg_attribute a join pg_class c on c.oid = attrelid where attnum > 0
        and not attisdropped and relkind in ('r', 'p', 'v', 'm', 'f') and relnamespace::regnamespace::text
        in ('shop', 'hidden', 'public')""",
    )
    assert [(number,)] == expected


def test_policies_are_those_of_pg_policies(catalog: Catalog, dsn: str) -> None:
    """Deparsed as PostgreSQL does it, with what their sub-queries read."""
    by_hand = rows(
        dsn, "select policyname, permissive, roles::text[], cmd, qual, with_check from pg_policies order by 1"
    )
    found = catalog.relations["shop.tasks"].policies
    assert [
        (p.name, "PERMISSIVE" if p.permissive else "RESTRICTIVE", list(p.roles), p.command, p.using, p.check)
        for p in found
    ] == by_hand
    assert [policy.reads for policy in found] == [(), ("shop.users",)]


def test_privileges_are_those_of_the_reader(catalog: Catalog) -> None:
    """What has_table_privilege and the schema's USAGE say, grants on single columns included."""
    readable = {name for name, one in catalog.relations.items() if one.readable}
    assert readable == {"shop.tasks", "shop.users"}
    assert "reader=r/owner_group" in catalog.relations["shop.tasks"].acl
    assert catalog.relations["shop.users"].column_acl == ("reader=r/postgres",)
    assert catalog.schemas["shop"].owner == "owner_group"
    assert "reader=U/owner_group" in catalog.schemas["shop"].acl


def test_roles_know_what_they_inherit(catalog: Catalog) -> None:
    """Membership is transitive; NOINHERIT keeps it from being a privilege."""
    assert catalog.roles["app"].inherits == ("owner_group",)
    assert catalog.roles["ends"].member_of == ("app", "owner_group")
    assert (catalog.roles["member"].member_of, catalog.roles["member"].inherits) == (("owner_group",), ())
    assert catalog.roles["ends"].valid_until == "2030-01-02T03:04:05Z"
    assert catalog.roles["ends"].connection_limit == 7
    assert not catalog.roles["owner_group"].login
    assert catalog.roles["postgres"].superuser
    assert catalog.roles["app"].settings == {"search_path": "shop, public", "app.kind": "x=y"}


def test_views_and_partitions_know_what_they_stand_for(catalog: Catalog) -> None:
    """What a view reads, as whom, and whose partition a table is."""
    needs(15)
    assert catalog.relations["shop.plain"].reads == ("shop.tasks",)
    assert not catalog.relations["shop.plain"].security_invoker
    assert catalog.relations["shop.invoked"].security_invoker
    assert catalog.relations["shop.events_2026"].parent == "shop.events"
    assert catalog.relations["shop.events"].parent == ""


def test_code_of_users_is_known(catalog: Catalog) -> None:
    """Functions with their worst volatility, operators, and types whose cast runs a function of a user."""
    assert catalog.functions["shop.touch"] == "v+d"
    assert catalog.functions["shop.pure"] == "s"
    assert catalog.operators == {"###"}
    assert catalog.casts == (Cast("shop.mood", "pg_catalog.int4", "shop.mood_number", True),)
    whole = {"checked", "over_checked", "span", "inside", "deep", "casts", "plain_inside"}
    assert catalog.types == {f"shop.{sign}{name}" for name in whole for sign in ("", "_")}


def test_reading_that_acts_is_known(catalog: Catalog) -> None:
    """Views that call users' or acting functions, at any depth; stored rows and harmless functions are none."""
    hazards = {
        name.removeprefix("shop."): [hazard.text for hazard in one.hazards]
        for name, one in catalog.relations.items()
        if one.hazards
    }
    local = {name: found for name, found in hazards.items() if name not in ("remote", "far", "parent")}
    assert local == {
        "acts": ["uses the function shop.touch, which is VOLATILE and SECURITY DEFINER"],
        "over_acts": ["uses the function shop.touch, which is VOLATILE and SECURITY DEFINER"],
        "casts": ["casts to the type shop.checked, whose input or constraint is a user function"],
        "texts": ["uses the function pg_catalog.table_to_xml, which is STABLE"],
        "locks": ["uses the function pg_catalog.pg_try_advisory_lock, which is VOLATILE"],
    }


def test_foreign_tables_are_hazards_of_what_reads_them(catalog: Catalog) -> None:
    """Views over a foreign table, and tables whose child it is."""
    if "shop.remote" not in catalog.relations:
        pytest.skip("this installation has no file_fdw")
    for name in ("remote", "far", "parent"):
        assert catalog.relations[f"shop.{name}"].hazards == (Hazard("reads the foreign table shop.remote"),)


def test_no_statement_of_ours_is_compiled() -> None:
    """Catalog queries look dear to the planner: with `jit`, on by default, most of their time was the compiler's."""
    settings = {"shared_preload_libraries": "pg_stat_statements", "jit": "on", "jit_above_cost": "0"}
    with Debian.or_skip()(settings) as running, psycopg.connect(running.dsn(), autocommit=True) as admin:
        admin.execute("create extension pg_stat_statements; select count(*) from pg_class")
        compiled = "select coalesce(sum(jit_functions), 0)::int from pg_stat_statements"
        assert admin.execute(compiled).fetchone() != (0,)
        admin.execute("set jit = off; select pg_stat_statements_reset()")
        with connect(running.dsn(), timeout=5, application_name="prodcheck/snap") as session:
            snapshot_with_contract(session, timeout=30)
        assert admin.execute(compiled).fetchone() == (0,)


def test_the_snapshot_is_one_round_trip(server: Postgres) -> None:
    """Counted on the wire: one message and one answer after the log-in."""
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        address = f"host=127.0.0.1 port={port} user=reader password=reader dbname=postgres"
        with connect(address, timeout=5, application_name="prodcheck/wire") as session:
            relay.turns.clear()
            found = snapshot(session)
            assert relay.turns == [b"Q"]
    assert "shop.tasks" in found.relations


def test_it_leaves_no_transaction_behind(server: Postgres) -> None:
    """Rolled back; the session can be asked again."""
    with connect(server.dsn("reader", "reader"), timeout=5, application_name="prodcheck/x") as session:
        snapshot(session)
        assert session.info.transaction_status.name == "IDLE"
        assert session.execute("show statement_timeout").fetchone() == ("0",)


def test_a_server_that_freezes_ends_the_snapshot_in_time(server: Postgres) -> None:
    """The client's own deadline closes the socket."""
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        address = f"host=127.0.0.1 port={port} user=reader password=reader dbname=postgres"
        session = connect(address, timeout=5, application_name="prodcheck/wire")
        relay.frozen.set()
        with pytest.raises(TargetError) as caught:
            snapshot(session, timeout=0.4)
    assert caught.value.code == "timeout"
    assert session.closed


def test_a_lock_on_the_catalog_is_an_error_with_its_sqlstate(server: Postgres) -> None:
    """Somebody holds ACCESS EXCLUSIVE on pg_policy: the lock timeout says so."""
    with psycopg.connect(server.dsn()) as holder:
        holder.execute("lock table pg_policy in access exclusive mode")
        session = connect(server.dsn("reader", "reader"), timeout=5, application_name="prodcheck/x")
        with pytest.raises(TargetError) as caught:
            snapshot(session, timeout=0.6)
        assert session.closed
    assert caught.value.code in ("55P03", "57014", "timeout")
