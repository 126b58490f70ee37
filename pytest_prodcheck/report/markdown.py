"""`summary.md`: the verdict for a CI job page. Everything that a target said is escaped."""

from __future__ import annotations

import re
from urllib.parse import quote

from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.report import baseline, load, terminal

_SIGN = {"pass": "✅", "degraded": "⚠️", "insufficient": "❔", "blocked": "⛔", "fail": "❌", "unfinished": "❌"}
_SHOWN = 50
_URL_SIGNS = ":/?#[]@!$&'()*+,;=%~"
"""What stays as it is in a URL (RFC 3986 §2.2); the rest would end an autolink."""


def render(result: RunResult) -> str:
    """The whole summary as Markdown."""
    lines = [f"## {_SIGN[result.verdict]} {escape(terminal.headline(result))}", ""]
    for cause in result.causes[:_SHOWN]:
        lines += [
            f"### `{cause.code}` on {escape(cause.target)}{escape(baseline.of_cause(cause))}",
            "",
            escape(cause.message),
            "",
            *(f"- seen: {escape(line)}" for line in cause.evidence),
            f"- drags down: {terminal.dragged(cause, result.checks)}",
            *([f"- remedy: {escape(cause.remedy)}"] if cause.remedy else []),
            f"- next: {code(cause.next or cause.remedy)}",
            *([f"- owner: {escape(cause.owner)}"] if cause.owner else []),
            *([f"- runbook: <{quote(cause.runbook, safe=_URL_SIGNS)}>"] if cause.runbook else []),
            "",
        ]
    lines += ["| target | checks |", "|---|---|"]
    lines += [f"| {escape(str(row['target']))} | {escape(terminal.target_figures(row))} |" for row in result.targets]
    bad = [check for check in result.checks if check.verdict != "pass"]
    if bad:
        lines += ["", "| check | verdict | why |", "|---|---|---|"]
        for check in bad[:_SHOWN]:
            why = check.findings[0]["message"] if check.findings else check.message or (check.blocked_by or "")
            identifier = code(check.id).replace("|", "\\|")
            lines.append(f"| {identifier} | {check.verdict} | {escape(str(why))} |")
    lines += _loaded(result)
    lines += _compared(result)
    lines += ["", *(f"- {escape(note)}" for note in result.notes)]
    if result.left_out:
        lines.append(f"- left out: {', '.join(escape(row['id']) for row in result.left_out[:_SHOWN])}")
    return "\n".join(lines).rstrip() + "\n"


def _loaded(result: RunResult) -> list[str]:
    """A table a load scenario: the whole of it, then its names."""
    lines: list[str] = []
    for row in result.load:
        lines += [
            "",
            f"### Load: {escape(str(row['scenario']))}",
            "",
            escape(f"{row['model']}: {load.figures(row)}"),
            "",
        ]
        lines += [f"| {' | '.join(load.HEAD)} |", "|---" * len(load.HEAD) + "|"]
        lines += [f"| {' | '.join(map(escape, cells))} |" for cells in load.table(row)[:_SHOWN]]
        if row["errors_by_kind"]:
            lines += ["", "| request | error | words | number |", "|---|---|---|---|"]
            cells = ([str(one[key]) for key in ("name", "kind", "message", "number")] for one in row["errors_by_kind"])
            lines += [f"| {' | '.join(map(escape, one))} |" for one in cells]
    return lines


def _compared(result: RunResult) -> list[str]:
    """What has changed since the baseline, under a heading of its own."""
    if result.baseline is None:
        return []
    first, *rest = baseline.lines(result)
    return ["", f"### {escape(first)}", "", *(f"- {escape(line.strip())}" for line in rest)]


def escape(text: str) -> str:
    """Text without meaning as Markdown or HTML, on one line; a URL in it is no link: a target may have sent it."""
    flat = re.sub(r"[\x00-\x1f\x7f]+", " ", text)
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = re.sub(r"([\\`*_\[\]|#!@~])", r"\\\1", flat)
    return flat.replace("://", r":\/\/").replace("www.", r"www\.")


def code(text: str) -> str:
    """Text as inline code, on one line and without a way out of it."""
    flat = re.sub(r"[\x00-\x1f\x7f]+", " ", text).replace("`", "'")
    return f"`{flat}`" if flat else ""
