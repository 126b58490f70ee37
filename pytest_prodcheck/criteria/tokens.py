"""A token was obtained, is a signed JWT, and its signature is one that consumers can verify."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria import signing
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.identity import Jwk, Jwks
from pytest_prodcheck.observe.jose import CompactToken

_DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
_MINIMUM_SECRET = 32


def signature(
    token: str, jwks: Jwks | None, auth: AuthTarget, *, user: str, target: str = "auth", opaque: bool = False
) -> list[Finding]:
    """Whether `token` is a JWS that a consumer with this allow-list and these keys accepts (A17, RFC 8725 §3.1).

    Judges only the signature; dates and claims are `criteria.claims`. Opaque tokens promise nothing here.
    """
    if opaque:
        return []
    read, judge = jose.read(token), _Judge(user, target)
    if found := _form(read, judge) or _algorithm(read, auth, jwks, judge):
        return [found]
    if auth.secret and read.named("alg") in _DIGESTS:
        return _shared_secret(read, auth.secret, judge)
    if jwks is None or jwks.problem or not jwks.keys:
        return [_no_keys(read, jwks, judge)]
    return _published(read, jwks, judge)


def unreadable(token: str, *, user: str, target: str = "auth") -> list[Finding]:
    """Why nothing can be read in a token that should be a JWT: the words and the cause that `signature` has for it."""
    read = jose.read(token)
    found = _form(read, _Judge(user, target)) if read.problem else None
    return [found] if found else []


def user_signature(token: str, jwks: Jwks | None, auth: AuthTarget, user: User, name: str) -> list[Finding]:
    """`signature` for a declared user."""
    return signature(token, jwks, auth, user=name, opaque=user.opaque)


class _Judge:
    """Makes findings about one user's token."""

    def __init__(self, user: str, target: str) -> None:
        self._user, self._target = user, target

    def finding(
        self, code: str, what: str, token: CompactToken, seen: str = "", promised: str = "", **data: object
    ) -> Finding:
        facts = {"user": self._user, "alg": token.named("alg"), "kid": token.named("kid"), **data}
        return Finding(
            "signature",
            self._target,
            f"token of {self._user}: {what}",
            code,
            seen=seen,
            promised=promised,
            subject=self._user,
            data=facts,
        )


def _form(token: CompactToken, judge: _Judge) -> Finding | None:
    if token.encrypted:
        what = "it is encrypted (JWE): consumers that expect a signed token cannot read it"
        return judge.finding("auth.token.encrypted", what, token, "JWE", "JWS")
    if token.problem:
        hint = "; a token that is no JWT is declared by `opaque = true`" if token.parts < 3 else ""
        return judge.finding("auth.token.malformed", token.problem + hint, token, token.problem, "a JWT")
    algorithm = token.named("alg")
    if algorithm.lower() in ("none", "") or not token.signature:
        what = f"alg {algorithm}: token is not signed" if algorithm else "its header names no alg: token is not signed"
        what = (
            what
            if algorithm.lower() in ("none", "")
            else f"alg {algorithm}, but the signature is empty: token is not signed"
        )
        return judge.finding("auth.token.not_signed", what, token, algorithm or "no alg", "a signature")
    if "crit" in token.header:
        what = "its header lists critical extensions (crit), which consumers must refuse (RFC 7515 §4.1.11)"
        return judge.finding("auth.token.malformed", what, token, "crit", "no crit")
    return None


def _algorithm(token: CompactToken, auth: AuthTarget, jwks: Jwks | None, judge: _Judge) -> Finding | None:
    """The allow-list. An empty JWKS goes first: a provider without a key signs by HS256, and that is the root."""
    algorithm, allowed = token.named("alg"), ", ".join(auth.algorithms)
    if algorithm not in auth.algorithms:
        if jwks is not None and (jwks.problem or not jwks.keys):
            return _no_keys(token, jwks, judge)
        what = f"it is signed by {algorithm}, consumers accept {allowed} only"
        return judge.finding("auth.token.algorithm_mismatch", what, token, algorithm, allowed, expected=allowed)
    if algorithm in _DIGESTS and not auth.secret:
        what = f"{algorithm} needs a shared secret and none is configured; a published key must never verify it"
        return judge.finding("auth.token.algorithm_mismatch", what, token, algorithm, allowed, expected=allowed)
    if algorithm not in _DIGESTS and algorithm not in signing.FAMILIES:
        what = f"alg {algorithm} is not one of JWA (RFC 7518 §3.1)"
        return judge.finding("auth.token.algorithm_mismatch", what, token, algorithm, allowed, expected=allowed)
    return None


def _shared_secret(token: CompactToken, secret: str, judge: _Judge) -> list[Finding]:
    """HMAC (RFC 7518 §3.2) by the standard library; a key shorter than its hash is too weak for it."""
    mark = hmac.new(secret.encode(), token.signing_input, _DIGESTS[token.named("alg")]).digest()
    if not hmac.compare_digest(mark, token.signature):
        what = "its signature does not verify with the configured secret"
        return [
            judge.finding("auth.token.signature_invalid", what, token, "another signature", "the configured secret's")
        ]
    if len(secret.encode()) < _MINIMUM_SECRET:
        what = (
            f"the shared secret has {len(secret.encode())} bytes, {token.named('alg')} needs {_MINIMUM_SECRET} or more"
        )
        return [
            judge.finding("auth.session_secret.too_short", what, token, f"{len(secret.encode())} bytes", "32 bytes")
        ]
    return []


def _no_keys(token: CompactToken, jwks: Jwks | None, judge: _Judge) -> Finding:
    """Nothing to verify with: the finding speaks for the same cause as `criteria.jwks` does."""
    code = {"not_found": "auth.jwks.not_found", "not_json": "auth.jwks.not_json", "": "auth.jwks.empty"}
    problem = jwks.problem if jwks is not None else "not_found"
    where = jwks.url if jwks is not None and jwks.url else "no JWKS address"
    what = f"its signature cannot be verified: {where} gives no key"
    known = code.get(problem, "auth.idp.unreachable" if problem == "unreachable" else "unknown")
    return judge.finding(known, what, token, "no key", "a published key", url=where)


def _published(token: CompactToken, jwks: Jwks, judge: _Judge) -> list[Finding]:
    kid, algorithm = token.named("kid"), token.named("alg")
    named = [key for key in jwks.keys if key.kid == kid] if kid else list(jwks.keys)
    if not named:
        listed = ", ".join(jwks.kids) or "keys without kid"
        what = f"it is signed with kid {kid}, JWKS lists {listed}"
        return [
            judge.finding("auth.jwks.key_missing", what, token, kid, listed, expected=list(jwks.kids), **jwks.cache())
        ]
    fitting = [key for key in named if signing.fits(key, algorithm)]
    if not fitting:
        kinds = ", ".join(sorted({signing.describe(key) for key in named}))
        what = f"it is signed by {algorithm}, its key is {kinds}"
        return [judge.finding("auth.token.algorithm_mismatch", what, token, algorithm, kinds, expected=kinds)]
    if not _verified(token, fitting):
        which = f"the published key {kid}" if kid else "any published key"
        what = f"its signature does not verify with {which}"
        return [judge.finding("auth.token.signature_invalid", what, token, "another signature", which, **jwks.cache())]
    return _unnamed(token, jwks, judge) if not kid else []


def _verified(token: CompactToken, keys: Iterable[Jwk]) -> bool:
    return any(signing.verifies(key, token.named("alg"), token.signing_input, token.signature) for key in keys)


def _unnamed(token: CompactToken, jwks: Jwks, judge: _Judge) -> list[Finding]:
    """OpenID Connect Core §10.1: a kid is required where several keys are published; many consumers find none."""
    if len(jwks.keys) < 2:
        return []
    listed = ", ".join(jwks.kids)
    what = f"it names no kid and JWKS lists {len(jwks.keys)} keys ({listed}): consumers cannot tell which"
    return [judge.finding("auth.jwks.key_missing", what, token, "no kid", listed, expected=list(jwks.kids))]
