"""PyJWT's exceptions → cause code. Source: PyJWT 2.15 `jwt/exceptions.py`, behaviour in facts.md §3."""

from __future__ import annotations

import re
from collections.abc import Mapping

EXCEPTIONS: Mapping[str, str] = {
    "ExpiredSignatureError": "runner.token.expired",
    "ImmatureSignatureError": "auth.token.not_yet_valid",
    "InvalidIssuedAtError": "auth.clock.skewed",
    "InvalidAudienceError": "auth.token.audience_mismatch",
    "InvalidIssuerError": "auth.token.issuer_mismatch",
    "InvalidSignatureError": "auth.token.signature_invalid",
    "InvalidAlgorithmError": "auth.token.algorithm_mismatch",
    "InvalidKeyError": "auth.jwks.key_missing",
    "InvalidJTIError": "auth.claims.wrong",
    "InvalidSubjectError": "auth.claims.wrong",
    "MissingRequiredClaimError": "auth.claims.missing",
    "DecodeError": "auth.token.not_a_jwt",
    "InvalidTokenError": "auth.token.not_a_jwt",
    "PyJWKSetError": "auth.jwks.empty",
    "PyJWKClientConnectionError": "auth.idp.unreachable",
    "PyJWKClientError": "auth.jwks.key_missing",
    "PyJWKError": "auth.jwks.key_missing",
    "JSONDecodeError": "auth.jwks.not_json",
}

TEXTS: tuple[tuple[str, str, str], ...] = (
    ("ImmatureSignatureError", r"\(iat\)", "auth.clock.skewed"),
    ("DecodeError", r"header padding|Invalid payload padding", "auth.token.encrypted"),
    ("MissingRequiredClaimError", r"\"exp\"", "auth.token.no_expiry"),
    ("MissingRequiredClaimError", r"\"aud\"", "auth.token.audience_mismatch"),
    ("MissingRequiredClaimError", r"\"iss\"", "auth.token.issuer_mismatch"),
    ("InvalidAlgorithmError", r"\bnone\b", "auth.token.not_signed"),
    ("PyJWKClientConnectionError", r"\b404\b", "auth.jwks.not_found"),
    ("PyJWKClientConnectionError", r"certificate has expired", "auth.idp.certificate_expired"),
    ("PyJWKClientError", r"did not contain any|no (signing )?keys", "auth.jwks.empty"),
)  # fmt: skip
"""Exception, text, code: where the text says more than the class."""


def classify(exception: str, text: str = "") -> str:
    """The cause code of one exception's class name and text; `unknown` for another exception."""
    for name, pattern, code in TEXTS:
        if name == exception and re.search(pattern, text):
            return code
    return EXCEPTIONS.get(exception, "unknown")
