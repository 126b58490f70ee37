"""PgBouncer for real: its console, and the gate's own questions through it in transaction mode (C21, C22, C45)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import bouncer
import psycopg
import pytest

from pytest_prodcheck.config.models import DatabaseTarget, Health, Pooler, Query
from pytest_prodcheck.criteria.pooler import pooler
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.pools import Pool, Pools
from pytest_prodcheck.targets.database.pooler import console
from pytest_prodcheck.targets.database.prober import DatabaseProber

SEEN = Observation("database", "pooler")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server with our reader."""
    with Postgres() as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute("create role reader login password 'reader'; grant pg_read_all_stats to reader")
            connection.execute("create table tasks(id int primary key); insert into tasks select generate_series(1, 9)")
            connection.execute(
                "create table alembic_version(version_num text); insert into alembic_version values ('2b')"
            )
            connection.execute("grant select on all tables in schema public to reader")
        yield running


@pytest.fixture(scope="module")
def port(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A PgBouncer in transaction mode, two server connections a pool."""
    with bouncer.before(server, tmp_path_factory.mktemp("bouncer")) as found:
        yield found


def asked(port: int, user: str = "stats", password: str = "stats") -> tuple[Observation, Pools | None]:
    """The console's answer."""
    dsn = f"postgresql://{user}:{password}@127.0.0.1:{port}/pgbouncer"
    return console(dsn, timeout=5, application_name="prodcheck/p", target="database")


def judged(port: int, **promised: object) -> list[Finding]:
    """The findings about a real PgBouncer."""
    observation, pools = asked(port)
    return pooler(pools, Pooler.model_validate({"dsn": "env:X", **promised}), observation, "database")


def prober(port: int, **promised: object) -> DatabaseProber:
    """Our prober of the server behind PgBouncer."""
    dsn = f"postgresql://reader:reader@127.0.0.1:{port}/postgres"
    return DatabaseProber("database", DatabaseTarget.model_validate({"dsn": dsn, **promised}), "run", lambda _: {})


def test_the_gate_works_through_transaction_mode(port: int) -> None:
    """Catalog, statistics, migrations, guarded queries and counts: each is one transaction (C45)."""
    promised = {
        "health": Health(), "rows": {"tasks": 9}, "queries": {"all": Query(sql="select count(*) from tasks")},
        "migrations": {"tool": "alembic", "head": ["2b"]},
    }  # fmt: skip
    ours = prober(port, **promised)
    assert "public.tasks" in ours.ready().facts["catalog"].relations
    assert ours.probe("test_health", "sessions", "", 1).facts["health"].privileged
    assert [one.id for one in ours.probe("test_migrations", "", "", 1).facts["ledger"].entries] == ["2b"]
    assert ours.probe("test_query", "all", "", 1).facts["answer"].value == 9
    assert ours.probe("test_rows", "tasks", "", 1).facts["answer"].value == 9


def test_the_promised_mode_holds(port: int) -> None:
    """Nothing is found where the mode is the promised one and nobody waits (C21, C45)."""
    prober(port).ready()
    assert judged(port, mode="transaction", waiting=0) == []


def test_another_mode_is_named(port: int) -> None:
    """The database, its mode, the promised one (C45)."""
    prober(port).ready()
    found = judged(port, mode="session")
    assert {one.code for one in found} == {"database.pooler.wrong_mode"}
    assert "PgBouncer pools postgres by transaction, promised session" in [one.message for one in found]


def test_waiting_clients_are_counted(port: int, server: Postgres) -> None:
    """Two clients keep their transaction open and hold both server connections; the third waits (C22, R14)."""
    dsn = f"postgresql://reader:reader@127.0.0.1:{port}/postgres"
    holders = [psycopg.connect(dsn) for _ in range(2)]
    for one in holders:
        one.execute("select 1")

    def wait() -> None:
        with psycopg.connect(dsn) as waiting:
            waiting.execute("select 1")

    third = threading.Thread(target=wait)
    third.start()
    end = time.monotonic() + 10
    while not (found := judged(port, waiting=0)) and time.monotonic() < end:
        time.sleep(0.05)
    for one in holders:
        one.close()
    third.join()
    assert [one.code for one in found] == ["database.pool.exhausted"]
    assert "1 clients wait for a server connection, promised 0 at most: 1 of postgres as reader" in found[0].message
    assert "with 2 of 2 connections open" in found[0].message


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [("stats", "wrong", "authentication failed"), ("reader", "reader", "console cannot be read")],
)
def test_a_console_that_refuses_is_said(port: int, user: str, password: str, words: str) -> None:
    """A wrong password, and a user that is none of `stats_users`: never green, and no password in the words (C21)."""
    observation, pools = asked(port, user, password)
    assert pools is None
    (found,) = pooler(pools, Pooler(dsn="env:X", waiting=0), observation, "database")
    assert found.code == "database.pooler.console_unreachable"
    assert words in found.message
    assert "wrong" not in found.message


def test_a_server_that_is_no_pgbouncer_is_said(server: Postgres) -> None:
    """`show pools` is no setting of PostgreSQL."""
    observation, pools = console(server.dsn(), timeout=5, application_name="prodcheck/p", target="database")
    assert pools is None
    (found,) = pooler(pools, Pooler(dsn="env:X", waiting=0), observation, "database")
    assert 'unrecognized configuration parameter "pools"' in found.message


def test_paused_databases_are_named() -> None:
    """From data: PAUSE holds back every client."""
    pools = Pools((Pool("plan", "app", "transaction", 0, 0, 0.0, 1, 20),), (("plan", "transaction"),), ("plan",))
    (found,) = pooler(pools, Pooler(dsn="env:X", mode="transaction"), SEEN, "database")
    assert (found.code, found.subject) == ("database.pooler.paused", "plan")
    assert "RESUME plan" in found.remedy


def test_a_console_that_is_not_there_is_no_empty_one() -> None:
    """Nothing listens: unreachable, and not without waiting clients."""
    observation, pools = console(
        "postgresql://stats:stats@127.0.0.1:1/pgbouncer", timeout=2, application_name="p", target="database"
    )
    (found,) = pooler(pools, Pooler(dsn="env:X", waiting=0), observation, "database")
    assert found.code == "database.pooler.console_unreachable"
