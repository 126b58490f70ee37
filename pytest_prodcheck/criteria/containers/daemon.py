"""Readiness: does the Docker daemon answer, and may we ask it? What is refused is blocked, never green."""

from __future__ import annotations

from pytest_prodcheck.observe.evidence import READY, Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import ERROR_CLASSES


def ready(target: str, evidence: Evidence) -> list[Finding]:
    """What keeps the containers from being looked at; empty where they were."""
    if evidence.facts.get("containers") is not None:
        return []
    last = evidence.observations[-1]
    address = str(last.data.get("address", ""))
    data = {"address": address, "operation": last.operation, "error": last.error, "status": last.status}
    if last.data.get("reason") == "PermissionError" or last.status in (401, 403):
        message = f"the Docker daemon at {address} may not be asked: {last.message or last.status}"
        return [Finding(READY, target, message, "cluster.docker.forbidden", "blocked", last.message, data=data)]
    if evidence.facts.get("too_old"):
        message = f"the Docker daemon at {address} speaks API {evidence.facts['too_old']}; 1.24 or newer is read"
        return [Finding(READY, target, message, "cluster.docker.too_old", seen=evidence.facts["too_old"], data=data)]
    what = ERROR_CLASSES.get(last.error, f"status {last.status}") if last.error else f"status {last.status}"
    words = f" ({last.message})" if last.message else ""
    message = f"the Docker daemon at {address} gave no answer to {last.operation}: {what}{words}"
    return [Finding(READY, target, message, "cluster.docker.unreachable", seen=last.message, data=data)]
