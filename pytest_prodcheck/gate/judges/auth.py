"""The checks of `suites/auth.py`, and what `@pytest.mark.jwt_claims` asks on users' own tests."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from pytest_prodcheck.config.models import AuthTarget, Environment, GraphqlTarget, User
from pytest_prodcheck.criteria import claims as claim_rules
from pytest_prodcheck.criteria import id_token, identity_readiness, metadata, token_profile, tokens
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.gate.judges.tls import certificate
from pytest_prodcheck.observe import clock, jose
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding


def jwks(case: Case) -> list[Finding]:
    """The published keys."""
    cache = case.table(AuthTarget).jwks_cache or ""
    return identity_readiness.jwks(case.evidence, case.check.target, cache)


def discovery(case: Case) -> list[Finding]:
    """The discovery document, and the endpoints that it names."""
    found, target = case.evidence.facts.get("discovery"), case.check.target
    if found is None:
        return []
    others = [urlsplit(str(getattr(table, "url", ""))).hostname or "" for table in case.environment.targets.values()]
    judged = metadata.metadata(found, case.table(AuthTarget), case.environment.users, others, target=target)
    return judged + metadata.endpoints(found, case.evidence.facts.get("endpoints", {}), target=target)


def token(case: Case) -> list[Finding]:
    """The user got a token, and one that cannot be renewed lasts until the run's deadline (R26, E43)."""
    name = case.check.subject
    found = identity_readiness.user(case.evidence, case.environment.users[name], name, case.now)
    held = case.evidence.facts.get("token")
    if found or held is None or held.grant != "static" or case.environment.users[name].opaque:
        return found
    end = held.obtained_at + case.environment.deadline
    return claim_rules.outlives(held.expires_at, end, user=name, target=case.check.target)


def signature(case: Case) -> list[Finding]:
    """The token is signed by a published key."""
    name = case.check.subject
    return signed(case.evidence, case.environment, case.environment.users[name], name)


def claims(case: Case) -> list[Finding]:
    """The token says what is promised."""
    name = case.check.subject
    return claimed(case.evidence, case.environment, case.environment.users[name], name, case.now)


def signed(evidence: Evidence, environment: Environment, user: User, name: str) -> list[Finding]:
    """Findings about the signature of a user's token, by the facts `token` and `jwks`."""
    target, table = provider(environment)
    held, keys = evidence.facts.get("token"), evidence.facts.get("jwks")
    value = held.value if held else ""
    found = tokens.signature(value, keys, table, user=name, target=target, opaque=user.opaque)
    if found or held is None or not held.id_token:
        return found
    return id_token.id_token(held, keys, table, user, held.obtained_at, target=target)


def claimed(evidence: Evidence, environment: Environment, user: User, name: str, now: float) -> list[Finding]:
    """Findings about the claims of a user's token, by the fact `token`; a fresh one is judged as of when it came."""
    target, table = provider(environment)
    held = evidence.facts.get("token")
    if held is None or not held.value:
        return []
    if not user.opaque and (nothing := tokens.unreadable(held.value, user=name, target=target)):
        return nothing
    payload = held.introspection or {} if user.opaque else jose.read(held.value).payload
    moment = now if user.grant == "static" else held.obtained_at or now
    away = clock.offset(held.observation) if user.grant != "static" else None
    hasura = _hasura(environment, table)
    found = claim_rules.claims(payload, user, table, hasura, moment, name=name, target=target, offset=away)
    return found if user.opaque else found + token_profile.profile(held.value, name, target=target)


def provider(environment: Environment) -> tuple[str, AuthTarget]:
    """The identity provider of an environment; one that promises nothing where none is declared."""
    return next(iter(environment.of_kind("auth").items()), ("auth", AuthTarget()))


def _hasura(environment: Environment, table: AuthTarget) -> bool:
    engines = [target.engine for target in environment.targets.values() if isinstance(target, GraphqlTarget)]
    return bool(table.hasura) or "hasura" in engines


JUDGES: Mapping[str, Judge] = {
    "test_jwks": jwks,
    "test_discovery": discovery,
    "test_token": token,
    "test_signature": signature,
    "test_claims": claims,
    "test_certificate": certificate,
}
