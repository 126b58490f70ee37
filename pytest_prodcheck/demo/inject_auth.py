"""Faults of the identity provider, of its tokens, and of the services that verify them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping

import jwt

from pytest_prodcheck.demo.database import MEMBER
from pytest_prodcheck.demo.issuer import NAMESPACE, Claims, SigningKey
from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]
HOUR = 3600.0
SKEW_SECONDS = 300


def _edit(change: Callable[[Claims], object]) -> Injection:
    def inject(demo: System) -> None:
        demo.issuer.edit = lambda claims: _discard(change(claims))

    return inject


def _discard(_: object) -> None:
    """For changes that are expressions."""


def _jwks_missing(demo: System) -> None:
    """The services and the gate are configured with the path that other providers use (runbook T1)."""
    wrong = f"{demo.issuer.url}.well-known/jwks.json"
    demo.addresses["jwks_url"] = wrong
    for consumer in demo.consumers:
        consumer.jwks_url = wrong


def _jwks_empty(demo: System) -> None:
    """No signing key: Authentik answers `{}` and signs with the client secret."""
    demo.issuer.published.clear()
    demo.issuer.sign = lambda claims: jwt.encode(claims, demo.issuer.client_secret, "HS256")


def _jwks_html(demo: System) -> None:
    demo.issuer.jwks_html = True


def _key_rotated(demo: System) -> None:
    """The provider signs with a new key; its JWKS still lists the old one only."""
    demo.issuer.signing = SigningKey.generate("k2")


def _stale_consumer(demo: System) -> None:
    """The key is rotated properly, after the services fetched the old one."""

    def rotate() -> None:
        demo.issuer.signing = SigningKey.generate("k2")
        demo.issuer.published[:] = [demo.issuer.signing]
        demo.addresses["static_token"] = demo.issuer.token(MEMBER)

    demo.later.append(rotate)


def _algorithm(demo: System) -> None:
    demo.issuer.signing = SigningKey.generate("k1", "ES256")
    demo.issuer.published[:] = [demo.issuer.signing]


def _consumer_issuer(demo: System) -> None:
    for consumer in demo.consumers:
        consumer.issuer = demo.issuer.url.rstrip("/")


def _consumer_audience(demo: System) -> None:
    for consumer in demo.consumers:
        consumer.audience = "demo-web"


def _client(demo: System) -> None:
    demo.issuer.client_secret = "rotated-" + demo.issuer.client_secret[::-1]


def _grant(demo: System) -> None:
    demo.issuer.grants = ("authorization_code",)


def _locked(demo: System) -> None:
    demo.issuer.locked = True


def _static_expired(demo: System) -> None:
    demo.addresses["static_token"] = demo.issuer.token(MEMBER, age=4 * HOUR, lifetime=HOUR)


def _unsigned(demo: System) -> None:
    demo.issuer.sign = lambda claims: f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _part(content: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _down(demo: System) -> None:
    demo.later.append(lambda: demo.stop_host("identity"))


def _certificate(demo: System) -> None:
    demo.later.append(lambda: demo.certify("identity", "expired"))


def _discovery(demo: System) -> None:
    demo.issuer.discovery = False


def _other_issuer(demo: System) -> None:
    demo.issuer.named = f"{demo.issuer.base}/application/o/billing/"


def _no_userinfo(demo: System) -> None:
    demo.issuer.userinfo = False


def _duplicate(demo: System) -> None:
    """The right key comes last, so that who keeps keys by kid still verifies."""
    demo.issuer.published.insert(0, SigningKey.generate("k1"))


def _weak(demo: System) -> None:
    demo.issuer.published.append(SigningKey.generate("k0", bits=1024))


def _leak(demo: System) -> None:
    """After the services fetched the keys: what makes a token of a private member is theirs to say."""
    demo.later.append(lambda: setattr(demo.issuer, "leaks", True))


def _blind(what: str) -> Injection:
    def inject(demo: System) -> None:
        for consumer in demo.api.consumers:
            consumer.blind_to = frozenset({what})

    return inject


def _crash(demo: System) -> None:
    demo.api.crashes_on_bad_tokens = True


def _any_role(demo: System) -> None:
    demo.engine.grants_any_role = True


INJECTIONS: Mapping[str, Injection] = {
    "jwks-missing": _jwks_missing,
    "jwks-empty": _jwks_empty,
    "jwks-html": _jwks_html,
    "key-rotated": _key_rotated,
    "jwks-stale-consumer": _stale_consumer,
    "algorithm": _algorithm,
    "issuer-slash": _consumer_issuer,
    "issuer-mismatch": _edit(lambda claims: claims.update(iss=claims["iss"].rstrip("/"))),
    "audience": _edit(lambda claims: claims.update(aud="demo-api")),
    "audience-consumer": _consumer_audience,
    "claims-roles": _edit(lambda claims: claims[NAMESPACE].pop("x-hasura-allowed-roles")),
    "claims-namespace": _edit(lambda claims: claims.pop(NAMESPACE)),
    "claims-role-not-allowed": _edit(lambda claims: claims[NAMESPACE].update({"x-hasura-default-role": "owner"})),
    "client-rejected": _client,
    "grant-refused": _grant,
    "user-locked": _locked,
    "token-expired": _static_expired,
    "token-unsigned": _unsigned,
    "token-no-expiry": _edit(lambda claims: claims.pop("exp")),
    "token-lifetime": _edit(lambda claims: claims.update(exp=claims["iat"])),
    "clock-skew": _edit(lambda claims: claims.update(iat=claims["iat"] + SKEW_SECONDS, exp=claims["exp"] + 300)),
    "identity-down": _down,
    "identity-certificate-expired": _certificate,
    "discovery-missing": _discovery,
    "discovery-other-issuer": _other_issuer,
    "userinfo-missing": _no_userinfo,
    "jwks-duplicate-kid": _duplicate,
    "jwks-weak-key": _weak,
    "jwks-private-key": _leak,
    "api-accepts-unsigned": _blind("alg"),
    "api-accepts-public-key": _blind("kind"),
    "api-accepts-expired": _blind("exp"),
    "api-accepts-audience": _blind("aud"),
    "api-verifies-nothing": _blind("signature"),
    "api-crashes-on-tokens": _crash,
    "engine-grants-any-role": _any_role,
}
