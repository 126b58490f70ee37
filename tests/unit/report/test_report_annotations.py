"""CI annotations: at most 20, causes first, and no way for a target to speak to the CI system."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_results import HOSTILE, Writer, cause, check, finding, red, run

from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.report import annotations

GITHUB = {"GITHUB_ACTIONS": "true"}


def lines(result: RunResult, environ: dict[str, str] = GITHUB) -> list[str]:
    """What is written in a job."""
    writer = Writer()
    annotations.write(writer, result, environ)
    return writer.lines


def test_causes_come_first_and_symptoms_not_at_all() -> None:
    """One a cause with its next command, then one a finding that no cause explains."""
    assert lines(red()) == [
        "::error title=database.auth.password_rejected"
        "::PostgreSQL rejects the password of app; next: psql -h db -U app",
        "::error title=no_server_errors prodcheck.toml%3A%3Ahttp%3A%3Atest_endpoint[home]"
        "::PostgreSQL rejects the password of app",
    ]


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}])
def test_elsewhere_there_are_none(environ: dict[str, str]) -> None:
    """The syntax is GitHub's; other systems would print noise."""
    assert lines(red(), environ) == []


def test_at_most_twenty() -> None:
    """GitHub shows ten of a kind; a thousand findings are no annotations but a report."""
    bad = [check(f"test_endpoint[e{number}]", "fail", findings=(finding(),)) for number in range(100)]
    shown = lines(run("fail", 1, *bad, causes=(cause(),)))
    assert len(shown) == 20
    assert shown[0].startswith("::error title=database.auth.password_rejected")


def test_hostile_text_is_one_line_of_data() -> None:
    """Line breaks, percent signs and the command's own separators are escaped: no second command begins."""
    hostile = replace(cause(HOSTILE), code="a:b,c%", next="x\n::set-output name=y::z")
    (line,) = lines(run("fail", 1, causes=(hostile,)))
    assert line.startswith("::error title=a%3Ab%2Cc%25::")
    assert line.splitlines() == [line]
    assert "%250A" in line


def test_a_warning_is_a_warning() -> None:
    """What only degrades the run is no error on the page."""
    (line,) = lines(run("degraded", 0, check("test_certificate", "degraded", findings=(finding(severity="warning"),))))
    assert line.startswith("::warning ")
