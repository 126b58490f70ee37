"""A 500 that we got, and its own lines in the logs: an error that leaves no trace is swallowed (E45)."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.log import Asked, Digest

CRITERION = "log_traces"


def traces(digest: Digest, asked: Sequence[Asked], target: str) -> list[Finding]:
    """Each answer that an application itself called an error (500) has an id, and lines with a trace by that id."""
    found: dict[str, Finding] = {}
    for one in asked:
        if one.status != 500:
            continue
        what = f"{one.operation} of {one.target} answered 500"
        if not one.ids:
            text = f"{what} without a request id: its log line cannot be found"
            found.setdefault(one.operation, _finding(target, one, text, "logs.trace.no_id", "warning"))
            continue
        said = next((digest.answers[name] for name in one.ids if name in digest.answers), None)
        if said is None:
            text = f"{what}, and no log line has its id {one.ids[0]}: the error is swallowed, or logged elsewhere"
            found.setdefault(one.operation, _finding(target, one, text, "logs.trace.missing", "warning"))
        elif not said.trace and not said.code:
            text = f"generic 500, no traceback: {what}, and its log says only: {said.lines[0]}"
            found.setdefault(one.operation, _finding(target, one, text, "logs.trace.missing", "warning"))
    return list(found.values())


def _finding(target: str, one: Asked, text: str, code: str, severity: Severity) -> Finding:
    data = {"operation": one.operation, "request_id": one.ids[0] if one.ids else "", "of": one.target}
    return Finding(CRITERION, target, text, code, severity, subject=one.operation, data=data)
