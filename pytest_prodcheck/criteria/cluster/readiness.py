"""Whether the API server is there and knows us, and the namespace is one."""

from __future__ import annotations

from pytest_prodcheck.observe.evidence import READY, Evidence
from pytest_prodcheck.observe.finding import Finding


def ready(name: str, evidence: Evidence) -> list[Finding]:
    """What keeps the snapshot from being read, by its cause; empty where it was read."""
    problem = evidence.facts.get("problem")
    if problem is None:
        return []
    failed = next((seen for seen in reversed(evidence.observations) if seen.error or not seen.expected), None)
    data = {} if failed is None else {"operation": failed.operation, "status": failed.status, "error": failed.error}
    message, remedy = str(problem["message"]), str(problem["remedy"])
    return [Finding(READY, name, message, str(problem["code"]), seen=message, remedy=remedy, data=data)]
