"""The gate waits for a rollout, bounded, and says for what; a stand-in plays a rollout that goes on meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kubeconfigs
import pytest
from small_server import Asked, serving

from pytest_prodcheck.config import loader
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.gate.probers import Probers
from pytest_prodcheck.gate.settling import Settling
from pytest_prodcheck.gate.standings import Standings
from pytest_prodcheck.observe.pool import ProbePool

APPS = "/apis/apps/v1/namespaces/plan-prod"
RS = [{"name": name} for name in ("Name", "Desired", "Current", "Ready", "Images")]
"""Columns of ReplicaSets."""


def deployment(tag: str, *, done: bool) -> dict[str, Any]:
    """As the API server says it."""
    containers = [{"name": "app", "image": f"images.test/plan-app:{tag}"}]
    return {
        "metadata": {"name": "plan-app", "uid": "u", "generation": 2},
        "spec": {"replicas": 1, "template": {"spec": {"containers": containers}}},
        "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": int(done), "availableReplicas": 1},
    }


@contextmanager
def settling(
    folder: Path, course: list[dict[str, Any]], settle: str, beside: str = ""
) -> Iterator[tuple[Settling, list[Asked]]]:
    """A wait for 1.5.0, on a server that answers with one deployment after the other, and at last always the last."""
    with serving() as server:

        def deployments(_: Asked) -> tuple[int, dict[str, str], Any]:
            return 200, {}, {"items": [course.pop(0) if len(course) > 1 else course[0]]}

        server.routes[f"GET {APPS}/deployments"] = deployments
        server.routes[f"GET {APPS}/replicasets"] = (200, {}, {"kind": "Table", "columnDefinitions": RS, "rows": []})
        kubeconfigs.write(folder / "config", server.url)
        (folder / "prodcheck.toml").write_text(
            f'[env.s]\nrevision = {{ source = "image", expected = "1.5.0" }}\nsettle = "{settle}"\n'
            '[env.s.cluster]\ncontext = "lab"\nkubeconfig = "config"\ndeployments = { plan-app = 1 }\n'
            + beside.replace("{url}", server.url)
        )
        environment = loader.load(folder / "prodcheck.toml", "s")
        redactor = Redactor()
        probers = Probers(environment, frozenset(), redactor, "test", folder, redactor.add)
        yield Settling(environment, probers, time.monotonic() + 60), server.asked
        probers.close()


def test_a_rollout_is_waited_for_until_it_is_done(tmp_path: Path) -> None:
    """Not deployed yet, deployed and not done, done: three looks, and no more than the rollouts are read."""
    course = [deployment("1.4.2", done=True), deployment("1.5.0", done=False), deployment("1.5.0", done=True)]
    with settling(tmp_path, course, "30s") as (wait, asked):
        wait.wait()
    assert 1.0 < wait.waited < 10
    assert len([one for one in asked if "/deployments" in one.path]) == 3
    assert {one.path.partition("?")[0] for one in asked} == {f"{APPS}/deployments", f"{APPS}/replicasets"}


@pytest.mark.parametrize("settle", ["0s", "1s"])
def test_the_wait_is_bounded(settle: str, tmp_path: Path) -> None:
    """What has not settled by then is judged as it is."""
    started = time.monotonic()
    with settling(tmp_path, [deployment("1.4.2", done=True)], settle) as (wait, _):
        wait.wait()
    assert time.monotonic() - started < 5
    assert wait.waited >= float(settle[0])


def test_the_wait_says_for_what(tmp_path: Path) -> None:
    """In the gate's line of progress, and nothing when it is over."""
    with settling(tmp_path, [deployment("1.4.2", done=True)], "2s") as (wait, _):
        waiting = threading.Thread(target=wait.wait)
        waiting.start()
        end = time.monotonic() + 10
        while not wait.said and time.monotonic() < end:
            time.sleep(0.02)
        said = wait.said
        waiting.join()
    assert said.startswith("waiting for 1.5.0, ")
    assert "1.5.0 is not deployed: deployment/plan-app has images.test/plan-app:1.4.2" in said
    assert wait.said == ""


def test_a_wait_that_is_stopped_ends(tmp_path: Path) -> None:
    """As by Ctrl-C."""
    with settling(tmp_path, [deployment("1.4.2", done=True)], "30s") as (wait, _):
        wait.stop()
        started = time.monotonic()
        wait.wait()
    assert time.monotonic() - started < 3


def test_a_server_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    """Its readiness says why."""
    with settling(tmp_path, [deployment("1.4.2", done=True)], "30s") as (wait, asked):
        (tmp_path / "config").unlink()
        wait.wait()
    assert asked == []


def test_nothing_is_looked_at_before_the_rollout_has_settled(tmp_path: Path) -> None:
    """What a host answers meanwhile would be the version before's."""
    course = [deployment("1.4.2", done=True), deployment("1.5.0", done=True)]
    with settling(tmp_path, course, "30s", '\n[env.s.http]\nurl = "{url}"\nendpoints.home = "/home"\n') as (
        wait,
        asked,
    ):
        pool = ProbePool()
        standings = Standings(wait._probers, pool, lambda _: None, time.monotonic() + 30, time.time, wait)
        standings.of("http")
        pool.stop()
        pool.end()
    paths = [one.path.partition("?")[0] for one in asked]
    last = len(paths) - 1 - paths[::-1].index(f"{APPS}/deployments")
    assert paths.index("/home") > last > 0
