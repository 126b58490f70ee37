"""Whether a source of logs is there; one that may not be read blocks what needs it, and is never green (R22)."""

from __future__ import annotations

from pytest_prodcheck.observe.evidence import READY, Evidence
from pytest_prodcheck.observe.finding import Finding, Severity


def ready(target: str, evidence: Evidence) -> list[Finding]:
    """What is wrong with the source; empty where it can be read."""
    problem = evidence.facts.get("problem")
    if problem is None:
        return []
    severity: Severity = "blocked" if problem["refused"] else "error"
    message = str(problem["message"])
    remedy = str(problem.get("remedy", ""))
    return [Finding(READY, target, message, str(problem["code"]), severity, remedy=remedy, data={"text": message})]
