"""What came of each check, attempt by attempt, as it arrives on pytest's reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_prodcheck.observe.finding import Finding, Verdict

KEY = "prodcheck"
"""Attribute of a report that carries one JSON string: any other type can kill an xdist worker while it is sent."""


_ENCODER = json.JSONEncoder(default=str)


@dataclass(slots=True)
class Attempt:
    """One attempt of one item, as its worker judged it."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    blocked_by: str = ""
    message: str = ""
    """Why, where there is no finding: an assertion's text, a skip's reason."""
    criteria: tuple[str, ...] = ()
    samples: int = 0
    duration: float = 0.0
    executed: bool = False
    waits_for: str = ""
    """Target or `user:NAME` that was not ready, where that blocked it."""
    skipped_by: str = ""
    """Why it was skipped, where that was not the gate's doing."""

    def dump(self) -> str:
        """One JSON string."""
        data = {name: getattr(self, name) for name in self.__slots__ if name != "findings"}
        return _ENCODER.encode({**data, "findings": [finding.as_json() for finding in self.findings]})

    @classmethod
    def load(cls, text: str) -> Attempt:
        """The attempt that `dump` wrote."""
        data: dict[str, Any] = json.loads(text)
        findings = tuple(Finding(**finding) for finding in data.pop("findings"))
        data["criteria"] = tuple(map(sys.intern, data["criteria"]))
        return cls(findings=findings, **data)


def verdict_in(text: str) -> Verdict:
    """The verdict of the attempt that `dump` wrote, without reading all of it where all is well."""
    if text.startswith('{"verdict": "pass"'):
        return "pass"
    verdict: Verdict = json.loads(text)["verdict"]
    return verdict


@dataclass(slots=True)
class Results:
    """Attempts by node id, and which items began and ended."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    """Collection errors and internal errors by where they happened."""
    _renewed: set[str] = field(default_factory=set)
    """Items whose next result begins a new attempt; everything else joins the attempt that is there."""

    def take(self, report: pytest.TestReport) -> None:
        """Keeps what a report carries; a report without our data that failed is a failure of its item."""
        if report.when == "setup":
            self._renewed.add(report.nodeid)
        attempt = self._of(report)
        if attempt is not None:
            self._keep(report.nodeid, attempt)
        if str(report.outcome) == "rerun":
            self._renewed.add(report.nodeid)

    def _of(self, report: pytest.TestReport) -> Attempt | None:
        carried = getattr(report, KEY, None)
        if carried:
            return Attempt.load(carried)
        if report.when == "setup" and report.passed:
            self.started.add(report.nodeid)
        elif report.failed:
            return Attempt("fail", message=_line(report))
        elif report.when == "setup" and report.skipped:
            return Attempt("fail", message=_reason(report), skipped_by=_reason(report))
        return None

    def _keep(self, identifier: str, attempt: Attempt) -> None:
        """A subtest and a teardown report under the id of their test: they are no attempts of their own."""
        kept = self.attempts.setdefault(identifier, [])
        if identifier in self._renewed or not kept:
            kept.append(attempt)
            self._renewed.discard(identifier)
        else:
            kept[-1] = _joined(kept[-1], attempt)

    def skipped(self, report: pytest.CollectReport) -> None:
        """A module that skipped itself when it was collected: its tests prove nothing."""
        reason = _reason(report)
        text = f"skipped by itself: {reason}"
        finding = Finding("executed", "", text, severity="insufficient", code="gate.skipped")
        self.attempts[report.nodeid] = [Attempt("insufficient", (finding,), message=reason, skipped_by=reason)]

    def final(self, identifier: str) -> Attempt | None:
        """The last attempt, as a pass on retry where an earlier one was worse; a teardown that failed stays."""
        attempts = self.attempts.get(identifier)
        if not attempts:
            return None
        last = attempts[-1]
        earlier = [attempt for attempt in attempts[:-1] if attempt.verdict in ("fail", "blocked", "insufficient")]
        if last.verdict != "pass" or not earlier:
            return last
        return passed_on_retry(last, earlier[0])


def passed_on_retry(last: Attempt, first: Attempt) -> Attempt:
    """The attempt that passed, as the warning that an earlier one did not."""
    why = first.findings[0].message if first.findings else first.message
    note = Finding("retry", "", f"passed only on retry: {why}", severity="warning", code="gate.passed_on_retry")
    return replace(last, verdict="degraded", findings=(*last.findings, note), executed=True)


_WORST_FIRST = ("fail", "blocked", "insufficient", "degraded", "pass")


def _joined(one: Attempt, other: Attempt) -> Attempt:
    """Two results of one attempt: the worse verdict, and the findings of both."""
    worse = min(one, other, key=lambda attempt: _WORST_FIRST.index(attempt.verdict))
    return replace(
        worse,
        findings=(*one.findings, *(finding for finding in other.findings if finding not in one.findings)),
        criteria=tuple(dict.fromkeys((*one.criteria, *other.criteria))),
        samples=max(one.samples, other.samples),
        duration=max(one.duration, other.duration),
        executed=one.executed or other.executed,
    )


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(text).removeprefix("Skipped: ")


def _line(report: pytest.TestReport) -> str:
    """The last telling line of a failure, for the verdict."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr or "")
    return next((line for line in str(text).splitlines() if line.strip()), "failed")[:500]


def names(findings: Sequence[Finding]) -> Mapping[str, int]:
    """How often each cause code stands among the findings."""
    counted: dict[str, int] = {}
    for finding in findings:
        counted[finding.code] = counted.get(finding.code, 0) + 1
    return counted
