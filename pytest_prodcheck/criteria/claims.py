"""A token says what consumers need: dates, issuer, audience, lifetime, Hasura's and the declared claims (A18, A19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import AuthTarget, HasuraClaims, User
from pytest_prodcheck.criteria import declared_claims, hasura_claims, hasura_places
from pytest_prodcheck.criteria.discovery import slash_hint
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Json

CLOCK_TOLERANCE: Final = 60.0
"""Seconds: a fresh token that was issued longer ago than this tells of another clock."""


@dataclass(frozen=True, slots=True)
class Claims:
    """One user's claims with everything that they are judged against."""

    payload: Mapping[str, Json]
    user: User
    auth: AuthTarget
    name: str
    target: str
    now: float
    """When the token was obtained (for a static one: now), seconds since the epoch."""
    offset: float | None = None
    """Seconds by which the provider's clock is ahead of ours, by its `Date`; None where it said none."""

    def date(self, claim: str) -> float | None:
        """A claim that is a NumericDate; None where it is missing or none."""
        return jose.numeric_date(self.payload.get(claim))

    def finding(
        self, code: str, what: str, seen: str = "", promised: str = "", severity: Severity = "error", **data: object
    ) -> Finding:
        """A finding about this user; `what` must hold no claim value of a person."""
        facts = {"user": self.name, "seen": seen, "expected": promised, **data}
        message = f"token of {self.name}: {what}"
        return Finding("jwt_claims", self.target, message, code, severity, seen, promised, self.name, data=facts)


def claims(
    payload: Mapping[str, Json],
    user: User,
    auth: AuthTarget,
    hasura: bool,
    now: float,
    *,
    name: str,
    target: str = "auth",
    offset: float | None = None,
) -> list[Finding]:
    """Everything that is wrong with a token's claims. An opaque user's declared claims are judged as they are given
    (by introspection); the rules for JWTs do not hold for it. What Hasura would refuse is said once, in its words."""
    told = Claims(payload, user, auth, name, target, now, offset)
    declared = declared_claims.mismatches(payload, user.claims, now)
    findings = [told.finding(code, what, seen, promised) for code, what, seen, promised in declared]
    if user.opaque:
        return findings
    if hasura:
        where = auth.hasura if isinstance(auth.hasura, HasuraClaims) else None
        refused = [told.finding(*found) for found in hasura_claims.missing(payload, where)]
        place = (where.namespace if where else "") or hasura_places.NAMESPACE
        findings = refused + [one for one in findings if not (refused and place in one.message)]
    return _dates(told) + _lifetime(told) + _issuer(told) + _audience(told) + _subject(told) + findings


def outlives(expires_at: float | None, run_deadline: float, *, user: str, target: str = "auth") -> list[Finding]:
    """Warns where a token ends before the run does (R26): its 401s would be blamed on the services."""
    if expires_at is None or expires_at > run_deadline:
        return []
    what = f"token of {user} expires {span(run_deadline - expires_at)} before the run's end"
    return [Finding("jwt_claims", target, what, "runner.token.expired", "warning", subject=user, data={"user": user})]


def _dates(told: Claims) -> list[Finding]:
    return [*_expiry(told), *_future(told)]


def _expiry(told: Claims) -> list[Finding]:
    exp = told.date("exp")
    if "exp" not in told.payload:
        return [told.finding("auth.token.no_expiry", "claim exp is missing: token never expires", "no exp", "exp")]
    if exp is None:
        what = (
            "claim exp is no NumericDate (seconds since 1970, RFC 7519 §2): consumers refuse it or never let it expire"
        )
        return [told.finding("auth.token.no_expiry", what, _kind(told.payload["exp"]), "seconds")]
    if exp > told.now:
        return []
    ago = span(told.now - exp)
    if told.user.grant == "static":
        return [told.finding("runner.token.expired", f"expired {ago} ago; the services are not to blame", f"{ago} ago")]
    return [_expired_when_fresh(told, exp, ago)]


def _expired_when_fresh(told: Claims, exp: float, ago: str) -> Finding:
    """A token that was just issued: with a sound lifetime, it is the provider's clock that is behind."""
    iat = told.date("iat")
    if iat is not None and exp > iat and told.now - iat > max(told.auth.skew, CLOCK_TOLERANCE):
        behind = span(told.now - iat)
        what = f"just issued, and iat is {behind} in the past: {_whose(told, iat - told.now)}"
        return told.finding("auth.clock.skewed", what, f"iat {behind} ago", "now", **_measured(told))
    return told.finding("auth.token.lifetime_too_short", f"just issued, and expired {ago} ago", f"expired {ago} ago")


def _future(told: Claims) -> list[Finding]:
    """One finding for `nbf` and `iat` together: both come of one clock."""
    for claim in ("iat", "nbf"):
        moment = told.date(claim)
        if claim in told.payload and moment is None:
            what = f"claim {claim} is no NumericDate (seconds since 1970, RFC 7519 §2)"
            return [told.finding("auth.token.malformed", what, _kind(told.payload[claim]), "seconds")]
        if moment is not None and moment > told.now + told.auth.skew:
            ahead = span(moment - told.now)
            what = f"{claim} is {ahead} in the future: {_whose(told, moment - told.now)}"
            limit = f"at most {told.auth.skew:g}s"
            return [told.finding("auth.clock.skewed", what, f"{ahead} ahead", limit, **_measured(told))]
    return _never(told)


def _never(told: Claims) -> list[Finding]:
    """A token that ends before it begins is valid at no moment."""
    nbf, exp = told.date("nbf"), told.date("exp")
    if nbf is None or exp is None or nbf < exp:
        return []
    what = f"nbf is {span(nbf - exp)} after exp: the token is valid at no moment"
    return [told.finding("auth.token.lifetime_too_short", what, "nbf after exp", "nbf before exp")]


def _whose(told: Claims, seconds: float) -> str:
    """Whose clock it is, by the `Date` beside the token: the provider's, or that of a node behind it."""
    side = "ahead" if seconds > 0 else "behind"
    if told.offset is None:
        return f"the provider's clock is {side}"
    if abs(told.offset) > CLOCK_TOLERANCE / 2:
        way = "ahead of" if told.offset > 0 else "behind"
        return f"the provider's clock is {side}: by its Date header it is {span(abs(told.offset))} {way} ours"
    return f"the provider's clock is {side} where tokens are made; its Date header agrees with ours"


def _measured(told: Claims) -> dict[str, Any]:
    return {} if told.offset is None else {"clock_offset_s": round(told.offset, 1)}


def _lifetime(told: Claims) -> list[Finding]:
    limit, exp = grammar.comparison(told.user.lifetime or ""), told.date("exp")
    if limit is None or exp is None or exp <= told.now:
        return []
    lasts = exp - (told.date("iat") if told.date("iat") is not None else told.now)  # type: ignore[operator]
    if limit.holds(lasts):
        return []
    short = limit.operator in (">", ">=") or (limit.operator == "==" and lasts < limit.value)
    code = "auth.token.lifetime_too_short" if short else "auth.token.lifetime_too_long"
    shown = span(lasts)
    return [told.finding(code, f"it lives {shown}, promised {limit.text}", shown, limit.text)]


def _issuer(told: Claims) -> list[Finding]:
    """Byte by byte (RFC 8414 §3.3, RFC 9068 §4): consumers compare strings, a slash included."""
    expected, seen = told.auth.issuer, told.payload.get("iss")
    if not expected or seen == expected:
        return []
    shown = (jose.names(seen) or [_kind(seen) if "iss" in told.payload else "missing"])[0]
    what = f"iss is {shown}, expected {expected}{slash_hint(shown, expected)}"
    return [told.finding("auth.token.issuer_mismatch", what, shown, expected, iss=shown)]


def _audience(told: Claims) -> list[Finding]:
    seen, expected = jose.names(told.payload.get("aud")), told.auth.audience
    if not expected or set(seen) & set(expected):
        return []
    shown = ", ".join(seen) or ("missing" if "aud" not in told.payload else _kind(told.payload["aud"]))
    wanted = " or ".join(expected)
    what = f"aud is {shown}, expected {wanted}"
    return [told.finding("auth.token.audience_mismatch", what, shown, wanted, aud=seen)]


def _subject(told: Claims) -> list[Finding]:
    """RFC 7519 §4.1.2: `sub` is a string; PyJWT and others refuse a number."""
    if "sub" not in told.payload or isinstance(told.payload["sub"], str):
        return []
    kind = _kind(told.payload["sub"])
    return [told.finding("auth.claims.wrong_type", f"claim sub is {kind}, not a string", kind, "a string", "warning")]


def _kind(value: Json) -> str:
    return declared_claims.kind(value)


def span(seconds: float) -> str:
    """A length of time as people say it: `40 s`, `5 min`, `3 h`, `12 d`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and seconds % length == 0):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
