"""What is said of the answer to one GraphQL operation (A7, A41, A61)."""

from __future__ import annotations

import json

import pytest

from pytest_prodcheck.config.models import GraphqlExpectation
from pytest_prodcheck.criteria.consumers import accepted, checks_signature
from pytest_prodcheck.criteria.graphql import judge_operation, ready, succeeded
from pytest_prodcheck.criteria.graphql_engine import healthy, introspection, no_ide
from pytest_prodcheck.observe.observation import Observation

NOW = 1_800_000_000.0
NOT_FOUND = b'{"path":"$","error":"resource does not exist","code":"not-found"}'


def answer(body, status=200, kind="application/json", user="member", **data):
    """An observation of `query Goals`; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Observation(
        "graphql", "query Goals", subject="Goals", user=user, status=status, body=raw, data=data,
        headers={"content-type": kind},
    )  # fmt: skip


def error(message, code="", **more):
    """One entry of `errors`."""
    return {"message": message, **({"extensions": {"code": code}} if code else {}), **more}


def codes(observation, expectation=None):
    """The codes of the findings."""
    return [found.code for found in judge_operation(observation, expectation, now=NOW)]


def nested(levels):
    """Data nested this deep."""
    document = {"leaf": 1}
    for _ in range(levels):
        document = {"below": document}
    return document


UNKNOWN_FIELD = "field 'goals' not found in type: 'query_root'"
PARTIAL = {"data": {"goals": None, "users": [{"id": 1}]}, "errors": [error("postgres-error", path=["goals"])]}

SILENT = {
    "data": answer({"data": {"goals": [{"id": 1}]}}),
    "an empty list": answer({"data": {"goals": []}}),
    "null inside data without errors": answer({"data": {"goals": None}}),
    "errors is null": answer({"data": {"goals": []}, "errors": None}),
    "errors is empty": answer({"data": {"goals": []}, "errors": []}),
    "extensions beside": answer({"data": {"goals": []}, "extensions": {"cost": 1}}),
    "100 levels": answer({"data": nested(100)}),
    "the new media type": answer({"data": {"goals": []}}, kind="application/graphql-response+json"),
}


@pytest.mark.parametrize("seen", SILENT.values(), ids=list(SILENT))
def test_an_answer_with_all_data_is_silent(seen):
    """Data that came without errors gives no finding, and counts as success."""
    assert codes(seen) == []
    assert succeeded(seen)


WRONG = {
    "errors in 200": (answer({"errors": [error(UNKNOWN_FIELD, "validation-failed")]}), "graphql.permission.missing"),
    "errors with 400": (answer({"errors": [error("Cannot query field")]}, 400), "unknown"),
    "partial data": (answer(PARTIAL), "graphql.data.partial"),
    "data is null": (answer({"data": None}), "graphql.data.null"),
    "data is empty": (answer({"data": {}}), "graphql.data.null"),
    "data is null and errors empty": (answer({"data": None, "errors": []}), "graphql.data.null"),
    "data with status 400": (answer({"data": {"goals": []}}, 400), "unknown"),
    "html": (answer(b"<!DOCTYPE html><html>", kind="text/html"), "graphql.endpoint.not_graphql"),
    "html that says it is json": (answer(b"\n <html>"), "graphql.endpoint.not_graphql"),
    "empty body": (answer(b""), "graphql.endpoint.not_graphql"),
    "blank body": (answer(b" \n"), "graphql.endpoint.not_graphql"),
    "json without data": (answer({"status": "ok"}), "graphql.endpoint.not_graphql"),
    "a rest envelope": (answer({"data": [1, 2]}), "graphql.endpoint.not_graphql"),
    "a list": (answer([{"data": {}}]), "graphql.endpoint.not_graphql"),
    "a redirect": (answer(b"", 302), "graphql.endpoint.not_graphql"),
    "cut json": (answer(b'{"data": {"goals": ['), "graphql.endpoint.not_graphql"),
    "nested beyond reading": (answer(b'{"data":' + b"[" * 100_000), "graphql.endpoint.not_graphql"),
    "another route of hasura": (answer(NOT_FOUND, 404), "graphql.endpoint.not_graphql"),
    "401 of a gateway": (answer({"message": "no"}, 401), "unknown"),
    "errors that are no list": (answer({"data": {"goals": 1}, "errors": {"message": "x"}}), "graphql.data.partial"),
    "errors that are text": (answer({"data": None, "errors": ["x"]}), "unknown"),
}


@pytest.mark.parametrize(("seen", "code"), WRONG.values(), ids=list(WRONG))
def test_each_wrong_answer_has_its_cause(seen, code):
    """One finding, whatever the status says (T4)."""
    assert codes(seen) == [code]
    assert not succeeded(seen)


def test_a_500_with_data_is_left_to_no_server_errors_and_is_no_success():
    """gql takes it for success; it is none."""
    seen = answer({"data": {"goals": []}}, 500)
    assert codes(seen) == []
    assert not succeeded(seen)


def test_a_500_with_errors_tells_them():
    """They name the cause of the 500."""
    (found,) = judge_operation(answer({"errors": [error("connection error", "postgres-error")]}, 500), None, now=NOW)
    assert (found.data["hasura_code"], found.data["text"], found.data["status"]) == (
        "postgres-error",
        "connection error",
        500,
    )


def test_no_answer_is_a_finding():
    """A transport failure is never taken for an answer."""
    seen = Observation("graphql", "query Goals", error="tcp.refused")
    (found,) = judge_operation(seen, None, now=NOW)
    assert found.data["error"] == "tcp.refused"
    assert "nothing listens there" in found.message
    assert not succeeded(seen)


def test_partial_data_names_the_path_that_is_null():
    """`partial data: goals is null`."""
    (found,) = judge_operation(answer(PARTIAL), None, now=NOW)
    assert "partial data: goals is null" in found.message
    assert found.data["partial"] == ["goals"]


@pytest.mark.parametrize(
    ("data", "path", "shown"),
    [
        ({"a": [{"b": None}], "c": 1}, ["a", 0, "b"], "a[0].b"),
        ({"a": None, "c": 1}, ["a", 0, "b"], "a"),
        ({"a": None, "c": 1}, None, "a"),
        ({"c": 1}, ["x"], "x"),
    ],
)
def test_null_is_followed_up_to_where_it_stopped(data, path, shown):
    """Null propagates to the nearest nullable field (specification §6.4.4)."""
    entry = error("boom") if path is None else error("boom", path=path)
    (found,) = judge_operation(answer({"data": data, "errors": [entry]}), None, now=NOW)
    assert found.data["partial"] == [shown]


HASURA = [
    ("invalid-jwt", "Could not verify JWT: JWTExpired", "runner.token.expired"),
    ("invalid-jwt", "Could not verify JWT: JWSError JWSInvalidSignature", "auth.token.signature_invalid"),
    ("invalid-jwt", "Could not verify JWT: JWSError NoUsableKeys", "auth.jwks.key_missing"),
    ("invalid-jwt", "Could not verify JWT: JWTNotInAudience", "auth.token.audience_mismatch"),
    ("invalid-jwt", "Could not verify JWT: JWTNotInIssuer", "auth.token.issuer_mismatch"),
    ("invalid-jwt", "Could not verify JWT: JWSError (AlgorithmMismatch)", "auth.token.algorithm_mismatch"),
    ("unexpected", "HTTP exception occurred while sending the request to http://r", "graphql.remote.unreachable"),
    ("jwt-invalid-claims", "claims key: 'https://hasura.io/jwt/claims' not found", "auth.claims.namespace_missing"),
    ("jwt-missing-role-claims", "JWT claim does not contain x-hasura-allowed-roles", "auth.claims.roles_missing"),
    ("access-denied", "Your requested role is not in allowed roles", "auth.claims.role_not_allowed"),
    ("invalid-headers", "Missing 'Authorization' or 'Cookie' header", "auth.header.dropped"),
    ("postgres-max-connections-error", "too many", "database.connections.exhausted"),
    ("postgres-error", "connection error", "unknown"),
    ("something-new", "?", "unknown"),
]


@pytest.mark.parametrize(("code", "text", "cause"), HASURA, ids=[text for _, text, _ in HASURA])
def test_hasuras_codes_speak_for_their_causes(code, text, cause):
    """The table of codes; what is not in it is unknown."""
    assert codes(answer({"errors": [error(text, code)]})) == [cause]


def test_missing_headers_of_nobody_are_no_dropped_header():
    """Anonymous requests send no Authorization."""
    assert codes(answer({"errors": [error("Missing", "invalid-headers")]}, user="")) == ["unknown"]


@pytest.mark.parametrize(
    ("text", "admin", "code", "table"),
    [
        (UNKNOWN_FIELD, "data", "graphql.permission.missing", "goals"),
        (UNKNOWN_FIELD, "same_error", "graphql.table.not_tracked", "goals"),
        (UNKNOWN_FIELD, "", "graphql.permission.missing", "goals"),
        (UNKNOWN_FIELD.replace("goals", "goals_by_pk"), "same_error", "graphql.table.not_tracked", "goals"),
        ("field 'due' not found in type: 'goals'", "data", "graphql.permission.missing", None),
        ("field 'due' not found in type: 'goals'", "same_error", "graphql.document.outdated", None),
    ],
)
def test_the_admins_answer_tells_a_permission_from_an_untracked_table(text, admin, code, table):
    """R9 and R10."""
    seen = answer({"errors": [error(text, "validation-failed")]}, admin_result=admin, role="user")
    (found,) = judge_operation(seen, None, now=NOW)
    assert found.code == code
    assert found.data.get("table") == table
    assert found.data["admin_result"] == admin
    assert "role user" in found.message or admin == "same_error"


def test_expected_data_is_compared():
    """`data.goals = "size > 0"`."""
    expectation = GraphqlExpectation(data={"goals": "size > 0"})
    assert codes(answer({"data": {"goals": [1]}}), expectation) == []
    assert codes(answer({"data": {"goals": []}}), expectation) == ["graphql.data.unexpected"]


def test_expected_errors_are_no_violation_and_missing_ones_are():
    """A document that must be refused."""
    expectation = GraphqlExpectation(errors=[{"extensions": {"code": "access-denied"}}])
    assert codes(answer({"errors": [error("no", "access-denied")]}), expectation) == []
    assert codes(answer({"errors": [error("no", "other")]}), expectation) == ["graphql.data.unexpected"]
    assert codes(answer({"data": {"goals": []}}), expectation) == ["graphql.data.unexpected"]


READY = {
    "typename": (answer({"data": {"__typename": "query_root"}}), []),
    "graphql refusal": (answer({"errors": [error("no", "access-denied")]}), []),
    "hasura refusal": (answer({"path": "$", "error": "no", "code": "access-denied"}, 401), []),
    "gateway refusal": (answer({"message": "Unauthorized"}, 401), []),
    "rest": (answer({"data": {"ok": True}}), ["graphql.endpoint.not_graphql"]),
    "html 200": (answer(b"<html>", kind="text/html"), ["graphql.endpoint.not_graphql"]),
    "html 404": (answer(b"<html>", 404, "text/html"), ["graphql.endpoint.not_graphql"]),
    "wrong route": (answer(NOT_FOUND, 404), ["graphql.endpoint.not_graphql"]),
    "html 503": (answer(b"<html>", 503, "text/html"), ["http.upstream.none"]),
    "500 with data, left to no_server_errors": (answer({"data": {"__typename": "q"}}, 500), []),
    "refused": (Observation("graphql", "ready", error="tcp.refused"), ["unknown"]),
}


@pytest.mark.parametrize(("seen", "expected"), READY.values(), ids=list(READY))
def test_an_engine_is_up_when_it_answers_as_one(seen, expected):
    """A refusal in GraphQL's or Hasura's form is up; a page, a REST service or a 5xx is not (A6)."""
    assert [found.code for found in ready(seen)] == expected


def test_hasuras_404_for_a_get_is_up():
    """T2: the route is POST only."""
    assert ready(Observation("graphql", "GET /v1/graphql", status=404, body=NOT_FOUND)) == []


def health(text, status=200):
    """An observation of /healthz."""
    return Observation("graphql", "health", status=status, body=text.encode(), data={"text": text})


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (health("OK"), []),
        (health("WARN: inconsistent objects in schema"), ["graphql.metadata.inconsistent"]),
        (health("OK\n<html>"), ["unknown"]),
        (health("ok"), ["unknown"]),
        (health("ERROR", 500), ["unknown"]),
        (health("OK", 503), ["unknown"]),
        (health(""), ["unknown"]),
        (Observation("graphql", "health", error="timeout"), ["unknown"]),
    ],
)
def test_health_must_be_exactly_ok(seen, expected):
    """T5: 200 is not health."""
    assert [found.code for found in healthy(seen)] == expected


def test_inconsistent_objects_are_named():
    """The first object with its reason, the others counted."""
    objects = [{"type": "object_relation", "name": "goals.owner", "reason": "no such table: users"}, {"type": "table"}]
    metadata = Observation("graphql", "metadata", data={"inconsistent_objects": objects})
    (found,) = healthy(health("WARN: inconsistent"), metadata)
    assert "object_relation goals.owner: no such table: users (and 1 more)" in found.message
    metadata = Observation("graphql", "metadata", data={"is_consistent": False, "inconsistent_objects": []})
    assert [one.code for one in healthy(health("OK"), metadata)] == ["graphql.metadata.inconsistent"]


@pytest.mark.parametrize(
    ("shown", "policy", "code"),
    [
        (True, "open", None),
        (False, "refused", None),
        (True, "refused", "graphql.introspection.open"),
        (False, "open", "graphql.introspection.refused"),
    ],
)
def test_introspection_is_as_declared(shown, policy, code):
    """Open and refused are both promises."""
    told = [] if shown else [{"message": "GraphQL introspection has been disabled"}]
    seen = answer({}, introspection=shown, shape="graphql", errors=told)
    assert [found.code for found in introspection(seen, policy)] == ([code] if code else [])


def test_a_page_is_no_refused_introspection():
    """What is not GraphQL proves nothing."""
    assert introspection(answer(b"<html>", shape="html"), "refused") != []
    assert introspection(Observation("graphql", "x", error="timeout"), "refused") != []


def test_an_ide_that_is_served_is_told_by_its_address():
    """`ide = false`."""
    served = Observation("graphql", "ide", status=200, data={"ide": True, "url": "https://h/graphql"})
    assert no_ide([served], True) == []
    (found,) = no_ide([served], False)
    assert (found.code, "https://h/graphql" in found.message) == ("graphql.ide.open", True)
    assert no_ide([Observation("graphql", "ide", error="timeout")], False) != []
    (found,) = no_ide([Observation("graphql", "ide", status=502, data={"url": "https://h/graphql"})], False)
    assert (found.severity, "https://h/graphql answers 502" in found.message) == ("insufficient", True)
    assert no_ide([Observation("graphql", "ide", status=404)], False) == []


def test_a_service_that_accepts_a_broken_signature_does_not_verify():
    """The same read with a good and with a tampered token (A20)."""
    good, refused = answer({"data": {"a": 1}}), answer({"errors": [error("x", "invalid-jwt")]})
    assert [found.code for found in checks_signature(good, good)] == ["auth.signature.not_checked"]
    assert checks_signature(good, refused) == []
    assert checks_signature(refused, good) == []
    assert checks_signature(good, answer({"message": "no"}, 401)) == []
    assert checks_signature(good, answer({"success": False, "error": "no"})) == []
    rows_beside = answer({"data": {"a": 1, "b": None}, "errors": [error("x", path=["b"])]})
    assert [found.code for found in checks_signature(good, rows_beside)] == ["auth.signature.not_checked"]


def test_a_page_in_place_of_data_is_no_acceptance():
    """A form to log in, with 200, refuses as well as 401 does; of a service of pages, a page is the answer (A20)."""
    good, page = answer({"data": {"a": 1}}), answer(b"<!doctype html><title>Log in</title>", shape="html")
    assert checks_signature(good, page) == []
    assert [found.code for found in checks_signature(page, page)] == ["auth.signature.not_checked"]
    assert accepted(page)
    assert not accepted(page, good)
