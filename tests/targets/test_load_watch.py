"""Other targets while load runs: a real PostgreSQL that is full or locked, and a namespace whose pod is ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubeconfigs
import psycopg
import pytest
from small_server import serving
from watched_namespace import HERE, namespace

from pytest_prodcheck.config.models import ClusterTarget, DatabaseTarget, Requests
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.diagnosis.diagnose import diagnose
from pytest_prodcheck.gate.watching import Watching
from pytest_prodcheck.observe.finding import Cause, CheckResult, Finding
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.watch import Glance, glances
from pytest_prodcheck.targets.cluster.prober import ClusterProber
from pytest_prodcheck.targets.database.prober import DatabaseProber
from pytest_prodcheck.targets.wire import Wire


@pytest.fixture(scope="module")
def small() -> Iterator[Postgres]:
    """A server for few clients, and a role that may see them."""
    with Postgres({"max_connections": "14", "superuser_reserved_connections": "3"}) as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute("create role reader login password 'reader'")
            connection.execute("grant pg_read_all_stats to reader")
            connection.execute("create role app login password 'app'")
            connection.execute("create table tasks(id int primary key, note text)")
            connection.execute("insert into tasks values (1, 'x')")
            connection.execute("grant select, update on tasks to app")
        yield running


def prober(server: Postgres) -> DatabaseProber:
    """Our reader."""
    return DatabaseProber("database", DatabaseTarget(dsn=server.dsn("reader", "reader")), "w", lambda _: {})


def causes(seen: list[Observation], **data: Any) -> tuple[Cause, ...]:
    """What a slow load check has for a cause."""
    figures = {"p50": 0.01, "p95": 0.4, **data}
    finding = Finding("load", "load", "p95 400ms, promised p95 < 50ms", "load.latency.over_limit", data=figures)
    check = CheckResult("prodcheck.toml::load::test_load[browse]", "load", "fail", (finding,))
    return diagnose([check], seen).causes


def until(watcher: Any, good: Any) -> Glance:
    """The first glance that shows it."""
    for _ in range(500):
        if good(seen := watcher.glance()):
            return seen
        threading.Event().wait(0.02)
    raise AssertionError(f"never seen; last {seen}")


def test_a_full_server_is_seen_and_named(small: Postgres) -> None:
    """R14: every slot in use by one application, then 53300 for us, too: connections exhausted, with its name (A50)."""
    watcher = prober(small).watcher()
    with ExitStack() as stack:
        first = watcher.glance()
        for _ in range(int(first.values["limit"] - first.values["connections"])):
            dsn = small.dsn("app", "app")
            stack.enter_context(psycopg.connect(dsn, application_name="plan-api"))
        full = watcher.glance()
        other = prober(small).watcher()
        refused = other.glance()
        other.close()
        watcher.close()
    assert full.values["connections"] == full.values["limit"] == 11
    assert full.facts["top"][0][0] == "plan-api"
    assert refused.problem == "53300"
    (cause,) = causes([first.observation(), full.observation(), refused.observation()])
    assert cause.code == "database.connections.exhausted"
    assert "11 of 11 connections were in use, most of them of plan-api" in " ".join(cause.evidence)


def test_a_held_lock_is_seen_and_named(small: Postgres) -> None:
    """R15: one idle transaction holds a row, others wait for it: contention, by pid and application."""
    watcher = prober(small).watcher()
    dsn = small.dsn("app", "app")
    with psycopg.connect(dsn, application_name="nightly-export") as holder:
        holder.execute("update tasks set note = 'held' where id = 1")

        def write() -> None:
            with psycopg.connect(dsn, application_name="plan-api") as writer:
                writer.execute("update tasks set note = 'y' where id = 1")

        waiting = threading.Thread(target=write)
        waiting.start()
        seen = until(watcher, lambda one: one.values.get("longest_wait", 0.0) > 0.2)
        pid = holder.info.backend_pid
        holder.rollback()
        waiting.join(30)
    watcher.close()
    (cause,) = causes([seen.observation()])
    assert cause.code == "database.lock.contention"
    assert f"held by pid {pid} (nightly-export), idle in transaction" in " ".join(cause.evidence)
    assert causes([seen.observation()], p50=0.39)[0].code == "load.latency.over_limit"


def test_a_glance_leaves_nothing_behind(small: Postgres) -> None:
    """One session for all glances, none afterwards; it is not counted among those that wait."""
    watcher = prober(small).watcher()
    first, second = watcher.glance(), watcher.glance()
    assert first.values["connections"] == second.values["connections"]
    watcher.close()
    with psycopg.connect(small.dsn(), autocommit=True) as connection:
        for _ in range(500):
            row = connection.execute("select count(*) from pg_stat_activity where usename = 'reader'").fetchone()
            if row == (0,):
                return
            threading.Event().wait(0.02)
    raise AssertionError("our session is still there")


def test_a_lost_session_is_opened_anew(small: Postgres) -> None:
    """A glance that fails says why, and the next one looks again."""
    watcher = prober(small).watcher()
    watcher.glance()
    with psycopg.connect(small.dsn(), autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'")
    lost = until(watcher, lambda one: bool(one.problem))
    assert lost.values == {}
    assert until(watcher, lambda one: not one.problem).values["limit"] == 11
    watcher.close()


def test_watching_keeps_what_is_seen_and_ends(small: Postgres) -> None:
    """Glances become observations while it is entered; afterwards nothing looks any more."""
    kept: list[Observation] = []
    two = threading.Event()

    def keep(seen: Observation) -> None:
        kept.append(seen)
        if len(kept) >= 2:
            two.set()

    with Watching([prober(small).watcher()], keep, 1.0):
        assert two.wait(30)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prodcheck-watch")]
    assert {one.target for one in glances(kept)} == {"database"}
    assert kept[0].kind == "watch"


def test_a_pod_that_is_ended_under_load_is_seen_and_named(tmp_path: Path) -> None:
    """R16, over the API's own answers: restarts since the first glance, memory by metrics, the kubelet's reason."""
    with serving() as server:
        namespace(server, [2, 2, 2, 2, 3], [100, 140, 180, 220, 60])
        file = kubeconfigs.write(tmp_path / "config", server.url)
        known = Redactor()
        table = ClusterTarget(context="lab", kubeconfig=str(file), wiring=(), namespace="plan-prod")
        watcher = ClusterProber(Wire(Requests(), known, "test"), "cluster", table, known, known.add, {}).watcher()
        seen = [watcher.glance() for _ in range(5)]
    assert [one.problem for one in seen] == [""] * 5
    assert [one.values["restarts"] for one in seen] == [0, 0, 0, 0, 1]
    assert seen[0].values["cpu"] == 0.25
    apart = [replace(one, at=10.0 * number) for number, one in enumerate(seen)]  # as they are in a run
    (cause,) = causes([one.observation() for one in apart])
    assert cause.code == "cluster.container.oom_killed"
    assert "1 restarts under load; it rose by" in " ".join(cause.evidence)


def test_a_cluster_that_does_not_answer_says_why(tmp_path: Path) -> None:
    """A glance without numbers, and no cause made of it."""
    with serving() as server:
        server.routes |= {"GET /version": (200, {}, kubeconfigs.VERSION), f"GET {HERE}/pods": (500, {}, {})}
        file = kubeconfigs.write(tmp_path / "config", server.url)
        known = Redactor()
        table = ClusterTarget(context="lab", kubeconfig=str(file), wiring=(), namespace="plan-prod")
        prober_ = ClusterProber(Wire(Requests(), known, "test"), "cluster", table, known, known.add, {})
        seen = prober_.watcher().glance()
    assert seen.problem
    assert seen.values == {}
    assert causes([seen.observation()])[0].code == "load.latency.over_limit"
