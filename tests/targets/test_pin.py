"""`prodcheck pin` writes what the gate holds a database to; `prodcheck diff` compares two (A33, A41, B32, C14, E15)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pytest_prodcheck import cli
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.demo.stack import Stack

SCHEMA = """
create role member; create role reader login password 'reader-pass-4711';
create table tenants (id uuid primary key, name text not null);
create table tasks (id bigint primary key, tenant_id uuid not null references tenants, hook text default 'Bearer
 abcdefghijklmnopqrstuvwxyz012345');
create index tasks_tenant on tasks (tenant_id);
alter table tasks enable row level security;
create policy tasks_own on tasks to member using (tenant_id is null or tenant_id = current_setting('app.tenant')::uuid);
grant select on tasks to member;
insert into tenants values ('11111111-1111-4111-8111-111111111111', 'Row data of a tenant');
"""
CONFIG = """
[env.staging.database]
dsn = "env:STAGING_DSN"
contract = "contracts/database.toml"
[env.production.database]
dsn = "env:PRODUCTION_DSN"
[env.away.database]
dsn = "postgresql://reader@127.0.0.1:1/staging"
contract = "contracts/away.toml"
[env.http.http]
url = "https://a.test"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One server with two databases of the same schema."""
    with Postgres() as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute("create database staging")
        change(running, SCHEMA)
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute("create database production template staging")
        yield running


def change(server: Postgres, statements: str, database: str = "staging") -> None:
    """Runs statements as the superuser."""
    with psycopg.connect(server.dsn(database=database), autocommit=True) as connection:
        connection.execute(statements.encode())


@pytest.fixture
def project(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a configuration; the DSNs are in the environment."""
    (tmp_path / "prodcheck.toml").write_text(CONFIG)
    for name in ("staging", "production"):
        monkeypatch.setenv(f"{name.upper()}_DSN", server.dsn("reader", "reader-pass-4711", name))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gate(project: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and verdict of a gate in a process of its own."""
    command = [sys.executable, "-m", "pytest", "--prodcheck=staging", f"--prodcheck-report={project}", *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run([*command, "-p", "no:cacheprovider"], cwd=project, env=kept, capture_output=True, timeout=60)
    return done.returncode, json.loads((project / "verdict.json").read_text("utf-8"))


def test_pinned_is_green_and_changed_is_red(
    project: Path, server: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pin, gate: green. A migration is undone: red, the line says what it breaks, and the cause is named (A33, E15)."""
    assert cli.main(["pin", "staging"]) == 0
    assert "wrote       contracts/database.toml (database): 2 tables and views" in capsys.readouterr().out
    status, verdict = gate(project)
    assert (status, verdict["verdict"]) == (0, "pass")
    assert "prodcheck.toml::database::test_contract" in [check["id"] for check in verdict["checks"]]
    change(server, "alter table tasks alter column tenant_id drop not null; drop index tasks_tenant")
    try:
        status, verdict = gate(project, "-n", "2")
        messages = [finding["message"] for check in verdict["checks"] for finding in check["findings"]]
        assert (status, [cause["code"] for cause in verdict["causes"]]) == (
            1,
            ["database.schema.column_changed", "database.index.missing"],
        )
        assert messages[0] == (
            "tasks.tenant_id: promised uuid not null, found uuid null — rows without tenant are visible to every "
            "tenant (policy tasks_own lets member read them)"
        )
        assert cli.main(["pin", "staging", "--dry-run"]) == 0
        told = capsys.readouterr().out
        assert "-tenant_id = 'uuid not null'\n+tenant_id = 'uuid'" in told
        assert "breaking    tasks.tenant_id: promised uuid not null, found uuid null" in told
        assert "tenant_id = 'uuid not null'" in (project / "contracts/database.toml").read_text()
    finally:
        change(server, "alter table tasks alter column tenant_id set not null")
        change(server, "create index tasks_tenant on tasks (tenant_id)")


def test_pinning_twice_gives_the_same_bytes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also from another database of the same schema; nothing of rows, passwords or literals that look like one."""
    assert cli.main(["pin", "staging", "--only", "database"]) == 0
    first = (project / "contracts/database.toml").read_bytes()
    assert cli.main(["pin", "staging"]) == 0
    assert "unchanged   contracts/database.toml" in capsys.readouterr().out
    assert (project / "contracts/database.toml").read_bytes() == first
    for secret in (b"reader-pass-4711", b"Row data", b"abcdefghijklmnop"):
        assert secret not in first
    (project / "prodcheck.toml").write_text(CONFIG.replace("STAGING_DSN", "PRODUCTION_DSN"))
    assert cli.main(["pin", "staging"]) == 0
    assert (project / "contracts/database.toml").read_bytes() == first


def test_two_environments_are_compared(project: Path, server: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    """The same: 0. A column less in production: 1, in the gate's own words (A33)."""
    assert cli.main(["diff", "staging", "production"]) == 0
    assert "database: production compared with staging: no difference" in capsys.readouterr().out
    change(server, "alter table tasks drop column hook", "production")
    assert cli.main(["diff", "staging", "production"]) == 1
    assert "  breaking    tasks.hook: promised text default " in capsys.readouterr().out
    assert cli.main(["diff", "production", "staging"]) == 0
    assert "  harmless    tasks.hook: promised no such column" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["pin", "http"], 4, "http declares no contract; example: [env.NAME.database] contract ="),
        (["pin", "staging", "--only", "graphql"], 4, "--only graphql: no target with a contract; known: database"),
        (["pin", "nowhere"], 4, "unknown environment nowhere"),
        (["pin", "away"], 1, "NOT PINNED  database: database.tcp.refused"),
        (["diff", "staging", "http"], 4, "staging and http have no database or graphql target in common"),
        (["diff", "staging", "away"], 1, "database: away could not be read: database.tcp.refused"),
        (["doctor", "staging", "--offline"], 4, "prodcheck.toml:4: database.contract: contracts/database.toml does not "
                                                "exist; next: prodcheck pin staging"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, says: str
) -> None:
    """Usage is 4, what could not be read 1; no traceback, and no file is touched (B32)."""
    assert cli.main(arguments) == status
    told = capsys.readouterr()
    assert says in told.out + told.err
    assert not (project / "contracts").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format = 1\npostgresql = 17\n[tables.'a.b'\n", "contracts/database.toml:3: not TOML: "),
        ("format = 1\npostgresql = 17\n<<<<<<< HEAD\n", "contracts/database.toml:3: not TOML: "),
        ("\nformat = 2\npostgresql = 17\n", "contracts/database.toml:2: format: written by a newer version (format 2; "
                                            "this one reads 1): upgrade pytest-prodcheck"),
        ("a = 1\n", "contracts/database.toml:1: format: no contract of a database: expected format = 1"),
        ("format = 1\npostgresql = '17'\n", "contracts/database.toml:2: postgresql: expected the server's major"),
        ("format = 1\n\npostgresqle = 17\n", "contracts/database.toml:3: postgresqle: unknown section; known: ext"),
        ("format = 1\npostgresql = 17\n[tabels]\n", "contracts/database.toml:3: tabels: unknown section; known: ext"),
        ("format = 1\npostgresql = 17\n[tables.'a.b']\nrsl = 'on'\n",
         "contracts/database.toml:4: tables.'a.b'.rsl: unknown key; known: check_option, "),
        ("format = 1\npostgresql = 17\n[tables.'a.b']\nrls = 'yes'\n",
         "contracts/database.toml:4: tables.'a.b'.rls: must be one of off, on, forced"),
        ("format = 1\npostgresql = 17\n[tables.'a.b'.columns]\nid = 1\n",
         "contracts/database.toml:4: tables.'a.b'.columns.id: must be a table"),
        ("format = 1\npostgresql = 17\n[tables.'a.b'.policies]\nown = { using = 'true' }\n",
         "contracts/database.toml:4: tables.'a.b'.policies.own: command is missing"),
        ("format = 1\npostgresql = 17\n[functions.'a.f()']\nsecurity_definer = 'yes'\n",
         "contracts/database.toml:4: functions.'a.f()'.security_definer: must be true or false"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_a_usage_error(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    """`file:line` and what is wrong, before anything is sent (C14); `pin` replaces such a file."""
    (project / "contracts").mkdir()
    (project / "contracts/database.toml").write_text(text)
    assert cli.main(["doctor", "staging", "--offline"]) == 4
    assert says in capsys.readouterr().err


def test_a_file_that_cannot_be_read_stops_the_gate(project: Path) -> None:
    """Exit status 4 of the gate, too; nothing was sent."""
    (project / "contracts").mkdir()
    (project / "contracts/database.toml").write_text("format = 9\npostgresql = 17\n")
    status, verdict = gate(project)
    assert (status, verdict["verdict"], verdict.get("checks")) == (4, "unfinished", None)
    assert cli.main(["pin", "staging"]) == 0
    assert "format = 1\n" in (project / "contracts/database.toml").read_text()


def test_a_schema_that_holds_a_secret_is_not_pinned(
    project: Path, server: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value of the configuration that stands in the schema is in no file, and in no output."""
    change(server, "create view told as select 'reader-pass-4711'::text as password")
    try:
        assert cli.main(["pin", "staging"]) == 1
    finally:
        change(server, "drop view told")
    told = capsys.readouterr().out
    assert "NOT PINNED  database: it holds the value of env:STAGING_DSN" in told
    assert "reader-pass-4711" not in told
    assert not (project / "contracts").exists()


def test_a_graphql_schema_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By introspection, sorted; a second time the same bytes; a change is shown before it is written (A41)."""
    with Stack.start() as stack:
        known = stack.addresses
        (tmp_path / "prodcheck.toml").write_text(
            f"[env.staging.graphql]\nurl = '{known['graphql_url']}'\ntls = {{ ca = '{known['ca']}' }}\n"
            "schema = 'contracts/schema.graphql'\nheaders = { x-hasura-admin-secret = 'env:ADMIN_SECRET' }\n"
        )
        monkeypatch.setenv("ADMIN_SECRET", known["admin_secret"])
        monkeypatch.chdir(tmp_path)
        assert cli.main(["doctor", "staging", "--offline"]) == 4
        assert "does not exist; next: prodcheck pin staging" in capsys.readouterr().err
        assert cli.main(["pin", "staging"]) == 0
        sdl = (tmp_path / "contracts/schema.graphql").read_text()
        assert cli.main(["pin", "staging"]) == 0
        assert "unchanged   contracts/schema.graphql (graphql)" in capsys.readouterr().out
        assert cli.main(["diff", "staging", "staging"]) == 0
        more = re.sub(r"^(type query_root \{)$", r"\1\n  gone: Int", sdl, flags=re.MULTILINE)
        (tmp_path / "contracts/schema.graphql").write_text(more)
        assert cli.main(["pin", "staging"]) == 0
        assert "query_root.gone was removed." in capsys.readouterr().out
    assert sdl.startswith("# The schema that graphql serves: pinned by `prodcheck pin staging`")
    assert (tmp_path / "contracts/schema.graphql").read_text() == sdl


def test_a_red_run_opens_the_migrations_and_the_contract_apart(server: Postgres, project: Path) -> None:
    """Alembic's table is what the next command opens; what drifted is not told as a finding of the migrations."""
    versions = project / "alembic"
    versions.mkdir()
    for own, before in (("a1", None), ("b2", "a1")):
        (versions / f"{own}.py").write_text(f"revision = {own!r}\ndown_revision = {before!r}\n")
    declared = 'contract = "contracts/database.toml"\n'
    with_folder = CONFIG.replace(declared, declared + 'migrations = { tool = "alembic", directory = "alembic" }\n', 1)
    (project / "prodcheck.toml").write_text(with_folder)
    change(server, "create table alembic_version (version_num text primary key); "
                   "insert into alembic_version values ('a1'); grant select on alembic_version to reader")  # fmt: skip
    try:
        assert cli.main(["pin", "staging"]) == 0
        change(server, "alter table alembic_version add column note text not null default ''; "
                       "alter table alembic_version alter note drop default")  # fmt: skip
        status, verdict = gate(project)
    finally:
        change(server, "drop table alembic_version")
    (cause,) = verdict["causes"]
    assert (status, cause["code"]) == (1, "database.migration.pending")
    assert cause["next"].endswith("-c 'select * from public.alembic_version'")
    assert [line for line in cause["evidence"] if line.startswith("alembic_version.note: promised no such column")]
