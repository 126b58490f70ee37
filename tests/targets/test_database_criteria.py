"""The database criteria over catalogs of a real PostgreSQL: what is wrong is found, what is right stays green.

Rows of the runbooks: (A24, A34, A36, C14).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from filled_postgres import filled
from postgres_servers import needs

from pytest_prodcheck.config.models import Rls
from pytest_prodcheck.criteria.identity import identity
from pytest_prodcheck.criteria.rls import rls
from pytest_prodcheck.criteria.schema_tables import schema_tables
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot

FALSE_GREENS = yaml.safe_load((Path(__file__).parent / "test_database_false_greens.yaml").read_text())
ROLES = """
create role owners; create role app login password 'x'; create role service login password 'x';
create role anon; create role bypasser login bypassrls password 'x'; create role chief superuser login password 'x';
create role heir login password 'x' in role owners; create role distant login noinherit password 'x';
grant owners to distant; create role reader login password 'x';
"""
GOALS = """
create table goals(id int primary key, owner text, title text); alter table goals owner to owners;
grant select, insert, update, delete on goals to app, anon, service; grant select on goals to reader;
"""
ENABLED = GOALS + "alter table goals enable row level security;"
OWN = "(owner = current_setting('app.user', true))"
RIGHT = ENABLED + f"create policy own on goals using {OWN};"

Snapshot = Callable[..., Catalog]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server with the roles."""
    with filled(ROLES) as running:
        yield running


@pytest.fixture
def catalog_of(server: Postgres) -> Snapshot:
    """The catalog of a new database after some SQL, as a role sees it; `settings` hold for that role's sessions."""
    numbers = itertools.count()

    def take(statements: str, user: str = "reader", name: str = "") -> Catalog:
        needs(15, "security_invoker", where=statements)
        database = name or f"case{next(numbers)}_{abs(hash(statements))}"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"drop database if exists {database}".encode())
            connection.execute(f"create database {database}".encode())
        with psycopg.connect(server.dsn("chief", "x", database), autocommit=True) as connection:
            connection.execute(statements.replace("DATABASE", database).encode())
        with connect(server.dsn(user, "x", database), timeout=5, application_name="prodcheck/c") as session:
            return snapshot(session)

    return take


def brief(findings: list[Finding]) -> list[tuple[str, str]]:
    """Last word of the code, and severity."""
    return [(finding.code.removeprefix("database."), finding.severity) for finding in findings]


def judged(catalog: Catalog, app: tuple[str, ...] = ("app",), **promised: Any) -> list[Finding]:
    """The `rls` findings for the table goals."""
    return rls(catalog, Rls(**{"tables": ("goals",), **promised}), app, "database")


GREEN = {
    "own rows": RIGHT,
    "forced for its owner": RIGHT + "alter table goals force row level security;",
    "wide and narrowed by a restrictive policy": ENABLED
    + f"create policy wide on goals using (true); create policy narrow on goals as restrictive using {OWN};",
    "wide for a trusted role": RIGHT + "create policy all_rows on goals to service using (true);",
    "false for some": RIGHT + "create policy never on goals for delete using (false);",
    "role-gated by a function": RIGHT + "create policy named on goals for select using (current_user = 'anon');",
    "reads another table": RIGHT
    + """create table members(who text); alter table members enable row level security;
    create policy m on members using (who = current_user);
    create policy team on goals using (exists (select 1 from members where who = owner));""",
    "an unreadable neighbour": RIGHT + "create table internal(id int);",
    "a neighbour of a migration tool": RIGHT
    + "create table alembic_version(version_num text); grant select on alembic_version to app;",
    "a view as its caller": RIGHT
    + "create view mine with (security_invoker = on) as select * from goals; grant select on mine to app;",
    "a view that nobody may read": RIGHT + "create view mine as select * from goals;",
    "a view over a table without RLS": RIGHT
    + "create table countries(c text); create view v as select * from countries; grant select on v to app;",
    "a view of an ordinary role": RIGHT
    + "create view v as select * from goals; alter view v owner to app; grant select on v to anon;",
    "a partition that is read by its parent": RIGHT.replace("id int primary key", "id int").replace(
        "title text)", "title text) partition by list (owner)"
    )
    + "create table goals_a partition of goals for values in ('a');",
}


@pytest.mark.parametrize("setup", GREEN.values(), ids=GREEN.keys())
def test_policies_that_hold_are_green(catalog_of: Snapshot, setup: str) -> None:
    """No finding and no warning where each role sees what its policies say."""
    assert judged(catalog_of(setup), trusted=("service",)) == []


RED = {
    "no RLS, no policy": (GOALS, "rls.disabled", "there is no policy"),
    "policies and no RLS": (
        RIGHT + "alter table goals disable row level security;",
        "rls.disabled",
        "policies exist on goals but RLS is off",
    ),
    "no policy": (ENABLED, "rls.policy_missing", "nobody sees a row"),
    "restrictive policies only": (
        ENABLED + f"create policy p on goals as restrictive using {OWN};",
        "rls.policy_missing",
        "lets rows through",
    ),
    "a policy without an expression": (
        ENABLED + "create policy p on goals for select;",
        "rls.policy_missing",
        "RLS is on",
    ),
    "USING (true)": (ENABLED + "create policy p on goals using (true);", "rls.policy_too_wide", "USING (true)"),
    "USING (1 = 1)": (
        ENABLED + "create policy p on goals for select using (1 = 1);",
        "rls.policy_too_wide",
        "for SELECT",
    ),
    "OR true": (RIGHT + f"create policy q on goals using ({OWN} or true);", "rls.policy_too_wide", "policy q on goals"),
    "WITH CHECK (true)": (
        RIGHT + "create policy q on goals for insert with check (true);",
        "rls.policy_too_wide",
        "WITH CHECK (true)",
    ),
    "a wide check beside a right USING": (
        ENABLED + f"create policy q on goals for update using {OWN} with check (owner = owner);",
        "rls.policy_too_wide",
        "WITH CHECK",
    ),
    "wide for a trusted role and another": (
        RIGHT + "create policy q on goals to service, anon using (true);",
        "rls.policy_too_wide",
        "by service, anon",
    ),
    "wide, narrowed for another command": (
        ENABLED
        + f"create policy w on goals using (true); create policy n on goals as restrictive for delete using {OWN};",
        "rls.policy_too_wide",
        "policy w",
    ),
    "wide, narrowed by what is always true": (
        ENABLED + "create policy w on goals using (true); create policy n on goals as restrictive using (2 > 1);",
        "rls.policy_too_wide",
        "policy w",
    ),
    "a policy that reads its own table": (
        ENABLED + "create policy p on goals using (exists (select 1 from goals g where g.owner = current_user));",
        "rls.policy_recursion",
        "42P17",
    ),
    "policies that read each other's table": (
        ENABLED
        + """create table members(who text); alter table members enable row level security;
        create policy m on members using (exists (select 1 from goals where owner = who));
        create policy p on goals using (exists (select 1 from members where who = owner));""",
        "rls.policy_recursion",
        "public.members",
    ),
    "a table that is not there": (RIGHT.replace("goals", "goal"), "schema.table_missing", "similar: goal"),
}


@pytest.mark.parametrize(("setup", "code", "words"), RED.values(), ids=RED.keys())
def test_policies_that_do_not_hold_are_red(catalog_of: Snapshot, setup: str, code: str, words: str) -> None:
    """One finding, with the cause code, the table and the words of what is wrong."""
    found = judged(catalog_of(setup), trusted=("service",))
    assert brief(found) == [(code, "error")]
    assert words in found[0].message
    assert found[0].data["table"] == "public.goals"


@pytest.mark.parametrize("name", ["a policy that reads its own table", "policies that read each other's table"])
def test_recursion_is_what_the_server_calls_so(catalog_of: Snapshot, server: Postgres, name: str) -> None:
    """The statements that we call recursive fail with 42P17 for the application."""
    catalog = catalog_of(RED[name][0])
    with (
        psycopg.connect(server.dsn("app", "x", catalog.database)) as connection,
        pytest.raises(psycopg.Error) as caught,
    ):
        connection.execute("select * from goals")
    assert caught.value.sqlstate == "42P17"


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("owners", "role owners owns the table"),
        ("heir", "role heir is a member of owners"),
        ("bypasser", "role bypasser has BYPASSRLS"),
        ("chief", "role chief is a superuser"),
    ],
)
def test_roles_for_which_no_policy_holds_are_red(catalog_of: Snapshot, role: str, words: str) -> None:
    """Owners without FORCE, members who inherit from them, BYPASSRLS, superusers."""
    found = judged(catalog_of(RIGHT), (role,))
    assert brief(found) == [("rls.bypassed", "error")]
    assert words in found[0].message
    assert found[0].data["role"] == role


@pytest.mark.parametrize("role", ["app", "distant"])
def test_roles_for_which_policies_hold_are_green(catalog_of: Snapshot, role: str) -> None:
    """A member without inheritance is not the owner."""
    assert judged(catalog_of(RIGHT), (role,)) == []


@pytest.mark.parametrize("role", ["owners", "heir"])
def test_force_binds_the_owner(catalog_of: Snapshot, role: str) -> None:
    """FORCE ROW LEVEL SECURITY makes the policies hold for the owner too."""
    assert judged(catalog_of(RIGHT + "alter table goals force row level security;"), (role,)) == []


def test_without_logins_the_reader_itself_is_judged(catalog_of: Snapshot) -> None:
    """Then it is the role by which the proof is run."""
    found = judged(catalog_of(RIGHT, "bypasser"), ())
    assert brief(found) == [("rls.bypassed", "error")]
    assert judged(catalog_of(RIGHT), ()) == []


def test_declared_roles_are_judged_and_must_exist(catalog_of: Snapshot) -> None:
    """`rls.roles` are taken by SET LOCAL ROLE."""
    found = judged(catalog_of(RIGHT), roles={"anonymous": "bypasser", "member": "gone"})
    assert brief(found) == [("rls.bypassed", "error"), ("auth.role_missing", "error")]


WARNED = {
    "an undeclared table": (
        RIGHT + "create table notes(t text); grant select on notes to app;",
        "rls.disabled",
        "notes",
    ),
    "a granted column": (
        RIGHT + "create table notes(t text, u text); grant select(t) on notes to app;",
        "rls.disabled",
        "readable by app",
    ),
    "a grant to everybody": (
        RIGHT + "create table notes(t text); grant select on notes to public;",
        "rls.disabled",
        "not",
    ),
    "a partition that is read directly": (
        RIGHT.replace("id int primary key", "id int").replace("title text)", "title text) partition by list (owner)")
        + "create table goals_a partition of goals for values in ('a'); grant select on goals_a to app;",
        "rls.disabled",
        "partition public.goals_a",
    ),
    "a view as its owner": (
        RIGHT + "create view v as select * from goals; grant select on v to app;",
        "rls.bypassed",
        "reads public.goals as its owner chief",
    ),
    "a view over a view": (
        RIGHT
        + """create view inner_view as select * from goals;
        create view v with (security_invoker = off) as select * from inner_view; grant select on v to app;""",
        "rls.bypassed",
        "view public.v",
    ),
    "a materialised view": (
        RIGHT + "create materialized view v as select * from goals; grant select on v to app;",
        "rls.bypassed",
        "holds rows of public.goals",
    ),
}


@pytest.mark.parametrize(("setup", "code", "words"), WARNED.values(), ids=WARNED.keys())
def test_ways_around_the_policies_are_warnings(catalog_of: Snapshot, setup: str, code: str, words: str) -> None:
    """What an app role can read beside the declared tables makes the run degraded, unless it is declared public."""
    catalog = catalog_of(setup)
    found = judged(catalog)
    assert brief(found) == [(code, "warning")]
    assert words in found[0].message
    assert judged(catalog, public=(str(found[0].data["table"]),)) == []


def test_the_owners_column_must_exist(catalog_of: Snapshot) -> None:
    """`rls.owner` names it, for all tables or for one."""
    catalog = catalog_of(RIGHT)
    assert judged(catalog, owner="owner") == []
    found = judged(catalog, owner={"goals": "user_id"})
    assert brief(found) == [("schema.column_missing", "error")]
    assert found[0].data["column"] == "user_id"


def test_tables_that_are_there_are_green(catalog_of: Snapshot) -> None:
    """Tables, views and qualified names."""
    catalog = catalog_of(
        RIGHT + "create schema shop; grant usage on schema shop to reader; create view shop.v as select 1 as one;"
        "grant select on shop.v to reader;"
    )
    assert schema_tables(catalog, ["goals", "public.goals", "shop.v"], "database") == []
    assert schema_tables(catalog, ["goals", "public.goals"], "database", ["app"]) == []


@pytest.mark.parametrize(
    ("setup", "name", "code", "words"),
    [
        (GOALS, "goal", "schema.table_missing", "public.goal is missing; similar: goals"),
        (GOALS, "nothing_like_it", "schema.table_missing", "public.nothing_like_it is missing"),
        ("create sequence goals;", "goals", "schema.table_missing", "is a sequence, not a table"),
        ("create schema archive; create table archive.goals();", "goals", "schema.search_path", "archive.goals exists"),
        (
            "create schema archive; create table archive.goals();",
            "public.goals",
            "schema.table_missing",
            "archive.goals",
        ),
        ("create table goals();", "goals", "privilege.missing", "cannot be judged"),
        (
            "create schema shop; create table shop.goals(); grant select on shop.goals to reader;",
            "shop.goals",
            "privilege.missing",
            "role reader has no privilege",
        ),
    ],
)
def test_tables_that_are_not_there_are_red(catalog_of: Snapshot, setup: str, name: str, code: str, words: str) -> None:
    """Missing, misplaced and unreadable are different causes."""
    found = schema_tables(catalog_of(setup), [name], "database")
    assert brief(found) == [(code, "error")]
    assert words in found[0].message


def test_the_applications_role_needs_privileges_of_its_own(catalog_of: Snapshot) -> None:
    """fault-table-no-grant: our reader sees the table, the application does not."""
    catalog = catalog_of(GOALS + "revoke all on goals from app;")
    found = schema_tables(catalog, ["goals"], "database", ["app", "service"])
    assert brief(found) == [("privilege.missing", "error")]
    assert found[0].data["role"] == "app"


def test_the_applications_search_path_must_lead_there(catalog_of: Snapshot) -> None:
    """fault-table-other-schema: ALTER ROLE … SET search_path hides public from the application."""
    catalog = catalog_of(
        GOALS + "create schema archive; grant usage on schema archive to app;"
        "alter role app in database DATABASE set search_path = archive;"
    )
    found = schema_tables(catalog, ["goals"], "database", ["app"])
    assert brief(found) == [("schema.search_path", "error")]
    assert "search_path of app is archive: public is not found by it" in found[0].message
    assert schema_tables(catalog, ["public.goals"], "database", ["app"]) == []


def test_a_database_that_lives_in_another_schema_is_green(catalog_of: Snapshot) -> None:
    """An unqualified name means `public` only where that is in use."""
    setup = """create schema shop; create table shop.goals(); grant usage on schema shop to reader, app;
    grant select on shop.goals to reader, app; alter database DATABASE set search_path = shop;"""
    assert schema_tables(catalog_of(setup), ["goals"], "database", ["app"]) == []


def _search_path(take: Snapshot) -> list[Finding]:
    catalog = take(
        """create schema archive; create table archive.goals(id int); create table users(id int);
        grant usage on schema archive to reader; grant select on all tables in schema archive, public to reader;
        alter role reader in database DATABASE set search_path = archive, public;"""
    )
    return schema_tables(catalog, ["goals"], "database")


SCENARIOS: dict[str, Callable[[Snapshot], list[Finding]]] = {
    "fg-db-wrong-environment": lambda take: identity(take(RIGHT, name="production"), "staging", "database"),
    "fg-db-rls-owner": lambda take: judged(take(RIGHT.replace("owner to owners", "owner to app"))),
    "fg-db-rls-bypass": lambda take: judged(take(RIGHT), ("bypasser",)),
    "fg-db-no-privilege-empty": lambda take: schema_tables(take("create table goals();"), ["goals"], "database"),
    "fg-db-search-path": _search_path,
}
GISTS = {
    "fg-db-wrong-environment": ("database identity is production", "staging"),
    "fg-db-rls-owner": ("owns the table", "RLS is bypassed"),
    "fg-db-rls-bypass": ("has BYPASSRLS", "void", "all users are visible"),
    "fg-db-no-privilege-empty": ("goals exists", "no privilege", "42501", "cannot be judged"),
    "fg-db-search-path": ("public.goals is missing; the name resolves to archive.goals",),
}


@pytest.mark.parametrize("case", FALSE_GREENS, ids=lambda case: case["id"])
def test_a_false_green_of_the_corpus_is_red(catalog_of: Snapshot, case: dict[str, Any]) -> None:
    """What a naive gate passes is one error, with the corpus's message."""
    found = SCENARIOS[case["id"]](catalog_of)
    assert [finding.severity for finding in found] == ["error"]
    assert all(gist in found[0].message for gist in GISTS[case["id"]])
