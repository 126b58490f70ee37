"""A database that lets nobody in, or not this login: which of the many reasons it is."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.criteria import locks
from pytest_prodcheck.diagnosis import libpq, transport
from pytest_prodcheck.observe.evidence import READY, Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation


def readiness(name: str, evidence: Evidence) -> list[Finding]:
    """Our reader logged in and the catalog was read (A31, B7, B30, C7)."""
    return [
        failure(name, observation, evidence.facts)
        for observation in evidence.observations
        if observation.error or observation.code or not observation.expected
    ][:1]


def failure(name: str, observation: Observation, facts: Mapping[str, object]) -> Finding:
    """The finding of a connection that failed, classified by SQLSTATE and libpq's text (facts §6)."""
    if observation.error:
        code = libpq.classify(observation.message, observation.code)
        code = transport.DATABASE.get(observation.error, "unknown") if code == "unknown" else code
    else:
        code = libpq.classify(observation.message, observation.code)
    code = _told_apart(code, facts)
    held = locks.told(facts.get("locks"))
    facts = {name: value for name, value in facts.items() if name not in ("catalog", "locks")}
    if held:
        code, facts = held[0], {**facts, **held[2]}
    data = {**observation.data, **facts, "sqlstate": observation.code, "text": observation.message}
    subject = observation.subject or str(observation.data.get("user", ""))
    message = (
        f"{observation.operation}: {observation.message or ERROR_CLASSES.get(observation.error, observation.error)}"
    )
    message += f": {held[1]}" if held else ""
    return Finding(READY, name, message, code, seen=observation.message, subject=subject, data=data)


def _told_apart(code: str, facts: Mapping[str, object]) -> str:
    """28P01 and 28000 hide whether the role exists (T12); another credential of the environment can tell."""
    if not code.startswith("database.auth.") or "role_exists" not in facts:
        return code
    if not facts["role_exists"]:
        return "database.auth.role_missing"
    if code == "database.auth.password_rejected" and facts.get("expired"):
        return "database.auth.role_expired"
    return code
