"""`summary.md`: readable on a CI job page, and deaf to what a target says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from report_results import HOSTILE, cause, check, finding, red, row, run

from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.report import markdown


def html(result: RunResult) -> str:
    """The page that a Markdown renderer makes of it, HTML allowed as on GitHub."""
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown.render(result)))


def test_the_summary_names_cause_and_next_command() -> None:
    """Verdict, cause, evidence, what it drags down, next command, owner, runbook, what was left out."""
    text = markdown.render(red())
    for part in (
        "## ❌ FAIL staging: 1 cause",
        "### `database.auth.password_rejected` on database",
        "- drags down: 3 checks: 1 blocked, 2 failed",
        "- next: `psql -h db -U app`",
        "- runbook: <https://w/db>",
        "- left out: graphql.AddTask",
    ):
        assert part in text


def test_hostile_text_stays_text() -> None:
    """HTML, Markdown, links, images, table bars and line breaks of a target are shown, and do nothing."""
    page = html(red(HOSTILE))
    tags = set(re.findall(r"<([a-z0-9]+)", page))
    assert tags <= {"h2", "h3", "p", "ul", "li", "code", "a", "table", "thead", "tbody", "tr", "th", "td"}
    assert re.findall(r'href="([^"]*)"', page) == ["https://w/db"]
    assert "&lt;script&gt;" in page
    assert not [line for line in markdown.render(red(HOSTILE)).splitlines() if line.startswith("::")]


@pytest.mark.parametrize("sign", "<>&\\`*_[]|#!@~")
def test_each_sign_loses_its_meaning(sign: str) -> None:
    """HTML's signs become entities, Markdown's get a backslash."""
    escaped = markdown.escape(f"a{sign}b")
    assert re.fullmatch(rf"a(&(lt|gt|amp);|\\{re.escape(sign)})b", escaped)


def test_hostile_ids_and_commands_stay_code() -> None:
    """A backtick ends no code, a bar no table cell; outside a table a pipe is copied as it is."""
    hostile = replace(cause(), next="curl x | `sh`\n# y")
    page = html(run("fail", 1, check("test_endpoint[a|`b`]", "fail", findings=(finding(),)), causes=(hostile,)))
    assert "<code>curl x | 'sh' # y</code>" in page
    assert "<code>prodcheck.toml::http::test_endpoint[a|'b']</code>" in page
    assert page.count("<td>") == 2 + 3


def test_a_runbook_ends_where_it_ends() -> None:
    """The runbook is a link of the configuration's; nothing in it gets out of the link."""
    hostile = replace(cause(), runbook="https://w/db> <script>")
    assert "<script>" not in html(run("fail", 1, causes=(hostile,)))


def test_long_target_names_keep_their_figures() -> None:
    """A family member's name may be longer than the terminal's column."""
    text = markdown.render(run(targets=(row("http.checkout-service-eu"),)))
    assert "| http.checkout-service-eu | 3 checks: 2 passed, 1 failed   p50 12ms" in text


@pytest.mark.parametrize("number", [0, 51, 300])
def test_a_long_list_is_cut(number: int) -> None:
    """A job page takes 1 MiB; at most fifty checks are listed."""
    bad = [check(f"test_endpoint[e{index}]", "fail", findings=(finding(),)) for index in range(number)]
    assert markdown.render(run("fail", 1, *bad)).count("| fail |") == min(number, 50)
