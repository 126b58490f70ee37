"""A certified OpenID provider (npm oidc-provider): the gate is silent where it is right, and red where it is not.

Its settings make it wrong in ways that are a provider's; what a certified server cannot be wrong in, a small one is in
`tests/targets/test_identity_matrix.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from node_servers import missing, running

sys.path.append(str(Path(__file__).parents[1] / "targets"))
from identity_issuer import looked_at
from small_server import Asked, serving

from pytest_prodcheck.config.models import AuthTarget, HasuraClaims, User

pytestmark = pytest.mark.skipif(bool(missing("oidc-provider")), reason=missing("oidc-provider") or "it is here")
SECRET = "dummy-client-secret-of-the-certified-one"
ROLES = {"x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user"]}
NAMESPACE = "https://hasura.io/jwt/claims"
PRIVATE = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
}
_MAKERS: Mapping[str, Any] = {"rsa": RSAAlgorithm, "ec": ECAlgorithm, "ed": OKPAlgorithm}
_ALGORITHMS = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}


def client(name: str, **changes: Any) -> dict[str, Any]:
    """A client of the provider's."""
    plain = {"client_id": name, "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": []}
    return {**plain, "client_secret": SECRET, **changes}


def keyed(kind: str) -> dict[str, Any]:
    """A client that the provider knows by its public key."""
    public = _MAKERS[kind].to_jwk(PRIVATE[kind].public_key(), as_dict=True)
    methods = {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": _ALGORITHMS[kind],
        "jwks": {"keys": [{**public, "kid": kind, "use": "sig", "alg": _ALGORITHMS[kind]}]},
    }
    made = client(f"keyed-{kind}", **methods)
    del made["client_secret"]
    return made


def pem(kind: str) -> str:
    """A client's private key."""
    return PRIVATE[kind].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


CLIENTS = [
    client("basic"),
    client("post", token_endpoint_auth_method="client_secret_post"),
    client("person", grant_types=["authorization_code"], redirect_uris=["https://app.test/"], response_types=["code"]),
    *(keyed(kind) for kind in PRIVATE),
]
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "sound": {"keys": [{"kid": "k1", "alg": "RS256"}, {"kid": "e1", "alg": "ES256"}], "claims": {NAMESPACE: ROLES}},
    "es256": {"keys": [{"kid": "k1", "alg": "RS256"}, {"kid": "e1", "alg": "ES256"}], "alg": "ES256"},
    "other": {"audience": "billing", "lifetime": 20, "claims": {NAMESPACE: {"x-hasura-default-role": "user"}}},
}


@pytest.fixture(scope="module")
def issuers() -> Iterator[dict[str, str]]:
    """Providers by the name of their settings."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(running("oidc.mjs", {"clients": CLIENTS, **settings}))
            for name, settings in SETTINGS.items()
        }


def user(client_id: str = "basic", **changes: Any) -> User:
    """The declared user, its references resolved."""
    plain = {"client_id": client_id, "client_secret": SECRET, "scope": "read", **changes}
    return User(grant="client_credentials").model_copy(update=plain)


def by_key(kind: str, **changes: Any) -> User:
    """A user whose client signs."""
    made = {
        "client_id": f"keyed-{kind}",
        "client_secret": None,
        "client_auth": "private_key_jwt",
        "client_key": pem(kind),
        "client_key_id": kind,
    }
    return user(**{**made, "client_key": pem(kind), "client_key_id": kind, **changes})


CASES: Mapping[str, tuple[str, User, Mapping[str, Any], Mapping[str, str]]] = {
    "basic": ("sound", user(), {"hasura": True}, {}),
    "post": ("sound", user("post", client_auth="post"), {}, {}),
    "introspection of a JWT, which it does not offer": ("sound", user(introspect=True), {}, {"token": "unknown"}),
    "a key, to the token endpoint": ("sound", by_key("rsa"), {}, {}),
    "a key, to the issuer": ("sound", by_key("rsa", assertion_audience="issuer"), {}, {}),
    "an elliptic key": ("sound", by_key("ec"), {}, {}),
    "an Edwards key": ("sound", by_key("ed"), {}, {}),
    "es256 as agreed": ("es256", user(), {"algorithms": ("ES256",)}, {}),
    "es256 and not agreed": ("es256", user(), {}, {"signature": "auth.token.algorithm_mismatch"}),
    "another client's secret": ("sound", user(client_secret="dummy-wrong"), {}, {"token": "auth.client.rejected"}),
    "an unknown client": ("sound", user("nobody"), {}, {"token": "auth.client.rejected"}),
    "another client's key": ("sound", by_key("ec", client_id="keyed-rsa"), {}, {"token": "auth.client.rejected"}),
    "a client of persons": ("sound", user("person"), {}, {"token": "auth.grant.not_allowed"}),
    "another audience": ("other", user(), {}, {"claims": "auth.token.audience_mismatch"}),
    "a short life": (
        "other", user(lifetime=">= 5m"), {"audience": ("billing",)}, {"claims": "auth.token.lifetime_too_short"},
    ),
    "no allowed roles": (
        "other", user(), {"audience": ("billing",), "hasura": True}, {"claims": "auth.claims.roles_missing"},
    ),
    "another namespace": (
        "sound", user(), {"hasura": HasuraClaims(namespace="https://app.test/")},
        {"claims": "auth.claims.namespace_missing"},
    ),
    "claims by a map": (
        "sound",
        user(),
        {"hasura": HasuraClaims(map={"x-hasura-allowed-roles": ("user",), "x-hasura-default-role": "user",
                                     "x-hasura-user-id": "$.client_id"})},
        {},
    ),
    "the issuer with a slash": ("sound", user(), {"issuer": "SLASH"}, {"ready": "auth.token.issuer_mismatch"}),
    "below the issuer": ("sound", user(), {"issuer": "BELOW"}, {"ready": "auth.discovery.wrong_application"}),
    "a wrong address of the keys": ("sound", user(), {"jwks_url": "WRONG"}, {"jwks": "auth.jwks.not_found"}),
    "the promise of a cache": ("sound", user(), {"jwks_cache": "<= 1h"}, {"jwks": "auth.jwks.not_cached"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_judged_as_it_is(issuers: dict[str, str], tmp_path: Path, name: str) -> None:
    """A8, A9, A16–A19, R5, R7, T1, T3: one check is red with its cause, or none."""
    settings, declared, table, expected = CASES[name]
    issuer = issuers[settings]
    places = {"SLASH": issuer + "/", "BELOW": issuer + "/o/plan/", "WRONG": issuer + "/.well-known/jwks.json"}
    given = {key: places.get(str(value), value) for key, value in table.items()}
    auth = AuthTarget(issuer=issuer, audience=["plan"]).model_copy(update=given)
    found = {check: [one.code for one in seen] for check, seen in looked_at(auth, declared, tmp_path).items() if seen}
    if found.get("jwks") == ["auth.jwks.not_found"]:
        assert found.pop("signature") == ["auth.jwks.not_found"]  # with those, nothing can be verified
    assert {check: codes[0] for check, codes in found.items()} == dict(expected)
    assert all(len(codes) == 1 for codes in found.values())


def test_a_gate_on_the_certified_provider(issuers: dict[str, str], tmp_path: Path) -> None:
    """A16, A20, A58: a whole run against it and a service that verifies: green, and no token in any output."""
    issuer = issuers["sound"]
    keys = jwt.PyJWKClient(issuer + "/jwks")

    def tasks(asked: Asked) -> tuple[int, dict[str, str], Any]:
        shown = asked.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            key = keys.get_signing_key_from_jwt(shown)
            jwt.decode(shown, key, ["RS256"], audience="plan", issuer=issuer)
        except (jwt.PyJWTError, ValueError):
            return 401, {"www-authenticate": "Bearer"}, {"error": "invalid_token"}
        return 200, {}, {"tasks": [1]}

    with serving() as server:
        server.routes["GET /tasks"] = tasks
        server.routes["GET /"] = (200, {}, {"status": "ok"})
        (tmp_path / "prodcheck.toml").write_text(
            textwrap.dedent(f"""
            [env.local]
            kind = "local"
            [env.local.users.member]
            grant = "client_credentials"
            client_id = "keyed-ec"
            client_auth = "private_key_jwt"
            client_key = "file:client.pem"
            client_key_id = "ec"
            scope = "read"
            [env.local.auth]
            issuer = "{issuer}"
            audience = "plan"
            [env.local.http]
            url = "{server.url}"
            [env.local.http.endpoints]
            home = "/"
            tasks = {{ path = "/tasks", as = "member", refused = 401, refuses = [
              "none", "alg_none", "hs256_public_key", "unknown_kid", "embedded_key", "tampered", "signature"] }}
        """)
        )
        (tmp_path / "client.pem").write_text(pem("ec"))
        command = [sys.executable, "-m", "pytest", "--prodcheck=local", "-p", "no:cacheprovider", "-vv"]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
    verdict = (tmp_path / ".prodcheck/local/verdict.json").read_text()
    assert (done.returncode, json.loads(verdict)["verdict"]) == (0, "pass"), done.stdout
    assert "test_refuses[tasks]" in verdict
    sent = [one.headers.get("authorization", "") for one in server.asked if one.path == "/tasks"]
    assert len(set(sent)) == 10
    assert not [one for one in sent if one and one.removeprefix("Bearer ")[:40] in done.stdout + verdict]
