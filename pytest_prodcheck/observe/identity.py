"""What an identity provider says: discovery, keys and tokens as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pytest_prodcheck.observe.observation import Json, Observation

Problem = Literal["", "unreachable", "not_found", "redirected", "status", "too_large", "not_json"]
"""Why a document could not be used: no answer; 404 or 410; a redirect (none is followed: another address may not answer
for this one); another status than 200; more bytes than any provider has to say; not a JSON object."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """The issuer's metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2), as far as it is used."""

    url: str
    observation: Observation
    problem: Problem = ""
    issuer: str = ""
    token_endpoint: str = ""
    introspection_endpoint: str = ""
    jwks_uri: str = ""
    grants: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    document: Mapping[str, Json] = field(default_factory=dict, repr=False)
    """The whole document, bounded: what the members say that are judged and not used."""

    def as_json(self) -> dict[str, Json]:
        """The facts, for an observation's `data`."""
        return {
            "url": self.url,
            "problem": self.problem,
            "issuer": self.issuer,
            "token_endpoint": self.token_endpoint,
            "jwks_uri": self.jwks_uri,
            "grants": list(self.grants),
            "algorithms": list(self.algorithms),
        }


@dataclass(frozen=True, slots=True)
class Jwk:
    """One published key (RFC 7517 §4): its facts, and the public members that verify a signature."""

    kid: str
    kty: str
    use: str = ""
    alg: str = ""
    curve: str = ""
    bits: int = 0
    """Length of an RSA modulus; 0 for other kinds."""
    exponent: int = 0
    """RSA's public exponent; 0 for other kinds, and for one that cannot be read."""
    operations: tuple[str, ...] = ()
    """`key_ops`; empty where the key says none."""
    secret: bool = False
    """Whether private or symmetric members were published beside the public ones; they are never kept."""
    public: Mapping[str, str] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Json]:
        """The facts, without key material."""
        return {"kid": self.kid, "kty": self.kty, "use": self.use, "alg": self.alg, "bits": self.bits}


@dataclass(frozen=True, slots=True)
class Jwks:
    """One answer of a JWKS address."""

    url: str
    observation: Observation
    problem: Problem = ""
    keys: tuple[Jwk, ...] = ()
    configured: bool = False
    """Whether the address stands in the configuration; otherwise discovery named it."""

    @property
    def kids(self) -> tuple[str, ...]:
        """The key ids listed, in the document's order; keys without one are left out."""
        return tuple(key.kid for key in self.keys if key.kid)

    def cache(self) -> dict[str, str]:
        """`cache_control` and `age` (seconds) of the answer: what tells a stale cache from a missing key."""
        headers = self.observation.headers
        return {"cache_control": headers.get("cache-control", ""), "age": headers.get("age", "")}


@dataclass(frozen=True, slots=True)
class Token:
    """What was obtained for one user. The value is in no repr; `observation` holds nothing of it."""

    user: str
    observation: Observation
    grant: str = ""
    value: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Everything in the answer that must never be shown: register it before the observation is stored."""
    obtained_at: float = 0.0
    """Wall clock, seconds since the epoch: the moment at which a fresh token's dates are judged."""
    expires_at: float | None = None
    cookies: bool = False
    """Whether the session is a cookie, kept in the jar of this user's name."""
    id_token: str = field(default="", repr=False)
    """What came beside an access token where `openid` was in the scope."""
    refresh_token: str = field(default="", repr=False)
    introspection: Mapping[str, Json] | None = field(default=None, repr=False)
    """The answer of RFC 7662 where the user asks for it; it may hold personal data."""

    @property
    def usable(self) -> bool:
        """Whether requests can be sent as this user."""
        return self.cookies or bool(self.value)

    def due(self, now: float) -> bool:
        """Whether it should be renewed: it ends within 30 s, or within the last quarter of its life. Only what a token
        endpoint gave can be; a login is done once, a static token is what it is."""
        if self.grant not in ("client_credentials", "password", "refresh_token") or self.expires_at is None:
            return False
        lasts = self.expires_at - self.obtained_at
        return bool(self.value) and lasts > 0 and now > self.expires_at - min(30.0, lasts / 4)

    def __str__(self) -> str:
        return f"token {self.user}"
