"""Identity checks: the provider, its keys, and a token for each declared user."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_auth, check):
    """The provider's discovery document is there and is this issuer's own (A8)."""
    prodcheck_auth.observe(check)


@pytest.mark.security
def test_certificate(prodcheck_auth, check):
    """The certificate is trusted, for this name, and holds long enough (A63, B62–B64, D46)."""
    prodcheck_auth.observe(check)


@pytest.mark.contract
def test_discovery(prodcheck_auth, check):
    """The discovery document is complete, agrees with itself, and names endpoints that are there (A8, A16)."""
    prodcheck_auth.observe(check)


@pytest.mark.contract
def test_jwks(prodcheck_auth, check):
    """The provider publishes usable signing keys where consumers look for them (A8, A9, T1)."""
    prodcheck_auth.observe(check)


@pytest.mark.smoke
def test_token(prodcheck_auth, check):
    """The user gets a token by the declared grant (A16, B67)."""
    prodcheck_auth.observe(check)


@pytest.mark.security
def test_signature(prodcheck_auth, check):
    """The token is signed by a published key with an allowed algorithm (A17)."""
    prodcheck_auth.observe(check)


@pytest.mark.contract
def test_claims(prodcheck_auth, check):
    """Issuer, audience, times and claims are as promised (A18, A19, E43, T3)."""
    prodcheck_auth.observe(check)


def test_latency(prodcheck_auth, check):
    """The provider keeps its latency limits."""
    prodcheck_auth.observe(check)
