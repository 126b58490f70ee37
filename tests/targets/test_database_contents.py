"""Declared rows, relations and plans on a real PostgreSQL: bounded, guarded, and honest about what is hidden."""

# ruff: noqa: E501  (a row of a table is one line)
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from filled_postgres import filled
from postgres_servers import needs, understood

from pytest_prodcheck.config.models import DatabaseTarget
from pytest_prodcheck.criteria import contents, query_plan
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.targets.database.prober import DatabaseProber

SETUP = """
create role reader login password 'reader';
create table projects(id int primary key); create table tasks(id int primary key, project_id int, metadata_ jsonb);
insert into projects select generate_series(1, 5);
insert into tasks select n, case when n <= 3 then null when n <= 10 then 99 else n % 5 + 1 end,
 jsonb_build_object('user_id', n::text) from generate_series(1, 5000) n;
create index tasks_user on tasks ((metadata_->>'user_id')); create index tasks_project on tasks (project_id);
create table empty(id int); create table hidden(id int, project_id int); alter table hidden enable row level security;
create table seen(id int, project_id int); alter table seen enable row level security;
create policy all_rows on seen for select to reader using (true); insert into seen values (1, 77);
create view hidden_view with (security_invoker) as select id from hidden;
create table part(id int); alter table part enable row level security; insert into part select generate_series(1, 9);
create policy few on part for select to reader using (id < 4);
create schema archive; grant usage on schema archive to reader; create table archive.copied(id int);
insert into archive.copied values (1); create table copied(id int);
alter role reader set search_path = archive, public;
create table locked(id int); insert into hidden values (1, 1);
create index small on projects (id); analyze;
grant select on all tables in schema public, archive to reader; revoke all on locked from reader;
"""
INDEXED = "select count(*) from tasks where metadata_->>'user_id' = '7'"
WHOLE = "select count(*) from tasks where metadata_->>'user_id' like '%7'"


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    """Our reader's DSN of a server with rows that point to nothing."""
    with filled(understood(SETUP)) as running:
        yield running.dsn("reader", "reader")


@pytest.fixture(scope="module")
def target(dsn: str) -> DatabaseTarget:
    """What is declared of it."""
    return DatabaseTarget.model_validate({
        "dsn": dsn,
        "rows": {
            "tasks": "> 0", "projects": 5, "public.empty": "> 0", "public.tasks": "< 100", "tusks": 1,
            "hidden": "> 0", "locked": "> 0", "seen": 1, "public.hidden": 0, "public.part": "<= 3", "part": ">= 3",
            "hidden_view": "< 1", "copied": "> 0",
        },
        "relations": {
            "tasks.project_id": "projects.id", "tasks.id": "tasks.id", "public.tasks.projct_id": "projects.id",
            "hidden.project_id": "projects.id", "seen.project_id": "projects.id", "tusks.id": "projects.id",
        },
        "queries": {
            "by_user": {"sql": INDEXED, "explain": {"index": "tasks_user", "cost": "< 100"}},
            "whole": {"sql": WHOLE, "explain": {"index": "tasks_user"}},
            "dear": {"sql": WHOLE, "explain": {"cost": "< 10"}, "severity": "warning"},
            "small": {"sql": "select * from projects where id > 0", "explain": {"index": "small"}},
            "writes": {"sql": "delete from tasks", "explain": {"index": "tasks_user"}},
            "analyses": {"sql": "analyze select 1", "explain": {"cost": "< 10"}},
            "broken": {"sql": "select nothing from tasks", "explain": {"cost": "< 10"}},
        },
    })  # fmt: skip


@pytest.fixture(scope="module")
def prober(target: DatabaseTarget) -> DatabaseProber:
    """The prober, ready."""
    made = DatabaseProber("database", target, "run", lambda _: {})
    assert made.ready().facts["catalog"]
    return made


def facts(prober: DatabaseProber, function: str, subject: str) -> dict[str, Any]:
    """The evidence of one check."""
    return dict(prober.probe(function, subject, "", 1).facts)


def rows(prober: DatabaseProber, table: str) -> list[Finding]:
    """The findings about a table's rows."""
    seen = facts(prober, "test_rows", table)
    return contents.rows(table, prober.table.rows[table], seen.get("answer"), seen["catalog"], "database")


def relations(prober: DatabaseProber, column: str) -> list[Finding]:
    """The findings about a relation."""
    seen, other = facts(prober, "test_relations", column), prober.table.relations[column]
    return contents.relations(column, other, seen.get("answer"), seen["catalog"], "database")


def plan(prober: DatabaseProber, name: str) -> list[Finding]:
    """The findings about a plan."""
    query = prober.table.queries[name]
    return query_plan.plan(query, facts(prober, "test_plan", name)["answer"], "database", name, 0.0)


def assert_finding(findings: list[Finding], code: str, severity: str, words: str) -> None:
    """There is this one finding, and no other."""
    (found,) = findings
    assert (found.code, found.severity) == (code, severity)
    assert words in found.message


@pytest.mark.parametrize("table", ["tasks", "projects", "seen", "part"])
def test_rows_that_are_there_are_green(prober: DatabaseProber, table: str) -> None:
    """A comparison, a number, a table whose policy shows all to our reader (A37)."""
    assert rows(prober, table) == []


@pytest.mark.parametrize(
    ("table", "code", "severity", "words"),
    [
        ("public.empty", "database.data.seed_missing", "error", "public.empty holds 0 rows, promised > 0"),
        ("public.tasks", "database.query.unexpected", "error", "public.tasks holds more than 100 rows, promised < 100"),
        ("copied", "database.data.seed_missing", "error", "public.copied holds 0 rows, promised > 0"),
        ("tusks", "database.schema.table_missing", "error", "public.tusks is missing; similar: tasks"),
        ("hidden", "database.health.not_visible", "insufficient", "policies of public.hidden hide rows from reader"),
        (
            "public.hidden",
            "database.health.not_visible",
            "insufficient",
            "public.hidden shows 0 rows, promised 0; policies",
        ),
        (
            "public.part",
            "database.health.not_visible",
            "insufficient",
            "public.part shows 3 rows, promised <= 3; policies",
        ),
        (
            "hidden_view",
            "database.health.not_visible",
            "insufficient",
            "public.hidden_view shows 0 rows, promised < 1; policies",
        ),
        ("locked", "database.privilege.missing", "error", "permission denied for table locked"),
    ],
)
def test_rows_that_are_not_there(prober: DatabaseProber, table: str, code: str, severity: str, words: str) -> None:
    """Empty, too many (counted no further than the promise), missing, hidden, forbidden (A37, E16)."""
    needs(15, "hidden_view", where=table)
    assert_finding(rows(prober, table), code, severity, words)


@pytest.mark.parametrize(
    ("column", "code", "severity", "words"),
    [
        ("tasks.project_id", "database.data.orphans", "error", "7 rows of tasks.project_id point to nothing in projects.id"),
        ("seen.project_id", "database.data.orphans", "error", "1 rows of seen.project_id point to nothing"),
        ("hidden.project_id", "database.health.not_visible", "insufficient", "hidden.project_id was judged in part"),
        ("public.tasks.projct_id", "database.schema.column_missing", "error", "column projct_id is missing in public.tasks"),
        ("tusks.id", "database.schema.table_missing", "error", "public.tusks is missing"),
    ],
)  # fmt: skip
def test_rows_that_point_to_nothing(prober: DatabaseProber, column: str, code: str, severity: str, words: str) -> None:
    """Orphans of a relation without a foreign key; NULL points nowhere and is none (A35, A37, B33)."""
    assert_finding(relations(prober, column), code, severity, words)


def test_a_relation_that_holds_is_green(prober: DatabaseProber) -> None:
    """Every row has its counterpart."""
    assert relations(prober, "tasks.id") == []


def test_a_plan_that_is_as_promised_is_green(prober: DatabaseProber) -> None:
    """The expression index is used, and the cost is below its limit (C44, E19)."""
    assert plan(prober, "by_user") == []


@pytest.mark.parametrize(
    ("name", "code", "severity", "words"),
    [
        ("whole", "database.query.plan", "error", "its plan does not use tasks_user; Seq Scan over tasks (about"),
        ("dear", "database.query.plan", "warning", "promised < 10; Seq Scan over tasks"),
        ("small", "database.query.plan", "insufficient", "too small a table to tell"),
        ("writes", "unknown", "error", "refused"),  # diagnosis names it: database.query.refused
        ("analyses", "unknown", "error", "refused"),  # diagnosis names it: database.query.refused
        ("broken", "database.schema.column_missing", "error", 'column "nothing" does not exist'),
    ],
)
def test_a_plan_that_is_not(prober: DatabaseProber, name: str, code: str, severity: str, words: str) -> None:
    """Without the index, too dear, too small to tell; EXPLAIN of a write is refused (C44, E19, T7)."""
    assert_finding(plan(prober, name), code, severity, words)
