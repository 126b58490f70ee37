"""Not permitted to look is a word of its own: neither green nor a failure of what nobody could see."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from pytest_prodcheck.gate import judge
from pytest_prodcheck.observe.evidence import Standing
from pytest_prodcheck.observe.finding import Finding, Severity


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        (["blocked"], "blocked"),
        (["blocked", "insufficient", "warning"], "blocked"),
        (["blocked", "error"], "fail"),
        (["insufficient"], "insufficient"),
    ],
)
def test_a_refusal_blocks_the_check(severities: Sequence[Severity], verdict: str) -> None:
    """An error beside it is more: it was seen."""
    findings = [Finding("logs", "logs", "no", severity=severity) for severity in severities]
    assert judge.verdict_of(findings) == verdict


def test_what_may_not_be_looked_at_is_not_ready() -> None:
    """Checks that need it are blocked with its code and its words."""
    standing = Standing("logs", findings=(Finding("ready", "logs", "403", "logs.source.forbidden", "blocked"),))
    assert (standing.ready, standing.cause, standing.message) == (False, "logs.source.forbidden", "403")


def test_the_schema_knows_the_word() -> None:
    """verdict.json may say it of a finding."""
    from importlib.resources import files

    text = (files("pytest_prodcheck.report") / "verdict.schema.json").read_text("utf-8")
    assert '"blocked"' in json.dumps(json.loads(text)["$defs"]["finding"]["properties"]["severity"])
