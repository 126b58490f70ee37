"""The server's statistics on a real PostgreSQL: each broken limit is named, and what cannot be seen is never green."""

# ruff: noqa: E501  (a row of a table is one line)
from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import postgres_peers as peers
import psycopg
import pytest
from postgres_servers import Debian, understood

from pytest_prodcheck.config.models import Health as Limits
from pytest_prodcheck.criteria.database_health import AREAS, areas, health
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.health import Client, Health, Replica, Slot, Statement, TableUse, Unindexed, Wait
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.health import reading
from pytest_prodcheck.targets.database.snapshot import snapshot

SETUP = """
create role reader login password 'reader'; create role plain login password 'plain';
grant pg_read_all_stats to reader;
create table parents(id int primary key); create table tasks(id int primary key, parent_id int, note text);
insert into parents select generate_series(1, 100); insert into tasks select n, n % 150, 'x' from generate_series(1, 300) n;
alter table tasks add constraint tasks_parent foreign key (parent_id) references parents not valid;
alter table tasks add constraint tasks_note check (note <> 'bad') not valid;
create table big(id int); insert into big select generate_series(1, 2000); delete from big where id > 500;
select pg_stat_force_next_flush();
"""
QUIET = Health("reader", True, False, False, None, 10 << 20, 0, 0, 0, 1000.0, ("demo", 1000), 0)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server with an invalid index, constraints that nobody validated, and a table full of dead rows."""
    with Postgres({"shared_preload_libraries": "pg_stat_statements"}) as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            for statement in understood(SETUP).split(";"):
                connection.execute(statement.encode())
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("create unique index concurrently tasks_note on tasks (note)")
        yield running


def read(server: Postgres, user: str = "reader", **options: Any) -> Health:
    """One reading as the gate makes it."""
    with connect(server.dsn(user, user), timeout=5, application_name="prodcheck/h") as session:
        catalog = snapshot(session)
        return reading(session, catalog, **{"large": 1000, "slow": None, "timeout": 5.0, **options})


def judged(seen: Health, area: str, **limits: Any) -> list[Finding]:
    """The findings of one area."""
    return health(seen, Limits(**limits), area, "database")


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` gives, when it gives something."""
    end = time.monotonic() + 10
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def test_a_quiet_server_keeps_the_defaults(server: Postgres) -> None:
    """No finding but what the schema really has (A36)."""
    seen = read(server, large=10_000)
    assert [(area, one.code) for area in AREAS if area != "indexes" for one in judged(seen, area)] == []
    assert (seen.role, seen.privileged, seen.in_recovery, seen.hidden) == ("reader", True, False, 0)
    assert seen.size > 1 << 20


def test_the_reading_is_one_round_trip(server: Postgres) -> None:
    """Counted on the wire: all statistics in one message, whatever is judged of them."""
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        address = f"host=127.0.0.1 port={port} user=reader password=reader dbname=postgres"
        with connect(address, timeout=5, application_name="prodcheck/h") as session:
            catalog = snapshot(session)
            relay.turns.clear()
            reading(session, catalog, large=1000, slow=1.0, timeout=5)
            assert relay.turns == [b"Q"]


def test_an_older_server_is_read_the_same() -> None:
    """Debian's PostgreSQL 15: the columns that came later are not asked for (A36)."""
    with Debian.or_skip()() as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute("create role plain login password 'plain'")
            connection.execute("create extension pg_stat_statements")  # its library is not loaded
        with psycopg.connect(running.dsn(), autocommit=True, application_name="api"):
            seen = read(running, "plain", slow=1.0)
    assert (seen.privileged, seen.hidden, seen.statements) == (False, 1, ())
    assert [area for area in AREAS if judged(seen, area)] == ["sessions"]


def test_an_invalid_index_is_named(server: Postgres) -> None:
    """CREATE INDEX CONCURRENTLY that failed leaves one behind (B34)."""
    found = [one for one in judged(read(server), "indexes") if one.code == "database.index.invalid"]
    assert [(one.subject, one.severity) for one in found] == [("public.tasks_note", "error")]
    assert "index public.tasks_note of public.tasks is invalid" in found[0].message
    assert "REINDEX INDEX CONCURRENTLY public.tasks_note" in found[0].remedy


def test_constraints_that_nobody_validated_are_named(server: Postgres) -> None:
    """NOT VALID, foreign key and check (A35, B33)."""
    found = [one for one in judged(read(server), "indexes") if one.code == "database.constraint.not_validated"]
    assert [one.subject for one in found] == ["tasks_note", "tasks_parent"]
    assert "foreign key tasks_parent of public.tasks is NOT VALID" in found[1].message


def test_dead_rows_and_missing_statistics_are_warnings(server: Postgres) -> None:
    """1,500 of 2,000 rows are dead, and the table was never analysed (B35)."""
    seen = eventually(lambda: (found := read(server)) and any(one.dead >= 1000 for one in found.tables) and found)
    found = {one.code: one for one in judged(seen, "storage", large=500)}
    dead = found["database.table.dead_rows"]
    assert (dead.severity, dead.subject) == ("warning", "public.big")
    assert "75% of the rows of public.big are dead (1,500 of 2,000), promised < 20%" in dead.message
    assert found["database.table.never_analysed"].severity == "warning"
    assert judged(seen, "storage", large=5000) == []


def test_an_idle_transaction_is_named_with_its_pid(server: Postgres) -> None:
    """pid and application_name; not as a long transaction a second time (A36, C21, C22, C45)."""
    with psycopg.connect(server.dsn(), application_name="nightly-export") as holder:
        holder.execute("select 1")
        time.sleep(0.05)
        seen = read(server)
        (found,) = judged(seen, "sessions", idle_in_transaction="< 10ms", transactions="< 10ms")
        assert found.code == "database.lock.idle_in_transaction"
        assert f"pid {holder.info.backend_pid} (nightly-export) is idle in transaction for" in found.message
        (long,) = judged(seen, "sessions", idle_in_transaction=False, transactions="< 10ms")
        assert (long.code, long.data["pid"]) == ("database.transaction.long", holder.info.backend_pid)
        assert judged(seen, "sessions") == []


@pytest.mark.parametrize(
    ("place", "code"),
    [("database postgres", "database.server.read_only"), ("role all", "database.server.read_only"), ("role reader", "")],
)  # fmt: skip
def test_a_read_only_primary_is_no_careful_reader(server: Postgres, place: str, code: str) -> None:
    """What holds for everybody breaks their writes, promised or not; what our reader has for itself says nothing (B39)."""
    with psycopg.connect(server.dsn(), autocommit=True) as owner:
        owner.execute(f"alter {place} set default_transaction_read_only = on".encode())
        try:
            seen = read(server)
        finally:
            owner.execute(f"alter {place} reset default_transaction_read_only".encode())
    for promised in ({}, {"role": "primary"}):
        assert [one.code for one in judged(seen, "replication", **promised)] == ([code] if code else [])


def test_a_lock_wait_names_who_blocks(server: Postgres) -> None:
    """The waiting pid, its lock, the blocking pid, its state and its transaction's age (A36, R15)."""
    with ExitStack() as stack:
        holder = stack.enter_context(psycopg.connect(server.dsn(), application_name="migration"))
        waiter = stack.enter_context(psycopg.connect(server.dsn(), application_name="api"))
        holder.execute("lock table parents in access exclusive mode")
        waiting = threading.Thread(target=lambda: waiter.execute("select count(*) from parents"))
        waiting.start()
        seen = eventually(lambda: (found := read(server)) and found.waits and found)
        holder.rollback()
        waiting.join()
    (found,) = judged(seen, "locks", lock_waits="< 1ms")
    assert found.code == "database.lock.idle_in_transaction"
    assert f"pid {seen.waits[0].pid} (api) waits" in found.message
    assert "for AccessShareLock on public.parents" in found.message
    assert f"pid {seen.waits[0].blockers[0]} (migration), idle in transaction (in a transaction since" in found.message
    assert found.data["table"] == "public.parents"
    assert judged(seen, "locks", lock_waits="< 1h") == []


def test_a_role_without_privilege_is_never_green(server: Postgres) -> None:
    """Sessions of others, and statements of others, are hidden: insufficient, with the GRANT to type."""
    with psycopg.connect(server.dsn(), autocommit=True) as owner:
        owner.execute("create extension pg_stat_statements")
        for _ in range(6):
            owner.execute("select pg_sleep(0.002)")
        holder = psycopg.connect(server.dsn(), application_name="nightly-export")
        holder.execute("select 1")
        hidden, seen = read(server, "plain", slow=0.001), read(server, slow=0.001)
        owner.execute("revoke all on pg_stat_statements from public")
        denied = read(server, "plain", slow=0.001)
        holder.close()
        owner.execute("drop extension pg_stat_statements")
    (sessions,) = judged(hidden, "sessions", idle_in_transaction="< 1ms")
    assert (sessions.code, sessions.severity) == ("database.health.not_visible", "insufficient")
    assert "GRANT pg_read_all_stats TO plain" in sessions.remedy
    assert judged(hidden, "statements")[-1].severity == "insufficient"
    assert "may not read pg_stat_statements" in judged(denied, "statements")[0].message
    assert judged(read(server), "statements") == []  # not installed
    (slow,) = [one for one in judged(seen, "statements", statements="< 1ms") if one.code == "database.statement.slow"]
    assert slow.severity == "warning"
    assert "pg_sleep" not in str(slow)


def test_a_replica_that_is_cut_off_is_not_up_to_date() -> None:
    """All that it received is replayed, and nothing comes any more: its lag grows, and is not 0 (A36, C22)."""
    with Postgres() as primary, Postgres() as standby:
        with psycopg.connect(primary.dsn(), autocommit=True) as connection:
            connection.execute("create role reader login password 'reader'")
        for server in (primary, standby):
            server.halt()
        owner = standby.data.stat()
        shutil.rmtree(standby.data)
        shutil.copytree(primary.data, standby.data, ignore=shutil.ignore_patterns("postmaster.pid"))
        (standby.data / "standby.signal").touch()
        with (standby.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{primary.dsn()}'\n")
        for path in (standby.data, *standby.data.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        standby.data.chmod(0o700)
        primary.start()
        standby.start()
        eventually(lambda: read(standby).receives)
        with psycopg.connect(primary.dsn(), autocommit=True) as connection:
            connection.execute("create table later (id int)")
        with psycopg.connect(standby.dsn("reader", "reader"), autocommit=True) as connection:
            eventually(lambda: connection.execute("select to_regclass('later') is not null").fetchone() == (True,))
        assert eventually(lambda: read(standby).replay_lag == 0)
        primary.halt(immediately=True)
        cut = eventually(lambda: not (found := read(standby)).receives and (found.replay_lag or 0) > 0.2 and found)
    (found,) = judged(cut, "replication", replication_lag="< 100ms")
    assert found.code == "database.replication.lag"
    assert "it is not connected to the server that it follows" in found.message
    (unknown,) = judged(replace(cut, replay_lag=None), "replication")
    assert (unknown.code, unknown.severity) == ("database.health.not_visible", "insufficient")
    assert "has replayed nothing since its start" in unknown.message


CHANGES: dict[str, tuple[str, dict[str, Any], dict[str, Any], str, str]] = {
    "a replica where a primary is promised": (
        "replication", {"in_recovery": True, "replay_lag": 0.0}, {"role": "primary"},
        "database.server.read_only", "the server is a replica, promised primary",
    ),
    "a primary where a replica is promised": (
        "replication", {}, {"role": "replica"}, "database.server.not_a_replica", "the server is a primary",
    ),
    "a read-only primary": (
        "replication", {"read_only": True}, {"role": "primary"}, "database.server.read_only", "read-only by default",
    ),
    "this replica is behind": (
        "replication", {"in_recovery": True, "replay_lag": 95.0}, {}, "database.replication.lag",
        "this replica is 95s behind, promised < 30s",
    ),
    "a standby is behind": (
        "replication", {"replicas": (Replica("standby-1", "streaming", 61.0, 5),)}, {}, "database.replication.lag",
        "standby-1 is 61s behind",
    ),
    "a slot that nobody reads": (
        "replication", {"slots": (Slot("old", False, 20 << 30),)}, {}, "database.replication.slot_inactive",
        "slot old is read by nobody and keeps 20 GB of WAL, promised < 10GB",
    ),
    "wraparound": (
        "storage", {"wraparound": ("plan", 1_500_000_000)}, {}, "database.wraparound.near",
        "the oldest transaction id of plan is 1500 million old, 70% of all ids",
    ),
    "checksums": ("storage", {"checksum_failures": 2}, {}, "database.data.corrupted", "2 pages of this database failed"),
    "size": (
        "storage", {"size": 3 << 30, "tables": (TableUse("public.logs", 10, 0, 0, 0, True, 2 << 30),)},
        {"size": "< 2GB"}, "database.size.over_limit", "holds 3072 MB, promised < 2GB; largest table public.logs (2048 MB)",
    ),
    "cache": (
        "storage", {"cache_hits": 500_000, "cache_reads": 500_000, "reset_age": 90000.0}, {},
        "database.cache.low_hit_ratio", "50.0% of 1,000,000 reads came from memory",
    ),
    "a missing index": (
        "indexes", {"unindexed": (Unindexed("fk", "public.tasks", "user_id", 20_000, 980, 20),), "reset_age": 90000.0}, {},
        "database.index.missing", "public.tasks.user_id has no index: 20,000 rows, 98% of 1,000 scans sequential",
    ),
    "a slow statement": (
        "statements", {"statements": (Statement("42", 812, 2.4), Statement("7", 5, 1.5))}, {}, "database.statement.slow",
        "statement 42 takes 2.4s in the mean over 812 calls, promised < 1s (and 1 more)",
    ),
    "a wait whose age is hidden": (
        "locks", {"waits": (Wait(1, "", None, "ShareLock", (2,), "pid 2", None),)}, {}, "database.health.not_visible",
        "1 waits for locks: their age cannot be judged",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("area", "change", "limits", "code", "words"), CHANGES.values(), ids=CHANGES)
def test_what_one_server_cannot_show_is_judged_by_its_data(
    area: str, change: dict[str, Any], limits: dict[str, Any], code: str, words: str
) -> None:
    """Replicas, wraparound, corruption, load: from a reading that is quiet but for one thing (A36, B20, B23, B35, B38, B39)."""
    assert judged(QUIET, area) == []
    (found,) = judged(replace(QUIET, **change), area, **limits)
    assert found.code == code
    assert words in found.message


@pytest.mark.parametrize(
    "change",
    [
        {"reset_age": 3600.0},
        {"unindexed": (Unindexed("fk", "t", "a", 9_000, 980, 20),)},
        {"unindexed": (Unindexed("fk", "t", "a", 20_000, 50, 0),)},
        {"unindexed": (Unindexed("fk", "t", "a", 20_000, 200, 900),)},
    ],
    ids=["statistics of an hour", "a small table", "few scans", "mostly by index"],
)
def test_a_missing_index_is_said_only_where_it_shows(change: dict[str, Any]) -> None:
    """T7: empty and tiny tables, fresh statistics and rare scans prove nothing."""
    shows = {"unindexed": (Unindexed("fk", "t", "a", 20_000, 980, 20),), "reset_age": 90000.0}
    assert judged(replace(QUIET, **{**shows, **change}), "indexes") == []


def test_a_warning_is_declared_and_hides_nothing() -> None:
    """`severity = "warning"` turns errors into warnings; what cannot be seen stays insufficient."""
    idle = Client(1, "app", "api", "idle in transaction", 90.0, 90.0)
    seen = replace(QUIET, clients=(idle,), hidden=3, privileged=False)
    assert [one.severity for one in judged(seen, "sessions", severity="warning")] == ["warning", "insufficient"]


def test_false_leaves_an_area_out() -> None:
    """What is not judged has no check."""
    off = Limits(transactions=False, idle_in_transaction=False, lock_waits=False, statements=False)
    assert areas(off) == ("replication", "indexes", "storage")
    assert areas(Limits()) == AREAS
