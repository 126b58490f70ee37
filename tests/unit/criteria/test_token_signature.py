"""Which tokens a consumer can verify, and what is said of the others (A17)."""

from __future__ import annotations

import pytest
from tokens_by_hand import NOW, base64url, ec_key, jwk, jwks, part, payload, public_pem, rsa_key, signed

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria.tokens import signature, user_signature
from pytest_prodcheck.observe import jose

RS = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
ES = {"alg": "ES256", "kid": "e1"}
HS = {"alg": "HS256"}
SECRET = "s" * 32


def judged(token, keys=None, **auth):
    """(code, severity) of each finding."""
    found = signature(token, jwks(jwk()) if keys is None else keys, AuthTarget(**auth), user="member")
    return [(finding.code.removeprefix("auth."), finding.severity) for finding in found]


SOUND = {
    "rs256": (signed(RS), None, {}),
    "no kid and one key": (signed({"alg": "RS256"}), None, {}),
    "key that names its algorithm and use": (signed(RS), jwks(jwk(alg="RS256", use="sig")), {}),
    "two keys, the right one named": (signed(RS), jwks(jwk("k0"), jwk()), {}),
    "es256 where allowed": (signed(ES, key=ec_key()), jwks(jwk("e1", ec_key())), {"algorithms": ["ES256"]}),
    "rs384": (signed({"alg": "RS384", "kid": "k1"}), None, {"algorithms": ["RS384"]}),
    "hs256 by the shared secret": (
        signed(HS, key=SECRET.encode()),
        jwks(),
        {"algorithms": ["HS256"], "secret": "env:X"},
    ),
    "a duplicate kid of which one fits": (signed(RS), jwks(jwk("k1", rsa_key("other")), jwk()), {}),
    "a key without kid beside": (signed(RS), jwks(jwk("", rsa_key("k0")), jwk()), {}),
}


@pytest.mark.parametrize(("token", "keys", "auth"), SOUND.values(), ids=list(SOUND))
def test_a_sound_token_is_silent(token, keys, auth):
    """What any consumer accepts gives no finding."""
    if "secret" in auth:
        auth = AuthTarget(**auth).model_copy(update={"secret": SECRET})
        assert signature(token, keys, auth, user="member") == []
    else:
        assert judged(token, keys, **auth) == []


NAN = b'{"exp": NaN}'
JWE = f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d"
WRONG = {
    "alg none": (signed({"alg": "none"}).rpartition(".")[0] + ".", None, "token.not_signed"),
    "alg NoNe with a signature": (signed({"alg": "NoNe", "kid": "k1"}), None, "token.not_signed"),
    "no alg": (signed({"kid": "k1"}), None, "token.not_signed"),
    "alg that is no string": (signed({"alg": 5, "kid": "k1"}), None, "token.not_signed"),
    "rs256 without a signature": (signed(RS).rpartition(".")[0] + ".", None, "token.not_signed"),
    "hs256 by the public key": (
        signed({"alg": "HS256", "kid": "k1"}, key=public_pem()),
        None,
        "token.algorithm_mismatch",
    ),
    "hs256 and nothing published": (signed(HS, key=b"x"), jwks(), "jwks.empty"),
    "es256 where rs256 is expected": (signed(ES, key=ec_key()), jwks(jwk("e1", ec_key())), "token.algorithm_mismatch"),
    "rs384 where rs256 is expected": (signed({"alg": "RS384", "kid": "k1"}), None, "token.algorithm_mismatch"),
    "rs256 whose kid is an EC key": (signed(RS), jwks(jwk("k1", ec_key())), "token.algorithm_mismatch"),
    "key for another algorithm": (signed(RS), jwks(jwk(alg="RS512")), "token.algorithm_mismatch"),
    "key for encryption": (signed(RS), jwks(jwk(use="enc")), "token.algorithm_mismatch"),
    "kid that is not listed": (signed({**RS, "kid": "k2"}, key=rsa_key("k2")), None, "jwks.key_missing"),
    "kid in other case": (signed({**RS, "kid": "K1"}), None, "jwks.key_missing"),
    "no kid and two keys": (signed({"alg": "RS256"}), jwks(jwk(), jwk("k0")), "jwks.key_missing"),
    "kid that is a number, and two keys": (signed({**RS, "kid": 1}), jwks(jwk(), jwk("k0")), "jwks.key_missing"),
    "signed by another key of this kid": (signed(RS, key=rsa_key("other")), None, "token.signature_invalid"),
    "changed payload": (
        ".".join([signed(RS).split(".")[0], part(payload(sub="admin")), signed(RS).split(".")[2]]),
        None,
        "token.signature_invalid",
    ),
    "tampered signature": (jose.tampered(signed(RS)), None, "token.signature_invalid"),
    "signature cut short": (signed(RS)[:-40], None, "token.signature_invalid"),
    "no kid and no key that fits": (signed({"alg": "RS256"}), jwks(jwk("e1", ec_key())), "token.algorithm_mismatch"),
    "empty jwks": (signed(RS), jwks(), "jwks.empty"),
    "jwks 404": (signed(RS), jwks(problem="not_found"), "jwks.not_found"),
    "jwks html": (signed(RS), jwks(problem="not_json"), "jwks.not_json"),
    "jwks unreachable": (signed(RS), jwks(problem="unreachable"), "idp.unreachable"),
    "jwe": (JWE, None, "token.encrypted"),
    "three parts with enc": (f"{part({'alg': 'dir', 'enc': 'A256GCM'})}.{part({})}.x", None, "token.encrypted"),
    "critical extension": (signed({**RS, "crit": ["b64"], "b64": False}), None, "token.malformed"),
    "bearer left in": (f"Bearer {signed(RS)}", None, "token.malformed"),
    "opaque": ("gho_16C7e42F292c6912E7710c838347Ae178B4a", None, "token.malformed"),
    "empty": ("", None, "token.malformed"),
    "two parts": ("a.b", None, "token.malformed"),
    "four parts": ("a.b.c.d", None, "token.malformed"),
    "header that is a list": (f"{part([])}.{part({})}.x", None, "token.malformed"),
    "payload that is a string": (f"{part(RS)}.{part('x')}.x", None, "token.malformed"),
    "padding": (signed(RS) + "==", None, "token.malformed"),
    "standard base64": (f"{part(RS)}.{part(payload())}.a+b/c", None, "token.malformed"),
    "line break at the end": (signed(RS) + "\n", None, "token.malformed"),
    "nan in the payload": (f"{part(RS)}.{base64url(NAN)}.x", None, "token.malformed"),
    "very long": ("a" * 100_000, None, "token.malformed"),
    "deeply nested header": (f"{base64url(b'[' * 20_000)}.{part({})}.x", None, "token.malformed"),
    "beyond ascii": ("é.é.é", None, "token.malformed"),
}


@pytest.mark.parametrize(("token", "keys", "code"), WRONG.values(), ids=list(WRONG))
def test_each_wrong_token_has_its_cause(token, keys, code):
    """One finding a token, with the code of its one defect."""
    assert judged(token, keys) == [(code, "error")]


def test_a_public_key_never_verifies_an_hmac_even_where_hs256_is_allowed():
    """Algorithm confusion (RFC 8725 §2.1) stays red when the allow-list is too generous."""
    token = signed({"alg": "HS256", "kid": "k1"}, key=public_pem())
    assert judged(token, algorithms=["RS256", "HS256"]) == [("token.algorithm_mismatch", "error")]


def test_a_wrong_shared_secret_is_an_invalid_signature():
    """HS256 with another secret does not verify."""
    auth = AuthTarget(algorithms=["HS256"]).model_copy(update={"secret": SECRET})
    found = signature(signed(HS, key=b"another"), None, auth, user="member")
    assert [finding.code for finding in found] == ["auth.token.signature_invalid"]
    assert SECRET not in str(found)


def test_a_short_shared_secret_is_told_by_its_length_only():
    """A secret below 32 bytes is a finding that does not show it."""
    auth = AuthTarget(algorithms=["HS256"]).model_copy(update={"secret": "too-short-secret"})
    (found,) = signature(signed(HS, key=b"too-short-secret"), None, auth, user="member")
    assert found.code == "auth.session_secret.too_short"
    assert "16 bytes" in found.message
    assert "too-short-secret" not in str(found)


def test_the_missing_key_names_what_is_listed_and_how_old_the_answer_is():
    """A rotation behind a cache is told from a missing key by the Age header."""
    keys = jwks(jwk("k0"), jwk("k1"), age="812")
    (found,) = signature(signed({**RS, "kid": "k2"}), keys, AuthTarget(), user="member")
    assert found.message == "token of member: it is signed with kid k2, JWKS lists k0, k1"
    assert found.data["age"] == "812"
    assert found.data["expected"] == ["k0", "k1"]


def test_an_opaque_user_promises_no_jwt():
    """`opaque = true` switches the rules for JWTs off."""
    user = User(grant="static", token="env:T", opaque=True)
    assert user_signature("opaque", None, AuthTarget(), user, "member") == []


def test_no_finding_holds_a_part_of_the_token():
    """Neither message nor data repeat the payload or the signature."""
    token = signed({**RS, "kid": "k2"}, payload(sub="dummy-person", exp=int(NOW) - 5))
    text = str([finding.as_json() for finding in signature(token, jwks(jwk()), AuthTarget(), user="member")])
    assert text
    assert "dummy-person" not in text
    assert not any(piece in text for piece in jose.segments(token))
