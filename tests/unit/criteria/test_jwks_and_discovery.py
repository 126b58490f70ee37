"""What is said of an issuer's metadata and keys (A8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tokens_by_hand import ISSUER, ec_key, jwk, jwks, rsa_key

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria.discovery import discovery, grant_allowed
from pytest_prodcheck.criteria.jwks import jwks as judge
from pytest_prodcheck.observe.identity import Discovery, Jwk
from pytest_prodcheck.observe.observation import Observation

AUTH = AuthTarget(issuer=ISSUER)
SOUND = Discovery(
    ISSUER + ".well-known/openid-configuration",
    Observation("auth", "discovery", status=200, headers={"content-type": "text/html; charset=utf-8"}),
    issuer=ISSUER,
    token_endpoint="https://auth.test/application/o/token/",
    jwks_uri="https://auth.test/jwks/",
    grants=("client_credentials", "password"),
)


def codes(findings):
    """(code, severity) of each."""
    return [(finding.code, finding.severity) for finding in findings]


@pytest.mark.parametrize(
    "keys",
    [
        [jwk()],
        [jwk(use="sig", alg="RS256"), jwk("e1", ec_key())],
        [jwk(""), jwk("", rsa_key("k0"))],
        [jwk(), replace(jwk("small"), bits=1024, use="enc")],
    ],
    ids=["alg and use left out", "two kinds", "no kids", "a small key for encryption"],
)
def test_sound_keys_are_silent(keys):
    """`alg`, `use` and `kid` are optional (RFC 7517 §4)."""
    assert judge(jwks(*keys), SOUND) == []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], ("auth.jwks.empty", "error")),
        ([jwk(), jwk("k1", rsa_key("k0"))], ("auth.jwks.duplicate_kid", "error")),
        ([replace(jwk(), bits=1024)], ("auth.jwks.key_weak", "error")),
        ([replace(jwk(), secret=True)], ("auth.jwks.private_key_published", "error")),
        ([Jwk("s", "oct", secret=True)], ("auth.jwks.private_key_published", "error")),
    ],
    ids=["no key", "one kid twice", "1024 bits", "with its private part", "a shared secret"],
)
def test_each_wrong_set_of_keys_has_its_cause(keys, expected):
    """One finding a defect."""
    assert codes(judge(jwks(*keys), SOUND)) == [expected]


@pytest.mark.parametrize(
    ("problem", "error", "code"),
    [
        ("not_found", "", "auth.jwks.not_found"),
        ("not_json", "", "auth.jwks.not_json"),
        ("status", "", "unknown"),
        ("unreachable", "tcp.refused", "auth.idp.unreachable"),
        ("unreachable", "tls.expired", "auth.idp.certificate_expired"),
    ],
)
def test_keys_that_do_not_come_have_their_cause(problem, error, code):
    """404, HTML, another status, no answer and an expired certificate are told apart."""
    seen = jwks(problem=problem)
    seen = replace(seen, observation=replace(seen.observation, error=error, status=None if error else 404))
    assert codes(judge(seen, SOUND)) == [(code, "error")]


def test_a_wrong_configured_address_names_the_right_one():
    """T1: Authentik has no .well-known/jwks.json; discovery knows where the keys are."""
    seen = jwks(problem="not_found")
    wrong = replace(
        seen, url="https://auth.test/.well-known/jwks.json", configured=True,
        observation=replace(seen.observation, status=404),
    )  # fmt: skip
    (found,) = judge(wrong, SOUND)
    assert found.message == "https://auth.test/.well-known/jwks.json is 404; discovery names https://auth.test/jwks/"
    assert found.data["jwks_uri"] == "https://auth.test/jwks/"


def test_another_configured_address_that_works_is_a_warning():
    """It breaks when the keys rotate (A9)."""
    other = replace(jwks(jwk()), url="https://auth.test/old/", configured=True)
    assert codes(judge(other, SOUND)) == [("auth.jwks.other_address", "warning")]


def test_no_address_at_all_is_a_finding():
    """Neither discovery nor the configuration names one."""
    assert codes(judge(replace(jwks(problem="not_found"), url=""), None)) == [("auth.jwks.not_found", "error")]


def test_sound_metadata_is_silent():
    """Whatever its content type says."""
    assert discovery(SOUND, AUTH) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": ISSUER[:-1]}, "auth.token.issuer_mismatch"),
        ({"issuer": "https://auth.test/application/o/other/"}, "auth.discovery.wrong_application"),
        ({"issuer": ""}, "auth.discovery.wrong_application"),
        ({"jwks_uri": ""}, "auth.discovery.wrong_application"),
        ({"token_endpoint": "http://auth.test/token/"}, "auth.discovery.insecure_endpoint"),
        ({"problem": "not_found"}, "auth.discovery.wrong_application"),
        ({"problem": "not_json"}, "auth.discovery.wrong_application"),
        ({"problem": "status"}, "unknown"),
        ({"problem": "unreachable"}, "auth.idp.unreachable"),
    ],
)
def test_each_wrong_metadata_has_its_cause(changes, code):
    """One finding a defect; the issuer is compared byte by byte."""
    assert codes(discovery(replace(SOUND, **changes), AUTH)) == [(code, "error")]


def test_the_slash_is_named_in_metadata_too():
    """The hint says on which side it is."""
    (found,) = discovery(replace(SOUND, issuer=ISSUER[:-1]), AUTH)
    assert "iss lacks the slash at the end" in found.message


@pytest.mark.parametrize(
    ("grant", "listed", "expected"),
    [
        ("password", ("client_credentials",), [("auth.grant.not_allowed", "warning")]),
        ("password", (), []),
        ("client_credentials", ("client_credentials",), []),
        ("static", ("password",), []),
    ],
)
def test_a_grant_that_discovery_does_not_list_warns(grant, listed, expected):
    """A document that lists none promises nothing; static tokens need none."""
    assert codes(grant_allowed(replace(SOUND, grants=listed), User(grant=grant), "member")) == expected
