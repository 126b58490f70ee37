"""Migrations of 21 tools: what a real PostgreSQL says against what the repository holds (A33, B32, C12, C13)."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import postgres_peers as peers
import psycopg
import pytest
import yaml
from filled_postgres import filled

from pytest_prodcheck.config.migrations import folder
from pytest_prodcheck.config.migrations.names import ToolName
from pytest_prodcheck.criteria.migrations import migrations, missing, seen_whole
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.migrations import Ledger
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.migrations import ledger, located
from pytest_prodcheck.targets.database.snapshot import snapshot

TOOLS: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "test_database_migrations.yaml").read_text("utf-8"))
CASES = [(tool, name) for tool, row in TOOLS.items() for name in row["cases"]]
CLEAN = """drop owned by builder cascade; grant create on database postgres to builder;
grant all on schema public to builder; set role builder; alter default privileges grant select on tables to reader"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One server; each case begins with an empty database."""
    with filled("create role reader login password 'reader'; create role builder") as running:
        yield running


def checksum(kind: str, name: str, files: Mapping[str, str]) -> str:
    """What the tool itself would write, computed without the project's own functions."""
    content = files[name].encode()
    if kind == "crc32":
        value = zlib.crc32(content.replace(b"\n", b""))
        return str(value if value < 2**31 else value - 2**32)
    if kind == "atlas":
        before = sorted(other for other in files if other.endswith(".sql") and other <= name)
        text = b"".join(other.encode() + files[other].encode() for other in before)
        return base64.b64encode(hashlib.sha256(text).digest()).decode()
    return hashlib.new(kind, content).hexdigest()


def fill(server: Postgres, statements: str) -> None:
    """Empties the database and runs these statements; the reader may read what they make, unless they say no."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"{CLEAN}; {statements}".encode())


def read(server: Postgres, tool: str, table: str = "") -> Ledger:
    """The ledger as the gate reads it."""
    with connect(server.dsn("reader", "reader"), timeout=5, application_name="prodcheck/m") as session:
        catalog: Catalog = snapshot(session)
        found = located(catalog, tool, table)
        return found if isinstance(found, Ledger) else ledger(session, found, catalog, timeout=5)


def written(tmp_path: Path, files: Mapping[str, str]) -> Path:
    """The repository's folder."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def judged(server: Postgres, tool: str, name: str, tmp_path: Path) -> list[Finding]:
    """The findings of one case."""
    row = TOOLS[tool]
    case = row["cases"][name]
    files = {**row["files"], **case.get("files", {})}
    text = ";".join(part for part in (row["table"], row.get("rows", ""), case["sql"]) if part)
    statements = re.sub(r"\{(\w+):([^}\s]+)\}", lambda found: checksum(found[1], found[2], files), text)
    promised = case.get("head") or folder.read(written(tmp_path, files), tool)
    fill(server, statements)
    return migrations(read(server, tool), tool, promised, "database")


@pytest.mark.parametrize(("tool", "name"), CASES)
def test_the_state_is_named_with_its_revision(server: Postgres, tool: str, name: str, tmp_path: Path) -> None:
    """Exactly the expected codes, each with the words that name the revision (A33, B32, C12, C13, E14, T19, T21)."""
    findings = judged(server, tool, name, tmp_path)
    says = TOOLS[tool]["cases"][name]["says"]
    assert [one.code.removeprefix("database.migration.") for one in findings] == list(says)
    for finding, words in zip(findings, says.values(), strict=True):
        assert str(words) in finding.message
        assert finding.severity == ("insufficient" if finding.code.endswith("unreadable") else "error")
        assert finding.remedy or finding.code.endswith("ahead")
        assert "maja" not in str(finding.data.get("detail", finding.message)) or tool == "liquibase"


@pytest.mark.parametrize("tool", sorted(set(TOOLS) - {"liquibase"}))
def test_what_a_missing_migration_says_can_be_read(server: Postgres, tool: str, tmp_path: Path) -> None:
    """Each missing one has the text of its files, so that a difference of the contract can name it (R12); Liquibase
    keeps many in one file."""
    row = TOOLS[tool]
    case = row["cases"]["behind"]
    files = {**row["files"], **case.get("files", {})}
    judged(server, tool, "behind", tmp_path)
    names = missing(read(server, tool), tool, folder.read(written(tmp_path, files), tool))
    texts = folder.texts(tmp_path, tool, names)
    assert names
    assert list(texts) == [name for name in names if name in texts]
    assert set(texts) == set(names)
    assert set(texts.values()) <= set(files.values())


def test_every_tool_has_its_cases() -> None:
    """Clean and behind for each, and what the tool knows beyond: failed, dirty, locked, edited, branched or ahead."""
    assert set(TOOLS) == set(ToolName.__args__)  # type: ignore[attr-defined]
    for tool, row in TOOLS.items():
        names = set(row["cases"])
        assert {"clean", "behind"} <= names, tool
        assert names & {"failed", "dirty", "locked", "edited", "branched", "ahead"}, tool


def test_a_lock_of_prisma_is_seen_and_no_failure_is_made_of_it(server: Postgres, tmp_path: Path) -> None:
    """The advisory lock 72707369 is held: what has not finished may still be running."""
    row = TOOLS["prisma"]
    insert = "insert into _prisma_migrations(id, checksum, migration_name) values ('2', 'x', '20260811_tenant')"
    fill(server, f"{row['table']};{insert}")
    files = folder.read(written(tmp_path, row["files"]), "prisma")
    with psycopg.connect(server.dsn(), application_name="migrator") as holder:
        holder.execute("select pg_advisory_lock(72707369)")
        (found,) = migrations(read(server, "prisma"), "prisma", files, "database")
    assert found.code == "database.migration.locked"
    assert "(migrator)" in found.message
    assert "20260811_tenant is under way or stuck" in found.message


def test_the_table_may_be_elsewhere(server: Postgres) -> None:
    """`table` names it; two of one name and none in the search path are no guess."""
    fill(
        server,
        "create schema a; create schema b; grant usage on schema a, b to reader;"
        "create table a.alembic_version(version_num text); create table b.alembic_version(version_num text);"
        "insert into b.alembic_version values ('2b')",
    )
    (finding,) = migrations(read(server, "alembic"), "alembic", ["2b"], "database")
    assert (finding.code, finding.severity) == ("database.migration.unreadable", "insufficient")
    assert "a.alembic_version and b.alembic_version are there" in finding.message
    assert [one.id for one in read(server, "alembic", "b.alembic_version").entries] == ["2b"]


def test_the_state_is_one_round_trip(server: Postgres) -> None:
    """Counted on the wire: one message after the catalog was read, the tool's lock included (A33)."""
    fill(server, TOOLS["liquibase"]["table"])
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        address = f"host=127.0.0.1 port={port} user=reader password=reader dbname=postgres"
        with connect(address, timeout=5, application_name="prodcheck/wire") as session:
            catalog = snapshot(session)
            found = located(catalog, "liquibase")
            relay.turns.clear()
            assert not isinstance(found, Ledger)
            assert ledger(session, found, catalog, timeout=5).table == "public.databasechangelog"
            assert relay.turns == [b"Q"]


def test_a_locked_table_is_said(server: Postgres) -> None:
    """Somebody alters the table right now: the lock timeout ends our waiting, and nothing is taken for green."""
    fill(server, TOOLS["alembic"]["table"])
    with psycopg.connect(server.dsn()) as holder:
        holder.execute("lock table alembic_version in access exclusive mode")
        with connect(server.dsn("reader", "reader"), timeout=5, application_name="prodcheck/m") as session:
            catalog = snapshot(session)
            found = located(catalog, "alembic")
            assert not isinstance(found, Ledger)
            seen = ledger(session, found, catalog, timeout=0.4)
    assert "public.alembic_version could not be read: 55P03" in seen.problem
    (finding,) = migrations(seen, "alembic", ["2b"], "database")
    assert (finding.code, finding.severity) == ("database.migration.unreadable", "insufficient")


@pytest.mark.parametrize(("policy", "code"), [("true", ""), ("version_num = 'x'", "database.migration.unreadable")])
def test_rows_that_a_policy_hides_are_not_missing(server: Postgres, policy: str, code: str) -> None:
    """Row-level security on the tool's own table, as lints advise: an empty sight is no empty table (R12)."""
    fill(
        server,
        f"{TOOLS['alembic']['table']}; insert into alembic_version values ('2b');"
        "alter table alembic_version enable row level security;"
        f"create policy p on alembic_version for select to reader using ({policy})",
    )
    with connect(server.dsn("reader", "reader"), timeout=5, application_name="prodcheck/m") as session:
        catalog = snapshot(session)
    seen = seen_whole(read(server, "alembic"), catalog)
    found = migrations(seen, "alembic", ["2b"], "database")
    assert [(one.code, one.severity) for one in found] == ([(code, "insufficient")] if code else [])
    if code:
        assert "policies of public.alembic_version hide rows from reader" in found[0].message
        assert "FOR SELECT TO reader" in found[0].remedy
