"""What services say in their own words, beside what is seen at the provider and the database."""

from __future__ import annotations

from typing import Any

import described
import pytest

from pytest_prodcheck.diagnosis.diagnose import Diagnosis, diagnose

API, QUERY = "http::test_endpoint[a]", "graphql::test_operation[A]"
SIGNATURE = "auth::test_signature[member]"


def _told(checks: dict[str, Any]) -> Diagnosis:
    results = described.checks(checks)
    return diagnose(results, [one for result in results for one in result.observations])


def _refused(words: str) -> dict[str, Any]:
    api = {"operation": "GET /a", "status": 401, "body": f'{{"detail":"{words}"}}', "user": "member", "code": "unknown"}
    return {API: api, QUERY: _error(words, "UNAUTHENTICATED")}


def _error(words: str, code: str) -> dict[str, Any]:
    told = {"hasura_code": code, "text": words}
    return {"operation": "query A", "status": 200, "user": "member", "code": "unknown", "data": told}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Signature verification failed", "auth.jwks.stale_in_consumer"),
        ("Audience doesn't match", "auth.token.audience_mismatch"),
        ("Invalid issuer", "auth.token.issuer_mismatch"),
    ],
)
def test_services_that_refuse_a_good_token_are_one_cause(words: str, code: str) -> None:
    """A token that is good at the provider is refused by API and GraphQL: one cause, by the verifier's own words."""
    told = _told({SIGNATURE: "pass", **_refused(words)})
    assert [cause.code for cause in told.causes] == [code]
    assert len(told.causes[0].explains) == 2
    assert "2xx" not in told.causes[0].message
    assert "is the aud" not in told.causes[0].message


def test_a_token_that_is_wrong_at_the_provider_explains_what_services_say() -> None:
    """The issuer differs in the token itself: services that refuse it are symptoms."""
    wrong = {"code": "auth.token.issuer_mismatch", "data": {"user": "member"}}
    told = _told({"auth::test_claims[member]": wrong, **_refused("Invalid issuer")})
    assert [(cause.code, len(cause.explains)) for cause in told.causes] == [("auth.token.issuer_mismatch", 3)]


def test_without_a_token_there_is_nothing_to_refuse() -> None:
    """A request without a user says nothing about tokens."""
    told = _told({API: {**_refused("Invalid issuer")[API], "user": ""}})
    assert [cause.code for cause in told.causes] == ["unknown"]


@pytest.mark.parametrize(
    "words", ["Internal server error", 'connection to server at "db", port 6000 failed: Connection refused']
)
def test_a_generic_engines_error_is_a_symptom_of_its_database(words: str) -> None:
    """An engine that masks its errors fails because the database is down."""
    down = {"code": "database.tcp.refused", "criterion": "ready", "data": {"host": "db", "port": 6000}}
    told = _told({"database::test_ready": down, QUERY: _error(words, "INTERNAL_SERVER_ERROR")})
    assert [cause.code for cause in told.causes] == ["database.tcp.refused"]


def test_a_schema_that_cannot_be_read_comes_of_refused_introspection() -> None:
    """Introspection that is refused is one cause, with the documents that were not judged."""
    refused = {"code": "graphql.introspection.refused", "operation": "query IntrospectionProbe", "status": 400}
    unread = {"code": "graphql.schema.unreadable", "verdict": "insufficient", "severity": "insufficient"}
    told = _told({"graphql::test_introspection": refused, "graphql::test_schema": unread})
    assert [(cause.code, len(cause.explains)) for cause in told.causes] == [("graphql.introspection.refused", 2)]


def test_an_unknown_answer_of_the_token_endpoint_is_repeated_by_doctor() -> None:
    """There is no URL that repeats a request for a token."""
    told = _told({"auth::test_token[member]": {"operation": "token member", "status": 400, "code": "unknown"}})
    assert told.causes[0].next == "prodcheck doctor ENV"


def test_an_engines_error_is_said_once() -> None:
    """What the answer, its finding and its observation all say stands once in the message."""
    told = _told({QUERY: {**_error("no rows for you", "INTERNAL_SERVER_ERROR"), "seen": "no rows for you"}})
    assert told.causes[0].message == "query A answers with errors: no rows for you"
