"""The provider publishes keys that verify its tokens (A8, A9, T1, R5; RFC 7517, RFC 7518 §6)."""

from __future__ import annotations

from collections import Counter

from pytest_prodcheck.config import grammar
from pytest_prodcheck.criteria import signing
from pytest_prodcheck.criteria.discovery import transport_code
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.identity import Discovery, Jwk, Jwks

RSA_BITS = 2048
"""RFC 7518 §3.3: a key of 2048 bits or larger must be used."""


def jwks(found: Jwks, discovery: Discovery | None, *, cache: str = "", target: str = "auth") -> list[Finding]:
    """What is wrong with the published keys. A missing `alg` or `use` is tolerated: both are optional (RFC 7517 §4).

    `cache` is the promised limit of `max-age` (`<= 1h`); without it caching headers are not judged: Authentik has none.
    """
    if found.problem:
        return [_unusable(found, discovery, target)]
    if not found.keys:
        what = f"JWKS at {found.url} holds no key: the provider has no signing key, its tokens are HS256"
        return [_finding(found, target, what, "auth.jwks.empty")]
    return [
        *_unusable_for_signatures(found, target),
        *_duplicates(found, target),
        *_malformed(found, target),
        *_weak(found, target),
        *_leaked(found, target),
        *_other_url(found, discovery, target),
        *_cache(found, cache, target),
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
    if found.problem == "too_large":
        what = f"{found.url} answers {seen.size} bytes: consumers refuse such a key set, or choke on it"
        return _finding(found, target, what, "auth.jwks.too_large", size=seen.size)
    if found.problem == "redirected":
        where = seen.headers.get("location", "nowhere")[:300]
        what = f"{found.url} redirects to {where}: consumers do not follow; configure where the keys are"
        return _finding(found, target, what, "auth.jwks.not_found", jwks_uri=named)
    elsewhere = f"; discovery names {named}" if named and named != found.url else ""
    code = "auth.jwks.not_found" if found.problem == "not_found" else "unknown"
    verb = "is" if found.problem == "not_found" else "answers"
    return _finding(found, target, f"{found.url} {verb} {seen.status}{elsewhere}", code, jwks_uri=named)


def _duplicates(found: Jwks, target: str) -> list[Finding]:
    twice = [kid for kid, count in Counter(found.kids).items() if count > 1]
    what = "{} is listed more than once: consumers pick one of the keys (RFC 7517 §4.5)"
    return [_finding(found, target, what.format(f"kid {kid}"), "auth.jwks.duplicate_kid", kid=kid) for kid in twice]


def _weak(found: Jwks, target: str) -> list[Finding]:
    weak = [key for key in found.keys if key.kty == "RSA" and 0 < key.bits < RSA_BITS and key.use != "enc"]
    return [
        _finding(
            found,
            target,
            f"RSA key {key.kid or 'without kid'} has {key.bits} bits, {RSA_BITS} are needed (RFC 7518 §3.3)",
            "auth.jwks.key_weak",
            kid=key.kid,
        )
        for key in weak
    ] + [_even(found, key, target) for key in found.keys if _is_weak(key)]


def _is_weak(key: Jwk) -> bool:
    """An exponent that no RSA key has: 1, or an even one. (3 is old, and no weakness of a signature as JWA pads it.)"""
    return bool(key.exponent) and (key.exponent < 3 or key.exponent % 2 == 0)


def _even(found: Jwks, key: Jwk, target: str) -> Finding:
    what = f"RSA key {key.kid or 'without kid'} has the public exponent {key.exponent}: anybody can sign for it"
    return _finding(found, target, what, "auth.jwks.key_weak", kid=key.kid)


def _unusable_for_signatures(found: Jwks, target: str) -> list[Finding]:
    """Keys, and none of them for signatures: encryption keys alone verify nothing (RFC 7517 §4.2, §4.3)."""
    if any(_signs(key) for key in found.keys):
        return []
    uses = ", ".join(sorted({key.use or ", ".join(key.operations) for key in found.keys}))
    what = f"JWKS at {found.url} holds no key for signatures ({uses}): no token can be verified"
    return [_finding(found, target, what, "auth.jwks.empty")]


def _signs(key: Jwk) -> bool:
    return key.use in ("", "sig") and (not key.operations or "verify" in key.operations)


def _malformed(found: Jwks, target: str) -> list[Finding]:
    """Keys that no verifier can load, or whose `alg` is of another kind than the key (RFC 7518 §6)."""
    broken = [(key, why) for key in found.keys if not key.secret and not _is_weak(key) and (why := _broken(key))]
    what = "key {} is not usable: {}"
    return [
        _finding(found, target, what.format(key.kid or "without kid", why), "auth.jwks.key_malformed", kid=key.kid)
        for key, why in broken
    ]


def _broken(key: Jwk) -> str:
    """Why a key cannot be loaded; empty where it can. Kinds that nobody knows are to be ignored (RFC 7517 §5)."""
    if not key.kty:
        return "it names no kty"
    kinds = {name for name, (kind, _) in signing.FAMILIES.items() if kind == key.kty}
    if not kinds:
        return ""
    if key.alg in signing.FAMILIES and key.alg not in kinds:
        return f"its alg is {key.alg}, its kty {key.kty}"
    lacking = [name for name in signing.MEMBERS[key.kty] if not key.public.get(name)]
    if lacking:
        return f"it lacks {' and '.join(lacking)}"
    return "" if key.use == "enc" or signing.loads(key) else "its members are no such key"


def _cache(found: Jwks, promised: str, target: str) -> list[Finding]:
    """RFC 9111 §5.2: without a lifetime consumers keep keys as long as they like; Hasura fetches them once (R6)."""
    limit = grammar.comparison(promised)
    if limit is None:
        return []
    said = found.cache()["cache_control"].lower().replace(" ", "").split(",")
    ages = [part.partition("=")[2].strip('"') for part in said if part.startswith(("max-age=", "s-maxage="))]
    if not ages or not ages[0].isdecimal():
        seen = found.cache()["cache_control"] or "no Cache-Control"
        what = (
            f"the keys are published with {seen}, promised max-age {limit.text}: consumers may keep old keys for ever"
        )
        return [_finding(found, target, what, "auth.jwks.not_cached", seen=seen, expected=limit.text)]
    if limit.holds(float(ages[0][:12])):
        return []
    what = f"the keys are published with max-age {ages[0][:12]} s, promised {limit.text}"
    return [_finding(found, target, what, "auth.jwks.not_cached", seen=f"{ages[0][:12]} s", expected=limit.text)]


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
