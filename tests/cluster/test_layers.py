"""A cluster, its database and what serves, in one gate: what the cluster says is the one cause of all of it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from clusters import Clusters, Run, gate
from scenario import scenarios

from pytest_prodcheck.demo.postgres import Postgres

POLICY = "database.network.blocked_from_cluster"
TIMEOUT = "psycopg.OperationalError: connection timeout expired"
NO_NAME = 'psycopg.OperationalError: could not translate host name "postgres.plan-prod.svc" to address'


@contextmanager
def application(words: str = "") -> Iterator[str]:
    """What plan-app answers while it does not reach its database: 500 with its driver's words; its front page knows
    nothing of that. Without words it is well."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            well = not words or self.path == "/"
            body = json.dumps({"ok": True} if well else {"error": "Internal Server Error", "message": words}).encode()
            self.send_response(200 if well else 500)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def cut_off() -> Iterator[str]:
    """A database whose packets vanish, as behind a policy: a full backlog, nobody accepts."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            knocking = opened.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        yield f"host=postgres hostaddr=127.0.0.1 port={port} user=app password=canary-layers dbname=plan"


@contextmanager
def answering() -> Iterator[str]:
    """A database that answers the runner."""
    server = Postgres()
    try:
        yield server.dsn()
    finally:
        server.stop()


def gated(clusters: Clusters, scenario: str, folder: Path, url: str, dsn: str) -> Run:
    """The gate on all three."""
    (folder / "dsn").write_text(dsn)
    above = f"""
[env.lab.http]
url = "{url}"
endpoints = {{ home = "/", goals = "/api/goals", tasks = "/api/tasks" }}
[env.lab.database]
dsn = "file:{folder / "dsn"}"
timeout = "1s"
"""
    return gate(folder / "gate", clusters.config(scenarios()[scenario]) + above)


@pytest.mark.parametrize("scenario", ["network-denied"])
@pytest.mark.parametrize("vantage", ["inside", "outside"])
def test_a_policy_that_cuts_the_database_off_is_the_one_cause(
    clusters: Clusters, scenario: str, vantage: str, tmp_path: Path
) -> None:
    """The 500s are its symptoms; the database's checks wait for it where the runner is cut off too, and pass where the
    runner is not (R2)."""
    with application(TIMEOUT) as url, cut_off() if vantage == "inside" else answering() as dsn:
        run = gated(clusters, scenario, tmp_path, url, dsn)
    assert (run.status, run.codes) == (1, [POLICY]), run.output
    (cause,) = run.verdict["causes"]
    assert "postgres" in cause["message"]
    assert "networkpolic" in cause["next"]
    checks = {check["id"].partition("::")[2]: check for check in run.verdict["checks"]}
    for name in ("goals", "tasks"):
        failed = checks[f"http::test_endpoint[{name}]"]
        assert (failed["verdict"], failed["explained_by"]) == ("fail", POLICY)
        assert failed["id"] in cause["explains"]
    assert checks["http::test_endpoint[home]"]["verdict"] == "pass"
    ready = checks["database::test_ready"]
    assert ready["verdict"] == ("fail" if vantage == "inside" else "pass")
    assert ready["explained_by"] == (POLICY if vantage == "inside" else None)
    assert "canary" not in run.output


@pytest.mark.parametrize("scenario", ["name-service-down"])
def test_a_name_service_that_is_down_is_the_one_cause_of_all_layers(
    clusters: Clusters, scenario: str, tmp_path: Path
) -> None:
    """The database answers the runner, and nobody in the cluster finds it (R1, R2)."""
    with application(NO_NAME) as url, answering() as dsn:
        run = gated(clusters, scenario, tmp_path, url, dsn)
    assert (run.status, run.codes) == (1, ["cluster.container.crash_loop"]), run.output
    assert run.verdict["causes"][0]["message"].startswith("coredns ends by itself")


@pytest.mark.parametrize("scenario", ["network-denied"])
def test_a_policy_explains_nothing_of_an_application_that_is_well(
    clusters: Clusters, scenario: str, tmp_path: Path
) -> None:
    """It is red by itself, and nothing is said to come of it."""
    with application() as url, answering() as dsn:
        run = gated(clusters, scenario, tmp_path, url, dsn)
    assert (run.status, run.codes) == (1, [POLICY]), run.output
    assert all("::cluster::" in check for check in run.verdict["causes"][0]["explains"])
