"""The demo's identity provider: tokens, keys and clients, in the shape of Authentik (facts.md §2).

State only; `issuer_app` speaks HTTP. Faults change the state: keys, claims, clients, users, grants.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pytest_prodcheck.demo.database import COLLEAGUE, MEMBER

CLIENT_ID = "demo-service"
USERNAME = "carl"
AUDIENCE = "demo"
NAMESPACE = "https://hasura.io/jwt/claims"
LIFETIME_SECONDS = 3600
Claims = dict[str, Any]


@dataclass(frozen=True)
class SigningKey:
    """A private key with its key id; `algorithm` is RS256 or ES256."""

    kid: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    algorithm: str

    @classmethod
    def generate(cls, kid: str, algorithm: str = "RS256", bits: int = 2048) -> SigningKey:
        """A new key; `bits` are those of an RSA modulus."""
        if algorithm == "ES256":
            return cls(kid, ec.generate_private_key(ec.SECP256R1()), algorithm)
        return cls(kid, rsa.generate_private_key(65537, bits), algorithm)

    def as_jwk(self) -> dict[str, Any]:
        """The public half as a JWK."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            public = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}


@dataclass
class Issuer:
    """What the provider knows. `base` is its origin, `https://127.0.0.1:PORT`."""

    base: str
    signing: SigningKey = field(default_factory=lambda: SigningKey.generate("k1"))
    published: list[SigningKey] = field(default_factory=list)
    jwks_html: bool = False
    discovery: bool = True
    named: str = ""
    """The issuer that discovery names, where it is another one."""
    userinfo: bool = True
    leaks: bool = False
    """Whether the JWKS shows a private key."""
    sign: Callable[[Claims], str] | None = None
    """Replaces the signature (an unsigned token, an HS256 one)."""
    edit: Callable[[Claims], None] | None = None
    """Changes the claims of every token before it is signed."""
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    user_password: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    locked: bool = False
    grants: tuple[str, ...] = ("authorization_code", "client_credentials", "password")

    def __post_init__(self) -> None:
        self.published.append(self.signing)

    @property
    def url(self) -> str:
        """The issuer, with Authentik's trailing slash."""
        return f"{self.base}/application/o/demo/"

    def configuration(self) -> Mapping[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0 §3)."""
        return {
            "issuer": self.named or self.url,
            "authorization_endpoint": f"{self.base}/application/o/authorize/",
            "token_endpoint": f"{self.base}/application/o/token/",
            "userinfo_endpoint": f"{self.base}/application/o/userinfo/",
            "jwks_uri": f"{self.url}jwks/",
            "grant_types_supported": list(self.grants),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["openid", "profile"],
        }

    def jwks(self) -> Mapping[str, Any]:
        """The JWK set; Authentik's `{}` where there is no signing key."""
        if not self.published:
            return {}
        return {"keys": [key.as_jwk() | ({"d": "AQAB"} if self.leaks else {}) for key in self.published]}

    def token(
        self, user: str, *, age: float = 0.0, lifetime: float = LIFETIME_SECONDS, audience: str = AUDIENCE
    ) -> str:
        """An access token of user id `user` for `audience` that was issued `age` seconds ago."""
        issued = int(time.time() - age)
        claims: Claims = {
            "iss": self.url,
            "sub": user,
            "aud": audience,
            "iat": issued,
            "exp": issued + int(lifetime),
            "jti": secrets.token_hex(8),
            NAMESPACE: {
                "x-hasura-default-role": "member",
                "x-hasura-allowed-roles": ["member"],
                "x-hasura-user-id": user,
            },
        }
        if self.edit:
            self.edit(claims)
        if self.sign:
            return self.sign(claims)
        return jwt.encode(claims, self.signing.private, self.signing.algorithm, headers={"kid": self.signing.kid})

    def grant(self, form: Mapping[str, str], client_id: str, client_secret: str) -> tuple[int, Mapping[str, Any]]:
        """Status and body of a token request (RFC 6749 §5.1 and §5.2)."""
        if client_id != CLIENT_ID or not secrets.compare_digest(client_secret, self.client_secret):
            return 401, _refusal("invalid_client", "Client authentication failed (e.g., unknown client)")
        kind = form.get("grant_type", "")
        if kind not in self.grants or kind == "authorization_code":
            return 400, _refusal("unsupported_grant_type", "The authorization grant type is not supported")
        if kind == "password" and (self.locked or not self._knows(form)):
            return 400, _refusal(
                "invalid_grant", "The provided authorization grant is invalid or was issued to another"
            )
        token = self.token(COLLEAGUE if kind == "password" else MEMBER)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "scope": "openid"}

    def _knows(self, form: Mapping[str, str]) -> bool:
        return form.get("username") == USERNAME and secrets.compare_digest(form.get("password", ""), self.user_password)


def _refusal(error: str, description: str) -> Mapping[str, str]:
    return {"error": error, "error_description": description}
