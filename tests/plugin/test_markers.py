"""Markers on users' own tests: wrong arguments are exit 4 before anything is sent, right ones judge."""

from __future__ import annotations

import pytest

WRONG = {
    "latency()": "names no limit",
    "latency('fast')": "latency",
    "latency('p95 < 500')": "unit",
    "latency(500)": "latency",
    "error_rate()": "error_rate",
    "error_rate('1')": "error_rate",
    "error_rate('< 1%', '< 2%')": "error_rate",
    "jwt_claims()": "jwt_claims",
    "jwt_claims(['member'])": "jwt_claims",
    "schema_tables()": "one or more names",
    "schema_tables(1)": "one or more names",
    "rls('')": "one or more names",
    "needs()": "one or more names",
    "allows_server_errors()": "allows_server_errors",
    "allows_server_errors(' ')": "needs a reason",
    "needs(target='http')": "needs",
}


@pytest.mark.parametrize("mark", WRONG)
def test_wrong_arguments(gate, mark):
    """A wrong argument is exit 4 with `file:line` and the mark's usage; nothing is sent."""
    gate.file("checks/test_own.py", f"import pytest\n\n@pytest.mark.{mark}\ndef test_own(prodcheck_http): ...\n")
    name = mark.partition("(")[0]
    outcome = gate.run("checks")
    outcome.assert_is(
        4, "none", r"test_own.py:\d: @pytest.mark." + name, WRONG[mark], "usage: @pytest.mark", "nothing was sent"
    )
    assert gate.sent() == 0


def test_wrong_arguments_under_xdist(gate):
    """Under xdist a wrong argument is a usage error, too."""
    gate.file("checks/test_own.py", "import pytest\n@pytest.mark.latency()\ndef test_own(prodcheck_http): ...\n")
    outcome = gate.run("-n", "2", "checks")
    assert outcome.status == 4
    outcome.assert_says("names no limit")
    assert gate.sent() == 0


@pytest.mark.parametrize(
    ("mark", "fixture", "said"),
    [
        ("needs('database')", "prodcheck_http", "test_own needs target database, environment staging has none"),
        ("jwt_claims('nobody')", "prodcheck_http", "test_own needs user nobody, environment staging has none"),
        ("schema_tables('goals')", "prodcheck_http", "test_own needs target database"),
        ("smoke", "prodcheck_graphql", "test_own needs target graphql"),
        ("smoke", "prodcheck_auth", "test_own needs target auth"),
        ("error_rate('< 1%')", "tmp_path", "needs samples: use prodcheck_http"),
        ("latency('p95 < 1s')", "tmp_path", "needs samples: use prodcheck_http"),
    ],
)
def test_marks_that_cannot_be_judged(gate, mark, fixture, said):
    """A mark that nothing of the environment, or of the test, can decide is exit 4."""
    gate.file("checks/test_own.py", f"import pytest\n@pytest.mark.{mark}\ndef test_own({fixture}): ...\n")
    gate.run("checks").assert_is(4, "none", said, "nothing was sent")
    assert gate.sent() == 0


def own(mark: str, body: str) -> str:
    """A test module with one marked test."""
    return f"import pytest\n@pytest.mark.{mark}\ndef test_own(prodcheck_http):\n    {body}\n"


@pytest.mark.parametrize(
    ("mark", "body", "status", "word"),
    [
        ("latency('< 5s')", "prodcheck_http.get('/')", 0, "pass"),
        ("latency('< 1ms')", "prodcheck_http.get('/slow')", 1, "fail"),
        ("latency('p95 < 5s')", "prodcheck_http.sample('/')", 0, "pass"),
        ("latency('p95 < 5ms')", "prodcheck_http.sample('/slow')", 1, "fail"),
        ("error_rate('< 5%')", "prodcheck_http.sample('/')", 0, "pass"),
        ("error_rate('< 5%')", "prodcheck_http.sample('/broken')", 1, "fail"),
        ("error_rate('< 5%')", "prodcheck_http.get('/')", 1, "fail"),
        ("latency('p95 < 5s')", "pass", 1, "fail"),
        ("needs('http')", "prodcheck_http.get('/')", 0, "pass"),
        ("smoke", "prodcheck_http.get('/broken')", 1, "fail"),
        ("allows_server_errors('PLAN-1')", "prodcheck_http.get('/broken')", 0, "degraded"),
        ("smoke", "prodcheck_http.sample('/')", 1, "fail"),
        ("xfail", "assert prodcheck_http.get('/').status_code == 201", 0, "degraded"),
        ("xfail", "prodcheck_http.get('/broken')", 1, "fail"),
        ("xfail(strict=True)", "prodcheck_http.get('/')", 1, "fail"),
    ],
)
def test_marks_judge_own_tests(gate, mark, body, status, word):
    """The same marks judge a user's own test; sampling goes on until they are decided."""
    from small_system import Answer

    gate.system.on("/slow", Answer(delay=0.02))
    gate.system.on("/broken", 500)
    gate.file("checks/test_own.py", own(mark, body))
    gate.run("checks").assert_is(status, word)


def test_sample_sizes_of_marks(gate):
    """A p95 takes 59 samples where nothing is near the limit, and the verdict says so."""
    gate.file("checks/test_own.py", own("latency('p95 < 5s')", "assert len(prodcheck_http.sample('/')) >= 59"))
    outcome = gate.run("checks")
    outcome.assert_is(0, "pass")
    assert next(iter(outcome.checks.values()))["samples"] == 59


def test_marks_are_known_to_strict_markers(gate):
    """--strict-markers knows every mark of ours during a gate."""
    marks = ("smoke", "contract", "security", "load", "soak", "latency", "error_rate", "rls", "needs", "jwt_claims")
    outcome = gate.run("--markers")
    assert all(f"@pytest.mark.{mark}" in outcome.text for mark in marks)
