"""The checks of `suites/auth.py`, and what `@pytest.mark.jwt_claims` asks on users' own tests."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import AuthTarget, Environment, GraphqlTarget, User
from pytest_prodcheck.criteria import claims as claim_rules
from pytest_prodcheck.criteria import identity_readiness, tokens
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding


def jwks(case: Case) -> list[Finding]:
    """The published keys."""
    return identity_readiness.jwks(case.evidence, case.check.target)


def token(case: Case) -> list[Finding]:
    """The user got a token."""
    name = case.check.subject
    return identity_readiness.user(case.evidence, case.environment.users[name], name, case.now)


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
    return tokens.signature(value, keys, table, user=name, target=target, opaque=user.opaque)


def claimed(evidence: Evidence, environment: Environment, user: User, name: str, now: float) -> list[Finding]:
    """Findings about the claims of a user's token, by the fact `token`; a fresh one is judged as of when it came."""
    target, table = provider(environment)
    held = evidence.facts.get("token")
    if held is None or not held.value:
        return []
    payload = held.introspection or {} if user.opaque else jose.read(held.value).payload
    moment = now if user.grant == "static" else held.obtained_at or now
    return claim_rules.claims(payload, user, table, _hasura(environment, table), moment, name=name, target=target)


def provider(environment: Environment) -> tuple[str, AuthTarget]:
    """The identity provider of an environment; one that promises nothing where none is declared."""
    return next(iter(environment.of_kind("auth").items()), ("auth", AuthTarget()))


def _hasura(environment: Environment, table: AuthTarget) -> bool:
    engines = [target.engine for target in environment.targets.values() if isinstance(target, GraphqlTarget)]
    return table.hasura or "hasura" in engines


JUDGES: Mapping[str, Judge] = {
    "test_jwks": jwks,
    "test_token": token,
    "test_signature": signature,
    "test_claims": claims,
}
