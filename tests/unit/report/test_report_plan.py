"""`--prodcheck-plan`: every request and its sample sizes, and no secret."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_prodcheck.config import loader
from pytest_prodcheck.config.models import ClusterTarget, Environment
from pytest_prodcheck.gate import planning
from pytest_prodcheck.observe.cluster_needs import needs
from pytest_prodcheck.report import plan, readings

CONFIG = """
[env.staging]
kind = "staging"
requests = { per_second = 10, at_most = 400 }
[env.staging.users.member]
grant = "static"
token = "env:NO_SUCH_TOKEN"
[env.staging.http]
url = "https://app.test"
error_rate = "< 1%"
[env.staging.http.endpoints]
tasks = { path = "/api/tasks", as = "member", latency = ["< 1s", "p95 < 500ms"] }
[env.staging.database]
dsn = "env:NO_SUCH_DSN"
[env.staging.database.queries]
orphans = { sql = "select count(*)\\n  from tasks", expect = 0 }
[env.staging.logs]
file = ["app.log", "worker.log"]
"""


@pytest.fixture
def planned(tmp_path: Path) -> Sequence[str]:
    """The plan of a configuration whose references give nothing."""
    (tmp_path / "prodcheck.toml").write_text(CONFIG)
    environment = loader.load(tmp_path / "prodcheck.toml", "staging")
    made = planning.make(environment)
    return list(plan.render(environment, made, list(made.checks)))


def line(lines: Sequence[str], part: str) -> str:
    """The one line with this part, without its indentation."""
    (found,) = [one for one in lines if part in one]
    return " ".join(found.split())


def test_nothing_is_sent_and_no_secret_resolved(planned: Sequence[str]) -> None:
    """It says so, and shows references by name; neither of them exists."""
    assert planned[0] == "plan of staging (staging): nothing is sent, no secret is resolved"
    assert "database env:NO_SUCH_DSN" in line(planned, "NO_SUCH_DSN")


def test_every_request_is_shown(planned: Sequence[str]) -> None:
    """Method, path and user; a query in one line."""
    assert "GET /api/tasks as member" in line(planned, "test_endpoint[tasks]")
    assert line(planned, "test_query[orphans]").endswith("select count(*) from tasks")


def test_sample_sizes_are_shown(planned: Sequence[str]) -> None:
    """59 for a p95 and 299 for 1 %, at 95 % (interface.md §2), up to the cap; a limit of each request needs none."""
    assert line(planned, "test_endpoint[tasks]").endswith("[p95 < 500ms: 59 to 400 requests]")
    assert line(planned, "test_error_rate").endswith("[< 1%: 299 to 400 requests]")


def test_the_time_is_shown(planned: Sequence[str]) -> None:
    """What the samples take at the rate that is allowed, beside the deadline."""
    assert "at 10 per second and host" in planned[-1]
    assert planned[-1].endswith("deadline 300 s")


def test_tokens_that_must_be_refused_are_shown(tmp_path: Path) -> None:
    """A20: the read, as whom, and with what instead of the good token."""
    refuses = '["none", "alg_none"]'
    text = CONFIG.replace('as = "member", latency', f'as = "member", refuses = {refuses}, latency')
    text += f'[env.staging.graphql]\nurl = "https://app.test/graphql"\nas = "member"\nrefuses = {refuses}\n'
    (tmp_path / "prodcheck.toml").write_text(text)
    environment = loader.load(tmp_path / "prodcheck.toml", "staging")
    made = planning.make(environment)
    lines = list(plan.render(environment, made, list(made.checks)))
    assert line(lines, "http::test_refuses[tasks]").endswith("GET /api/tasks as member, then with none, alg_none")
    assert line(lines, "graphql::test_refuses").endswith("POST query Refused as member, then with none, alg_none")
    assert "with a broken signature" in line(lines, "test_broken_token_refused")


CLUSTER = """
[env.staging.cluster]
context = "lab"
namespace = "plan-prod"
selector = "part-of=plan"
deployments = { plan-app = 2 }
secrets = { plan-secrets = ["PASSWORD"], mail = ["KEY"] }
argocd = { application = "plan" }
wiring = ["references", "nodes"]
[env.staging.logs]
containers = ["app"]
"""


def test_what_is_read_of_a_cluster_is_shown(tmp_path: Path) -> None:
    """Each kind and its namespace, as RBAC knows it; the pods whose logs are read."""
    (tmp_path / "prodcheck.toml").write_text(CONFIG[: CONFIG.index("[env.staging.logs]")] + CLUSTER)
    environment = loader.load(tmp_path / "prodcheck.toml", "staging")
    made = planning.make(environment)
    lines = list(plan.render(environment, made, list(made.checks)))
    assert "cluster  context lab, namespace plan-prod" in lines
    listed = line(lines, "LIST in namespace plan-prod")
    assert "pods (part-of=plan), events" in listed
    assert {"deployments.apps", "replicasets.apps", "serviceaccounts"} <= set(listed.split(", "))
    assert line(lines, "LIST in the cluster") == "LIST in the cluster: nodes"
    assert line(lines, "GET in namespace plan-prod: secrets p").endswith(": secrets plan-secrets mail")
    assert line(lines, "namespace argocd") == "GET in namespace argocd: applications.argoproj.io plan"
    assert "secrets and configmaps that its workloads name" in line(lines, "no value is kept")
    said = line(lines, "pods/log of")
    assert said.startswith(
        "LIST pods (part-of=plan) in namespace plan-prod, GET pods/log of all their containers (app)"
    )
    assert "since rollout" in said


def test_every_need_of_a_cluster_is_in_its_plan(tmp_path: Path) -> None:
    """Nothing is listed that the plan does not name."""
    table = ClusterTarget(
        context="lab", namespace="n", deployments={"a": 1}, usage={"memory": "< 90%"}, certificates=("c",)
    )
    said = "\n".join(readings.of(table, Environment(name="staging", targets={"cluster": table})))
    assert all(need.resource in said for need in needs(table))


def test_logs_are_read_once(planned: Sequence[str]) -> None:
    """Their source, and what is read of it for all checks."""
    assert "logs  app.log, worker.log" in planned
    (line,) = [line for line in planned if "logs::test_coverage" in line]
    assert line.endswith("the lines of the window, once for all checks, when everything else was asked")
