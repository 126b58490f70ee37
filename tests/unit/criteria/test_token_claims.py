"""Dates, issuer, audience, lifetime and Hasura's claims of a token (A18, A19, E43)."""

from __future__ import annotations

import json

import pytest
from tokens_by_hand import ISSUER, NAMESPACE, NOW, ROLES, payload

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria.claims import claims, outlives

AUTH = AuthTarget(issuer=ISSUER, audience=["plan"])
MEMBER = User(grant="client_credentials")
STATIC = User(grant="static", token="env:TOKEN")


def judged(payload, user=MEMBER, auth=AUTH, hasura=True):
    """(code, severity) of each finding."""
    found = claims(payload, user, auth, hasura, NOW, name="member")
    return [(finding.code, finding.severity) for finding in found]


def roles(**changes):
    """A payload whose Hasura claims differ."""
    kept = {key: value for key, value in {**ROLES, **changes}.items() if value is not None}
    return payload(**{NAMESPACE: kept})


SOUND = {
    "as it should be": payload(),
    "aud is a list": payload(aud=["other", "plan"]),
    "without iat": payload(iat=None),
    "dates with a fraction": payload(iat=NOW + 0.5, exp=NOW + 300.25),
    "iat within the skew": payload(iat=int(NOW) + 4),
    "nbf in the past": payload(nbf=int(NOW) - 10),
    "stringified claims": payload(**{NAMESPACE: json.dumps(ROLES)}),
    "keys in other case": payload(**{NAMESPACE: {key.title(): value for key, value in ROLES.items()}}),
    "further keys beside": roles(tenant=5),
}


@pytest.mark.parametrize("sound", SOUND.values(), ids=list(SOUND))
def test_sound_claims_are_silent(sound):
    """What Hasura and other consumers accept gives no finding."""
    assert judged(sound) == []


WRONG = {
    "no exp": (payload(exp=None), "auth.token.no_expiry"),
    "exp is text": (payload(exp=str(int(NOW) + 300)), "auth.token.no_expiry"),
    "exp in milliseconds": (payload(exp=int(NOW + 300) * 1000), "auth.token.no_expiry"),
    "exp is true": (payload(exp=True), "auth.token.no_expiry"),
    "exp is immense": (payload(exp=10**400), "auth.token.no_expiry"),
    "fresh, and expired": (payload(exp=int(NOW) - 1), "auth.token.lifetime_too_short"),
    "fresh, lifetime zero": (payload(exp=int(NOW)), "auth.token.lifetime_too_short"),
    "provider's clock is behind": (payload(iat=int(NOW) - 7200, exp=int(NOW) - 3600), "auth.clock.skewed"),
    "provider's clock is ahead": (payload(iat=int(NOW) + 300, exp=int(NOW) + 600), "auth.clock.skewed"),
    "nbf in the future": (payload(nbf=int(NOW) + 60), "auth.clock.skewed"),
    "iat is text": (payload(iat="now"), "auth.token.malformed"),
    "iss of another realm": (payload(iss="https://auth.test/application/o/other/"), "auth.token.issuer_mismatch"),
    "iss lacks the slash": (payload(iss=ISSUER.rstrip("/")), "auth.token.issuer_mismatch"),
    "iss in other case": (payload(iss=ISSUER.upper()), "auth.token.issuer_mismatch"),
    "iss is a list": (payload(iss=[ISSUER]), "auth.token.issuer_mismatch"),
    "no iss": (payload(iss=None), "auth.token.issuer_mismatch"),
    "another aud": (payload(aud="plan-api"), "auth.token.audience_mismatch"),
    "aud that only begins alike": (payload(aud="plan2"), "auth.token.audience_mismatch"),
    "other auds": (payload(aud=["a", "b"]), "auth.token.audience_mismatch"),
    "no aud": (payload(aud=None), "auth.token.audience_mismatch"),
    "aud is a number": (payload(aud=5), "auth.token.audience_mismatch"),
    "no namespace": (payload(**{NAMESPACE: None}), "auth.claims.namespace_missing"),
    "namespace is no object": (payload(**{NAMESPACE: ["user"]}), "auth.claims.namespace_missing"),
    "stringified, and no json": (payload(**{NAMESPACE: "{user}"}), "auth.claims.namespace_missing"),
    "no allowed roles": (roles(**{"x-hasura-allowed-roles": None}), "auth.claims.roles_missing"),
    "no default role": (roles(**{"x-hasura-default-role": None}), "auth.claims.roles_missing"),
    "allowed roles as text": (roles(**{"x-hasura-allowed-roles": "user"}), "auth.claims.roles_missing"),
    "no role is allowed": (roles(**{"x-hasura-allowed-roles": []}), "auth.claims.roles_missing"),
    "roles are numbers": (roles(**{"x-hasura-allowed-roles": [1, 2]}), "auth.claims.roles_missing"),
    "default role is a number": (roles(**{"x-hasura-default-role": 1}), "auth.claims.roles_missing"),
    "default is not allowed": (roles(**{"x-hasura-default-role": "admin"}), "auth.claims.role_not_allowed"),
    "user id is a number": (roles(**{"x-hasura-user-id": 7}), "auth.claims.wrong_type"),
    "a variable is null": (roles(**{"x-hasura-org": ["a"]}), "auth.claims.wrong_type"),
}


@pytest.mark.parametrize(("wrong", "code"), WRONG.values(), ids=list(WRONG))
def test_each_wrong_claim_has_its_cause(wrong, code):
    """One finding a defect, an error."""
    assert judged(wrong) == [(code, "error")]


def test_a_static_token_that_expired_blames_the_runner():
    """The test credential expired: the services are not to blame (R26)."""
    (found,) = claims(payload(exp=int(NOW) - 10800), STATIC, AUTH, True, NOW, name="legacy")
    assert found.code == "runner.token.expired"
    assert found.message == "token of legacy: expired 3 h ago; the services are not to blame"


def test_the_slash_is_named():
    """An issuer that differs by its slash only says so."""
    (found,) = claims(payload(), MEMBER, AUTH.model_copy(update={"issuer": ISSUER[:-1]}), True, NOW, name="member")
    assert found.message == (
        f"token of member: iss is {ISSUER}, expected {ISSUER[:-1]} (iss ends with a slash, expected none)"
    )
    assert found.data["iss"] == ISSUER


def test_without_hasura_its_claims_are_not_asked_for():
    """Other engines need no namespace."""
    assert judged(payload(**{NAMESPACE: None}), hasura=False) == []


def test_a_numeric_sub_is_a_warning():
    """RFC 7519 wants a string; some consumers refuse a number."""
    assert judged(payload(sub=7)) == [("auth.claims.wrong_type", "warning")]


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("<= 10m", None),
        ("== 300s", None),
        ("<= 1m", "auth.token.lifetime_too_long"),
        ("> 1h", "auth.token.lifetime_too_short"),
    ],
)
def test_the_lifetime_is_compared(limit, code):
    """`lifetime` judges exp minus iat, in both directions."""
    user = User(grant="client_credentials", lifetime=limit)
    assert judged(payload(), user) == ([(code, "error")] if code else [])


def test_an_opaque_user_has_no_jwt_rules():
    """Neither dates nor issuer are asked of a token that is no JWT."""
    assert judged({}, User(grant="static", token="env:T", opaque=True)) == []


def test_several_defects_are_several_findings():
    """One wrong claim does not hide another."""
    codes = [code for code, _ in judged(payload(iss="x", aud="y", exp=None))]
    assert codes == ["auth.token.no_expiry", "auth.token.issuer_mismatch", "auth.token.audience_mismatch"]


def test_the_values_of_a_person_are_in_no_finding():
    """Only claims that name systems and roles are shown."""
    personal = {**ROLES, "x-hasura-user-id": 4711_0815, "x-hasura-default-role": "admin"}
    found = claims(
        payload(sub=4711_0815, email="dummy@person.test", **{NAMESPACE: personal}), MEMBER, AUTH, True, NOW, name="m"
    )
    text = str([finding.as_json() for finding in found])
    assert "role_not_allowed" in text
    assert "47110815" not in text
    assert "dummy@person" not in text


def test_a_token_that_ends_before_the_run_warns():
    """Its 401s would be blamed on the services."""
    (found,) = outlives(NOW + 60, NOW + 120, user="member")
    assert (found.code, found.severity) == ("runner.token.expired", "warning")
    assert found.message == "token of member expires 1 min before the run's end"
    assert outlives(NOW + 121, NOW + 120, user="member") == []
    assert outlives(None, NOW, user="member") == []


def declared(promised, token=None):
    """Findings of the declared claims alone."""
    user = User(grant="client_credentials", claims=promised)
    return claims(token or payload(email="dummy@person.test"), user, AUTH, True, NOW, name="member")


KEPT = {
    "present": {"sub": "*"},
    "literal": {"sub": "u-7"},
    "absent": {"phone": "absent"},
    "namespaced": {NAMESPACE: {"x-hasura-default-role": "user", "x-hasura-allowed-roles": "has user"}},
    "keys in any case": {NAMESPACE: {"X-Hasura-Default-Role": "user"}},
    "regular expression": {"email": "re:.+@person\\.test"},
}


@pytest.mark.parametrize("promised", KEPT.values(), ids=list(KEPT))
def test_declared_claims_that_hold_are_silent(promised):
    """The one grammar for expectations, keys with dots and slashes taken literally."""
    assert declared(promised) == []


def test_declared_claims_hold_in_a_stringified_namespace():
    """`claims_format: stringified_json` is unfolded before it is compared."""
    token = payload(**{NAMESPACE: json.dumps(ROLES)})
    assert declared(KEPT["namespaced"], token) == []


BROKEN = {
    "missing": ({"tenant": "*"}, "auth.claims.missing", "claim tenant is missing"),
    "other value": ({"sub": "u-8"}, "auth.claims.wrong", "claim sub is there, with another value"),
    "should be absent": ({"email": "absent"}, "auth.claims.wrong", "promised no such key"),
    "dots are no path": ({"a.b": "*"}, "auth.claims.missing", "claim a.b is missing"),
    "role is shown": (
        {NAMESPACE: {"x-hasura-default-role": "editor"}},
        "auth.claims.wrong",
        'x-hasura-default-role is "user"; promised "editor"',
    ),
}


@pytest.mark.parametrize(("promised", "code", "words"), BROKEN.values(), ids=list(BROKEN))
def test_declared_claims_that_do_not_hold_are_told_without_personal_values(promised, code, words):
    """Presence and rule for a person's claims, values for systems and roles."""
    (found,) = declared(promised)
    assert found.code == code
    assert words in found.message
    assert "u-7" not in str(found.as_json())
    assert "dummy@person" not in str(found.as_json())
