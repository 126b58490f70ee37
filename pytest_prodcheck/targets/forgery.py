"""Tokens that no service may accept, made from a good one (RFC 8725 §2, §3): they go to the asked target alone.

A forged token acts for nobody else than the good one's user: its claims are the same, but for the moment of its end.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.config.models import AuthTarget
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.identity import Jwks
from pytest_prodcheck.observe.jose import CompactToken

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

UNKNOWN_KID = "prodcheck-unknown-key"
OTHER_AUDIENCE = "prodcheck-other-audience"
_HOUR = 3600
_DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


class Unmade(Exception):
    """A token cannot be made here; the text says why."""


class Forger:
    """Makes the tokens of `refuses`; every one is remembered as a secret before it is given out."""

    def __init__(
        self,
        table: AuthTarget,
        keys: Callable[[], Jwks | None],
        remember: Callable[[str, str], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`keys` gives the published keys, asked for once; `remember` takes a secret and its name."""
        self._table, self._keys, self._remember, self._clock = table, keys, remember, clock
        self._lock = threading.Lock()
        self._own: dict[str, Any] = {}
        self._secret = secrets.token_bytes(32)

    def tokens(self, name: str, good: str) -> Sequence[str]:
        """The tokens to show for one name of `refuses`, the likeliest to be accepted first.

        Raises Unmade where `good` is no JWT, or what the name needs is not there.
        """
        read = jose.read(good)
        if read.problem:
            raise Unmade(f"the user's token is no JWT: {read.problem}")
        made = _MAKERS[name](self, good, read)
        for token in made:
            self._remember(token, f"a token that must be refused ({name})")
        return made

    def keys(self) -> Jwks | None:
        """The published keys."""
        return self._keys()

    def _expired(self, _good: str, read: CompactToken) -> list[str]:
        if self._table.specimens.expired:
            return [self._table.specimens.expired.strip()]
        now = int(self._clock())
        return [self._minted(read, {"iat": now - 2 * _HOUR, "nbf": now - 2 * _HOUR, "exp": now - _HOUR})]

    def _audience(self, _good: str, read: CompactToken) -> list[str]:
        if self._table.specimens.audience:
            return [self._table.specimens.audience.strip()]
        return [self._minted(read, {"aud": OTHER_AUDIENCE})]

    def _minted(self, read: CompactToken, changes: Mapping[str, Any]) -> str:
        """Signed as the issuer does, with the shared secret that is configured."""
        if not self._table.secret or read.named("alg") not in _DIGESTS:
            raise Unmade("the good token is not signed with the configured secret")
        return _mac(read.header, {**read.payload, **changes}, self._table.secret.encode())

    def _unsigned(self, _good: str, read: CompactToken) -> list[str]:
        spellings = ("none", "NoNe")
        return [f"{_part({**read.header, 'alg': name})}.{_part(read.payload)}." for name in spellings]

    def _confused(self, _good: str, read: CompactToken) -> list[str]:
        """The public key, as PEM files hold it with and without its last line break, taken for an HMAC's secret."""
        pem = self._pem(read.named("kid"))
        header = {**read.header, "alg": "HS256"}
        return [_mac(header, read.payload, secret) for secret in (pem, pem.strip())]

    def _pem(self, kid: str) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        from jwt import PyJWK
        from jwt.exceptions import PyJWTError

        found = self._keys()
        named = [key for key in (found.keys if found else ()) if key.kid == kid or not kid]
        if not named:
            raise Unmade("no published key has the good token's kid")
        try:
            key = PyJWK({**named[0].public, **({"alg": named[0].alg} if named[0].alg else {})}).key
        except PyJWTError:
            raise Unmade(f"the published key {kid} cannot be read") from None
        pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    def _unknown(self, _good: str, read: CompactToken) -> list[str]:
        return [self._signed({**read.header, "kid": UNKNOWN_KID}, read)]

    def _embedded(self, _good: str, read: CompactToken) -> list[str]:
        """The key itself in the header (`jwk`), which a verifier must not believe (CVE-2018-0114)."""
        from cryptography.hazmat.primitives.asymmetric import rsa
        from jwt.algorithms import ECAlgorithm, RSAAlgorithm

        header = {name: value for name, value in read.header.items() if name != "kid"}
        if read.named("alg") in _DIGESTS:
            own_secret = base64.urlsafe_b64encode(self._secret).rstrip(b"=").decode()
            return [self._signed({**header, "jwk": {"kty": "oct", "k": own_secret}}, read)]
        own = self._key(read.named("alg"))
        public = RSAAlgorithm.to_jwk(own, True) if isinstance(own, rsa.RSAPrivateKey) else ECAlgorithm.to_jwk(own, True)
        shown = {name: public[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in public}
        return [self._signed({**header, "jwk": shown}, read)]

    def _signed(self, header: Mapping[str, Any], read: CompactToken) -> str:
        import jwt

        algorithm = read.named("alg")
        if algorithm in _DIGESTS:
            return _mac(header, read.payload, self._secret)
        plain = {name: value for name, value in header.items() if name != "alg"}
        return jwt.encode(dict(read.payload), self._key(algorithm), algorithm, headers=plain)

    def _key(self, algorithm: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
        """A key of our own for an algorithm, made once: nobody publishes it."""
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        curves: Mapping[str, type[ec.EllipticCurve]] = {
            "ES256": ec.SECP256R1,
            "ES384": ec.SECP384R1,
            "ES512": ec.SECP521R1,
        }
        kind = "RSA" if algorithm[:2] in ("RS", "PS") else algorithm
        if kind != "RSA" and kind not in curves:
            raise Unmade(f"no key can be made for {algorithm or 'a token without alg'}")
        with self._lock:
            if kind not in self._own:
                rsa_key = kind == "RSA"
                made = rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(curves[kind]())
                self._own[kind] = made
            key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = self._own[kind]
            return key

    def _tampered(self, good: str, read: CompactToken) -> list[str]:
        """One second more to live, under the old signature."""
        header, _, rest = good.partition(".")
        ends = jose.numeric_date(read.payload.get("exp")) or self._clock() + _HOUR
        return [f"{header}.{_part({**read.payload, 'exp': int(ends) + 1})}.{rest.partition('.')[2]}"]

    def _broken(self, good: str, _read: CompactToken) -> list[str]:
        return [jose.tampered(good)]

    def _same(self, good: str, _read: CompactToken) -> list[str]:
        return [good]


_MAKERS: Mapping[str, Callable[[Forger, str, CompactToken], list[str]]] = {
    "expired": Forger._expired,
    "audience": Forger._audience,
    "alg_none": Forger._unsigned,
    "hs256_public_key": Forger._confused,
    "unknown_kid": Forger._unknown,
    "embedded_key": Forger._embedded,
    "tampered": Forger._tampered,
    "signature": Forger._broken,
    "role": Forger._same,
}


def _part(document: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _mac(header: Mapping[str, Any], payload: Mapping[str, Any], secret: bytes) -> str:
    text = f"{_part(header)}.{_part(payload)}"
    mark = hmac.new(secret, text.encode(), _DIGESTS[str(header["alg"])]).digest()
    return f"{text}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
