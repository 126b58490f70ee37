"""The contract snapshot: one message, alike on two versions, and what a reader may not see is said (A33)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres_peers as peers
import psycopg
import pytest
from postgres_servers import Debian, understood, version

from pytest_prodcheck.criteria import database_contract
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe import contract_file
from pytest_prodcheck.observe.contract import Contract
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot_with_contract

BASE = Path(__file__).with_name("contract_base.sql").read_text("utf-8")
ROLES = "create role member; create role service; create role reader login password 'reader';"


def fill(server: Postgres) -> None:
    """The schema of the cases, in `public`."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(understood(ROLES + BASE).encode())


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """The embedded server."""
    with Postgres() as running:
        fill(running)
        yield running


def taken(dsn: str, timeout: float = 20) -> Contract:
    """What the reader sees."""
    with connect(dsn, timeout=5, application_name="prodcheck/contract") as session:
        return snapshot_with_contract(session, timeout=timeout)[1]


def test_it_is_one_message(server: Postgres) -> None:
    """Counted on the wire: catalog and contract are one message and one answer (A33)."""
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        address = f"host=127.0.0.1 port={port} user=reader password=reader dbname=postgres"
        with connect(address, timeout=5, application_name="prodcheck/wire") as session:
            relay.turns.clear()
            _, found = snapshot_with_contract(session)
            assert relay.turns == [b"Q"]
    assert found.unread == {}
    assert found.tables["public.tasks"].columns["state"].line == "public.state not null default 'open'::public.state"


def test_it_depends_on_no_setting_of_the_session(server: Postgres) -> None:
    """Another search_path, date style and time zone give the same bytes (A33)."""
    first = taken(server.dsn("reader", "reader"))
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for setting in ("search_path = pg_catalog", "datestyle = 'German'", "timezone = 'Asia/Tokyo'"):
            connection.execute(f"alter role reader set {setting}".encode())
    try:
        again = taken(server.dsn("reader", "reader"))
    finally:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("alter role reader reset all")
    assert contract_file.written(again.pinned, "a") == contract_file.written(first.pinned, "a")


def test_another_version_of_the_server_is_read_alike(server: Postgres) -> None:
    """PostgreSQL 15 and the embedded one keep the same contract, but for their version (A33)."""
    with Debian.or_skip()() as older:
        fill(older)
        before = taken(older.dsn("reader", "reader"))
    differences = database_contract.differences(before.pinned, taken(server.dsn("reader", "reader")))
    assert {one.impact for one in differences} <= {"harmless", "risky"}
    assert f"server: promised PostgreSQL 15, found PostgreSQL {version()}" in " ".join(map(str, differences))


def test_what_the_reader_may_not_read_is_insufficient(server: Postgres) -> None:
    """A catalog that is revoked leaves the others judged; what was not seen is neither green nor missing (A32)."""
    promised = taken(server.dsn("reader", "reader"))
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("revoke select on pg_trigger, pg_enum from public; drop table scratch")
    try:
        found = taken(server.dsn("reader", "reader"))
    finally:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("grant select on pg_trigger, pg_enum to public; create unlogged table scratch (id int)")
    findings = database_contract.judge(promised.pinned, found, "database")
    assert [(one.code, one.severity) for one in findings] == [
        ("database.schema.table_missing", "error"),
        ("database.privilege.missing", "insufficient"),
        ("database.privilege.missing", "insufficient"),
    ]
    assert findings[1].message == (
        "enforcement of keys, triggers of the contract could not be read, and are not judged: "
        "permission denied for table pg_trigger (42501)"
    )


def test_what_a_lock_hides_is_insufficient(server: Postgres) -> None:
    """Somebody holds ACCESS EXCLUSIVE on a table: the others are judged, the check says what was not (A33, R15)."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create rule never as on delete to tasks where false do instead nothing")
    promised = taken(server.dsn("reader", "reader"))
    with psycopg.connect(server.dsn()) as holder:
        holder.execute("lock table tasks in access exclusive mode")
        found = taken(server.dsn("reader", "reader"), timeout=4)
    findings = database_contract.judge(promised.pinned, found, "database")
    assert [(one.code, one.severity) for one in findings] == [("database.lock.contention", "insufficient")]
    assert "a lock on public.tasks keeps them from being read" in findings[0].message
    assert "rules" in findings[0].message


def test_what_a_lock_on_a_partition_hides_is_insufficient(server: Postgres) -> None:
    """That it is a partition is known all the same; what it holds is not read, and not judged (A34, R15)."""
    promised = taken(server.dsn("reader", "reader"))
    with psycopg.connect(server.dsn()) as holder:
        holder.execute("lock table events_2026 in access exclusive mode")
        found = taken(server.dsn("reader", "reader"), timeout=4)
    findings = database_contract.judge(promised.pinned, found, "database")
    assert [(one.code, one.severity) for one in findings] == [("database.lock.contention", "insufficient")]
    assert "what partitions hold of the contract could not be read" in findings[0].message
