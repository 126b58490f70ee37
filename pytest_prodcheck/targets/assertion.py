"""A client that proves who it is by a key: the assertion of RFC 7523 §2.2 (`private_key_jwt` of OpenID Connect §9)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

from pytest_prodcheck.errors import Refused

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME: Final = 60
"""Seconds: an assertion is used once, at once."""


def signed(pem: str, client: str, audience: str, kid: str = "", clock: Callable[[], float] = time.time) -> str:
    """An assertion of `client` for `audience`, signed by the private key in `pem` with the algorithm of its kind.

    Raises errors.Refused where `pem` holds no private key that can be read without a passphrase.
    """
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused(
            "client assertion", "client_key is no private key in PEM, or has a passphrase", _EXAMPLE
        ) from None
    now = int(clock())
    names = {"iss": client, "sub": client, "aud": audience, "jti": secrets.token_urlsafe(16)}
    header = {"kid": kid} if kid else None
    return jwt.encode({**names, "iat": now, "exp": now + LIFETIME}, key, _algorithm(key), header)  # type: ignore[arg-type]


def _algorithm(key: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return "EdDSA"
    raise Refused("client assertion", "client_key is of a kind that signs no JWT", _EXAMPLE)


_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_EXAMPLE = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
