"""How the demo's services verify tokens: they fetch the JWKS once, when they start, and keep it.

That is what Hasura does with a JWKS that has no Cache-Control (facts.md §1), and why rotated keys are a fault.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

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
        )
