"""Readiness: is a target there, is a user's token there? What is not ready blocks the checks that need it."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import AuthTarget, DatabaseTarget, GraphqlTarget, HttpTarget, Target, User
from pytest_prodcheck.criteria import claims, discovery, graphql, locks, token_answer
from pytest_prodcheck.criteria import jwks as keys
from pytest_prodcheck.diagnosis import libpq, transport
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.identity import Discovery, Jwks, Token
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation

CRITERION = "ready"


def target(name: str, table: Target, evidence: Evidence) -> list[Finding]:
    """What is wrong with a target's readiness; empty where checks can look."""
    if isinstance(table, HttpTarget):
        return http(name, evidence)
    if isinstance(table, AuthTarget):
        found = evidence.facts.get("discovery")
        return discovery.discovery(found, table, target=name) if isinstance(found, Discovery) else []
    if isinstance(table, GraphqlTarget):
        return graphql.ready(evidence.observations[0])
    if isinstance(table, DatabaseTarget):
        return database(name, evidence)
    raise TypeError(f"no readiness for {type(table).__name__}")


def http(name: str, evidence: Evidence) -> list[Finding]:
    """The host answers from behind its gateway, on every address (A6, B25, B60, B61)."""
    last = evidence.observations[-1]
    if last.error:
        return [_no_answer(name, last, transport.HTTP.get(last.error, "unknown"))]
    if last.status in (502, 503) and "json" not in last.headers.get("content-type", ""):
        count = len(evidence.observations)
        code = "http.upstream.wrong_port" if last.status == 502 else "http.upstream.none"
        what = "on every route asked" if count > 1 else f"to {last.operation}"
        message = f"the gateway answers {last.status} {what}: no application behind it answers"
        return [Finding(CRITERION, name, message, code, seen=str(last.status), data={"status": last.status})]
    return _partly_down(name, evidence)


def _partly_down(name: str, evidence: Evidence) -> list[Finding]:
    refusing: Mapping[str, str] = evidence.facts.get("addresses", {})
    if not refusing:
        return []
    count = len(refusing)
    what = ", ".join(f"{address}: {ERROR_CLASSES.get(error, error)}" for address, error in sorted(refusing.items()))
    message = f"{count} of the host's addresses give{'s' if count == 1 else ''} no connection ({what})"
    return [Finding(CRITERION, name, message, "http.address.partly_down", data={"addresses": dict(refusing)})]


def database(name: str, evidence: Evidence) -> list[Finding]:
    """Our reader logged in and the catalog was read (A31, B7, B30, C7)."""
    return [
        login_failure(name, observation, evidence.facts)
        for observation in evidence.observations
        if observation.error or observation.code or not observation.expected
    ][:1]


def login_failure(name: str, observation: Observation, facts: Mapping[str, object]) -> Finding:
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
    return Finding(CRITERION, name, message, code, seen=observation.message, subject=subject, data=data)


def _told_apart(code: str, facts: Mapping[str, object]) -> str:
    """28P01 and 28000 hide whether the role exists (T12); another credential of the environment can tell."""
    if not code.startswith("database.auth.") or "role_exists" not in facts:
        return code
    if not facts["role_exists"]:
        return "database.auth.role_missing"
    if code == "database.auth.password_rejected" and facts.get("expired"):
        return "database.auth.role_expired"
    return code


def jwks(evidence: Evidence, name: str) -> list[Finding]:
    """The published keys can verify a signature."""
    found = evidence.facts.get("jwks")
    return keys.jwks(found, evidence.facts.get("discovery"), target=name) if isinstance(found, Jwks) else []


def user(evidence: Evidence, declared: User, name: str, now: float) -> list[Finding]:
    """There is a token for the user, and it is not expired already (A16, R26)."""
    token = evidence.facts.get("token")
    if not isinstance(token, Token):
        return []
    if missing := token_answer.obtained(token, declared):
        return missing
    inactive = token_answer.confirmed(token, declared)
    return inactive + _expired(token, declared, name, now)


def _expired(token: Token, declared: User, name: str, now: float) -> list[Finding]:
    """An own token that ended before the run began: its 401s are not the services' fault."""
    if declared.opaque or declared.grant != "static" or not token.value:
        return []
    found = claims.claims(jose.read(token.value).payload, declared, AuthTarget(), False, now, name=name)
    return [finding for finding in found if finding.code == "runner.token.expired"]


def _no_answer(name: str, observation: Observation, code: str) -> Finding:
    what = ERROR_CLASSES.get(observation.error, observation.error)
    message = f"{observation.operation} got no answer: {what}" + (
        f" ({observation.message})" if observation.message else ""
    )
    data = {**observation.data, "error": observation.error, "operation": observation.operation}
    return Finding(CRITERION, name, message, code, seen=observation.message, data=data)
