"""The lint over schemas of a real PostgreSQL: one server, one snapshot, a schema a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from postgres_servers import needs, understood, version

from pytest_prodcheck.config.lint_rules import RULES
from pytest_prodcheck.config.models import DatabaseTarget, Lint, Rls
from pytest_prodcheck.criteria import lint
from pytest_prodcheck.criteria.rls import rls
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.lint_facts import LintFacts, Rows
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot

ROLES = """
create role owners; create role member; create role anon; create role service; create role passer bypassrls;
create role reader login password 'x';
"""
TABLE = """
create table {s}.goals(id int primary key, owner text not null, title text); alter table {s}.goals owner to owners;
grant usage on schema {s} to member, anon, service, passer, owners;
grant select, insert on {s}.goals to member, service, passer;
"""
ON = TABLE + "alter table {s}.goals enable row level security;"
MINE = "owner = (select current_setting('app.user', true))"
RIGHT = ON + f"create policy own on {{s}}.goals to member using ({MINE});"
INNER = "create view {s}.inner_view as select * from {s}.goals;"
DEFINER = "create function {s}.all_goals() returns setof {s}.goals language sql security definer"
PATH = "set search_path = ''"

Case = tuple[str, list[str], str]
"""Statements, the rules that must be broken, and words of the first message."""
VARIANTS: Mapping[str, Case] = {
    "own rows": (RIGHT, [], ""),
    "own rows, forced": (RIGHT + "alter table {s}.goals force row level security;", [], ""),
    "a view as its caller": (
        RIGHT
        + "create view {s}.v with (security_invoker) as select * from {s}.goals; grant select on {s}.v to member;",
        [],
        "",
    ),
    "wide for a trusted role": (RIGHT + "create policy every on {s}.goals to service using (true);", [], ""),
    "a table that nobody may read": ("create table {s}.inside(id int primary key);", [], ""),
    "a definer's function with a path, for nobody": (
        RIGHT
        + f"{DEFINER} {PATH} as 'select * from {{s}}.goals'; revoke execute on function {{s}}.all_goals from public;",
        [],
        "",
    ),
    "a restrictive policy beside a permissive one": (
        RIGHT + "create policy narrow on {s}.goals as restrictive to member using (title is not null);",
        [],
        "",
    ),
    "permissive policies for different commands": (
        ON + f"create policy r on {{s}}.goals for select to member using ({MINE});"
        f"create policy w on {{s}}.goals for insert to member with check ({MINE});",
        [],
        "",
    ),
    "policies and no RLS": (
        RIGHT + "alter table {s}.goals disable row level security;",
        ["0007"],
        "policies exist on {s}.goals but RLS is off",
    ),
    "no RLS, no policy": (TABLE, ["0013"], "RLS is off on {s}.goals, which member, passer may read"),
    "no policy": (ON, ["0008"], "RLS is on without a policy on {s}.goals"),
    "always true for writing": (
        RIGHT.replace(f"using ({MINE})", f"for select using ({MINE})").replace(
            "own on {s}.goals to member for select", "own on {s}.goals for select to member"
        )
        + "create policy w on {s}.goals for insert to member with check (true);",
        ["0024"],
        "policy w on {s}.goals is always true for INSERT: WITH CHECK (true)",
    ),
    "always true through a function": (
        ON
        + """create function {s}.allowed() returns bool language sql stable as 'select true';
        create policy f on {s}.goals to member using ((select {s}.allowed()));""",
        ["0011", "0024"],
        "has no search_path of its own",
    ),
    "always true through a function in standard SQL": (
        ON
        + """create function {s}.allowed() returns bool language sql stable set search_path = '' return 1 = 1;
        create policy f on {s}.goals to member using ((select {s}.allowed()));""",
        ["0024"],
        "{s}.allowed gives true whatever it is asked",
    ),
    "a function that decides": (
        ON
        + """create function {s}.allowed() returns bool language sql stable set search_path = ''
         as 'select current_user = ''member''';
        create policy f on {s}.goals to member using ((select {s}.allowed()));""",
        [],
        "",
    ),
    "policies OR-ed": (
        RIGHT + "create policy shared on {s}.goals for select to member using (title like 'shared%');",
        ["0006"],
        "permissive policies own, shared on {s}.goals are OR-ed for SELECT by member",
    ),
    "policies OR-ed by one for everybody": (
        RIGHT + "create policy all_of_us on {s}.goals for select using (title like 'shared%');",
        ["0006"],
        "OR-ed for SELECT by member",
    ),
    "a setting for each row": (
        ON + "create policy own on {s}.goals to member using (owner = current_setting('app.user', true));",
        ["0003"],
        "policy own on {s}.goals calls current_setting() for each row",
    ),
    "a function for each row": (
        ON
        + """create function {s}.me() returns text language sql stable set search_path = '' as 'select ''a''';
        create policy own on {s}.goals to member using (owner = {s}.me());""",
        ["0003"],
        "calls me() for each row",
    ),
    "a function of the row": (
        ON
        + """create function {s}.mine(text) returns bool language sql stable set search_path = ''
         as 'select $1 = ''a''';
        create policy own on {s}.goals to member using ({s}.mine(owner));""",
        [],
        "",
    ),
    "a volatile function of ours": (
        ON
        + """create function {s}.me() returns text language sql volatile set search_path = '' as 'select ''a''';
        create policy own on {s}.goals to member using (owner = (select {s}.me()));""",
        ["P001"],
        "calls {s}.me, which is VOLATILE",
    ),
    "a volatile function of PostgreSQL's": (
        ON + "create policy chance on {s}.goals to member using (random() < 0.5 and owner is not null);",
        ["P001"],
        "calls random, which is VOLATILE",
    ),
    "claims that users may change": (
        ON
        + """create policy meta on {s}.goals to member
        using ((select current_setting('jwt', true)::jsonb -> 'user_metadata' ->> 'role') = 'admin');""",
        ["0015"],
        "trusts user_metadata",
    ),
    "a view as its owner": (
        RIGHT + "create view {s}.v as select * from {s}.goals; grant select on {s}.v to member;",
        ["0010"],
        "view {s}.v reads {s}.goals as its owner postgres, not as member",
    ),
    "a view over a view as its owner": (
        RIGHT + INNER + "create view {s}.v as select * from {s}.inner_view; grant select on {s}.v to member;",
        ["0010"],
        "view {s}.v reads {s}.goals",
    ),
    "a materialised view": (
        RIGHT + "create materialized view {s}.m as select * from {s}.goals; grant select on {s}.m to member;",
        ["0016"],
        "materialised view {s}.m can have no policy",
    ),
    "a definer's function for everybody": (
        RIGHT + f"{DEFINER} {PATH} as 'select * from {{s}}.goals';",
        ["0028", "0029"],
        "anon may call {s}.all_goals(), which runs as its owner postgres",
    ),
    "a definer's function without a path": (
        RIGHT + f"{DEFINER} as 'select * from {{s}}.goals'; revoke execute on function {{s}}.all_goals from public;",
        ["0011"],
        "SECURITY DEFINER function {s}.all_goals() has no search_path of its own",
    ),
    "a trigger's function": (
        RIGHT
        + f"""create function {{s}}.touched() returns trigger language plpgsql security definer {PATH} as
        'begin return new; end';""",
        [],
        "",
    ),
    "secrets on a table without RLS": (
        "create table {s}.people(id int primary key, password_hash text); grant usage on schema {s} to member;"
        "grant select on {s}.people to member;",
        ["0013", "0023"],
        "RLS is off on {s}.people",
    ),
    "a secret by a grant on its column": (
        "create table {s}.people(id int primary key, ssn text); grant usage on schema {s} to anon;"
        "grant select (ssn) on {s}.people to anon;",
        ["0013", "0023"],
        "RLS is off on {s}.people, which anon may read",
    ),
    "other columns by grants": (
        "create table {s}.people(id int primary key, ssn text); grant usage on schema {s} to anon;"
        "grant select (id) on {s}.people to anon;",
        ["0013"],
        "which anon may read",
    ),
    "a foreign key without an index": (
        "create table {s}.a(id int primary key); create table {s}.b(id int primary key, a_id int references {s}.a);",
        ["0001"],
        "foreign key b_a_id_fkey of {s}.b (a_id) has no index: every delete in {s}.a reads all of it",
    ),
    "a foreign key with an index": (
        "create table {s}.a(id int primary key); create table {s}.b(id int primary key, a_id int references {s}.a);"
        "create index on {s}.b (a_id, id);",
        [],
        "",
    ),
    "a foreign key with a partial index": (
        "create table {s}.a(id int primary key); create table {s}.b(id int primary key, a_id int references {s}.a);"
        "create index on {s}.b (a_id) where id > 5;",
        ["0001"],
        "(a_id) has no index",
    ),
    "no primary key": ("create table {s}.log(line text);", ["0004"], "table {s}.log has no primary key"),
    "the same index twice": (
        "create table {s}.a(id int primary key, x int); create index one on {s}.a (x); create index two on {s}.a (x);",
        ["0009"],
        "indexes one, two of {s}.a are the same",
    ),
    "a type that pg_upgrade refuses": (
        "create table {s}.a(id int primary key, f regproc);",
        ["0018"],
        "{s}.a (f) has a reg* type",
    ),
}


STANDARD_SQL = "set search_path = '' return "
"""A function's body that is no string (PostgreSQL 14)."""


def schema_of(name: str) -> str:
    """The schema of one case."""
    return f"v{list(VARIANTS).index(name)}"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A database with a schema for each case."""
    with Postgres() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(ROLES.encode())
            for name, (statements, _, _) in VARIANTS.items():
                if STANDARD_SQL in statements and version() < 14:
                    continue
                schema = schema_of(name)
                connection.execute(f"create schema {schema}; {understood(statements)}".replace("{s}", schema).encode())
        yield server


@pytest.fixture(scope="module")
def catalog(server: Postgres) -> Catalog:
    """One snapshot of all."""
    with connect(server.dsn("reader", "x"), timeout=30, application_name="prodcheck/l") as session:
        return snapshot(session, lint=True)


def test_a_lock_keeps_only_its_table_from_being_judged(server: Postgres, catalog: Catalog) -> None:
    """The others are linted all the same, in time; nothing is said of indexes that could not be read (R15)."""
    schema = schema_of("a foreign key without an index")
    with psycopg.connect(server.dsn()) as connection:
        connection.execute(f"lock table {schema}.b in access exclusive mode".encode())
        with connect(server.dsn("reader", "x"), timeout=30, application_name="prodcheck/l") as session:
            held = snapshot(session, lint=True, timeout=8.0)
    assert held.locked == {f"{schema}.b"}
    assert judged(held, schema) == []
    assert [one.data["rule"] for one in judged(held, schema_of("the same index twice"))] == ["0009"]
    assert held.lint is not None
    assert catalog.lint is not None
    assert len(held.lint.indexes) == len(catalog.lint.indexes) - 1


def judged(catalog: Catalog, schema: str, trusted: tuple[str, ...] = ("service",), **settings: Any) -> list[Finding]:
    """The findings about one schema."""
    chosen = {"schemas": (schema,), "roles": ("member", "anon", "service", "passer"), "info": "warning", **settings}
    table = DatabaseTarget(dsn="x", rls=Rls(tables=("a",), trusted=trusted), lint=Lint(**chosen))
    found = lint.findings(catalog, table, (), "database")
    return [one for one in found if one.subject.startswith((f"{schema}.", *(settings.get("roles") or ())))]


@pytest.mark.parametrize("name", VARIANTS)
def test_each_schema_breaks_exactly_its_rules(catalog: Catalog, name: str) -> None:
    """The rule, the thing, the words and what to do; right schemas stay green (A24, A32, C19)."""
    statements, rules, words = VARIANTS[name]
    needs(15, "security_invoker", where=statements)
    needs(14, STANDARD_SQL, where=statements)
    schema = schema_of(name)
    found = judged(catalog, schema)
    assert [one.data["rule"] for one in found] == rules
    if found:
        assert words.replace("{s}", schema) in found[0].message
        assert found[0].message.endswith(f"({rules[0]} {RULES[rules[0]]})")
        assert all(one.remedy and one.subject.startswith(f"{schema}.") for one in found)


@pytest.mark.parametrize(
    ("role", "words"),
    [("passer", "role passer has BYPASSRLS"), ("owners", "role owners owns {s}.goals: RLS is bypassed")],
)
def test_roles_for_which_no_policy_holds(catalog: Catalog, role: str, words: str) -> None:
    """BYPASSRLS, and owners without FORCE (A24)."""
    schema = schema_of("own rows")
    found = judged(catalog, schema, roles=(role,), ignore=["0006"])
    assert [(one.data["rule"], one.severity, one.code) for one in found] == [("P002", "error", "database.rls.bypassed")]
    assert words.replace("{s}", schema) in found[0].message


def test_force_binds_the_owner(catalog: Catalog) -> None:
    """An owner for whom the policies hold is like anybody (A24)."""
    assert judged(catalog, schema_of("own rows, forced"), roles=("owners",)) == []


def test_a_function_that_gives_true_is_red_in_the_contract_too(catalog: Catalog) -> None:
    """`test_rls` sees through it without any lint: it is a leak (A24)."""
    needs(14)
    for name in ("always true through a function", "always true through a function in standard SQL"):
        schema = schema_of(name)
        found = rls(catalog, Rls(tables=(f"{schema}.goals",)), ("member",), "database")
        assert [one.code for one in found] == ["database.rls.policy_too_wide"]
        assert f"{schema}.allowed gives true whatever it is asked" in found[0].message
    right = rls(catalog, Rls(tables=(f"{schema_of('a function that decides')}.goals",)), ("member",), "database")
    assert right == []


def test_levels_are_severities(catalog: Catalog) -> None:
    """ERROR is an error, WARN a warning; INFO is mentioned, or a warning where `info` says so."""
    schema = schema_of("no primary key")
    table = DatabaseTarget(dsn="x", lint=Lint(schemas=(schema,)))
    assert judged(catalog, schema, info="mention") == []
    said = [line for line in lint.mentions(catalog, table, (), "database") if "0004" in line]
    assert said == [f"database: lint 0004 no_primary_key: table {schema}.log has no primary key"]
    assert [one.severity for one in judged(catalog, schema)] == ["warning"]
    assert [one.severity for one in judged(catalog, schema_of("policies and no RLS"))] == ["error"]
    assert [one.severity for one in judged(catalog, schema_of("policies OR-ed"))] == ["warning"]


@pytest.mark.parametrize("entry", ["0009", "duplicate_index", "0009:{s}.a", "duplicate_index:{s}.a"])
def test_a_rule_can_be_ignored(catalog: Catalog, entry: str) -> None:
    """By number or by name, for everything or for one thing."""
    schema = schema_of("the same index twice")
    assert judged(catalog, schema, ignore=[entry.replace("{s}", schema)]) == []
    assert judged(catalog, schema, ignore=["0009:public.other"])


def test_what_is_public_on_purpose_is_not_judged(catalog: Catalog) -> None:
    """`rls.public` names it."""
    schema = schema_of("no RLS, no policy")
    table = DatabaseTarget(
        dsn="x",
        rls=Rls(tables=("a",), public=(f"{schema}.goals",)),
        lint=Lint(schemas=(schema,), roles=("member",), ignore=["0011"]),
    )
    assert lint.findings(catalog, table, (), "database") == []


def test_many_of_one_rule_are_ten_findings(catalog: Catalog) -> None:
    """The tenth says how many more there are."""
    schemas = tuple(schema_of(name) for name in VARIANTS)
    table = DatabaseTarget(dsn="x", lint=Lint(schemas=schemas, roles=("passer",)))
    found = [one for one in lint.findings(catalog, table, (), "database") if one.data["rule"] == "0013"]
    assert len(found) <= 10
    manifold = replace(
        catalog,
        relations={
            f"{schemas[0]}.t{n}": replace(catalog.relations[f"{schema_of('no RLS, no policy')}.goals"], name=f"t{n}")
            for n in range(25)
        },
    )
    found = [one for one in lint.findings(manifold, table, (), "database") if one.data["rule"] == "0013"]
    assert len(found) == 10
    assert "and 15 more of rule 0013" in found[-1].message


DAYS = 86_400.0


@pytest.mark.parametrize(
    ("days", "live", "dead", "rules"),
    [
        (2.0, 20_000, 0, ["0005"]),
        (0.5, 20_000, 0, []),
        (2.0, 9_000, 0, []),
        (0.5, 20_000, 30_000, ["0020"]),
        (0.5, 20_000, 5_000, []),
        (0.5, 100, 5_000, []),
    ],
)
def test_statistics_speak_of_large_tables_after_a_day(
    catalog: Catalog, days: float, live: int, dead: int, rules: list[str]
) -> None:
    """Unused indexes and dead rows, with the safeguards of T7 (T7)."""
    schema = schema_of("a foreign key with an index")
    facts = catalog.lint or LintFacts()
    seen = replace(facts, rows=(Rows(f"{schema}.b", live, dead),), counted_for_s=days * DAYS)
    found = judged(replace(catalog, lint=seen), schema)
    assert [one.data["rule"] for one in found] == rules


def test_extensions(catalog: Catalog) -> None:
    """In an exposed schema (0014), and older than the server's files (0022)."""
    from pytest_prodcheck.observe.lint_facts import Extension

    facts = catalog.lint or LintFacts()
    assert any(one.name == "plpgsql" and one.installed == one.available for one in facts.extensions)
    seen = replace(catalog, lint=replace(facts, extensions=(Extension("pgcrypto", "v0", "1.3", "1.4"),)))
    found = judged(seen, "v0")
    assert [one.data["rule"] for one in found] == ["0014", "0022"]
    assert "extension pgcrypto is 1.3, the server has 1.4" in found[1].message


def test_a_rule_is_judged_or_not_listed(catalog: Catalog) -> None:
    """Every rule that can be ignored is one that is judged."""
    assert {rule.number for rule in lint.JUDGED} == set(RULES)


def test_the_lint_costs_no_round_trip_where_it_is_not_declared(catalog: Catalog) -> None:
    """What only the lint asks is asked for it alone."""
    assert catalog.lint is not None
    assert Catalog("d", "u", 1, ()).lint is None
