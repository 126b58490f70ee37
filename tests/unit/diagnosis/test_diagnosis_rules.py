"""Rules that no single fault of the corpus shows: what is not explained, and what only the whole run knows."""

from __future__ import annotations

from email.utils import formatdate

import described
import pytest

from pytest_prodcheck.diagnosis.diagnose import Diagnosis, diagnose

REFUSED = {"code": "database.tcp.refused", "data": {"host": "db", "port": 5432}}
JWT = {
    "user": "member",
    "status": 200,
    "data": {"hasura_code": "invalid-jwt", "text": "Could not verify JWT: JWTExpired"},
}


def _told(checks: dict, *further: dict) -> Diagnosis:
    results = described.checks(checks)
    seen = [one for result in results for one in result.observations]
    return diagnose(results, seen + [described.observation(one) for one in further])


def _codes(told: Diagnosis) -> list[str]:
    return [cause.code for cause in told.causes]


def test_a_bug_is_not_blamed_on_the_database() -> None:
    """A 5xx that names its own exception stays a cause of its own beside a broken database."""
    bug = {"status": 500, "body": "ZeroDivisionError: division by zero"}
    told = _told({"database::test_ready": REFUSED, "http::test_endpoint[report]": bug})
    assert _codes(told) == ["database.tcp.refused", "http.application.unhandled_exception"]


def test_an_engine_without_codes_says_that_a_document_is_outdated() -> None:
    """The words of graphql-core and graphql-js are enough: the documents that do not fit are the one cause."""
    answer = {"status": 200, "code": "unknown", "operation": "query Tasks",
              "data": {"text": "Cannot query field 'skuu' on type 'Product'. Did you mean 'sku'?"}}  # fmt: skip
    document = {"code": "graphql.document.outdated", "message": "graphql/app.graphql:1: query Tasks: Cannot query"}
    told = _told({"graphql::test_documents": document, "graphql::test_operation[Tasks-a]": answer})
    assert _codes(told) == ["graphql.document.outdated"]


def test_what_is_red_comes_before_what_is_not_proven() -> None:
    """A plan that proves nothing, or a warning, lies deeper, and is not what made the run red."""
    plan = {"code": "database.query.plan", "severity": "insufficient", "verdict": "insufficient"}
    bloat = {"code": "database.lint.bloat", "severity": "warning", "verdict": "degraded"}
    bug = {"status": 500, "body": "ZeroDivisionError: division by zero"}
    told = _told({"database::test_lint": bloat, "database::test_plan[x]": plan, "http::test_endpoint[report]": bug})
    assert _codes(told) == ["http.application.unhandled_exception", "database.query.plan", "database.lint.bloat"]


def test_what_blocks_comes_first() -> None:
    """Too little privilege to look is no failure, and everything that waits for it is red."""
    unseen = {"code": "database.privilege.missing", "severity": "insufficient", "verdict": "insufficient"}
    bug = {"status": 500, "body": "ZeroDivisionError: division by zero"}
    waits = {"blocked_by": "database.privilege.missing"}
    told = _told({"database::test_ready": unseen, "database::test_rls": waits, "http::test_endpoint[report]": bug})
    assert _codes(told) == ["database.privilege.missing", "http.application.unhandled_exception"]


def test_row_level_security_explains_no_server_error() -> None:
    """RLS that is off lets rows through; it makes nothing fail."""
    told = _told({"database::test_rls": {"code": "database.rls.disabled"}, "http::test_endpoint[x]": {"status": 500}})
    assert _codes(told) == ["database.rls.disabled", "http.application.unhandled_exception"]


def test_another_table_is_another_cause() -> None:
    """A missing table explains only documents about it."""
    document = {"status": 200, "data": {"text": "field 'users' not found in type: 'query_root'", "admin_result": "ok"},
                "code": "graphql.permission.missing"}  # fmt: skip
    missing = {"code": "database.schema.table_missing", "data": {"table": "public.goals"}}
    assert len(_told({"database::test_tables": missing, "graphql::test_operation[U-m]": document}).causes) == 2


def test_nothing_failed_has_no_cause() -> None:
    """A green run has an empty diagnosis."""
    assert _told({"http::test_endpoint[x]": "pass"}) == Diagnosis((), {})


def test_a_skewed_runner_is_named() -> None:
    """Where all servers' clocks differ from ours alike, our clock is wrong."""
    dates = [{"target": target, "status": 200, "headers": {"date": formatdate(described.START + 600, usegmt=True)}}
             for target in ("http", "auth")]  # fmt: skip
    assert _codes(_told({"graphql::test_operation[G-m]": JWT}, *dates)) == ["runner.clock.skewed"]


def test_a_valid_token_that_is_called_expired_is_a_skew() -> None:
    """A token that is valid by our clock and expired at the consumer: the consumer's clock differs."""
    checks = {"auth::test_claims[member]": "pass", "graphql::test_operation[G-m]": JWT}
    assert _codes(_told(checks)) == ["auth.clock.skewed"]


def test_one_page_for_all_hosts_is_a_portal() -> None:
    """Two hosts that give the same page were answered by something in between."""
    page = {"status": 200, "body": "<html><title>Log in to the network</title></html>", "code": "http.answer.html"}
    checks = {"http::test_ready": page, "graphql::test_ready": page}
    assert _codes(_told(checks)) == ["runner.proxy.in_path"]


def test_names_that_never_resolve_are_the_resolver() -> None:
    """No name of several resolves: the runner's resolver, nothing about the environment."""
    failing = {kind: {"data": {"error": "dns.not_found", "host": f"{kind}.test"}} for kind in ("http", "auth")}
    seen = [{"target": kind, "error": "dns.not_found", "data": {"host": f"{kind}.test"}} for kind in failing]
    told = _told({f"{kind}::test_ready": shown for kind, shown in failing.items()}, *seen)
    assert _codes(told) == ["runner.dns.broken"]


def test_unknown_says_what_was_seen() -> None:
    """Without a rule the cause is unknown: what was seen, expected, and the request to repeat it."""
    told = _told(
        {
            "http::test_endpoint[x]": {
                "operation": "GET /x",
                "status": 418,
                "promised": "200",
                "data": {"host": "a.test"},
            }
        }
    )
    assert told.causes[0].message == "GET /x answers 418, expected 200; no cause known"
    assert told.causes[0].next == "curl -si https://a.test/x"


def test_health_that_lies_is_evidence() -> None:
    """A health endpoint that passes while the database is down is said in the evidence (R1, R23)."""
    told = _told(
        {
            "database::test_ready": REFUSED,
            "http::test_endpoint[health]": "pass",
            "http::test_endpoint[x]": {"status": 500},
        }
    )
    assert any("health does not test the database" in line for line in told.causes[0].evidence)


def test_evidence_carries_no_control_characters() -> None:
    """What a target says reaches no terminal as a command."""
    told = _told({"http::test_endpoint[x]": {"status": 418, "body": "\x1b[2J\x07 evil"}})
    assert "\x1b" not in "".join(told.causes[0].evidence)


def test_a_bug_in_the_login_is_not_blamed_on_the_database() -> None:
    """Being a log-in, or counted in a rate, does not make a named exception a symptom of something else."""
    bug = {"operation": "POST /login", "status": 500, "body": "KeyError: 'name'"}
    rate = {"operation": "POST /login", "status": 500, "body": "KeyError: 'name'", "criterion": "error_rate"}
    checks = {"database::test_ready": REFUSED, "http::test_endpoint[login]": bug, "http::test_error_rate": rate}
    told = _told(checks)
    assert _codes(told) == ["database.tcp.refused", "http.application.unhandled_exception"]
    assert len(told.causes[1].explains) == 2


def test_a_full_server_is_not_a_small_pool() -> None:
    """A pool's time-out while the server has no slot left is the server's exhaustion (R14)."""
    full = {"server_connections": 99, "limit": 100}
    checks = {"http::test_endpoint[x]": {"status": 500, "body": "QueuePool limit of size 5 reached", "data": full}}
    assert _codes(_told(checks)) == ["database.connections.exhausted"]


def _turns(*statuses: int, **more: object) -> list[dict]:
    seen = {"operation": "GET /me", "user": "member", **more}
    return [seen | {"status": status, "expected": status == 200} for status in statuses]


REFUSED_USER = {"status": 401, "user": "member", "operation": "GET /tasks"}


def test_replicas_that_disagree_explain_every_refusal_of_the_user() -> None:
    """One request that was accepted and refused in turn tells why the same user was refused elsewhere (R19)."""
    told = _told({"http::test_endpoint[tasks]": REFUSED_USER}, *_turns(200, 401, 200))
    assert _codes(told) == ["auth.secret.replicas_disagree"]


def test_refusals_that_do_not_alternate_are_no_replicas() -> None:
    """Refused from some moment on, another user's turns, another request's, a broken token's 401: none is R19."""
    asked = {"user": "member", "operation": "GET /me", "status": 401, "expected": True}
    others = [
        _turns(200, 200, 401, 401),
        _turns(200, 401, 200, user="other"),
        [*_turns(200), *_turns(401, subject="another"), *_turns(200)],
        [*_turns(200), asked, *_turns(200)],
    ]
    for seen in others:
        assert _codes(_told({"http::test_endpoint[tasks]": REFUSED_USER}, *seen)) == ["unknown"]


@pytest.mark.parametrize(
    ("cause", "symptom"),
    [
        ("database.rls.policy_missing", "database.privilege.rows_hidden"),
        ("database.privilege.missing", "database.privilege.rows_hidden"),
        ("database.rls.disabled", "database.rls.rows_visible"),
        ("database.rls.bypassed", "database.rls.rows_visible"),
        ("database.rls.policy_too_wide", "database.rls.rows_visible"),
        ("database.rls.policies_ored", "database.rls.rows_visible"),
        ("database.rls.policy_too_wide", "database.rls.policies_ored"),
        ("database.data.seed_missing", "database.rls.unproven"),
        ("database.lock.contention", "database.rls.unproven"),
    ],
)
def test_what_a_user_sees_is_a_symptom_of_what_the_catalog_shows(cause: str, symptom: str) -> None:
    """What the proof counts is no second cause beside the policy, the grant or the seed behind it (A25); of another
    table it is."""

    def told(table: str) -> list[str]:
        seen = {"code": symptom, "criterion": "rls_proof", "data": {"table": table, "user": "member"}}
        known = {"code": cause, "criterion": "rls", "data": {"table": "public.goals"}}
        return _codes(_told({"database::test_rls": known, "database::test_rls_proof[member]": seen}))

    assert told("public.goals") == [cause]
    assert sorted(told("public.other")) == sorted([cause, symptom])


@pytest.mark.parametrize(("function", "roots"), [("public.uid()", 1), ("public.other()", 2)])
def test_a_function_that_policies_call_is_nearer_than_what_they_hide(function: str, roots: int) -> None:
    """A policy asks the function; the pinned contract says that it does something else now (A25, A33)."""
    changed = {
        "code": "database.schema.object_changed",
        "severity": "warning",
        "data": {"kind": "function", "object": function, "table": function},
    }
    hidden = {"code": "database.privilege.rows_hidden", "data": {"table": "public.tasks", "functions": ["public.uid"]}}
    results = described.checks({"database::test_rls_proof[member]": hidden, "database::test_contract": changed})
    told = diagnose(results, [])
    assert len(told.causes) == roots
    if roots == 1:
        assert told.causes[0].code == "database.schema.object_changed"


def test_a_slow_down_is_a_sign_of_the_limit_that_is_broken() -> None:
    """One slow endpoint, judged by its promise and by the baseline, is one cause; of another target it is not."""
    late = {"code": "http.latency.over_limit", "criterion": "latency", "data": {"host": "a.test"}}
    slower = {"code": "baseline.latency.slower", "verdict": "degraded"}
    assert _codes(_told({"http::test_latency": late, "baseline[http]": {**slower, "target": "http"}})) == [
        "http.latency.over_limit"
    ]
    apart = _told({"http::test_latency": late, "baseline[database]": {**slower, "target": "database"}})
    assert _codes(apart) == ["http.latency.over_limit", "baseline.latency.slower"]


def test_errors_that_break_a_rate_and_a_quantile_are_one_cause() -> None:
    """A test of one's own that samples what answers 404 has two findings, and one thing is wrong."""
    seen = {"target": "http", "data": {"host": "a.test", "operation": "GET /checkout", "status": 404, "errors": 5}}
    rate = {**seen, "code": "http.error_rate.over_limit", "criterion": "error_rate", "message": "5 of 5 failed"}
    late = {
        **seen,
        "code": "unknown",
        "criterion": "latency",
        "promised": "p95 < 500ms",
        "message": "100 % answers 404",
    }
    assert _codes(_told({"checks/test_x.py::test_a": rate, "checks/test_x.py::test_b": late})) == [
        "http.error_rate.over_limit"
    ]
    alone = _told({"checks/test_x.py::test_b": late}).causes[0]
    assert "100 % answers 404" in alone.message
    assert "expected p95" not in alone.message
