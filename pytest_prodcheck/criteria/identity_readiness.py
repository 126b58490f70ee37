"""Readiness of identity: the provider, its keys, a user's token."""

from __future__ import annotations

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria import claims, discovery, token_answer
from pytest_prodcheck.criteria import jwks as keys
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.identity import Discovery, Jwks, Token


def provider(name: str, table: AuthTarget, evidence: Evidence) -> list[Finding]:
    """The discovery document answers and holds together (A8, A9)."""
    found = evidence.facts.get("discovery")
    return discovery.discovery(found, table, target=name) if isinstance(found, Discovery) else []


def jwks(evidence: Evidence, name: str, cache: str = "") -> list[Finding]:
    """The published keys can verify a signature; `cache` is the promised limit of their `max-age`."""
    found = evidence.facts.get("jwks")
    if not isinstance(found, Jwks):
        return []
    return keys.jwks(found, evidence.facts.get("discovery"), cache=cache, target=name)


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
