"""A token is an access token: its `typ`, and what a token of that type must have (RFC 9068, RFC 8725 §3.11)."""

from __future__ import annotations

from typing import Final

from pytest_prodcheck.criteria.declared_claims import kind
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.jose import CompactToken

ACCESS: Final = "at+jwt"
_ANY: Final = ("", "jwt", "jwt-bearer", "bearer", ACCESS)
"""`typ` of tokens that may be an access token; before RFC 9068 they were plain JWTs."""
REQUIRED: Final = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
"""RFC 9068 §2.2."""
_TEXTS: Final = ("jti", "client_id", "azp")
_OTHERS: Final = {"id": "an ID token", "refresh": "a refresh token", "offline": "a refresh token"}
"""`typ` among the claims, as Keycloak writes it."""


def profile(token: str, user: str, *, target: str = "auth") -> list[Finding]:
    """What is wrong with the type of an access token; nothing where it is no JWS, which `criteria.tokens` says."""
    read = jose.read(token)
    if read.problem:
        return []
    judge = _Judge(user, target)
    if other := _other(read):
        what = f"it is {other}, given out as an access token: consumers that look at typ refuse it (RFC 8725 §3.11)"
        return [judge.finding("auth.token.wrong_type", what, other, "an access token")]
    return [*_required(read, judge), *_types(read, judge)]


class _Judge:
    """Makes findings about one user's token."""

    def __init__(self, user: str, target: str) -> None:
        self._user, self._target = user, target

    def finding(self, code: str, what: str, seen: str, promised: str, severity: Severity = "error") -> Finding:
        """One finding; `what` holds no claim's value."""
        message, facts = f"token of {self._user}: {what}", {"user": self._user, "seen": seen, "expected": promised}
        return Finding(
            "jwt_claims", self._target, message, code, severity, seen, promised, subject=self._user, data=facts
        )


def _typ(token: CompactToken) -> str:
    """`typ`, in lower case and without the prefix that may be left out (RFC 7515 §4.1.9)."""
    return token.named("typ").lower().removeprefix("application/")


def _other(token: CompactToken) -> str:
    """What the token is instead of an access token; empty where it may be one."""
    typ, said = _typ(token), token.payload.get("typ")
    if typ not in _ANY:
        return f"a token of typ {token.named('typ')[:60]}"
    return _OTHERS.get(said.lower(), "") if isinstance(said, str) else ""


def _required(token: CompactToken, judge: _Judge) -> list[Finding]:
    """Only a token that calls itself `at+jwt` promises what RFC 9068 requires of it."""
    missing = [claim for claim in REQUIRED if claim not in token.payload] if _typ(token) == ACCESS else []
    if not missing:
        return []
    what = f"its typ is at+jwt, and {', '.join(missing)} is missing (RFC 9068 §2.2)"
    return [judge.finding("auth.token.profile_incomplete", what, "missing", ", ".join(missing), "warning")]


def _types(token: CompactToken, judge: _Judge) -> list[Finding]:
    return [
        judge.finding(
            "auth.claims.wrong_type",
            f"claim {claim} is {kind(token.payload[claim])}, not a string",
            kind(token.payload[claim]),
            "a string",
            "warning",
        )
        for claim in _TEXTS
        if claim in token.payload and not isinstance(token.payload[claim], str)
    ]
