"""The corpus of identity and GraphQL: each case is judged, and its cause is the one the corpus names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tokens_by_hand import ISSUER, NAMESPACE, NOW, ROLES, ec_key, jwk, jwks, payload, rsa_key, signed

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria.claims import claims
from pytest_prodcheck.criteria.consumers import checks_signature
from pytest_prodcheck.criteria.discovery import discovery
from pytest_prodcheck.criteria.graphql import judge_operation, succeeded
from pytest_prodcheck.criteria.graphql_engine import healthy
from pytest_prodcheck.criteria.jwks import jwks as judge_keys
from pytest_prodcheck.criteria.server_errors import no_server_errors
from pytest_prodcheck.criteria.token_answer import obtained
from pytest_prodcheck.criteria.tokens import signature
from pytest_prodcheck.observe.identity import Discovery, Token
from pytest_prodcheck.observe.observation import Observation

CASES = {
    case["id"]: case for case in yaml.safe_load(Path(__file__).with_name("identity_corpus.yaml").read_text("utf-8"))
}
AUTH = AuthTarget(issuer=ISSUER, audience=["plan"])
RS = {"alg": "RS256", "kid": "k1"}
FOUND = Discovery(
    "https://auth.test/d", Observation("auth", "discovery"), issuer=ISSUER, jwks_uri="https://auth.test/jwks/"
)
UNKNOWN = b"""{"errors": [{
    "message":"field 'goals' not found in type: 'query_root'","extensions":{"code":"validation-failed"}}]}"""
PARTIAL = b'{"data":{"goals":null,"users":[{"id":1}]},"errors":[{"message":"postgres-error","path":["goals"]}]}'


def told(token, grant="client_credentials", **auth):
    """Findings about claims."""
    return claims(token, User(grant=grant), AUTH.model_copy(update=auth), True, NOW, name="member")


def mark(token, keys=None):
    """Findings about the signature."""
    return signature(token, keys or jwks(jwk()), AUTH, user="member")


def query(body, status=200, **data):
    """An answer to one query."""
    return Observation("graphql", "query Goals", user="member", status=status, body=body, data=data)


def asked(*answers):
    """Findings about answers to queries."""
    return [found for seen in answers for found in judge_operation(seen, None, now=NOW)]


def gone(error):
    """A provider that gives no answer."""
    return discovery(replace(FOUND, problem="unreachable", observation=Observation("auth", "d", error=error)), AUTH)


def refused():
    """A token endpoint that knows the client not."""
    seen = Observation("auth", "token member", status=401, code="invalid_client")
    return obtained(Token("member", seen), User(grant="client_credentials"))


def not_found():
    """T1: the configured address."""
    seen = jwks(problem="not_found")
    return judge_keys(
        replace(
            seen,
            url="https://auth.test/.well-known/jwks.json",
            configured=True,
            observation=Observation("auth", "jwks", status=404),
        ),
        FOUND,
    )


WARN = Observation("graphql", "health", status=200, body=b"WARN", data={"text": "WARN: inconsistent objects in schema"})
DATA = query(b'{"data":{"goals":[]}}')
JUDGED = {
    "fg-gql-errors-in-200": (lambda: asked(query(UNKNOWN)), "no select permission"),
    "fg-gql-partial-null": (lambda: asked(query(PARTIAL)), "partial data: goals is null"),
    "fg-hasura-warn": (lambda: healthy(WARN), "next: get_inconsistent_metadata"),
    "fg-jwt-other-issuer": (lambda: told(payload(iss=ISSUER.replace("plan", "other"))), f"expected {ISSUER}"),
    "fg-jwt-alg-none": (lambda: mark(signed({"alg": "none"})), "alg none: token is not signed"),
    "fg-jwt-no-exp": (lambda: told(payload(exp=None)), "claim exp is missing: token never expires"),
    "fg-jwt-not-checked-by-api": (lambda: checks_signature(DATA, DATA), "a token with a broken signature is accepted"),
    "fault-jwks-404": (not_found, "is 404; discovery names"),
    "fault-jwks-empty": (lambda: judge_keys(jwks(), FOUND), "no signing key, its tokens are HS256"),
    "fault-jwks-rotated": (lambda: mark(signed({**RS, "kid": "k2"}, key=rsa_key("k2"))), "kid k2, JWKS lists k1"),
    "fault-jwks-wrong-alg": (
        lambda: mark(signed({"alg": "ES256", "kid": "e1"}, key=ec_key()), jwks(jwk("e1", ec_key()))),
        "signed by ES256, consumers accept RS256 only",
    ),
    "fault-iss-slash": (lambda: told(payload(), issuer=ISSUER[:-1]), "iss ends with a slash, expected none"),
    "fault-aud-wrong": (lambda: told(payload(aud="plan-api")), "aud is plan-api, expected plan"),
    "fault-claims-roles": (
        lambda: told(payload(**{NAMESPACE: {"x-hasura-default-role": ROLES["x-hasura-default-role"]}})),
        "claim x-hasura-allowed-roles is missing",
    ),
    "fault-invalid-client": (refused, "token endpoint: invalid_client, the client id or its secret differs"),
    "fault-test-token-expired": (lambda: told(payload(exp=int(NOW) - 10800), "static"), "services are not to blame"),
    "fault-x-idp-cert": (lambda: gone("tls.expired"), "does not answer: tls.expired"),
    "fault-x-idp-down": (lambda: gone("tcp.refused"), "does not answer: tcp.refused"),
    "fault-x-clock-skew-provider": (
        lambda: told(payload(iat=int(NOW) + 300, exp=int(NOW) + 900)),
        "in the future: the provider's clock is ahead",
    ),
    "fault-gql-permission": (
        lambda: asked(query(UNKNOWN, admin_result="data", role="user")),
        "role user has no permission",
    ),
    "fault-gql-untracked": (lambda: asked(query(UNKNOWN, admin_result="same_error")), "goals is not tracked"),
    "fault-gql-inconsistent": (lambda: healthy(WARN), "metadata is inconsistent"),
    "fault-gql-wrong-url": (lambda: asked(query(b"<html>web app")), "an HTML page, not GraphQL"),
}


@pytest.mark.parametrize("case", JUDGED)
def test_each_case_is_red_with_its_cause(case):
    """One finding, an error, with the corpus's root where it names one."""
    judge, words = JUDGED[case]
    (found,) = judge()
    assert found.severity == "error"
    assert words in found.message
    assert found.code == CASES[case].get("root", found.code) != "unknown"


def test_a_500_with_data_is_red_by_no_server_errors():
    """fg-gql-500-with-data: never a success, and a finding of the criterion that is always on."""
    seen = replace(query(b'{"data":{"goals":[]}}', 500), expected=False)
    assert not succeeded(seen)
    assert no_server_errors([seen]) != []


def test_every_case_of_the_corpus_is_judged():
    """No entry is copied and forgotten."""
    assert set(CASES) == set(JUDGED) | {"fg-gql-500-with-data"}
