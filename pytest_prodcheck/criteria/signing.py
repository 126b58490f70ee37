"""Asymmetric signatures of JWA (RFC 7518 §3.1, RFC 8037): which key fits which algorithm, and whether it verifies."""

from __future__ import annotations

from pytest_prodcheck.observe.identity import Jwk

FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "RS256": ("RSA", ()),
    "RS384": ("RSA", ()),
    "RS512": ("RSA", ()),
    "PS256": ("RSA", ()),
    "PS384": ("RSA", ()),
    "PS512": ("RSA", ()),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "ES256K": ("EC", ("secp256k1",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}
"""Algorithm → kind of key and its curves."""


MEMBERS: dict[str, tuple[str, ...]] = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""Kind of key → what a public one has (RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2)."""


def loads(key: Jwk) -> bool:
    """Whether the public members are a key: of a point on its curve, of a modulus that is a number."""
    from jwt import PyJWK
    from jwt.exceptions import InvalidKeyError, PyJWKError

    algorithm = next(name for name, (kind, _) in FAMILIES.items() if kind == key.kty)
    by_curve = [name for name, (_, curves) in FAMILIES.items() if key.curve in curves]
    if key.curve and not by_curve:
        return True  # a curve of a later specification: to be ignored, as an unknown kind is
    try:
        PyJWK(dict(key.public), algorithm=(by_curve or [algorithm])[0])
    except (InvalidKeyError, PyJWKError):
        return False
    return True


def fits(key: Jwk, algorithm: str) -> bool:
    """Whether a consumer may verify `algorithm` with `key`: its kind, curve, use and, where it says one, its alg."""
    kind, curves = FAMILIES[algorithm]
    return (
        key.kty == kind
        and (not curves or key.curve in curves)
        and key.use in ("", "sig")
        and key.alg in ("", algorithm)
    )


def describe(key: Jwk) -> str:
    """A key in a few words: `RS256`, `RSA`, `EC P-256`, `RSA for encryption`."""
    kind = key.alg or f"{key.kty} {key.curve}".strip() or "of no kind"
    return f"{kind} for encryption" if key.use == "enc" else kind


def verifies(key: Jwk, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of `signed` by `key`; False for a key that cannot be read as one."""
    from jwt import PyJWK
    from jwt.exceptions import InvalidKeyError, PyJWKError

    try:
        loaded = PyJWK(dict(key.public), algorithm=algorithm)
    except (InvalidKeyError, PyJWKError):
        return False
    return bool(loaded.Algorithm.verify(signed, loaded.key, signature))
