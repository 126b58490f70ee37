"""What logs say joins the rest: one cause for what an API answers, what its log says and what we see ourselves (A64,
E45, R2)."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_prodcheck.diagnosis.diagnose import diagnose
from pytest_prodcheck.observe.finding import Cause, CheckResult, Finding, Verdict
from pytest_prodcheck.observe.observation import Observation

REQUEST = "7b6f2c1e-aaaa-4000-8000-0000000000aa"


def check(name: str, target: str, *findings: Finding, verdict: Verdict = "fail", **keys: Any) -> CheckResult:
    """One check; green without findings."""
    word = verdict if findings else "pass"
    return CheckResult(f"prodcheck.toml::{name}", target, word, findings, **keys)


def logged(code: str, line: str, origin: str = "plan-app-7d/app", **data: Any) -> Finding:
    """A finding about a group of records."""
    facts = {"text": line, "operation": origin, "origin": origin, "fingerprint": "f", **data}
    return Finding("log_errors", "logs", f"1× {line} ({origin})", code, seen=line, subject="f", data=facts)


def answered(status: int, code: str, **keys: Any) -> CheckResult:
    """An endpoint that answered so, with a request id."""
    seen = Observation("http", "GET /api/goals", status=status, expected=False, headers={"x-request-id": REQUEST},
                       excerpt='{"error": "internal"}', **keys)  # fmt: skip
    finding = Finding("no_server_errors", "http", f"GET /api/goals answered {status}", code,
                      data={"operation": "GET /api/goals", "status": status})  # fmt: skip
    return check("http::test_endpoint[goals]", "http", finding, observations=(seen,))


def causes(results: list[CheckResult], answers: dict[str, Any] | None = None) -> list[Cause]:
    """The causes of a run that read these lines of requests."""
    read = Observation("logs", "read 1 log stream", "readiness", data={"answers": answers or {}})
    observations = [*(seen for result in results for seen in result.observations), read]
    return list(diagnose(results, observations).causes)


def test_a_rejected_password_in_a_log_is_the_databases_cause() -> None:
    """The direct login fails, too, and the API answers 500: one cause, with the log's line as evidence."""
    line = 'FATAL:  password authentication failed for user "plan_app"'
    direct = Finding("ready", "database", line, "database.auth.password_rejected", data={"user": "plan_app"})
    (cause,) = causes([
        check("database::test_login[app]", "database", direct),
        answered(500, "http.application.unhandled_exception"),
        check("logs::test_errors", "logs", logged("database.auth.password_rejected", line, user="plan_app")),
    ])  # fmt: skip
    assert (cause.code, cause.target) == ("database.auth.password_rejected", "database")
    assert len(cause.explains) == 3


def test_a_pod_that_cannot_reach_what_answers_us_is_the_network_between() -> None:
    """The log says that the connection timed out, our reader logs in (R2)."""
    line = 'connection to server at "db" (10.0.0.5), port 5432 failed: timeout expired'
    (cause,) = causes([
        check("database::test_ready", "database"),
        check("logs::test_errors", "logs", logged("database.tcp.timeout", line)),
    ])  # fmt: skip
    assert cause.code == "database.network.blocked_from_cluster"


def test_a_pod_that_cannot_fetch_keys_that_answer_us() -> None:
    """Its tokens are rejected, ours verify: the provider is fine from here (A64)."""
    rejected = Finding("expected_answer", "graphql", "Could not verify JWT", "auth.jwks.stale_in_consumer",
                       data={"user": "member", "operation": "query Tasks"})  # fmt: skip
    seen = Observation("graphql", "query Tasks", user="member", status=200, expected=False)
    found = causes([
        check("auth::test_ready", "auth"), check("auth::test_jwks", "auth"),
        check("auth::test_signature[member]", "auth"),
        check("graphql::test_operation[Tasks]", "graphql", rejected, observations=(seen,)),
        check("logs::test_errors", "logs", logged("auth.idp.unreachable", "could not fetch JWK", "hasura-5c/hasura")),
    ])  # fmt: skip
    assert [cause.code for cause in found] == ["auth.idp.unreachable"]
    assert found[0].message.startswith("hasura-5c/hasura cannot reach the JWKS URL from its pod; from here it answers")
    assert "egress policy" in found[0].remedy


def test_a_500_takes_the_reason_of_its_own_line() -> None:
    """By its request id; another one's line says nothing of it."""
    line = "ERROR app: PrismaClientKnownRequestError: Timed out fetching a new connection from the pool (P2024)"
    told = {"lines": [line], "code": "database.pool.exhausted", "exception": ""}
    (cause,) = causes([answered(500, "http.application.unhandled_exception")], {REQUEST: told})
    assert cause.code == "database.pool.exhausted"
    assert any("P2024" in one for one in cause.evidence)
    (cause,) = causes([answered(500, "http.application.unhandled_exception")], {"another": told})
    assert cause.code == "http.application.unhandled_exception"


def test_a_500_takes_the_exception_of_its_own_line() -> None:
    """What the program raised is the program's own."""
    told = {"lines": ["KeyError: 'owner'"], "code": "logs.exception.unhandled", "exception": "KeyError"}
    (cause,) = causes([answered(500, "http.application.unhandled_exception")], {REQUEST: told})
    assert cause.code == "http.application.unhandled_exception"
    assert any("KeyError" in text for text in (cause.message, *cause.evidence))


@pytest.mark.parametrize(
    ("code", "names", "command"),
    [
        ("database.data.constraint", {}, "tail -n 200 app.log"),
        ("database.data.constraint", {"look": ""}, "pytest --prodcheck=ENV -k logs"),
        ("database.data.constraint", {"table": "payments"}, "psql -c '\\d payments'"),
        ("logs.connection.refused", {}, "tail -n 200 app.log"),
        ("logs.connection.refused", {"namespace": "plan-prod"}, "kubectl get endpoints -n plan-prod"),
    ],
)
def test_no_command_has_a_fingerprint_or_a_name_that_nobody_knows(
    code: str, names: dict[str, str], command: str
) -> None:
    """Then it is the one that looks at the log."""
    line = 'duplicate key value violates unique constraint "payments_pkey"'
    data = {"look": "tail -n 200 app.log", "sqlstate": "23505", **names}
    (cause,) = causes([check("logs::test_errors", "logs", logged(code, line, **data))])
    assert cause.next == command


def test_a_missing_module_explains_a_server_that_is_gone() -> None:
    """The log says why nothing answers (B43)."""
    gone = Finding("ready", "http", "the gateway answers 502", "http.upstream.wrong_port", data={"status": 502})
    found = causes([
        check("http::test_ready", "http", gone),
        check("logs::test_errors", "logs", logged("logs.module.missing", "No module named 'redis'")),
    ])  # fmt: skip
    assert [cause.code for cause in found] == ["logs.module.missing"]


def seen(code: str, first: str, last: str, origin: str = "app.log") -> Finding:
    """A group of records that were written between these times of 2026-11-29, 10 o'clock."""
    times = {"first": f"2026-11-29T10:{first}Z", "last": f"2026-11-29T10:{last}Z"}
    return logged(code, f"{code} at {first}", origin, **times)


@pytest.mark.parametrize(
    ("exception", "explains"),
    [
        (("09:01", "09:01", "app.log"), True),
        (("08:00", "09:02", "app.log"), True),
        (("09:04", "09:30", "app.log"), True),
        (("09:01", "09:01", "worker.log"), False),
        (("08:00", "09:00", "app.log"), False),
        (("09:05", "09:30", "app.log"), False),
    ],
)
def test_an_exception_explains_the_5xx_of_its_stream(exception: tuple[str, str, str], explains: bool) -> None:
    """One fact, one cause: what was raised is why it was answered 500 (A60). What lies further apart are two."""
    found = causes([
        check("logs::test_server_errors", "logs", seen("logs.requests.server_errors", "09:02", "09:03")),
        check("logs::test_errors", "logs", seen("logs.exception.unhandled", *exception)),
    ])  # fmt: skip
    codes = {cause.code for cause in found}
    assert codes == {"logs.exception.unhandled"} | (set() if explains else {"logs.requests.server_errors"})


@pytest.mark.parametrize(("line", "explains"), [("coroutine 'f' was never awaited", True), ("another", False)])
def test_what_a_forbidden_line_says_explains_it(line: str, explains: bool) -> None:
    """It is there once, whatever looks for it (C38, E1)."""
    found = causes([
        check("logs::test_errors", "logs",
              logged("logs.coroutine.never_awaited", "coroutine 'f' was never awaited")),
        check("logs::test_forbidden", "logs", logged("logs.pattern.forbidden", line)),
    ])  # fmt: skip
    codes = {cause.code for cause in found}
    assert codes == {"logs.coroutine.never_awaited"} | (set() if explains else {"logs.pattern.forbidden"})


def test_two_exceptions_are_two_causes() -> None:
    """Each fingerprint has its own frame to be corrected."""
    found = causes([
        check("logs::test_errors", "logs", logged("logs.exception.unhandled", "KeyError: 'a'"),
              logged("logs.exception.unhandled", "TypeError: b") ),
    ])  # fmt: skip
    assert len(found) == 1
    others = logged("logs.exception.unhandled", "TypeError: b")
    other = Finding(**{**others.as_json(), "subject": "g", "data": {**others.data, "fingerprint": "g"}})
    found = causes([check("logs::test_errors", "logs", logged("logs.exception.unhandled", "KeyError: 'a'"), other)])
    assert len(found) == 2


def test_what_a_pod_that_ends_has_logged_is_its_cause() -> None:
    """A crash loop is the root of what its workload's log says, and of that nobody asks it; not of another's log."""
    ends = Finding("pods", "cluster", "plan-app ends with 1: No module named 'stripe'", "cluster.container.crash_loop",
                   data={"pod": "plan-app-7d", "workload": "plan-app"})  # fmt: skip
    silent = Finding("log_coverage", "logs", "no traffic in the window", "logs.traffic.none", "insufficient")
    pods = check("cluster::test_pods", "cluster", ends)
    stripe = logged("logs.module.missing", "No module named 'stripe'", workload="plan-app")
    (cause,) = causes([
        pods,
        check("logs::test_errors", "logs", stripe),
        check("logs::test_coverage", "logs", silent, verdict="insufficient"),
    ])  # fmt: skip
    assert (cause.code, len(cause.explains)) == ("cluster.container.crash_loop", 3)
    other = check("logs::test_errors", "logs", logged("logs.module.missing", "No module named 'x'", workload="worker"))
    assert [cause.code for cause in causes([pods, other])] == ["cluster.container.crash_loop", "logs.module.missing"]


def test_pod_logs_come_by_the_way_of_the_cluster() -> None:
    """An API server that does not answer, or a token that expired, is one cause for the cluster and the pod logs."""
    for code, said in (("cluster.api.unreachable", "cluster.api.unreachable"),
                       ("cluster.credential.expired", "logs.source.forbidden")):  # fmt: skip
        ready = check("cluster::test_ready", "cluster", Finding("ready", "cluster", "no answer", code))
        source = check("logs::test_ready", "logs", Finding("ready", "logs", "cannot read logs", said))
        assert [(cause.code, len(cause.explains)) for cause in causes([ready, source])] == [(code, 2)]


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ({"look": "tail -n 200 app.log"}, "tail -n 200 app.log"),
        ({"namespace": "plan", "pod": "plan-app-7d"}, "kubectl logs -n plan plan-app-7d --since=1h"),
        ({}, "pytest --prodcheck=ENV -k logs"),
    ],
)
def test_where_no_traffic_shows_the_lines_are_looked_at(place: dict[str, str], command: str) -> None:
    """To judge once more gives the same answer."""
    silent = Finding("log_coverage", "logs", "no traffic", "logs.traffic.none", "insufficient", data=place)
    (cause,) = causes([check("logs::test_coverage", "logs", silent, verdict="insufficient")])
    assert cause.next == command


def test_an_exception_that_names_the_path_is_why_it_answered_500() -> None:
    """Without a request id, too; another path's exception explains nothing here (A60)."""
    raised = logged("logs.exception.unhandled", "ERROR shop: request /api/items failed: KeyError: 'price'")
    answer = Finding("no_server_errors", "http", "500", "http.application.unhandled_exception",
                     data={"operation": "GET /api/items", "path": "/api/items", "status": 500})  # fmt: skip
    other = Finding("no_server_errors", "http", "500", "http.application.unhandled_exception",
                    data={"operation": "GET /api", "path": "/api", "status": 500})  # fmt: skip
    said, asked = check("logs::test_errors", "logs", raised), check("http::test_endpoint[items]", "http", answer)
    assert [cause.code for cause in causes([asked, said])] == ["logs.exception.unhandled"]
    unrelated = check("http::test_endpoint[api]", "http", other)
    assert len(causes([unrelated, said])) == 2


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("2026-11-30T03:06:41,380 03:06 ConnectionRefusedError: [Errno 111] Connection refused", False),
        ("connect ECONNREFUSED 10.0.0.7:6379", False),
        ("smtp.test:25: Connection refused", True),
        ("connect ECONNREFUSED 10.0.0.9:5672", True),
    ],
)
def test_a_refused_connection_that_names_no_other_port_is_of_what_refuses_us(words: str, own: bool) -> None:
    """A port of another service is a cause of its own (R1)."""
    down = Finding("ready", "cache", "nothing listens", "cache.tcp.refused", data={"host": "10.0.0.7", "port": 6379})
    found = causes([check("cache::test_ready", "cache", down),
                    check("logs::test_errors", "logs", logged("logs.connection.refused", words))])  # fmt: skip
    assert [cause.code for cause in found] == ["cache.tcp.refused", *(["logs.connection.refused"] if own else [])]


def test_what_nobody_serves_is_silent() -> None:
    """No lines, and no key in the cache, where the application does not answer; a limit it breaks explains neither."""
    silent = Finding("log_coverage", "logs", "no line", "logs.source.empty", "insufficient")
    unkept = Finding("cache_keys", "cache", "no key matches cache:*", "cache.keys.missing")
    beside = [check("logs::test_coverage", "logs", silent, verdict="insufficient"),
              check("cache::test_keys[all]", "cache", unkept)]  # fmt: skip
    refused = Finding("ready", "http", "nothing listens there", "http.tcp.refused", data={"host": "h", "port": 1})
    (cause,) = causes([check("http::test_ready", "http", refused), *beside])
    assert (cause.code, len(cause.explains)) == ("http.tcp.refused", 3)
    slow = Finding("latency", "http", "slow", "http.latency.over_limit", data={"host": "h", "port": 1})
    assert len(causes([check("http::test_latency", "http", slow), *beside])) == 3


def test_who_cannot_reach_the_cache_fills_it_with_nothing() -> None:
    """A password that only the application's log tells of explains the missing keys (B24)."""
    unkept = Finding("cache_keys", "cache", "no key matches cache:*", "cache.keys.missing")
    found = causes([check("logs::test_errors", "logs", logged("cache.auth.rejected", "WRONGPASS invalid")),
                    check("cache::test_keys[all]", "cache", unkept)])  # fmt: skip
    assert [(cause.code, len(cause.explains)) for cause in found] == [("cache.auth.rejected", 2)]


def test_an_answer_without_an_id_is_asked_for_again() -> None:
    """Where it was answered, not where it was not logged."""
    unnamed = Finding("log_traces", "logs", "no id", "logs.trace.no_id", "warning",
                      data={"operation": "GET /api/items", "of": "http"})  # fmt: skip
    places = {"http": {"host": "a.test", "port": 443, "scheme": "https"}, "logs": {}}
    (cause,) = diagnose([check("logs::test_traces", "logs", unnamed, verdict="degraded")], [], places=places).causes
    assert cause.next == "curl -si https://a.test/api/items"
