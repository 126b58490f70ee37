"""The ID token beside an access token is one that a client accepts (OpenID Connect Core §3.1.3.7, §3.1.3.8)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria import claims, tokens
from pytest_prodcheck.criteria.discovery import slash_hint
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.identity import Jwks, Token
from pytest_prodcheck.observe.jose import CompactToken


def id_token(
    held: Token, jwks: Jwks | None, auth: AuthTarget, user: User, now: float, *, target: str = "auth"
) -> list[Finding]:
    """Everything wrong with the user's ID token; nothing where none came. One whose key is the client's secret
    (HS256, §10.1) is not verified: consumers have no such key."""
    if not held.id_token:
        return []
    read, told = jose.read(held.id_token), _Judge(held.user, target)
    found: list[Finding] = []
    if not read.encrypted and not read.named("alg").startswith("HS"):
        found = tokens.signature(held.id_token, jwks, auth, user=held.user, target=target)
    if not read.problem:
        found = [
            *found,
            *_named(read, auth, user, told),
            *_hash(read, held.value, told),
            *_dates(read, held, now, target),
        ]
    return [_renamed(one, held.user) for one in found]


class _Judge:
    """Makes findings about one ID token."""

    def __init__(self, user: str, target: str) -> None:
        self._user, self._target = user, target

    def finding(self, code: str, what: str, seen: str, promised: str, **data: object) -> Finding:
        """One finding; `what` holds nothing of a person."""
        facts = {"user": self._user, "seen": seen, "expected": promised, **data}
        message = f"token of {self._user}: {what}"
        return Finding(
            "jwt_claims", self._target, message, code, seen=seen, promised=promised, subject=self._user, data=facts
        )


def _renamed(finding: Finding, user: str) -> Finding:
    return replace(finding, message=finding.message.replace(f"token of {user}:", f"ID token of {user}:", 1))


def _named(read: CompactToken, auth: AuthTarget, user: User, told: _Judge) -> list[Finding]:
    """Who made it, for whom: iss, aud and, with several audiences, azp (rules 2 to 5)."""
    found, seen = [], jose.names(read.payload.get("aud"))
    issuer = (jose.names(read.payload.get("iss")) or ["missing"])[0]
    if auth.issuer and issuer != auth.issuer:
        what = f"iss is {issuer}, expected {auth.issuer}{slash_hint(issuer, auth.issuer)}"
        found.append(told.finding("auth.token.issuer_mismatch", what, issuer, auth.issuer, iss=issuer))
    if user.client_id and user.client_id not in seen:
        shown = ", ".join(seen) or "missing"
        what = f"aud is {shown}, the client is {user.client_id}"
        found.append(told.finding("auth.token.audience_mismatch", what, shown, user.client_id, aud=seen))
    party = read.payload.get("azp")
    if (len(seen) > 1 or party is not None) and user.client_id and party != user.client_id:
        shown = str(party)[:100] if isinstance(party, str) else "missing"
        what = f"azp is {shown}, the client is {user.client_id} (it has {len(seen)} audiences)"
        found.append(told.finding("auth.token.audience_mismatch", what, shown, user.client_id, aud=seen))
    missing = [claim for claim in ("sub", "iat") if claim not in read.payload]
    if missing:
        what = f"{' and '.join(missing)} is missing (OpenID Connect Core §2 requires it)"
        found.append(told.finding("auth.claims.missing", what, "missing", ", ".join(missing)))
    return found


def _hash(read: CompactToken, access: str, told: _Judge) -> list[Finding]:
    """at_hash is the left half of the access token's hash, by the hash of the signature's algorithm (§3.1.3.6)."""
    said = read.payload.get("at_hash")
    digest = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}.get(read.named("alg")[-3:])
    if said is None or digest is None:
        return []
    whole = digest(access.encode()).digest()
    if said == base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode():
        return []
    what = "at_hash is not that of the access token beside it: clients refuse both"
    return [told.finding("auth.token.hash_mismatch", what, "another hash", "the access token's")]


def _dates(read: CompactToken, held: Token, now: float, target: str) -> list[Finding]:
    """exp, iat and nbf, as for any token."""
    dates: Mapping[str, object] = {name: value for name, value in read.payload.items() if name in ("exp", "iat", "nbf")}
    plain = User(grant="static") if held.grant == "static" else User(grant="client_credentials")
    return claims.claims(dict(dates), plain, AuthTarget(), False, now, name=held.user, target=target)  # type: ignore[arg-type]
