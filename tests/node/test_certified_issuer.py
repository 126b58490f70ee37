"""Discovery, keys and tokens of a certified OpenID provider (npm oidc-provider), as a gate asks for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from node_servers import missing, running

from pytest_prodcheck.config.models import AuthTarget, Requests, User
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import claims, discovery, jwks, token_answer, tokens
from pytest_prodcheck.observe import jose
from pytest_prodcheck.targets.auth_prober import AuthProber
from pytest_prodcheck.targets.wire import Wire

pytestmark = pytest.mark.skipif(bool(missing("oidc-provider")), reason=missing("oidc-provider") or "it is here")
SERVICE = {
    "client_id": "plan-service",
    "client_secret": "dummy-client-secret-of-the-certified-one",
    "grant_types": ["client_credentials"],
    "redirect_uris": [],
    "response_types": [],
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider with RS256 and ES256 keys."""
    keys = [{"kid": "k1", "alg": "RS256"}, {"kid": "e1", "alg": "ES256"}]
    with running("oidc.mjs", {"clients": [SERVICE], "keys": keys}) as address:
        yield address


def test_a_sound_provider_has_no_finding(issuer: str, tmp_path) -> None:
    """A8, A16–A19: discovery, keys, a token by client credentials, its signature and claims."""
    table = AuthTarget(issuer=issuer, audience=["plan"])
    member = User(grant="client_credentials", client_id=SERVICE["client_id"], scope="read").model_copy(
        update={"client_secret": SERVICE["client_secret"]}
    )
    wire = Wire(Requests(), Redactor(), "node")
    wire.open("auth", table, (issuer,), {}, tmp_path)
    prober = AuthProber(wire, "auth", table, {"member": member}, {}, lambda value, name: None)
    found = prober.ready().facts["discovery"]
    keys = prober.jwks().facts["jwks"]
    token = prober.token("member").facts["token"]
    wire.close()
    assert discovery.discovery(found, table) == jwks.jwks(keys, found) == token_answer.obtained(token, member) == []
    assert tokens.user_signature(token.value, keys, table, member, "member") == []
    payload = jose.read(token.value).payload
    assert claims.claims(payload, member, table, False, token.obtained_at, name="member") == []
