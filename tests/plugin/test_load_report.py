"""What a load run leaves: figures everywhere, a report that opens offline, samples for the next night."""

from __future__ import annotations

import json
from importlib import resources

import psycopg
from jsonschema import Draft202012Validator
from small_system import Answer

SCHEMA = resources.files("pytest_prodcheck") / "report" / "verdict.schema.json"

FILE = """
from locust import FastHttpUser, constant, task

class Browser(FastHttpUser):
    wait_time = constant(0.02)

    @task(5)
    def home(self):
        self.client.get("/")

    @task(1)
    def other(self):
        self.client.get("/other")
"""
LOAD = """
[env.staging.load]
consent = true
scenarios = ["load/browse.py"]
users = 4
duration = "3s"
timeout = "2s"
limits = ["p50 < 1s"]
"""


def test_a_night_of_load_and_the_next(gate, postgres):
    """One run with a database beside it, all reports of it; a second one, slower: a warning with its own cause."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("drop role if exists watcher")
        connection.execute("create role watcher login password 'watcher'")
    gate.file("load/browse.py", FILE)
    gate.system.on("/other", "ok")
    gate.config(
        f'[env.staging.http]\nurl = "URL"\nendpoints.home = "/"\n[env.staging.database]\ndsn = "env:DSN"\n{LOAD}'
    )
    env = {"DSN": postgres.dsn("watcher", "watcher")}
    first = gate.run("-m", "load", env=env)
    assert first.status in (0, 6), first.text  # a busy machine is a bottleneck: then it says so
    first.assert_says(r"load browse +closed model, up to 4 users.*: \d+ requests, 0 errors")
    folder = gate.path / ".prodcheck" / "staging"
    verdict = json.loads((folder / "verdict.json").read_text())
    (row,) = verdict["load"]
    assert row["n"] > 100
    assert {one["name"] for one in row["names"]} == {"GET /", "GET /other"}
    assert {one["figure"] for one in row["watched"]} >= {"connections", "waiting"}
    kept = {one["operation"] for one in verdict["latency"] if one["target"] == "load"}
    names = {"GET / (4 users)", "GET /other (4 users)"}
    assert kept == (set() if row["bottleneck"] else names)  # a busy machine's times are its own
    assert not list(Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).iter_errors(verdict))
    assert "### Load: browse" in (folder / "summary.md").read_text()
    page = (folder / "report.html").read_text()
    assert page.count("<svg") == 2
    assert "database connections" in page
    assert "watcher:watcher" not in page

    quick = {"target": "load", "subject": "browse", "operation": "GET / (4 users)", "user": "", "n": 60}
    gate.file("last.json", json.dumps({**verdict, "latency": [{**quick, "samples": [0.005] * 60}]}))
    gate.system.on("/", Answer(delay=0.25))
    second = gate.run("-m", "load", "--prodcheck-baseline=last.json", env=env)
    slower = [one for one in second.verdict["baseline"]["latency"] if one["word"] == "slower"]
    if second.verdict["load"][0]["bottleneck"]:
        assert not slower
        return
    assert [(one["target"], one["operation"]) for one in slower] == [("load", "GET / (4 users)")]
    assert second.words["baseline[load]"] == "degraded"
    assert "baseline.latency.slower" in {cause["code"] for cause in second.verdict["causes"]}
