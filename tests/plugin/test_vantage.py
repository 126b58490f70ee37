"""What another run saw from inside the cluster, and targets that are reached through it."""

from __future__ import annotations

import datetime
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Gate

from pytest_prodcheck.demo.postgres import Postgres

sys.path.insert(0, str(Path(__file__).parents[1] / "targets"))
from standin import ended, kubectl


def now(minutes: float = 0) -> str:
    """A moment as `verdict.json` writes it."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def inside(gate: Gate, target: str = "http", ready: str = "fail", **changes: Any) -> str:
    """The file of a run inside the cluster, in which a target was not ready."""
    finding = {"criterion": "ready", "target": target, "severity": "error", "seen": "", "promised": "", "subject": "",
               "message": "no answer from postgres:5432", "code": "database.tcp.timeout" if target == "database" else
               "http.tcp.timeout", "remedy": "", "next": "", "data": {}, "rerun": ""}  # fmt: skip
    check = {"id": f"prodcheck.toml::{target}::test_ready", "target": target, "verdict": ready, "marks": [],
             "blocked_by": None,             "explained_by": None, "criteria": ["ready"], "samples": 1, "message": "",
             "findings": [] if ready == "pass" else [finding], "duration_s": 0.1, "owner": "",
             "runbook": ""}  # fmt: skip
    document = {
        "schema": "prodcheck/verdict/1", "environment": "staging", "kind": "staging", "started_at": now(-5),
        "duration_s": 1.0, "probing_s": 1.0, "verdict": "fail", "exit_status": 1, "complete": True,
        "vantage": "cluster",
        "revision": None, "causes": [], "checks": [check], "targets": [], "accepted": [], "left_out": [], "notes": [],
        "sent": {"http": 1, "database": 0, "logins": 0, "writes": 0, "refused": 0}, **changes,
    }  # fmt: skip
    gate.file("inside.json", json.dumps(document))
    return "--prodcheck-vantage=inside.json"


def test_what_is_reached_from_here_and_not_from_there_is_red(gate: Gate, postgres: Postgres) -> None:
    """A database that the runner reaches and the cluster does not is a cause of its own (A10, R2)."""
    gate.config(
        f'[env.staging.database]\ndsn = "env:DSN"\n[env.staging.http]\nurl = "{gate.system.url}"\nendpoints.a = "/"'
    )
    outcome = gate.run(inside(gate, "database"), env={"DSN": postgres.dsn()})
    outcome.assert_is(1, "fail", r"database is reachable from the runner, not from the cluster: there, no answer from")
    assert outcome.words["vantage[database]"] == "fail"
    assert [cause["code"] for cause in outcome.verdict["causes"]] == ["database.network.blocked_from_cluster"]  # type: ignore[index]


def test_a_page_that_is_not_reached_from_inside_is_a_warning(gate: Gate) -> None:
    """Nobody promised that pods call it."""
    outcome = gate.run(inside(gate))
    outcome.assert_is(0, "degraded", r"http is reachable from the runner, not from the cluster")


def test_what_is_ready_there_too_adds_nothing(gate: Gate) -> None:
    """And the verdict says where it was seen from."""
    outcome = gate.run(inside(gate, ready="pass"))
    outcome.assert_is(0, "pass")
    assert (outcome.verdict or {})["vantage"] == "runner"
    assert not [name for name in outcome.words if name.startswith("vantage")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"environment": "production"}, "it is about production, this run is about staging"),
        ({"verdict": "unfinished", "exit_status": None, "complete": False}, "that run did not finish"),
        ({"started_at": -90}, "began .* ago, which says nothing about now"),
        ({"started_at": 30}, "began in the future"),
        ({"vantage": "runner"}, "it was not written inside a cluster"),
        ({"checks": []}, "no target's readiness is in it"),
        ({"checks": [{"id": 3}]}, "it is no verdict.json: checks/0"),
        ({"started_at": "yesterday"}, "it is no verdict.json: started_at"),
        ({"started_at": "2026-02-31T00:00:00Z"}, "started_at 2026-02-31T00:00:00Z is no moment"),
    ],
)
def test_a_file_that_proves_nothing_is_refused(gate: Gate, changes: dict[str, Any], says: str) -> None:
    """Exit 4, and nothing is sent: of another environment, unfinished, stale, not from inside, no verdict at all."""
    if isinstance(minutes := changes.get("started_at"), int):
        changes = {**changes, "started_at": now(minutes)}
    outcome = gate.run(inside(gate, **changes))
    assert outcome.status == 4
    outcome.assert_says(f"--prodcheck-vantage=inside.json: .*{says}")
    assert gate.sent() == 0


@pytest.mark.parametrize(
    ("text", "says"), [("{", "it is no JSON"), (None, "cannot be read: No such file"), ("3", "no verdict")]
)
def test_a_file_that_is_no_verdict_is_refused(gate: Gate, text: str | None, says: str) -> None:
    """With what to give instead."""
    if text is not None:
        gate.file("inside.json", text)
    outcome = gate.run("--prodcheck-vantage=inside.json")
    assert outcome.status == 4
    outcome.assert_says(says)


FORWARDED = """
[env.staging.http]
url = "http://app.plan-prod"
endpoints.home = "/"
[env.staging.cluster]
context = "staging"
namespace = "plan-prod"
forward = { http = "svc/app:80" }
"""


def test_a_target_is_asked_through_its_cluster(gate: Gate, tmp_path: Path) -> None:
    """For the length of the run; the forward is gone with it."""
    gate.config(FORWARDED)
    bin_folder = tmp_path / "bin"
    kubectl(bin_folder, int(gate.system.url.rpartition(":")[2]))
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    outcome = gate.run("--prodcheck-only=http", env={"PATH": path})
    outcome.assert_is(0, "pass")
    assert gate.sent() > 0
    assert (bin_folder / "arguments").read_text().startswith("--context=staging --namespace=plan-prod port-forward")
    assert ended(bin_folder)


def test_a_forward_that_does_not_stand_is_a_usage_error(gate: Gate, tmp_path: Path) -> None:
    """Exit 4 with its line and kubectl's words; nothing was sent."""
    gate.config(FORWARDED)
    bin_folder = tmp_path / "bin"
    kubectl(bin_folder, fails="error: services app not found")
    outcome = gate.run(env={"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"})
    assert outcome.status == 4
    outcome.assert_says(
        r"prodcheck.toml:\d+: forward.http: kubectl cannot forward svc/app:80: error: services app not found"
    )
    assert gate.sent() == 0
