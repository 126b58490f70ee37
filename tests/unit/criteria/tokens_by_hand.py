"""Tokens and keys made by hand, so that each can be wrong in one way."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from pytest_prodcheck.observe.identity import Jwk, Jwks
from pytest_prodcheck.observe.observation import Observation

NOW = 1_800_000_000.0
ISSUER = "https://auth.test/application/o/plan/"
NAMESPACE = "https://hasura.io/jwt/claims"
ROLES = {"x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user", "editor"], "x-hasura-user-id": "7"}


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """One RSA key a name for the whole test run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """One P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(document: object) -> str:
    """A JSON document as a token's part."""
    return base64url(json.dumps(document).encode())


def payload(**changes: Any) -> dict[str, Any]:
    """A sound payload; a change of None takes the claim away."""
    sound = {"iss": ISSUER, "aud": "plan", "sub": "u-7", "iat": int(NOW), "exp": int(NOW) + 300, NAMESPACE: ROLES}
    return {claim: value for claim, value in {**sound, **changes}.items() if value is not None}


def signed(header: dict[str, Any], claims: dict[str, Any] | None = None, key: Any = None) -> str:
    """A token with exactly this header, signed by `key` (bytes: HMAC) as the header's alg says."""
    key = rsa_key("k1") if key is None else key
    text = f"{part(header)}.{part(payload() if claims is None else claims)}"
    return f"{text}.{base64url(_signature(header.get('alg'), text.encode(), key))}"


def _signature(algorithm: Any, text: bytes, key: Any) -> bytes:
    if isinstance(key, bytes):
        return hmac.new(key, text, {"HS384": hashlib.sha384}.get(algorithm, hashlib.sha256)).digest()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ECAlgorithm(ECAlgorithm.SHA256).sign(text, key)
    return RSAAlgorithm(RSAAlgorithm.SHA384 if algorithm == "RS384" else RSAAlgorithm.SHA256).sign(text, key)


def public_pem() -> bytes:
    """The public key of k1 as PEM: what an algorithm confusion would sign with."""
    return (
        rsa_key("k1")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def jwk(kid: str = "k1", key: Any = None, **facts: Any) -> Jwk:
    """A published key."""
    key = key or rsa_key(kid)
    made = (ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm).to_jwk(key.public_key(), True)
    bits = key.key_size if made["kty"] == "RSA" else 0
    public = {name: value for name, value in made.items() if isinstance(value, str)}
    return Jwk(kid, made["kty"], curve=made.get("crv", ""), bits=bits, public=public, **facts)


def jwks(*keys: Jwk, problem: Any = "", **headers: str) -> Jwks:
    """A JWKS answer."""
    seen = Observation("auth", "jwks", status=200, headers=headers)
    return Jwks("https://auth.test/jwks/", seen, problem, keys)
