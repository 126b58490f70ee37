"""How the demo's services verify tokens: they fetch the JWKS once, when they start, and keep it.

That is what Hasura does with a JWKS that has no Cache-Control (facts.md §1), and why rotated keys are a fault.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pytest_prodcheck.demo.issuer import AUDIENCE


class NoUsableKeys(jwt.PyJWTError):
    """The JWKS gave no key at all."""


@dataclass
class Consumer:
    """One service's view of the identity provider."""

    jwks_url: str
    issuer: str
    audience: str = AUDIENCE
    algorithms: tuple[str, ...] = ("RS256",)
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    blind_to: frozenset[str] = frozenset()
    """What it does not look at: `alg` (takes unsigned tokens), `kind` (takes the public key for a secret), `signature`,
    `exp`, `aud`."""

    def fetch(self, context: ssl.SSLContext) -> None:
        """Replaces the keys by those of the JWKS URL; none where it does not answer with a key set."""
        try:
            with urllib.request.urlopen(self.jwks_url, timeout=5, context=context) as answer:
                found = jwt.PyJWKSet.from_dict(json.load(answer)).keys
        except (urllib.error.URLError, ValueError, jwt.PyJWTError):
            found = []
        self.keys = {key.key_id or "": key for key in found}

    def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a valid token. Raises jwt.PyJWTError."""
        if not self.keys:
            raise NoUsableKeys("the JWK set did not contain any keys")
        header = jwt.get_unverified_header(token)
        if self._waved_through(token, header):
            return jwt.decode(token, options={"verify_signature": False})
        if header.get("alg") not in self.algorithms:
            raise jwt.InvalidAlgorithmError(f"the algorithm {header.get('alg')} is not allowed")
        key = self.keys.get(header.get("kid", ""))
        if key is None:
            raise jwt.InvalidSignatureError("no key verifies the signature")
        return jwt.decode(
            token,
            key,
            algorithms=list(self.algorithms),
            audience=self.audience,
            issuer=self.issuer,
            options={"verify_exp": "exp" not in self.blind_to, "verify_aud": "aud" not in self.blind_to},
        )

    def _waved_through(self, token: str, header: Mapping[str, Any]) -> bool:
        """Whether a fault takes this token without the verification that it needs."""
        algorithm = str(header.get("alg"))
        if "signature" in self.blind_to or ("alg" in self.blind_to and algorithm == "none"):
            return True
        if "kind" not in self.blind_to or algorithm != "HS256":
            return False
        key = self.keys.get(header.get("kid", ""))
        text, _, mark = token.rpartition(".")
        return key is not None and hmac.compare_digest(_mac(key, text), mark)


def _mac(key: jwt.PyJWK, text: str) -> str:
    """The signature of a verifier that hands its public key to whatever algorithm a token names."""
    pem = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hmac.new(pem, text.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
