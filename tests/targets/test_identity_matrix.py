"""Every way in which a provider, its keys or its tokens can be wrong, over real sockets, judged as the gate does it.

Each case is one change of a sound provider: the check that must be red, the cause, and words of the message. All other
checks stay silent, so that one defect is one finding.
"""

# ruff: noqa: E501, RUF012  (a case is one row, and nobody changes it)
from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
from identity_issuer import GONE, NAMESPACE, ROLES, Issuer, judged, jwk, member, text, unsigned
from identity_issuer import key as private
from jwt.api_jws import PyJWS
from small_server import serving

from pytest_prodcheck.config.models import HasuraClaims, HasuraMapped

Set = Callable[[Issuer], object]
NOW = int(time.time())


class Case(NamedTuple):
    """One change: of the provider, of what is configured, or of the user; and what is said of it."""

    check: str
    code: str
    words: str
    document: dict[str, Any] | tuple[Any, ...] = {}
    keys: Any = None
    provider: dict[str, Any] = {}
    table: dict[str, Any] = {}
    user: dict[str, Any] = {}
    more: tuple[str, ...] = ()
    """Checks that are red as well, because they need what is broken."""


def claims(**changes: Any) -> dict[str, Any]:
    """A provider whose tokens have other claims."""
    return {"claims": changes}


def roles(**changes: Any) -> dict[str, Any]:
    """A provider whose tokens have other session variables."""
    found = {name.replace("_", "-"): value for name, value in changes.items()}
    return claims(**{NAMESPACE: {name: value for name, value in {**ROLES, **found}.items() if value is not GONE}})


def made(maker: Callable[[Issuer], str]) -> dict[str, Any]:
    """A provider that gives such tokens."""
    return {"make": maker}


def identified(**changes: Any) -> dict[str, Any]:
    """A provider that gives an ID token beside the access token."""
    return {"extra": lambda issuer, access: {"id_token": issuer.id_token(access, **changes)}}


def signed(issuer: Issuer, **changes: Any) -> str:
    """A token with claims that no library would sign."""
    document = json.dumps(issuer.payload(**changes)).encode()
    return PyJWS().encode(document, private("k1"), "RS256", {"kid": "k1"})


PAGE = (200, {"content-type": "text/html"}, "<!doctype html><title>Sign in</title>")
HUGE = (200, {}, b'{"keys": [' + b'{"kty": "RSA"},' * 340_000 + b"{}]}")
OIDC = "auth.metadata.incomplete"
MALFORMED = "auth.metadata.malformed"
BAD_KEY = "auth.jwks.key_malformed"
ROLE = "auth.claims.roles_missing"
SPACE = "auth.claims.namespace_missing"
SKEW = "auth.clock.skewed"
ISS, AUD = "auth.token.issuer_mismatch", "auth.token.audience_mismatch"
NOT_SIGNED, ALG = "auth.token.not_signed", "auth.token.algorithm_mismatch"
BROKEN, INVALID = "auth.token.malformed", "auth.token.signature_invalid"
WRONG = "auth.discovery.wrong_application"

CASES: dict[str, Case] = {
    # the discovery document (A8, A9, T1; bad input)
    "discovery is a login page": Case("ready", WRONG, "answers text/html, not a JSON object", PAGE),
    "discovery is huge": Case("ready", WRONG, "bytes: that is no discovery document", HUGE),
    "discovery redirects": Case("ready", WRONG, "redirects to https://x.test/", (302, {"location": "https://x.test/"}, "")),
    "discovery is 404": Case("ready", WRONG, "answers 404", (404, {}, "no")),
    "discovery is 500": Case("ready", "unknown", "answers 500", (500, {}, "no")),
    "discovery is a list": Case("ready", WRONG, "not a JSON object", (200, {}, [1])),
    "discovery is cut json": Case("ready", WRONG, "not a JSON object", (200, {}, '{"issuer": "htt')),
    "discovery says a key twice": Case("ready", WRONG, "not a JSON object", (200, {}, '{"issuer": "a", "issuer": "b"}')),
    "another issuer": Case("ready", WRONG, "discovery says issuer https://other.test/", {"issuer": "https://other.test/"}),
    "no issuer": Case("ready", WRONG, "discovery says issuer nothing", {"issuer": GONE}),
    "no jwks_uri": Case("ready", WRONG, "names no jwks_uri", {"jwks_uri": GONE}),
    "jwks_uri is on no port": Case("ready", MALFORMED, "jwks_uri 'http://127", {"jwks_uri": "http://127.0.0.1:99999/"}),
    "jwks_uri is a file": Case("ready", MALFORMED, "names jwks_uri 'file:///jwks'", {"jwks_uri": "file:///jwks"}),
    "token endpoint with a space": Case("ready", MALFORMED, "that is no URL", {"token_endpoint": "https://id p.example/"}),
    "token endpoint without a host": Case("ready", MALFORMED, "that is no URL", {"token_endpoint": "/token"}),
    "no token endpoint": Case("ready", WRONG, "names no token_endpoint", {"token_endpoint": GONE}),
    "no subject types": Case("discovery", OIDC, "lacks subject_types_supported", {"subject_types_supported": GONE}),
    "no response types": Case("discovery", OIDC, "lacks response_types_supported", {"response_types_supported": GONE}),
    "no signature algorithms": Case(
        "discovery", OIDC, "lacks id_token_signing_alg", {"id_token_signing_alg_values_supported": GONE}
    ),
    "no authorization endpoint": Case("discovery", OIDC, "lacks authorization_endp", {"authorization_endpoint": GONE}),
    "an endpoint is a number": Case("discovery", MALFORMED, "userinfo_endpoint is not a URL", {"userinfo_endpoint": 7}),
    "an endpoint is relative": Case("discovery", MALFORMED, "is not a URL", {"userinfo_endpoint": "/userinfo"}),
    "introspection is no URL": Case("discovery", MALFORMED, "is not a URL", {"introspection_endpoint": "ftp://x/"}),
    "a list is a text": Case("discovery", MALFORMED, "is not a list", {"response_types_supported": "code"}),
    "an empty list": Case("discovery", MALFORMED, "is not a list", {"subject_types_supported": []}),
    "an endpoint with a fragment": Case(
        "discovery", MALFORMED, "has a fragment", {"end_session_endpoint": "http://127.0.0.1/out#x"}
    ),
    "an internal host": Case(
        "discovery",
        "auth.metadata.foreign_host",
        'end_session_endpoint at authentik-server, the issuer is at 127.0.0.1: an internal name',
        {"end_session_endpoint": "http://authentik-server:9000/out"},
    ),
    "userinfo is 404": Case(
        "discovery", "auth.metadata.endpoint_missing", "is 404: discovery names what is not there",
        {"userinfo_endpoint": "SERVER/nothing"},
    ),
    "authorization is down": Case(
        "discovery", "auth.metadata.endpoint_unreachable", "gives no answer: nothing listens there",
        {"authorization_endpoint": "http://127.0.0.1:9/authorize"},
    ),
    "the grant is not listed": Case(
        "discovery", "auth.grant.not_allowed", "uses grant client_credentials, discovery lists password",
        {"grant_types_supported": ["password"]},
    ),
    "the client's method is not listed": Case(
        "discovery", "auth.client.method_not_offered", "client_secret_basic, discovery lists private_key_jwt",
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    ),
    "other algorithms for ID tokens alone": Case("", "", "", {"id_token_signing_alg_values_supported": ["ES256"]}),
    # the key set (A8, R5; RFC 7517, 7518)
    "keys are a login page": Case(
        "jwks", "auth.jwks.not_json", "answers text/html, not a JSON object", keys=PAGE, more=("signature",)
    ),
    "keys are 5 MB": Case("jwks", "auth.jwks.too_large", "bytes: consumers refuse", keys=HUGE, more=("signature",)),
    "keys are 404": Case("jwks", "auth.jwks.not_found", "is 404", keys=(404, {}, ""), more=("signature",)),
    "keys redirect": Case(
        "jwks", "auth.jwks.not_found", "redirects to /login", keys=(302, {"location": "/login"}, ""), more=("signature",)
    ),
    "keys are empty": Case("jwks", "auth.jwks.empty", "no signing key", keys=(200, {}, {}), more=("signature",)),
    "keys are no list": Case("jwks", "auth.jwks.empty", "no key", keys=(200, {}, {"keys": {}}), more=("signature",)),
    "keys for encryption alone": Case(
        "jwks", "auth.jwks.empty", "no key for signatures (enc)", keys=[jwk("k1", use="enc", alg=GONE)], more=("signature",)
    ),
    "keys that only sign": Case(
        "jwks", "auth.jwks.empty", "no key for signatures", keys=[jwk("k1", key_ops=["sign"], use=GONE)]
    ),
    "one kid twice": Case(
        "jwks", "auth.jwks.duplicate_kid", "kid k1 is listed more than once", keys=[jwk("k1"), jwk("k2", kid="k1")]
    ),
    "a weak key": Case("jwks", "auth.jwks.key_weak", "has 1024 bits, 2048 are needed", keys=[jwk("k1"), jwk("weak")]),
    "exponent one": Case("jwks", "auth.jwks.key_weak", "exponent 1:", keys=[jwk("k1"), jwk("k2", e="AQ")]),
    "a private part": Case(
        "jwks", "auth.jwks.private_key_published", "with its private part", keys=[jwk("k1", d="AQAB")]
    ),
    "a shared secret": Case(
        "jwks", "auth.jwks.private_key_published", "private part", keys=[jwk("k1"), {"kty": "oct", "k": "AAAA", "kid": "s"}]
    ),
    "a key without a kind": Case("jwks", BAD_KEY, "names no kty", keys=[jwk("k1"), {"kid": "x", "use": "sig"}]),
    "a key without its modulus": Case("jwks", BAD_KEY, "lacks n", keys=[jwk("k1"), jwk("k2", n=GONE)]),
    "a curve's key without y": Case("jwks", BAD_KEY, "lacks y", keys=[jwk("k1"), jwk("e1", y=GONE)]),
    "a point off its curve": Case("jwks", BAD_KEY, "no such key", keys=[jwk("k1"), jwk("e1", y=text(b"\1" * 32))]),
    "alg of another kind": Case("jwks", BAD_KEY, "its alg is ES256, its kty RSA", keys=[jwk("k1"), jwk("k2", alg="ES256")]),
    "no lifetime of the keys": Case(
        "jwks", "auth.jwks.not_cached", "with no Cache-Control, promised max-age <= 1h", table={"jwks_cache": "<= 1h"}
    ),
    "keys kept for a year": Case(
        "jwks", "auth.jwks.not_cached", "max-age 31536000 s", table={"jwks_cache": "<= 1h"},
        keys=(200, {"cache-control": "public, max-age=31536000"}, {"keys": [jwk("k1")]}),
    ),
    "another configured address": Case(
        "jwks", "auth.jwks.other_address", "discovery names", table={"jwks_url": "SERVER/jwks2"}
    ),
    # form and signature of a token (A17; RFC 7515, 7519, 8725)
    "no jwt": Case("signature", BROKEN, "has 1 part, a JWT has 3; a token that is no JWT", provider=made(lambda _: "opaque-1"), more=("claims",)),
    "a jwe": Case("signature", "auth.token.encrypted", "encrypted (JWE)", provider=made(lambda _: "e30.a.b.c.d"), more=("claims",)),
    "bearer left in": Case(
        "signature", BROKEN, "begins with the word Bearer", provider=made(lambda _: "Bearer a.b.c"), more=("claims",)
    ),
    "a header that is no json": Case(
        "signature", BROKEN, "first part is not a JSON object", provider=made(lambda _: "aGk.e30.aGk"), more=("claims",)
    ),
    "a payload that is a list": Case(
        "signature", BROKEN, "second part is not a JSON object", provider=made(lambda _: unsigned({"alg": "RS256"}, [1], b"x")), more=("claims",)
    ),
    "alg none": Case(
        "signature", NOT_SIGNED, "alg none: token is not signed",
        provider=made(lambda issuer: unsigned({"alg": "none"}, issuer.payload())),
    ),
    "alg NoNe": Case(
        "signature", NOT_SIGNED, "token is not signed",
        provider=made(lambda issuer: unsigned({"alg": "NoNe"}, issuer.payload(), b"x")),
    ),
    "an empty signature": Case(
        "signature", NOT_SIGNED, "but the signature is empty",
        provider=made(lambda issuer: unsigned({"alg": "RS256", "kid": "k1"}, issuer.payload())),
    ),
    "no alg": Case(
        "signature", NOT_SIGNED, "its header names no alg",
        provider=made(lambda issuer: unsigned({"kid": "k1"}, issuer.payload(), b"x")),
    ),
    "signed by hs256": Case(
        "signature", ALG, "signed by HS256, consumers accept RS256 only",
        provider=made(lambda issuer: jwt.encode(issuer.payload(), "a shared secret of 32 bytes or more", "HS256", {"kid": "k1"})),
    ),
    "signed by es256": Case(
        "signature", ALG, "signed by ES256", keys=[jwk("k1"), jwk("e1")], provider={"signer": "e1", "algorithm": "ES256"}
    ),
    "signed by rs512": Case("signature", ALG, "signed by RS512", provider={"algorithm": "RS512"}),
    "rs256 of a key for ps256": Case("signature", ALG, "its key is PS256", keys=[jwk("k1", alg="PS256")]),
    "a kid that is not published": Case(
        "signature", "auth.jwks.key_missing", "signed with kid k2, JWKS lists k1", provider={"signer": "k2"}
    ),
    "a key in rotation": Case("", "", "", keys=[jwk("k2"), jwk("k1")], provider={"signer": "k2"}),
    "no kid among several keys": Case(
        "signature", "auth.jwks.key_missing", "names no kid and JWKS lists 2 keys", keys=[jwk("k1"), jwk("k2")],
        provider={"header": {"kid": GONE}},
    ),
    "another key under the kid": Case(
        "signature", INVALID, "does not verify with the published key k1", keys=[jwk("k2", kid="k1")]
    ),
    "critical extensions": Case("signature", BROKEN, "critical extensions", provider={"header": {"crit": ["exp"]}}),
    # claims of any token (A18, A19, E43; RFC 7519)
    "iss without its slash": Case("claims", ISS, "iss lacks the slash at the end", provider={"claims": {"iss": "SLASHLESS"}}),
    "iss of another": Case("claims", ISS, "iss is https://x.test/", provider=claims(iss="https://x.test/")),
    "no iss": Case("claims", ISS, "iss is missing", provider=claims(iss=GONE)),
    "iss is a number": Case("claims", ISS, "iss is a number", provider=made(lambda issuer: signed(issuer, iss=7))),
    "aud of another": Case("claims", AUD, "aud is plan-api, expected plan", provider=claims(aud="plan-api")),
    "no aud": Case("claims", AUD, "aud is missing", provider=claims(aud=GONE)),
    "auds of others": Case("claims", AUD, "aud is a, b", provider=claims(aud=["a", "b"])),
    "no exp": Case("claims", "auth.token.no_expiry", "token never expires", provider=claims(exp=GONE)),
    "exp is a text": Case("claims", "auth.token.no_expiry", "no NumericDate", provider=claims(exp="soon")),
    "exp in milliseconds": Case("claims", "auth.token.no_expiry", "no NumericDate", provider=claims(exp=NOW * 1000)),
    "expired when it was issued": Case(
        "claims", "auth.token.lifetime_too_short", "just issued, and expired", provider=claims(iat=NOW, exp=NOW - 1)
    ),
    "iat in the future": Case(
        "claims", SKEW, "in the future: the provider's clock is ahead where tokens are made; its Date header agrees with ours",
        provider=claims(iat=NOW + 7200, exp=NOW + 9000),
    ),
    "nbf in the future": Case(
        "claims", SKEW, "min in the future: the provider's clock", provider=claims(nbf=NOW + 7200, exp=NOW + 9000)
    ),
    "a clock behind": Case("claims", SKEW, "iat is 2 h in the past", provider=claims(iat=NOW - 7200, exp=NOW - 6900)),
    "nbf after exp": Case(
        "claims", "auth.token.lifetime_too_short", "after exp: the token is valid at no moment",
        provider=made(lambda issuer: signed(issuer, **dict.fromkeys(("nbf", "exp"), int(time.time()) + 30))), table={"skew": 60.0},
    ),
    "iat is a text": Case("claims", BROKEN, "claim iat is no NumericDate", provider=claims(iat="now")),
    "sub is a number": Case("claims", "auth.claims.wrong_type", "claim sub is a number", provider=made(lambda issuer: signed(issuer, sub=7))),
    "jti is a number": Case("claims", "auth.claims.wrong_type", "claim jti is a number", provider=made(lambda issuer: signed(issuer, jti=7))),
    "lives too long": Case(
        "claims", "auth.token.lifetime_too_long", "promised <= 60s", user={"lifetime": "<= 60s"}
    ),
    "lives too short": Case("claims", "auth.token.lifetime_too_short", "promised >= 1h", user={"lifetime": ">= 1h"}),
    # access tokens (RFC 9068, RFC 8725 §3.11)
    "at+jwt without its claims": Case(
        "claims", "auth.token.profile_incomplete", "client_id, jti is missing", provider={"header": {"typ": "at+jwt"}}
    ),
    "a whole at+jwt": Case(
        "", "", "", provider={"header": {"typ": "at+jwt"}, "claims": {"client_id": "plan", "jti": "j-1"}}
    ),
    "a logout token": Case(
        "claims", "auth.token.wrong_type", "a token of typ logout+jwt", provider={"header": {"typ": "logout+jwt"}}
    ),
    "a refresh token": Case("claims", "auth.token.wrong_type", "it is a refresh token", provider=claims(typ="Refresh")),
    # ID tokens (OpenID Connect Core §3.1.3.7)
    "a sound id token": Case("", "", "", provider=identified()),
    "id token of another client": Case(
        "signature", AUD, "ID token of member: aud is other, the client is plan", provider=identified(aud="other")
    ),
    "id token of another issuer": Case(
        "signature", ISS, "ID token of member: iss is https://x.test/", provider=identified(iss="https://x.test/")
    ),
    "id token for several without azp": Case(
        "signature", AUD, "azp is missing", provider=identified(aud=["plan", "other"])
    ),
    "id token of another party": Case("signature", AUD, "azp is other", provider=identified(azp="other")),
    "id token of another access token": Case(
        "signature", "auth.token.hash_mismatch", "at_hash is not that", provider=identified(at_hash=text(b"x" * 16))
    ),
    "id token without sub": Case("signature", "auth.claims.missing", "sub is missing", provider=identified(sub=GONE)),
    "id token without exp": Case("signature", "auth.token.no_expiry", "never expires", provider=identified(exp=GONE)),
    "id token from tomorrow": Case(
        "signature", SKEW, "ID token of member: iat is", provider=identified(iat=NOW + 7200, exp=NOW + 9000)
    ),
    "id token that is none": Case(
        "signature", BROKEN, "ID token of member: it has 1 part", provider={"extra": lambda *_: {"id_token": "opaque"}}
    ),
    # Hasura's claims (A18, T3, R7)
    "no namespace": Case("claims", SPACE, f"claims namespace {NAMESPACE} is missing", provider=claims(**{NAMESPACE: GONE})),
    "namespace is a list": Case("claims", SPACE, "an array that is no JSON object", provider=claims(**{NAMESPACE: []})),
    "stringified badly": Case("claims", SPACE, "a string that is no JSON", provider=claims(**{NAMESPACE: "{user}"})),
    "stringified well": Case(
        "", "", "", provider=claims(**{NAMESPACE: '{"x-hasura-default-role":"u","x-hasura-allowed-roles":["u"]}'})
    ),
    "no allowed roles": Case("claims", ROLE, "jwt-missing-role-claims", provider=roles(x_hasura_allowed_roles=GONE)),
    "allowed roles as a text": Case("claims", ROLE, "is a string, not an array", provider=roles(x_hasura_allowed_roles="u")),
    "no default role": Case("claims", ROLE, "x-hasura-default-role is missing", provider=roles(x_hasura_default_role=GONE)),
    "default not allowed": Case(
        "claims", "auth.claims.role_not_allowed", "admin is not in x-hasura-allowed-roles",
        provider=roles(x_hasura_default_role="admin"),
    ),
    "a user id that is a number": Case(
        "claims", "auth.claims.wrong_type", "is a number; Hasura takes strings only", provider=roles(x_hasura_user_id=7)
    ),
    "claims in another namespace": Case(
        "claims", SPACE, "claims namespace https://app.test/claims is missing",
        table={"hasura": HasuraClaims(namespace="https://app.test/claims")},
    ),
    "claims at a path": Case(
        "", "", "", table={"hasura": HasuraClaims(path="$.app['x.y'].claims")},
        provider=claims(app={"x.y": {"claims": ROLES}}),
    ),
    "nothing at the path": Case(
        "claims", SPACE, "claims path $.app.claims is missing", table={"hasura": HasuraClaims(path="$.app.claims")}
    ),
    "json where text is configured": Case(
        "claims", SPACE, "an object, and claims_format is stringified_json",
        table={"hasura": HasuraClaims(format="stringified_json")},
    ),
    "text where json is configured": Case(
        "claims", SPACE, "a string, and claims_format is json",
        table={"hasura": HasuraClaims(namespace=NAMESPACE)}, provider=claims(**{NAMESPACE: "{}"}),
    ),
    "a map of claims": Case(
        "", "", "", provider=claims(realm={"roles": ["user"]}, app={"role": "user"}),
        table={"hasura": HasuraClaims(map={"x-hasura-allowed-roles": "$.realm.roles", "X-Hasura-Default-Role": "$.app.role",
                                           "x-hasura-user-id": "$.sub", "x-hasura-app": "plan"})},
    ),
    "a map that leads nowhere": Case(
        "claims", ROLE, "claim x-hasura-allowed-roles is missing",
        table={"hasura": HasuraClaims(map={"x-hasura-allowed-roles": "$.realm.roles", "x-hasura-default-role": "user"})},
    ),
    "a map with defaults": Case(
        "", "", "",
        table={"hasura": HasuraClaims(map={
            "x-hasura-allowed-roles": HasuraMapped(path="$.realm.roles", default=["user"]), "x-hasura-default-role": "user",
        })},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """One server for all cases."""
    with serving() as running:
        yield running


def _served(case: Case, server: Any) -> Issuer:
    """The provider of a case, its placeholders filled in."""
    issuer = Issuer(server, **case.provider)
    if issuer.claims.get("iss") == "SLASHLESS":
        issuer.claims = {"iss": issuer.url.rstrip("/")}
    document: Any = case.document
    if not isinstance(document, tuple):
        filled = {name: _filled(value, server.url) for name, value in document.items()}
        document = issuer.document(**filled)
    issuer.serve(document, case.keys)
    server.routes["GET /jwks2"] = server.routes["GET /jwks"]
    return issuer


def _filled(value: Any, url: str) -> Any:
    return value.replace("SERVER", url) if isinstance(value, str) else value


@pytest.mark.parametrize("name", CASES)
def test_each_defect_is_one_finding_with_its_cause(name: str, server: Any, tmp_path: Path) -> None:
    """A8, A9, A16–A19, E43, R5, R7, R8, T1, T3: the check that is meant is red with its cause, the others are silent."""
    case = CASES[name]
    issuer = _served(case, server)
    table = {name: _filled(value, server.url) for name, value in case.table.items()}
    found = judged(issuer, tmp_path, table, member(**case.user))
    red = {check: findings for check, findings in found.items() if findings}
    assert set(red) == {case.check, *case.more} - {""}, {
        check: [str(one.message) for one in red[check]] for check in red
    }
    if case.check:
        (one,) = red[case.check]
        assert one.code == case.code
        assert case.words in one.message
        assert "u-7" not in one.message


def test_the_sound_provider_is_silent(server: Any, tmp_path: Path) -> None:
    """A8, A16–A19: nothing is said of what is right."""
    assert {check for check, found in judged(_served(Case("", "", ""), server), tmp_path, {}).items() if found} == set()


def test_the_matrix_is_long_enough() -> None:
    """Sixty variants and more, and none that is in it twice under two names."""
    assert len(CASES) >= 60
    assert len({(case.check, case.code, case.words, str(case.provider), str(case.keys), str(case.document), str(case.table))
                for case in CASES.values()}) == len(CASES)  # fmt: skip
