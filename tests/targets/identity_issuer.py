"""An identity provider on a real socket that a case makes wrong in one way, and what the gate says of it."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from small_server import Server

from pytest_prodcheck.config.models import AuthTarget, Environment, Requests, User
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import identity_readiness
from pytest_prodcheck.gate.judges import auth as judges
from pytest_prodcheck.gate.judges.case import Case
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.targets.auth_prober import AuthProber
from pytest_prodcheck.targets.wire import Wire

CLIENT, SECRET = "plan", "dummy-client-secret-of-the-issuer"
NAMESPACE = "https://hasura.io/jwt/claims"
ROLES = {"x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user", "editor"], "x-hasura-user-id": "7"}
GONE = object()
"""A change of a member or claim that takes it away."""


@cache
def key(name: str) -> Any:
    """A private key a name: `k1`, `k2` (RSA), `weak` (RSA 1024), `e1` (P-256), `e3` (P-384), `ed` (Ed25519)."""
    curves = {"e1": ec.SECP256R1, "e3": ec.SECP384R1}
    if name in curves:
        return ec.generate_private_key(curves[name]())
    if name == "ed":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 1024 if name == "weak" else 2048)


def jwk(name: str, **changes: Any) -> dict[str, Any]:
    """The public half of a key as a JWK; a change of GONE takes a member away."""
    private = key(name)
    algorithms: list[tuple[type, Any, str]] = [
        (rsa.RSAPrivateKey, RSAAlgorithm, "RS256"),
        (ed25519.Ed25519PrivateKey, OKPAlgorithm, "EdDSA"),
    ]
    maker, alg = next(
        ((maker, alg) for kind, maker, alg in algorithms if isinstance(private, kind)),
        (ECAlgorithm, "ES384" if name == "e3" else "ES256"),
    )
    public = maker.to_jwk(private.public_key(), as_dict=True)
    return changed({**public, "kid": name, "use": "sig", "alg": alg}, changes)


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The document with other members; a change of GONE takes one away."""
    return {name: value for name, value in {**document, **changes}.items() if value is not GONE}


def unsigned(header: Mapping[str, Any], payload: object, mark: bytes = b"") -> str:
    """A token whose header and payload are exactly these."""
    return ".".join(text(json.dumps(part).encode()) for part in (header, payload)) + f".{text(mark)}"


def text(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Issuer:
    """A sound provider; `answer` of the token endpoint and the routes are a case's to change."""

    server: Server
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signer: str = "k1"
    algorithm: str = "RS256"
    make: Callable[[Issuer], str] | None = None
    """Makes the whole token in place of a signed one."""
    extra: Callable[[Issuer, str], Mapping[str, Any]] | None = None
    """What the token endpoint answers beside the access token."""
    date_offset: float | None = None

    @property
    def url(self) -> str:
        """The issuer."""
        return self.server.url + "/o/plan/"

    def document(self, **changes: Any) -> dict[str, Any]:
        """Its metadata, complete."""
        sound = {
            "issuer": self.url,
            "authorization_endpoint": self.server.url + "/authorize",
            "token_endpoint": self.server.url + "/token",
            "userinfo_endpoint": self.server.url + "/userinfo",
            "introspection_endpoint": self.server.url + "/introspect",
            "jwks_uri": self.server.url + "/jwks",
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return changed(sound, changes)

    def payload(self, **changes: Any) -> dict[str, Any]:
        """A sound access token's claims."""
        now = int(time.time())
        sound = {"iss": self.url, "aud": "plan", "sub": "u-7", "iat": now, "exp": now + 300, NAMESPACE: ROLES}
        return changed(sound, {**self.claims, **changes})

    def token(self) -> str:
        """The access token of this case."""
        if self.make:
            return self.make(self)
        header = {"kid": self.signer, **self.header}
        kept = {name: value for name, value in header.items() if value is not GONE}
        return jwt.encode(self.payload(), key(self.signer), self.algorithm, kept)

    def id_token(self, access: str, **changes: Any) -> str:
        """A sound ID token beside `access`."""
        now = int(time.time())
        half = text(hashlib.sha256(access.encode()).digest()[:16])
        sound = {"iss": self.url, "aud": CLIENT, "sub": "u-7", "iat": now, "exp": now + 300, "at_hash": half}
        return jwt.encode(changed(sound, changes), key("k1"), "RS256", {"kid": "k1"})

    def serve(self, document: Any = None, keys: Any = None) -> None:
        """Sets the routes: metadata and key set (an answer, or what is in it), token endpoint, pages."""
        routes, whole = (
            self.server.routes,
            keys if isinstance(keys, tuple) else (200, {}, {"keys": keys or [jwk("k1")]}),
        )
        found = document if isinstance(document, tuple) else (200, {}, document or self.document())
        routes.clear()
        routes["GET /o/plan/.well-known/openid-configuration"] = found
        routes["GET /jwks"] = whole
        routes["GET /authorize"] = (200, {"content-type": "text/html"}, "<!doctype html><title>Sign in</title>")
        routes["GET /userinfo"] = (401, {}, {"error": "invalid_token"})
        routes["POST /token"] = self._grant

    def _grant(self, _asked: object) -> tuple[int, dict[str, str], Any]:
        access = self.token()
        beside = self.extra(self, access) if self.extra else {}
        return 200, {}, {"access_token": access, "token_type": "Bearer", "expires_in": 300, **beside}


def member(**changes: Any) -> User:
    """The declared user, its references resolved."""
    plain = {"client_id": CLIENT, "client_secret": SECRET, **changes}
    return User(grant="client_credentials").model_copy(update=plain)


def judged(
    issuer: Issuer, folder: Path, table: Mapping[str, Any], user: User | None = None
) -> dict[str, list[Finding]]:
    """What the shipped checks of an auth target find, each as the gate asks and judges it."""
    auth = AuthTarget(issuer=issuer.url, audience=["plan"], hasura=True).model_copy(update=table)
    return looked_at(auth, user or member(), folder)


def looked_at(auth: AuthTarget, user: User, folder: Path) -> dict[str, list[Finding]]:
    """The findings of each shipped check about one user of one provider."""
    environment = Environment(name="matrix", users={"member": user}, targets={"auth": auth})
    wire = Wire(Requests(), Redactor(), "matrix")
    wire.open("auth", auth, (auth.issuer,), {}, folder)
    prober = AuthProber(wire, "auth", auth, {"member": user}, {}, lambda value, name: None)
    try:
        return _found(prober, environment, auth)
    finally:
        wire.close()


def _found(prober: AuthProber, environment: Environment, auth: AuthTarget) -> dict[str, list[Finding]]:
    def case(function: str, evidence: Evidence, subject: str = "") -> Case:
        return Case(Check("auth", function, subject, "auth", subject), evidence, environment, time.time())

    ready = prober.ready()
    found = {"ready": identity_readiness.provider("auth", auth, ready)}
    if found["ready"]:
        return found
    found["discovery"] = judges.discovery(case("test_discovery", prober.probe("test_discovery", "", "", 1)))
    keys, token = prober.jwks(), prober.token("member")
    found["jwks"] = judges.jwks(case("test_jwks", keys))
    found["token"] = judges.token(case("test_token", token, "member"))
    if any(one.severity == "error" for one in found["token"]):
        return found
    both = Evidence((), {**keys.facts, **token.facts})
    found["signature"] = judges.signature(case("test_signature", both, "member"))
    found["claims"] = judges.claims(case("test_claims", both, "member"))
    return found
