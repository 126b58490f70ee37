"""Discovery, keys and tokens over real sockets, from an issuer that can misbehave (A8, A16, B67)."""

from __future__ import annotations

import base64
import json
import pickle
from dataclasses import replace
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from small_server import PlainSender, serving

from pytest_prodcheck.config.models import AuthTarget, Login, User
from pytest_prodcheck.criteria import claims, discovery, jwks, token_answer, tokens
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe import jose
from pytest_prodcheck.targets.auth import discover, discovery_url, fetch_jwks
from pytest_prodcheck.targets.grants import LoginPlace, login_request
from pytest_prodcheck.targets.tokens import obtain

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECRET, PASSWORD, REFRESH = "dummy-client-secret", "dummy-password-1", "dummy-refresh-b7c6a5d4e3"
FORM = "application/x-www-form-urlencoded"


def user(grant, **fields):
    """A user as it is after its references were resolved."""
    plain = {"client_id": "plan", "client_secret": SECRET, "password": PASSWORD, "username": "smoke", **fields}
    return User(grant=grant).model_copy(update=plain)


class Issuer:
    """A sound issuer on a small server; a test changes one route."""

    def __init__(self, server):
        self.server, self.url = server, server.url + "/application/o/plan/"
        self.auth = AuthTarget(issuer=self.url, audience=["plan"])
        self.document = {
            "issuer": self.url,
            "token_endpoint": server.url + "/token",
            "introspection_endpoint": server.url + "/introspect",
            "jwks_uri": server.url + "/jwks",
            "grant_types_supported": ["client_credentials", "password"],
        }
        key = {**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "use": "sig", "alg": "RS256"}
        self.answers(document=(200, {}, self.document), jwks=(200, {"cache-control": "max-age=60"}, {"keys": [key]}))
        self.answers(token=self.give)

    def answers(self, document=None, **routes):
        """Sets what the issuer answers."""
        if document:
            self.server.routes["GET /application/o/plan/.well-known/openid-configuration"] = document
        for name, route in routes.items():
            self.server.routes[f"{'GET' if name == 'jwks' else 'POST'} /{name}"] = route

    def token(self, now, **changes):
        """A signed token."""
        sound = {"iss": self.url, "aud": "plan", "sub": "dummy-person", "iat": int(now), "exp": int(now) + 300}
        return jwt.encode({**sound, **changes}, KEY, "RS256", {"kid": "k1"})

    def give(self, _asked):
        """A token response (RFC 6749 §5.1)."""
        import time

        self.given = self.token(time.time())
        return (
            200,
            {},
            {"access_token": self.given, "token_type": "Bearer", "expires_in": 300, "refresh_token": REFRESH},
        )

    def obtain(self, user, **more):
        """One token by a sender of its own."""
        sender = PlainSender()
        found = discover(sender, self.auth)
        return obtain(sender, user, "member", found, self.auth, **more)


@pytest.fixture
def issuer():
    """A sound issuer."""
    with serving() as server:
        yield Issuer(server)


def test_the_metadata_is_asked_for_below_the_issuer_with_and_without_its_slash():
    """OpenID Connect Discovery §4: a slash at the end is taken off first."""
    expected = "https://a.test/o/plan/.well-known/openid-configuration"
    assert discovery_url("https://a.test/o/plan/") == discovery_url("https://a.test/o/plan") == expected


@pytest.mark.parametrize("client_auth", ["basic", "post"])
@pytest.mark.parametrize("grant", ["client_credentials", "password", "refresh_token"])
def test_a_token_is_obtained_verified_and_judged_sound(issuer, grant, client_auth):
    """Discovery, keys, one token request, signature and claims: no finding anywhere."""
    member = user(grant, client_auth=client_auth, refresh_token=REFRESH, scope="openid")
    found = discover(PlainSender(), issuer.auth)
    keys = fetch_jwks(PlainSender(), issuer.auth, found)
    token = issuer.obtain(member)
    assert token.value == issuer.given
    assert (
        discovery.discovery(found, issuer.auth) == jwks.jwks(keys, found) == token_answer.obtained(token, member) == []
    )
    assert tokens.signature(token.value, keys, issuer.auth, user="member") == []
    payload = jose.read(token.value).payload
    assert claims.claims(payload, member, issuer.auth, False, token.obtained_at, name="member") == []
    assert token.expires_at == payload["exp"]


def test_what_a_token_request_says(issuer):
    """RFC 6749 §2.3.1 and §4.3.2: basic credentials are form-encoded first, the form names the grant."""
    issuer.obtain(user("password", client_secret="a b:ä", scope="openid email"))
    asked = issuer.server.asked[-1]
    assert base64.b64decode(asked.headers["authorization"].split()[1]) == b"plan:a+b%3A%C3%A4"
    form = {name: value[0] for name, value in parse_qs(asked.body.decode()).items()}
    assert form == {"grant_type": "password", "username": "smoke", "password": PASSWORD, "scope": "openid email"}
    assert asked.headers["content-type"] == FORM


def test_client_auth_post_sends_no_authorization(issuer):
    """The secret then stands in the form."""
    issuer.obtain(user("client_credentials", client_auth="post"))
    asked = issuer.server.asked[-1]
    assert "authorization" not in asked.headers
    assert parse_qs(asked.body.decode())["client_secret"] == [SECRET]


def test_nothing_of_an_obtained_token_is_shown(issuer):
    """Neither repr nor str nor the observation hold the token, its parts, or the refresh token."""
    token = issuer.obtain(user("client_credentials"))
    shown = repr(token) + str(token) + json.dumps(token.observation.as_json()) + token.observation.body.decode()
    assert REFRESH in token.secrets
    assert set(jose.segments(issuer.given)) <= set(token.secrets)
    assert not [secret for secret in (*token.secrets, SECRET, "dummy-person") if secret in shown]
    assert token.observation.data["kid"] == "k1"


def test_a_token_travels_between_processes(issuer):
    """The broker pickles it."""
    token = issuer.obtain(user("client_credentials"))
    assert pickle.loads(pickle.dumps(token)) == token


OAUTH = [
    (401, {"error": "invalid_client"}, "client_credentials", "auth.client.rejected"),
    (400, {"error": "invalid_client"}, "password", "auth.client.rejected"),
    (400, {"error": "unsupported_grant_type"}, "password", "auth.grant.not_allowed"),
    (400, {"error": "unauthorized_client"}, "client_credentials", "auth.grant.not_allowed"),
    (400, {"error": "invalid_grant"}, "password", "auth.user.locked"),
    (400, {"error": "invalid_grant"}, "client_credentials", "auth.client.rejected"),
    (400, {"error": "invalid_grant"}, "refresh_token", "runner.token.expired"),
    (500, "<!doctype html><title>Error</title>", "client_credentials", "auth.idp.failing"),
    (400, {"error": "invalid_scope"}, "client_credentials", "auth.scope.not_allowed"),
    (200, {"error": "invalid_client"}, "client_credentials", "auth.client.rejected"),
    (503, {"error": "temporarily_unavailable"}, "client_credentials", "unknown"),
    (400, {"error": "own_error"}, "client_credentials", "unknown"),
    (
        400,
        {"error": "invalid_request", "error_description": "requested grant type is not allowed for this client"},
        "client_credentials",
        "auth.grant.not_allowed",
    ),
    (401, "", "client_credentials", "auth.client.rejected"),
    (404, "not found", "client_credentials", "auth.discovery.wrong_application"),
    (200, "<!doctype html>", "client_credentials", "auth.discovery.wrong_application"),
    (200, {"token_type": "Bearer"}, "client_credentials", "auth.token.missing"),
    (200, {"access_token": ""}, "client_credentials", "auth.token.missing"),
    (200, {"access_token": 5}, "client_credentials", "auth.token.missing"),
    (200, [], "client_credentials", "auth.token.missing"),
    (500, "Traceback", "client_credentials", "auth.idp.failing"),
]


@pytest.mark.parametrize(("status", "body", "grant", "code"), OAUTH)
def test_each_refusal_of_a_token_has_its_cause(issuer, status, body, grant, code):
    """RFC 6749 §5.2, and what providers answer besides; asked exactly once."""
    issuer.answers(token=(status, {}, body))
    member = user(grant, refresh_token=REFRESH)
    token = issuer.obtain(member)
    (found,) = token_answer.obtained(token, member)
    assert found.code == code
    assert not token.usable
    assert token.observation.code == (body.get("error", "") if isinstance(body, dict) else "")
    assert [asked.path for asked in issuer.server.asked].count("/token") == 1


def test_a_description_that_repeats_a_secret_is_scrubbed(issuer):
    """The server's words are kept, what we sent in confidence is not."""
    text = f"secret {SECRET} of smoke\x1b[31m with {PASSWORD} is wrong"
    issuer.answers(token=(401, {}, {"error": "invalid_client", "error_description": text}))
    token = issuer.obtain(user("password"))
    assert token.observation.message == "secret [redacted] of smoke [31m with [redacted] is wrong"
    shown = json.dumps(token.observation.as_json())
    assert SECRET not in shown
    assert PASSWORD not in shown


def test_an_issuer_that_is_down_is_unreachable():
    """No answer is a finding, for the metadata and for the token."""
    auth = AuthTarget(issuer="http://127.0.0.1:9/")
    found = discover(PlainSender(), auth)
    assert [finding.code for finding in discovery.discovery(found, auth)] == ["auth.idp.unreachable"]
    token = obtain(PlainSender(), user("password"), "member", found, auth)
    assert not token.usable
    (finding,) = token_answer.obtained(token, user("password"))
    assert (finding.code, finding.message[:30]) == ("auth.idp.unreachable", "no token for member: not asked")


def test_credentials_never_leave_an_https_issuer_without_tls(issuer):
    """Discovery may not talk us into sending a secret in the clear."""
    secure = issuer.auth.model_copy(update={"issuer": "https://auth.test/"})
    found = replace(discover(PlainSender(), issuer.auth), issuer=secure.issuer)
    sender = PlainSender()
    token = obtain(sender, user("password"), "member", found, secure)
    assert sender.requests == []
    assert token.observation.error == "refused"


def test_credentials_never_go_to_where_another_issuer_says(issuer):
    """RFC 8414 §3.3: metadata that says another issuer must not be used, and be it that readiness was left out."""
    issuer.answers(document=(200, {}, {**issuer.document, "issuer": "https://other.test/"}))
    token = issuer.obtain(member := user("password"))
    assert [one.method for one in issuer.server.asked] == ["GET"]
    (finding,) = token_answer.obtained(token, member)
    assert finding.code == "auth.discovery.wrong_application"
    assert "discovery is of issuer https://other.test/, and not of http://" in finding.message


JWKS = [
    ((404, {}, "no"), "auth.jwks.not_found"),
    ((200, {"content-type": "text/html"}, "<html>"), "auth.jwks.not_json"),
    ((200, {}, ""), "auth.jwks.not_json"),
    ((200, {}, []), "auth.jwks.not_json"),
    ((200, {}, {}), "auth.jwks.empty"),
    ((200, {}, {"keys": []}), "auth.jwks.empty"),
    ((200, {}, {"keys": "k1"}), "auth.jwks.empty"),
    ((200, {}, {"keys": [5, None]}), "auth.jwks.empty"),
    ((302, {"location": "/login"}, ""), "auth.jwks.not_found"),
    ((200, {}, b"[" * 100_000), "auth.jwks.not_json"),
    ((200, {}, {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}]}), "auth.jwks.private_key_published"),
    ((200, {}, {"keys": [{"kty": "RSA", "n": "AQAB" * 30, "e": "AQAB", "kid": "w"}]}), "auth.jwks.key_weak"),
]


@pytest.mark.parametrize(("route", "code"), JWKS)
def test_each_wrong_answer_of_the_keys_has_its_cause(issuer, route, code):
    """404, a page, nothing, no keys, keys that must not be there."""
    issuer.answers(jwks=route)
    found = discover(PlainSender(), issuer.auth)
    assert [finding.code for finding in jwks.jwks(fetch_jwks(PlainSender(), issuer.auth, found), found)] == [code]


def test_published_private_members_are_kept_nowhere(issuer):
    """They are seen, and dropped."""
    issuer.answers(jwks=(200, {}, {"keys": [{"kty": "oct", "k": "dummy-symmetric-key", "kid": "s"}]}))
    keys = fetch_jwks(PlainSender(), issuer.auth, discover(PlainSender(), issuer.auth))
    assert keys.keys[0].secret
    assert "dummy-symmetric" not in repr(keys.keys) + str(keys.keys[0].public) + json.dumps(keys.observation.data)


def test_a_configured_address_that_is_404_names_the_right_one(issuer):
    """T1: the consumer's JWKS address against discovery's."""
    auth = issuer.auth.model_copy(update={"jwks_url": issuer.server.url + "/.well-known/jwks.json"})
    found = discover(PlainSender(), auth)
    (finding,) = jwks.jwks(fetch_jwks(PlainSender(), auth, found), found)
    assert finding.message == f"{auth.jwks_url} is 404; discovery names {issuer.server.url}/jwks"


def test_a_static_token_sends_nothing():
    """Its end is read from itself, a line break around it is taken off."""
    value = jwt.encode({"exp": 1_800_000_000}, "s" * 32, "HS256")
    sender = PlainSender()
    token = obtain(sender, user("static", token=f" {value}\n"), "legacy", None, AuthTarget())
    assert (token.value, token.expires_at, sender.requests) == (value, 1_800_000_000, [])


@pytest.mark.parametrize("value", ["ab\ncd", "tök", "a\x00b"])
def test_a_static_token_that_no_header_can_carry_is_refused_unshown(value):
    """A line break inside, a letter beyond ASCII: said without the value, which is a secret all the same."""
    token = obtain(PlainSender(), user("static", token=value), "legacy", None, AuthTarget())
    assert not token.usable
    assert value not in json.dumps(token.observation.as_json(), ensure_ascii=False)
    assert value in token.secrets


def login(issuer, keep, route, **how):
    """A token by an application's own login."""
    issuer.server.routes["POST /api/login"] = route
    declared = Login(path="/api/login", json={"username": "smoke", "password": PASSWORD}, **how)
    place = LoginPlace(issuer.server.url, "http.app")
    member = user("login", keep=keep, login=declared)
    sender = PlainSender()
    token = obtain(sender, member, "legacy", None, AuthTarget(), place=place)
    return token, token_answer.obtained(token, member), sender.requests


@pytest.mark.parametrize(
    ("keep", "body"),
    [
        ("access_token", {"access_token": "dummy-app-token"}),
        ("data.auth.token", {"data": {"auth": {"token": "dummy-app-token"}}}),
        ("a.b", {"a.b": "dummy-app-token"}),
    ],
)
def test_a_login_keeps_what_it_is_told_to(issuer, keep, body):
    """A key of the answer, nested by dots; one attempt, a declared write of its own target."""
    token, found, (request,) = login(issuer, keep, (200, {}, body))
    assert (token.value, found) == ("dummy-app-token", [])
    assert "dummy-app-token" in token.secrets
    assert (request.effect, request.target, request.jar) == ("write", "http.app", "legacy")


def test_a_login_by_cookies_has_no_value_but_secrets(issuer):
    """The jar holds the session; its value must never be shown."""
    token, found, _ = login(
        issuer, "cookies", (303, {"set-cookie": "sid=dummy-session-1; Path=/", "location": "/home"}, "")
    )
    assert (token.cookies, token.value, token.usable, found) == (True, "", True, [])
    assert "dummy-session-1" in token.secrets
    assert "dummy-session-1" not in json.dumps(token.observation.as_json())


LOGINS = [
    ("access_token", (401, {}, {"error": "bad"}), "auth.user.locked"),
    ("access_token", (423, {}, {}), "auth.user.locked"),
    ("access_token", (404, {}, ""), "auth.login.not_found"),
    ("access_token", (200, {}, {"token": "x"}), "auth.token.missing"),
    ("access_token", (200, {}, "<html>"), "auth.token.missing"),
    ("cookies", (200, {}, {}), "auth.token.missing"),
    ("cookies", (302, {"set-cookie": "sid=anonymous", "location": "/api/login?error=1"}, ""), "auth.token.missing"),
    ("access_token", (500, {}, ""), "unknown"),
]


@pytest.mark.parametrize(("keep", "route", "code"), LOGINS)
def test_each_failed_login_has_its_cause(issuer, keep, route, code):
    """Asked once, whatever it answers; a redirect back to the login is no session."""
    token, found, requests = login(issuer, keep, route)
    assert [finding.code for finding in found] == [code]
    assert (token.usable, len(requests)) == (False, 1)


@pytest.mark.parametrize(
    ("route", "grant", "code"),
    [
        ((200, {}, {"active": True}), "client_credentials", None),
        ((200, {}, {"active": False}), "client_credentials", "auth.token.inactive"),
        ((200, {}, {"active": False}), "static", "runner.token.expired"),
        ((200, {}, {"active": "true"}), "client_credentials", "unknown"),
        ((401, {}, {"error": "invalid_client"}), "client_credentials", "unknown"),
        ((200, {}, "<html>"), "client_credentials", "unknown"),
    ],
)
def test_introspection_must_confirm_the_token(issuer, route, grant, code):
    """RFC 7662: `active` is true, or it is a finding."""
    issuer.answers(introspect=route)
    member = user(grant, introspect=True, token="dummy-static-token")
    token = issuer.obtain(member)
    found = token_answer.confirmed(token, member)
    assert [finding.code for finding in found] == ([code] if code else [])
    assert token.value not in json.dumps(token.observation.as_json())


def test_introspection_that_the_issuer_does_not_offer_is_a_finding(issuer):
    """Asked for, and nobody to ask: never silently green."""
    issuer.document.pop("introspection_endpoint")
    member = user("client_credentials", introspect=True)
    assert [finding.code for finding in token_answer.confirmed(issuer.obtain(member), member)] == ["unknown"]


def test_an_opaque_token_lasts_as_long_as_the_answer_says(issuer):
    """`expires_in`, counted from the answer."""
    issuer.answers(token=(200, {}, {"access_token": "dummy-opaque-token", "expires_in": 60}))
    token = issuer.obtain(user("client_credentials", opaque=True))
    assert token.expires_at == pytest.approx(token.obtained_at + 60)
    assert "alg" not in token.observation.data
    assert replace(token, value="").usable is False


class RefusingSender:
    """A wire whose guard refuses what it is asked."""

    def send(self, request):
        """Raises as the guard does."""
        raise Refused(f"GET {request.url}", "scheme file is denied")


def test_keys_at_an_address_that_is_refused():
    """A discovery document that names a file as its keys is a finding that says so; nothing was sent."""
    table = AuthTarget(issuer="https://idp.test", jwks_url="file:///etc/passwd")
    found = fetch_jwks(RefusingSender(), table, None)
    assert (found.problem, found.observation.error) == ("unreachable", "refused")
    findings = jwks.jwks(found, None, target="auth")
    assert [finding.severity for finding in findings] == ["error"]
    assert "scheme file is denied" in findings[0].message


def test_a_logins_path_is_below_its_place():
    """A colon in the first segment makes no URL of its own."""
    user = User(grant="login", login={"path": "/accounts:signIn", "json": {"name": "n"}})
    request = login_request(user, "legacy", LoginPlace("http://app.test/v1/"))
    assert request.url == "http://app.test/v1/accounts:signIn"
