"""Whole gates of a database that refuses our reader: one root, its remedy, and nothing that stands in a row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from filled_postgres import filled

from pytest_prodcheck.demo.postgres import Postgres

SCHEMA = """
create role reader login password 'reader-pass-4711';
create schema app; create table app.alembic_version(version_num text); insert into app.alembic_version values ('1');
create table app.tasks(id int); grant select on all tables in schema app to reader;
alter role reader set search_path = app, public;
create schema tool; create table tool.atlas_schema_revisions(version text);
create table public.goals(id int, title text); insert into public.goals values (1, 'Maja''s goal');
create table public.alembic_version(version_num text); insert into public.alembic_version values ('1');
alter table public.goals enable row level security; create policy few on public.goals using (id = 1);
alter table public.alembic_version enable row level security;
create policy few on public.alembic_version using (version_num <> '');
create function public.shout() returns int language plpgsql stable as
 $$ begin raise exception '%', (select title from public.goals); end $$;
grant select on public.goals, public.alembic_version to reader;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Tables in a schema that our reader may not use, and tables under row-level security."""
    with filled(SCHEMA) as running:
        yield running


def gate(server: Postgres, folder: Path, *keys: str) -> tuple[dict[str, Any], str]:
    """The verdict of a gate whose `database` table has these further keys, and all that it printed or wrote."""
    table = "\n".join(('dsn = "env:READER_DSN"', *keys))
    (folder / "prodcheck.toml").write_text(f"[env.staging.database]\n{table}\n", "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment = {**kept, "READER_DSN": server.dsn("reader", "reader-pass-4711")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--prodcheck=staging", "-vv"]
    command += ["--prodcheck-report=.", "--junitxml=junit.xml"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    written = "".join((folder / name).read_text("utf-8") for name in ("verdict.json", "junit.xml"))
    return json.loads((folder / "verdict.json").read_text("utf-8")), done.stdout + done.stderr + written


def causes(verdict: dict[str, Any]) -> list[str]:
    """The codes of the roots."""
    return [cause["code"] for cause in verdict["causes"]]


@pytest.mark.parametrize("tables", ['tables = ["app.tasks"]', ""])
def test_a_schema_that_our_reader_may_not_use_is_one_root(server: Postgres, tmp_path: Path, tables: str) -> None:
    """Its tables, the migrations' record in it, and a name that is not found (42P01): one GRANT (R13)."""
    verdict, _ = gate(
        server, tmp_path, tables, 'migrations = { tool = "alembic", table = "app.alembic_version", head = "1" }',
        'queries.tasks = { sql = "select count(*) from tasks", expect = 0 }',
    )  # fmt: skip
    assert causes(verdict) == ["database.privilege.missing"]
    (cause,) = verdict["causes"]
    assert "app" in cause["message"]
    assert "reader is yours to run" in cause["remedy"]
    assert "[redacted" not in cause["remedy"] + cause["next"]


def test_a_record_that_cannot_be_read_explains_no_missing_table(server: Postgres, tmp_path: Path) -> None:
    """What our reader may not read says nothing of a table that is not there."""
    verdict, _ = gate(
        server, tmp_path, 'migrations = { tool = "alembic", table = "app.alembic_version", head = "1" }',
        'queries.tusks = { sql = "select count(*) from tusks", expect = 0 }',
    )  # fmt: skip
    assert sorted(causes(verdict)) == ["database.migration.unreadable", "database.schema.table_missing"]
    unreadable = next(cause for cause in verdict["causes"] if cause["code"].endswith("unreadable"))
    assert unreadable["remedy"].startswith("GRANT USAGE ON SCHEMA app TO reader; ")


@pytest.mark.parametrize("where", ["role reader", "database postgres"])
def test_row_security_off_is_named_as_the_setting(server: Postgres, tmp_path: Path, where: str) -> None:
    """42501 where no privilege is missing: queries, counts and the migrations' record have one root and its remedy."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"alter {where} set row_security = off".encode())
        try:
            verdict, _ = gate(
                server, tmp_path, 'rows."public.goals" = "> 0"',
                'migrations = { tool = "alembic", table = "public.alembic_version", head = "1" }',
                'queries.goals = { sql = "select count(*) from public.goals", expect = 1 }',
            )  # fmt: skip
        finally:
            connection.execute(f"alter {where} reset row_security".encode())
    assert causes(verdict) == ["database.rls.setting_off"]
    (cause,) = verdict["causes"]
    assert "row_security = off is set for reader" in cause["message"]
    assert cause["remedy"] == (
        "ALTER ROLE reader RESET row_security is yours to run; or ALTER DATABASE postgres RESET row_security"
    )
    assert cause["next"].endswith(r"-U reader -d postgres -c '\drds'")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select title::int from public.goals", "22P02 invalid_text_representation"),
        ("select id, title::json from public.goals", "22P02 invalid_text_representation"),
        ("select title::timestamptz from public.goals", "22007 invalid_datetime_format"),
        ("select split_part(title, chr(39), 1)::regclass from public.goals", "42P01 undefined_table"),
        ("select public.shout()", "P0001 raise_exception"),
        ("select id from public.goals where id = 'Maja''s goal'", "22P02 invalid_text_representation at character 40"),
    ],
)
def test_a_failing_query_tells_no_value_of_a_row(server: Postgres, tmp_path: Path, sql: str, says: str) -> None:
    """The server quotes what it could not take: code, condition and place are told, and in no output the row."""
    verdict, said = gate(
        server, tmp_path, "functions = ['public.shout']", f'queries.goals = {{ sql = "{sql}", severity = "error" }}'
    )
    (finding,) = (one for check in verdict["checks"] for one in check["findings"])
    assert f"query goals failed: {says}" in finding["message"]
    assert "maja" not in said.replace("Maja''s goal'", "").lower()
