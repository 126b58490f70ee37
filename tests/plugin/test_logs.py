"""Logs end to end: what the gate says of a file beside a small system (A60, C28, E45, R22, T22)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_system import Answer

ENDPOINT = '[env.staging.http]\nurl = "URL"\n[env.staging.http.endpoints]\ngoals = "/api/goals"\n'
LOGS = '[env.staging.logs]\nfile = "app.log"\n'
REQUEST_ID = "7b6f2c1e-aaaa-4000-8000-0000000000aa"


def at(seconds: float, words: str) -> str:
    """A line so many seconds before now."""
    return f"{datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()} {words}\n"


def served(seconds: float = 5, status: int = 200) -> str:
    """An answered request of somebody else."""
    clf = datetime.fromtimestamp(time.time() - seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'10.0.0.3 - - [{clf}] "GET /api/goals HTTP/1.1" {status} 1 "-" "curl"\n'


@pytest.fixture
def log(gate) -> Path:
    """The file that the gate reads."""
    return gate.path / "app.log"


def test_healthy_logs_are_green(gate, log):
    """Traffic, and nothing grave."""
    gate.config(ENDPOINT + LOGS)
    gate.system.on("/api/goals", [])
    log.write_text(served() + at(5, "INFO app: ok"))
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert set(outcome.words) >= {"test_coverage", "test_errors", "test_server_errors", "test_private", "test_traces"}


def test_no_traffic_is_insufficient(gate, log, assert_required):
    """A window without a request proves nothing (T22)."""
    gate.config(LOGS)
    log.write_text(at(5, "INFO app: idle"))
    assert_required("fg-logs-no-traffic", gate.run())


def test_a_log_that_fell_silent_is_insufficient(gate, log):
    """It showed traffic nine minutes ago and nothing since, although the gate has asked the system (T22)."""
    gate.config(ENDPOINT + LOGS)
    gate.system.on("/api/goals", [])
    log.write_text(served(595) + served(540))
    outcome = gate.run()
    outcome.assert_is(
        6, "insufficient", r"9 min before the end of the window, although we sent \d+ requests since \(http"
    )
    assert {outcome.words[name] for name in ("test_coverage", "test_errors", "test_private")} == {"insufficient"}


def test_a_quiet_log_that_we_sent_nothing_to_is_green_and_said(gate, log):
    """No check but those of logs: silence is no gap that could be seen, and the run says since when."""
    gate.config(LOGS)
    log.write_text(served(595) + served(540))
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    outcome.assert_says("before the end of the window; we sent it no request: quiet, or cut off, is not told apart")


def test_logs_that_may_not_be_read_are_blocked(gate, assert_required):
    """403 for pods/log blocks what is judged by logs, and nothing else is red (R22)."""
    base = "/api/v1/namespaces/plan-prod/pods"
    created = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    pod = {
        "metadata": {"name": "plan-app-1", "namespace": "plan-prod", "creationTimestamp": created},
        "status": {"containerStatuses": [{"name": "app", "state": {"running": {"startedAt": created}}}]},
    }
    gate.system.on(base, {"items": [pod], "metadata": {}})
    gate.system.on(f"{base}/plan-app-1/log", Answer(403, {"message": "pods/log is forbidden"}))
    kubeconfig = (
        '{"current-context":"lab","contexts":[{"name":"lab","context":{"cluster":"lab","user":"r","namespace":'
        f'"plan-prod"}}}}],"clusters":[{{"name":"lab","cluster":{{"server":"{gate.system.url}"}}}}],'
        '"users":[{"name":"r","user":{"token":"canary-token-of-the-lab"}}]}'
    )
    (gate.path / "kubeconfig").write_text(kubeconfig)
    gate.config('[env.staging.cluster]\ncontext = "lab"\nkubeconfig = "kubeconfig"\n[env.staging.logs]\n')
    assert_required("fg-logs-forbidden", gate.run("--prodcheck-only=logs"))


def test_a_500_takes_its_reason_from_its_own_line(gate, log):
    """The answer names its request; the log says of that request that PostgreSQL rejects the password (E45)."""
    gate.config(ENDPOINT + LOGS)
    gate.system.on("/api/goals", Answer(500, {"error": "internal"}, {"x-request-id": REQUEST_ID}))
    log.write_text(
        served() + at(1, f'ERROR app: [{REQUEST_ID}] FATAL:  password authentication failed for user "plan_app"')
    )
    outcome = gate.run()
    assert outcome.verdict is not None
    causes = {cause["code"]: cause for cause in outcome.verdict["causes"]}
    assert list(causes) == ["database.auth.password_rejected"]
    assert "prodcheck.toml::http::test_endpoint[goals]" in causes["database.auth.password_rejected"]["explains"]
    assert outcome.words["test_errors"] == "pass"


def test_a_500_without_a_line_is_said(gate, log):
    """Its id is in no line: the error is swallowed."""
    gate.config(ENDPOINT + LOGS)
    gate.system.on("/api/goals", Answer(500, {"error": "internal"}, {"x-request-id": REQUEST_ID}))
    log.write_text(served())
    outcome = gate.run()
    assert outcome.words["test_traces"] == "degraded"
    outcome.assert_says(f"no log line has its id {REQUEST_ID}")


def test_a_printed_credential_reaches_no_report(gate, log):
    """The finding says that the log prints one; its value stands in nothing that the run leaves [C28]."""
    gate.config(LOGS)
    secret = "dummy-DsnPa55-3vK"
    log.write_text(served() + at(5, f"INFO app: DATABASE_URL=postgresql://app_user:{secret}@db.test:5432/shop"))
    outcome = gate.run("-vv", "--showlocals", "--junitxml=junit.xml")
    outcome.assert_is(1, "fail", "log prints a credential")
    left = [path for path in gate.path.rglob("*") if path.is_file() and path.name != "app.log"]
    assert not [path for path in left if secret.encode() in path.read_bytes()]
    assert secret not in outcome.text


def test_accepted_groups_are_known(gate, log):
    """A cause that is accepted with an end is green."""
    gate.config(
        LOGS + '[[env.staging.accepted]]\ncode = "logs.record.grave"\non = "logs"\nreason = "PLAN-1"\n'
        f"until = {datetime.now(UTC).date()}\n"
    )
    log.write_text(served() + at(5, "ERROR app: boom"))
    gate.run().assert_is(0, "pass")


def test_a_test_of_ones_own_asks_the_logs(gate, log):
    """`prodcheck_logs` gives groups, masked."""
    gate.config('[prodcheck]\nsuites = ["checks"]\n' + LOGS)
    log.write_text(served() + at(5, "ERROR app: boom of jane.roe@mail.plan-shop.io"))
    (gate.path / "checks").mkdir()
    (gate.path / "checks/test_mine.py").write_text(
        "def test_mine(prodcheck_logs):\n"
        "    (group,) = prodcheck_logs.errors()\n"
        "    assert group.line.endswith('boom of [e-mail]')\n"
        "    assert prodcheck_logs.streams[0].requests == 1\n"
    )
    outcome = gate.run()
    assert outcome.words["test_mine"] == "pass"
