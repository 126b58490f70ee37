"""What pytest's own report of an item says: the gate's verdict as an outcome, its findings as text, no secret."""

from __future__ import annotations

import pytest

from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.gate import state
from pytest_prodcheck.gate.results import Attempt


def scrub(report: pytest.TestReport | pytest.CollectReport, redactor: Redactor) -> None:
    """Removes every secret from what a report shows: its failure text, captured output, properties."""
    if report.longrepr is not None:
        holder = [report.longrepr]
        redactor.scrub_in_place(holder)
        report.longrepr = holder[0]
    for name in ("sections", "user_properties"):
        if getattr(report, name, None):
            redactor.scrub_in_place(getattr(report, name))
    if isinstance(reason := getattr(report, "wasxfail", None), str):
        report.wasxfail = redactor.scrub(reason)  # type: ignore[union-attr]


def text_of(attempt: Attempt, report: pytest.TestReport) -> str:
    """The failure text: each finding with what was promised and what to do, then the body's own failure."""
    lines: list[str] = []
    for finding in attempt.findings:
        mark = {"error": "✗", "blocked": "B", "warning": "!", "insufficient": "?"}[finding.severity]
        message = " ".join(finding.message.splitlines())  # a line of a target's own could be a workflow command
        lines.append(f"{mark} {finding.criterion}: {message}")
        if finding.remedy:
            lines.append(f"    → {finding.remedy}")
    if attempt.message:
        lines.append(attempt.message)
    if report.failed and report.longrepr and attempt.findings:
        lines.append(str(report.longrepr))
    return "\n".join(lines)


def show(report: pytest.TestReport, item: pytest.Item, attempt: Attempt) -> None:
    """Makes pytest's own outcome say what the gate found; `insufficient` is a skip with a category of its own."""
    if hasattr(report, "wasxfail") and (attempt.verdict == "fail" or state.read(item).check is not None):
        del report.wasxfail
    if attempt.verdict == "fail":
        own_text = report.failed and attempt.message and not attempt.findings
        report.outcome = "failed"
        if not own_text:
            report.longrepr = text_of(attempt, report)
    elif attempt.verdict == "insufficient":
        path, line, _ = item.reportinfo()
        reason = attempt.findings[0].message if attempt.findings else attempt.message
        report.outcome = "skipped"
        report.longrepr = (str(path), (line or 0) + 1, f"insufficient: {reason}")
    elif attempt.verdict == "blocked" and (report.failed or attempt.findings):
        path, line, _ = item.reportinfo()
        reason = attempt.message or attempt.findings[0].message
        report.outcome = "skipped"
        report.longrepr = (str(path), (line or 0) + 1, f"blocked: {attempt.blocked_by}: {reason}")
    elif report.when == "call" and state.read(item).check is not None:
        report.outcome, report.longrepr = "passed", None


def crash(report: pytest.TestReport) -> str:
    """Why a phase failed, in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return first_line(str(crash.message if crash is not None else report.longrepr or ""))


def first_line(text: str) -> str:
    """The first line that says something, bounded."""
    return next((line for line in text.splitlines() if line.strip()), "failed")[:500]
