"""The provider publishes keys that verify its tokens (A8, A9, T1; RFC 7517)."""

from __future__ import annotations

from collections import Counter

from pytest_prodcheck.criteria.discovery import transport_code
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.identity import Discovery, Jwks

RSA_BITS = 2048
"""RFC 7518 §3.3: a key of 2048 bits or larger must be used."""


def jwks(found: Jwks, discovery: Discovery | None, *, target: str = "auth") -> list[Finding]:
    """What is wrong with the published keys. A missing `alg` or `use` is tolerated: both are optional (RFC 7517 §4)."""
    if found.problem:
        return [_unusable(found, discovery, target)]
    if not found.keys:
        what = f"JWKS at {found.url} holds no key: the provider has no signing key, its tokens are HS256"
        return [_finding(found, target, what, "auth.jwks.empty")]
    return [
        *_duplicates(found, target),
        *_weak(found, target),
        *_leaked(found, target),
        *_other_url(found, discovery, target),
    ]


def _unusable(found: Jwks, discovery: Discovery | None, target: str) -> Finding:
    seen, named = found.observation, discovery.jwks_uri if discovery else ""
    if not found.url:
        return _finding(
            found, target, "neither discovery nor the configuration names a JWKS address", "auth.jwks.not_found"
        )
    if seen.error == "refused":
        text = f"keys at {found.url} are not fetched: {seen.message}"
        return _finding(found, target, text, "auth.discovery.insecure_endpoint", error=seen.error)
    if found.problem == "unreachable":
        return _finding(
            found, target, f"{found.url} does not answer: {seen.error}", transport_code(seen), error=seen.error
        )
    if found.problem == "not_json":
        kind = seen.headers.get("content-type", "").partition(";")[0] or "no content type"
        return _finding(found, target, f"{found.url} answers {kind}, not a JSON object", "auth.jwks.not_json")
    elsewhere = f"; discovery names {named}" if named and named != found.url else ""
    code = "auth.jwks.not_found" if found.problem == "not_found" else "unknown"
    verb = "is" if found.problem == "not_found" else "answers"
    return _finding(found, target, f"{found.url} {verb} {seen.status}{elsewhere}", code, jwks_uri=named)


def _duplicates(found: Jwks, target: str) -> list[Finding]:
    twice = [kid for kid, count in Counter(found.kids).items() if count > 1]
    what = "{} is listed more than once: consumers pick one of the keys (RFC 7517 §4.5)"
    return [_finding(found, target, what.format(f"kid {kid}"), "auth.jwks.duplicate_kid", kid=kid) for kid in twice]


def _weak(found: Jwks, target: str) -> list[Finding]:
    weak = [key for key in found.keys if key.kty == "RSA" and key.bits < RSA_BITS and key.use != "enc"]
    return [
        _finding(
            found,
            target,
            f"RSA key {key.kid or 'without kid'} has {key.bits} bits, {RSA_BITS} are needed (RFC 7518 §3.3)",
            "auth.jwks.key_weak",
            severity="warning",
            kid=key.kid,
        )
        for key in weak
    ]


def _leaked(found: Jwks, target: str) -> list[Finding]:
    what = "key {} is published with its private part: whoever reads it can sign tokens; rotate it now"
    return [
        _finding(found, target, what.format(key.kid or "without kid"), "auth.jwks.private_key_published", kid=key.kid)
        for key in found.keys
        if key.secret
    ]


def _other_url(found: Jwks, discovery: Discovery | None, target: str) -> list[Finding]:
    """A consumer that reads another address than the issuer names works until the keys rotate (A9)."""
    named = discovery.jwks_uri if discovery and not discovery.problem else ""
    if not found.configured or not named or named == found.url:
        return []
    what = f"consumers read {found.url}; discovery names {named}"
    return [_finding(found, target, what, "auth.jwks.other_address", severity="warning", jwks_uri=named)]


def _finding(
    found: Jwks, target: str, message: str, code: str, *, severity: Severity = "error", **data: object
) -> Finding:
    facts = {"url": found.url, "jwks_uri": found.url, "status": found.observation.status, **found.cache(), **data}
    return Finding("jwks", target, message, code, severity, data=facts)
