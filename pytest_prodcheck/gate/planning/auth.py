"""The checks of an identity provider."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import AuthTarget, Environment
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder, limits


def checks(environment: Environment, target: str, table: AuthTarget) -> Iterator[Check]:
    """What the provider and the tokens of all users promise."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
    if table.tls.valid_for:
        yield build.check("test_certificate")
    if table.issuer:
        yield build.check("test_discovery")
        yield build.check("test_jwks")
    for name, user in environment.users.items():
        yield build.check("test_token", name)
        if not user.opaque:
            yield build.check("test_signature", name, users=(name,))
            yield build.check("test_claims", name, users=(name,))
    yield from limits(build)
