"""What the terminal says: the verdict and the cause first, counted, with the next command."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from report_results import CODE, Writer, cause, check, finding, red, row, run

from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.report import terminal


def said(result: RunResult) -> list[str]:
    """The lines before the details."""
    writer = Writer()
    terminal.verdict_first(writer, result)
    return writer.lines


def test_red_says_the_verdict_and_four_lines_a_cause() -> None:
    """What broke, the evidence, what it drags down (counted, not listed), the next command with owner and runbook."""
    assert said(red())[1:6] == [
        "FAIL staging: 1 cause, 3 fail, 1 blocked of 5 checks, revision 4f2a, 2.1s",
        f"{CODE}: PostgreSQL rejects the password of app",
        "  seen     28P01",
        "  drags    3 checks: 1 blocked, 2 failed",
        "  next     psql -h db -U app  (owner @data)  runbook https://w/db",
    ]


def test_green_is_one_line_a_target() -> None:
    """Figures with the sample sizes behind them; the verdict comes last."""
    result = run("pass", 0, check("test_ready"), targets=(row(fail=0, errors=0), row("database", n=0)))
    assert said(result)[1:] == [
        "http           3 checks: 2 passed   p50 12ms  p95 48ms  0 errors in 59 requests",
        "database       3 checks: 2 passed, 1 failed",
    ]


def test_targets_of_which_nothing_was_selected_share_one_line() -> None:
    """`-m load` and a pasted id leave most of them out: named, and without a line each."""
    unasked = dict.fromkeys(("checks", "pass", "fail", "blocked", "insufficient", "n"), 0)
    result = run("pass", 0, check("test_ready"), targets=(
        row(fail=0, errors=0), row("database", **unasked), row("cache", **unasked)))  # fmt: skip
    assert said(result)[2:] == ["none run of    database, cache"]
    asked = run("pass", 0, check("test_own"), targets=(row(**{**unasked, "n": 59}, errors=0),))
    assert said(asked)[1:] == ["http           0 checks: none run   p50 12ms  p95 48ms  0 errors in 59 requests"]


def test_the_last_line_repeats_verdict_and_cause() -> None:
    """Nothing scrolls the cause off the screen; the file and the exit status are named."""
    writer = Writer()
    terminal.last_line(writer, red(), "/tmp/verdict.json")
    assert writer.lines == [
        "FAIL staging: 1 cause, 3 fail, 1 blocked of 5 checks, revision 4f2a, 2.1s",
        f"cause: {CODE}: PostgreSQL rejects the password of app",
        "verdict: /tmp/verdict.json (exit status 1)",
    ]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (run("pass", 0, check("test_ready"), complete=False, revision=None), "PASS staging: 1 check, partial, 2.1s"),
        (run("pass", 0, revision={"serving": ["a", "b"]}), "PASS staging: 0 checks, revision a, b, 2.1s"),
        (run("insufficient", 6, check("test_latency", "insufficient")), "1 insufficient of 1 check"),
    ],
)
def test_the_headline_says_what_narrows_it(result: RunResult, expected: str) -> None:
    """`partial`, and every revision that serves."""
    assert expected in terminal.headline(result)


def test_what_is_not_proven_has_a_line() -> None:
    """A promise that was not proven, and a warning, are said with their reason, not only counted."""
    unproven = check("test_latency", "insufficient", findings=(finding("20 of 59 requests"),))
    warned = check("test_certificate", "degraded", findings=(finding("12 days left", "warning"),))
    lines = said(run("insufficient", 6, unproven, warned))
    assert f"not proven: {unproven.id}: 20 of 59 requests" in lines
    assert f"warning: {warned.id}: 12 days left" in lines


def test_many_causes_are_cut_and_counted() -> None:
    """Ten causes are shown; how many more there are is said."""
    causes = tuple(replace(cause(), code=f"a.b.c{number}") for number in range(13))
    lines = said(run("fail", 1, causes=causes))
    assert "… and 3 more causes, in verdict.json" in lines
    assert len([line for line in lines if line.startswith("  next")]) == terminal.SHOWN_CAUSES


def test_details_are_of_what_no_cause_explains() -> None:
    """pytest prints no traceback of a symptom; afterwards its own counts are as they were."""
    writer, result = Writer(), red()
    reports: list[Any] = [SimpleNamespace(nodeid=one.id) for one in result.checks if one.verdict == "fail"]
    writer.stats["failed"] = reports
    with terminal.only_unexplained(writer, result):
        shown = [report.nodeid for report in writer.stats["failed"]]
    assert shown == ["prodcheck.toml::http::test_endpoint[home]"]
    assert writer.stats["failed"] is reports


def test_no_failure_is_no_category() -> None:
    """A green run gets no empty `failed` into pytest's own summary line."""
    writer = Writer()
    with terminal.only_unexplained(writer, run()):
        pass
    assert "failed" not in writer.stats


def test_what_a_cause_drags_down_is_said_in_its_own_words() -> None:
    """A limit that was not proven, or a warning, is not counted as failed."""
    names = ("a", "b", "c")
    checks = [check(name, word) for name, word in zip(names, ("fail", "insufficient", "degraded"), strict=True)]
    told = terminal.dragged(cause(explains=tuple(one.id for one in checks)), checks)
    assert told == "3 checks: 1 failed, 1 not proven, 1 degraded"
