"""`report.html`: the verdict as one file that opens offline. No script; nothing is loaded from anywhere.

Everything that a target said is escaped, and the content security policy would not run it if it were not: only the
style below is allowed, by its hash (CSP Level 3, §2.3.1).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.result import CheckVerdict, RunResult
from pytest_prodcheck.report import baseline, terminal

_MOST = 500
"""Rows of one table."""
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#1c1c1c;background:#fff}
h1{font-size:1.4em;padding:.5em .7em;border-left:.5em solid #888}h2{font-size:1.15em;margin-top:2em}
h1.pass{border-color:#1a7f37}h1.degraded,h1.insufficient{border-color:#bf8700}h1.fail,h1.blocked{border-color:#cf222e}
table{border-collapse:collapse;width:100%;font-size:.92em}
td,th{text-align:left;padding:.25em .6em;border-bottom:
1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}
code{font:.92em ui-monospace,monospace;background:#f3f3f3;padding:.1em .3em;overflow-wrap:anywhere}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#444}
.panel{fill:#fafafa;stroke:#ccc}.warm{fill:#e8e8e8}
.bar{fill:#4a78c2}.mark{stroke:#cf222e;stroke-dasharray:4 3}.axis{stroke:#888}polyline{fill:none;stroke-width:1.4}
.line0{stroke:#4a78c2}.line1{stroke:#cf222e}.line2{stroke:#1a7f37}.line3{stroke:#bf8700}
.line4{stroke:#8250df}.line5{stroke:#666}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def render(result: RunResult) -> Iterator[str]:
    """The whole document, part by part."""
    title = escape(f"prodcheck: {result.verdict} {result.environment}")
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">\n'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>\n"
    yield f'<h1 class="{escape(result.verdict)}">{escape(terminal.headline(result))}</h1>\n'
    yield f"<p>{escape(result.started_at)}, exit status {result.exit_status}, {escape(result.kind)}</p>\n"
    yield from map(_list, ([*result.notes],) if result.notes else ())
    for cause in result.causes[:_MOST]:
        yield from _cause(cause, result.checks)
    yield from _section("Targets", _table(("target", "checks"), [
        (str(row["target"]), terminal.target_figures(row)) for row in result.targets
    ]))  # fmt: skip
    for row in result.load:
        yield from _load(row)
    compared = [line.strip() for line in baseline.lines(result)]
    if compared:
        yield from _section(compared[0], _list(compared[1:]))
    bad = [check for check in result.checks if check.verdict != "pass"]
    if bad:
        yield from _section(
            "Checks that are not green", _table(("check", "verdict", "why"), list(map(_check, bad[:_MOST])))
        )
    if result.left_out:
        rows = [(str(row["id"]), str(row["reason"])) for row in result.left_out[:_MOST]]
        yield from _section("Left out", _table(("what", "why"), rows))
    yield "</body></html>\n"


def _cause(cause: Cause, checks: Sequence[CheckVerdict]) -> Iterator[str]:
    yield f"<h2><code>{escape(cause.code)}</code> on {escape(cause.target)}{escape(baseline.of_cause(cause))}</h2>\n"
    yield f"<p>{escape(cause.message)}</p>\n"
    facts = [*(f"seen: {line}" for line in cause.evidence), f"drags down: {terminal.dragged(cause, checks)}"]
    facts += [f"{name}: {text}" for name, text in (("remedy", cause.remedy), ("owner", cause.owner)) if text]
    facts += [f"runbook: {cause.runbook}"] if cause.runbook else []
    yield _list(facts)
    yield f"<p>next: <code>{escape(cause.next or cause.remedy)}</code></p>\n"


def _load(row: Mapping[str, Any]) -> Iterator[str]:
    from pytest_prodcheck.report import load, svg

    yield f"<h2>Load: {escape(str(row['scenario']))}</h2>\n"
    facts = [str(row["model"]), load.figures(row)]
    facts += [f"{row['ending']}: {row['message']}"] if row["ending"] != "finished" else []
    facts += [f"we were the bottleneck: {row['bottleneck']}"] if row["bottleneck"] else []
    facts += [str(row["populations"])] if row.get("populations") else []
    yield _list(facts)
    yield svg.timeline(load.panels(row), row["duration_s"], row["warm_up_s"])
    marks = [(name, row[name]) for name in ("p50", "p95", "p99") if row[name] is not None]
    yield svg.distribution(row["distribution"], marks)
    yield _table(load.HEAD, load.table(row))
    if row["errors_by_kind"]:
        rows = [
            (str(one["name"]), str(one["kind"]), str(one["message"]), str(one["number"]))
            for one in row["errors_by_kind"]
        ]
        yield _table(("request", "error", "words", "number"), rows)


def _check(check: CheckVerdict) -> tuple[str, ...]:
    said = [str(finding["message"]) for finding in check.findings[:3]] or [check.message or check.blocked_by or ""]
    since = f" ({check.since})" if check.since else ""
    return check.id, f"{check.verdict}{since}", "; ".join(said)


def _section(title: str, body: str) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2>\n{body}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table><tr>{top}</tr>\n{body}</table>\n"


def _list(rows: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(row)}</li>' for row in rows)}</ul>\n"
