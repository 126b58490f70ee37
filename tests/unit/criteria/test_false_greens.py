"""The situations of `false_greens.yaml` that pure criteria decide: what a naive gate lets through is not green here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pytest_prodcheck.config.models import Endpoint
from pytest_prodcheck.criteria import error_rate, latency
from pytest_prodcheck.criteria.answers import expected_answer
from pytest_prodcheck.criteria.server_errors import no_server_errors
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

CASES = yaml.safe_load(Path(__file__).with_name("false_greens.yaml").read_text(encoding="utf-8"))
SEVERITY = {"fail": "error", "insufficient": "insufficient"}


def ok(seconds=0.1):
    """A right answer of GET /x."""
    return Observation("http", "GET /x", status=200, phases={"first_byte": seconds})


def bad(status=500, **changes):
    """An answer that is not expected."""
    return Observation("http", "GET /x", status=status, phases={"first_byte": 0.002}, expected=False, **changes)


def timeout(**changes):
    """No answer."""
    return Observation("http", "GET /x", error="timeout", wall=10.0, expected=False, **changes)


def judged(endpoint, body=b"", status=200, headers=(), **changes):
    """The findings of one answer to one endpoint."""
    seen = Observation("http", "GET /api/goals", status=status, body=body, headers=dict(headers), **changes)
    return expected_answer(Endpoint.model_validate({"path": "/api/goals", **endpoint}), seen, now=0.0)


JUDGED: dict[str, Callable[[], list[Finding]]] = {
    "fg-http-200-error-body": lambda: judged({"expect": {"each": "*"}}, json.dumps({"error": "x"}).encode()),
    "fg-http-login-redirect": lambda: judged(
        {"as": "member"}, status=302, headers={"location": "/login"}, user="member", expected=False
    ),
    "fg-http-captive-html": lambda: judged({"expect": []}, b"<html>", headers={"content-type": "text/html"}),
    "fg-http-cdn-stale": lambda: judged({}, headers={"age": "86400", "warning": "110", "x-cache": "STALE"}),
    "fg-http-unhealthy-substring": lambda: judged(
        {"path": "/health/detailed"}, b'{"auth_service":"unhealthy","db":"unreachable: timeout"}'
    ),
    "fg-http-timeout-swallowed": lambda: no_server_errors([timeout(kind="fixture")]),
    "fg-load-few-samples": lambda: error_rate.judge([ok()] * 50, "< 1%", "http"),
    "fg-load-nan": lambda: latency.judge([timeout()] * 59, ["p95 < 500ms"], "http"),
    "fg-load-errors-fast": lambda: latency.judge([ok()] * 70 + [bad(503)] * 30, ["p95 < 500ms"], "http"),
    "fg-return-false": lambda: no_server_errors([bad(503, kind="fixture")]),
    "fg-ok-expected-401": lambda: judged({"status": 401}, status=401),
    "fg-ok-hasura-get-404": lambda: judged({"status": 404}, b'{"code":"not-found"}', status=404),
    "fg-ok-enough-samples": lambda: error_rate.judge([ok()] * 299, "< 1%", "http"),
}


def test_every_case_is_judged():
    """No entry of the file is left out."""
    assert {case["id"] for case in CASES} == set(JUDGED)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_verdict_is_the_required_one(case):
    """Red where it must be, insufficient where nothing is proven, and green for the controls."""
    severities = {finding.severity for finding in JUDGED[case["id"]]()}
    required = case["required"]["verdict"]
    assert severities == (set() if required == "pass" else {SEVERITY[required]})
