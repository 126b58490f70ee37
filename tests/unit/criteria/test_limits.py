"""Latency and error rate: what is judged, how it is said, and what no error may hide.

Rows of the runbooks: (C3, C4, C44, C46, C47, D43, T9).
"""

from __future__ import annotations

import pytest

from pytest_prodcheck.criteria import error_rate, latency
from pytest_prodcheck.criteria.sampling import Decided, More
from pytest_prodcheck.criteria.server_errors import no_server_errors
from pytest_prodcheck.observe.observation import Observation


def answer(seconds=0.1, status=200, operation="GET /x", **changes):
    """One answer; anything but 2xx is unexpected unless said otherwise."""
    changes.setdefault("expected", 200 <= status < 300)
    return Observation("http", operation, status=status, phases={"first_byte": seconds}, **changes)


def timeout(**changes):
    """A request without an answer in ten seconds."""
    return Observation("http", "GET /x", error="timeout", wall=10.0, expected=False, **changes)


def only(findings):
    """The one finding."""
    assert len(findings) == 1
    return findings[0]


def test_a_slow_request_breaks_its_limit_by_name():
    """A limit without a quantile holds for each request, and names the slowest."""
    found = only(latency.judge([answer(), answer(0.9, operation="GET /slow")], ["< 500ms"], "http"))
    assert (found.severity, found.code) == ("error", "http.latency.over_limit")
    assert found.message == "GET /slow took 900ms, promised < 500ms"
    assert found.data["max"] == 0.9
    assert found.data["slowest"][0] == {"operation": "GET /slow", "mean": 0.9}


def test_limits_judge_phases_not_connection_setup():
    """DNS, TCP and TLS are not the server's answer time."""
    slow_setup = Observation(
        "http", "GET /x", status=200, phases={"tls": 3.0, "first_byte": 0.1, "body": 0.1}, wall=3.5
    )
    assert latency.judge([slow_setup], ["< 300ms"], "http") == []


def test_59_fast_answers_prove_a_p95_and_58_do_not():
    """The p95 is proven by order statistics (libraries §13)."""
    assert latency.judge([answer()] * 59, ["p95 < 500ms"], "http") == []
    found = only(latency.judge([answer()] * 58, ["p95 < 500ms"], "http"))
    assert (found.severity, found.code) == ("insufficient", "sampling.insufficient")


def test_an_insufficient_quantile_says_what_would_be_enough():
    """The message carries what was seen, what it proves and what is needed."""
    found = only(latency.judge([answer()] * 50, ["p95 < 500ms"], "http"))
    assert found.message == "0 of 50 over 500ms proves only < 5.8 %; 59 requests are needed for p95 (95 %)"


def test_a_broken_quantile_names_its_figure():
    """Ten slow ones of twenty break the p95 for certain."""
    found = only(latency.judge([answer()] * 10 + [answer(0.9)] * 10, ["p95 < 500ms"], "http", "home"))
    assert found.message == "p95 is 900ms; 10 of 20 requests over 500ms, promised p95 < 500ms"
    assert (found.severity, found.subject) == ("error", "home")


@pytest.mark.parametrize("limit", ["< 500ms", "p95 < 500ms", "mean < 500ms"])
def test_all_timeouts_leave_no_latency_to_judge(limit):
    """fg-load-nan: without one answer there is no p95, and that is red."""
    found = only(latency.judge([timeout()] * 40, [limit], "http"))
    assert found.message == "100 % timeouts; no latency to judge"
    assert (found.severity, found.code) == ("error", "http.application.hangs")


@pytest.mark.parametrize("limit", ["p95 < 500ms", "mean < 500ms"])
def test_errors_are_not_fast_answers(limit):
    """fg-load-errors-fast: 30 % of 503 within 2 ms are no good p95, and no good mean."""
    found = only(latency.judge([answer()] * 70 + [answer(0.002, 503)] * 30, [limit], "http"))
    assert "30 % server errors" in found.message
    assert "errors are not counted as fast answers" in found.message
    assert (found.severity, found.code) == ("error", "http.upstream.none")


def test_errors_are_left_out_of_the_reported_quantiles():
    """p50, p95 and maximum are those of right answers; errors are counted beside them."""
    figures = latency.summary([answer(0.1), answer(0.2), answer(9.0, 500), timeout()])
    assert figures == {"n": 4, "errors": 2, "p50": 0.1, "p95": 0.2, "max": 0.2}
    assert latency.summary([timeout()])["p95"] is None


@pytest.mark.parametrize("limit", ["< 1s", "p95 < 1s", "mean < 1s", "< 1%"])
def test_no_request_at_all_proves_nothing(limit):
    """0 of 0 is neither 0 % nor fast (fg-load-zero-requests)."""
    judge = error_rate.judge([], limit, "http") if "%" in limit else latency.judge([], [limit], "http")
    found = only(judge)
    assert (found.severity, found.code) == ("insufficient", "sampling.insufficient")
    assert found.message.startswith("0 requests: nothing to judge")


def test_failures_of_other_layers_are_named_by_diagnosis():
    """A database that times out is no hanging HTTP application."""
    lost = Observation("database", "query orphans", error="timeout", expected=False)
    assert only(latency.judge([lost], ["< 1s"], "database")).code == "unknown"


def test_undecided_because_of_429_says_so():
    """A 429 is neither a success nor an error, and names our own rate."""
    limited = answer(status=429)
    for found in (
        only(latency.judge([answer()] * 20 + [limited] * 5, ["p95 < 1s"], "http")),
        only(error_rate.judge([answer()] * 20 + [limited] * 5, "< 1%", "http")),
    ):
        assert (found.severity, found.code) == ("insufficient", "http.rate_limited.by_us")


def test_fifty_requests_do_not_prove_one_percent():
    """fg-load-few-samples: 0 of 50 is not less than 1 %."""
    found = only(error_rate.judge([answer()] * 50, "< 1%", "http"))
    assert found.message == "0 of 50 proves only < 5.8 %; 299 requests are needed for < 1 % (95 %)"
    assert (found.severity, found.code) == ("insufficient", "sampling.insufficient")


def test_299_requests_prove_one_percent():
    """fg-ok-enough-samples: 0 of 299 is."""
    assert error_rate.judge([answer()] * 299, "< 1%", "http") == []


def test_expected_refusals_are_no_errors():
    """fg-ok-expected-401: an expected 401 counts as right (T24)."""
    assert error_rate.judge([answer(status=401, expected=True)] * 299, "< 1%", "http") == []


def test_one_error_needs_more_and_says_how_many():
    """One error among 500 decides nothing yet over repeated looks."""
    found = only(error_rate.judge([answer()] * 499 + [timeout()], "< 1%", "http"))
    assert found.severity == "insufficient"
    assert "1 of 500" in found.message
    assert "943 requests are needed for < 1 % (95 %)" in found.message


def test_a_broken_rate_names_what_failed():
    """The code is that of most errors, so that the cause can claim it."""
    found = only(error_rate.judge([answer()] * 90 + [answer(status=502)] * 8 + [timeout()] * 2, "< 1%", "http"))
    assert (found.severity, found.code) == ("error", "http.upstream.crashed")
    assert found.message.startswith("10 of 100 requests failed (server errors and timeouts)")
    assert found.data["by_kind"] == {"server errors": 8, "timeouts": 2}


def test_a_broken_rate_of_unknown_cause_has_its_own_code():
    """Undeclared statuses alone name no cause."""
    assert only(error_rate.judge([answer(status=404)] * 5, "< 1%", "http")).code == "http.error_rate.over_limit"


def test_a_5xx_among_samples_within_the_proven_bound_is_a_warning():
    """It makes the run degraded, no more; the same in a declared exchange is an error elsewhere."""
    samples = [answer(kind="sample")] * 1000 + [answer(status=500, kind="sample")]
    found = only(error_rate.judge(samples, "< 1%", "http"))
    assert found.severity == "warning"
    assert "1 of 1001 requests answered 5xx" in found.message
    assert no_server_errors(samples) == []


def test_next_step_asks_and_ends():
    """The gate asks the criteria how many more requests a limit needs."""
    assert latency.next_step([], "p95 < 1s", 0.95, 1000) == More(5)
    assert latency.next_step([answer()] * 59, "p95 < 1s", 0.95, 1000) == Decided("pass")
    assert error_rate.next_step([answer()] * 5, "< 1%", 0.95, 1000) == More(5)
    assert error_rate.next_step([timeout()] * 5, "< 1%", 0.95, 1000) == Decided("fail")


@pytest.mark.parametrize("kind", ["declared", "fixture", "readiness"])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "http.application.unhandled_exception"),
        (502, "http.upstream.crashed"),
        (503, "http.upstream.none"),
        (504, "http.upstream.timeout"),
    ],
)
def test_every_5xx_is_a_finding(kind, status, code):
    """fg-return-false: a 5xx is red although the test asserts nothing."""
    seen = answer(status=status, kind=kind, headers={"x-request-id": "r-17"})
    found = only(no_server_errors([answer(), seen]))
    assert (found.severity, found.code) == ("error", code)
    assert found.message == f"GET /x answered {status} (x-request-id r-17)"


def test_a_declared_5xx_is_right():
    """An endpoint may promise a 503; a fixture's request promises nothing."""
    assert no_server_errors([answer(status=503, expected=True)]) == []
    assert no_server_errors([answer(status=503, expected=True, kind="fixture")]) != []


def test_a_swallowed_timeout_is_a_finding():
    """fg-http-timeout-swallowed: try/except in the test hides nothing."""
    found = only(no_server_errors([timeout(kind="fixture")]))
    assert found.message == "no answer in 10 s from /x"
    assert found.severity == "error"


def test_what_we_refused_to_send_is_not_the_servers_error():
    """A refusal by our guard says nothing about the target."""
    refused = Observation("http", "POST /x", error="refused", expected=False, kind="fixture")
    assert no_server_errors([refused]) == []


def test_an_allowed_server_error_is_a_warning_that_says_why():
    """`allows_server_errors` needs a reason, and the reason is read again."""
    found = only(no_server_errors([answer(status=500)], "known: PLAN-123"))
    assert found.severity == "warning"
    assert "known: PLAN-123" in found.message


def test_maintenance_is_named():
    """A 503 that says maintenance is not a missing backend."""
    assert only(no_server_errors([answer(status=503, body=b"Down for maintenance")])).code == (
        "http.application.in_maintenance"
    )
