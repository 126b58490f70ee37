"""One answer against its endpoint: status, redirects, type, body, schema, headers, freshness (A58, C43, D2, D4)."""

from __future__ import annotations

import json

import pytest

from pytest_prodcheck.config.models import Endpoint
from pytest_prodcheck.criteria.answers import expected_answer
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation

NOW = 1_760_000_000.0
PAGE = b"<!doctype html><html>Welcome to the guest network</html>"
LIST = {"type": "array", "items": {"type": "object", "required": ["id"]}}


def endpoint(**fields):
    """A declared GET /api/goals."""
    return Endpoint.model_validate({"path": "/api/goals", **fields})


def answer(body=b"", status=200, content_type="application/json", headers=(), **changes):
    """What came back for it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": content_type, **dict(headers)}
    changes.setdefault("expected", 200 <= status < 300)
    return Observation("http", "GET /api/goals", status=status, headers=sent, body=raw, **changes)


def judged(declared, seen, schema=None):
    """(message, code, severity) of each finding."""
    findings = expected_answer(declared, seen, now=NOW, schema=schema)
    return [(found.message, found.code, found.severity) for found in findings]


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        (endpoint(), answer(PAGE, content_type="text/html")),
        (endpoint(), answer(b"", 204)),
        (endpoint(status=[401, 403]), answer({}, 401, expected=True)),
        (endpoint(status=404), answer({"path": "$", "error": "resource does not exist"}, 404, expected=True)),
        (endpoint(status=302), answer(b"", 302, headers={"location": "/login"}, expected=True)),
        (endpoint(expect={"status": "healthy"}), answer({"status": "healthy", "n": 1})),
        (endpoint(expect="OK"), answer(b"OK\n", content_type="text/plain")),
        (endpoint(expect="OK"), answer(b'"OK"')),
        (endpoint(expect='{"a": 1}'), answer(b'{"a": 1}\n')),
        (endpoint(expect="has guest"), answer(PAGE, content_type="text/html")),
        (endpoint(expect="5"), answer(b"5")),
        (endpoint(expect=5), answer(b"5")),
        (endpoint(expect={"error": "*"}), answer({"error": "none of yours"})),
        (endpoint(content_type="text/html"), answer(PAGE, content_type="text/html; charset=utf-8")),
        (endpoint(expect_headers={"ETag": "*", "X-Powered-By": "absent"}), answer(headers={"etag": "1"})),
        (endpoint(), answer({"error": None, "errors": []})),
        (endpoint(expect="size > 0"), answer([1])),
    ],
)
def test_a_right_answer_has_no_finding(declared, seen):
    """What is declared and what came agree (fg-ok-expected-401, fg-ok-hasura-get-404 among them)."""
    assert judged(declared, seen) == []


@pytest.mark.parametrize("expect", [[], {"each": {"id": "*"}}, {"goals": "*"}, "size > 0", "*"])
def test_an_error_object_is_not_the_promised_document(expect):
    """fg-http-200-error-body: 200 with an error object keeps no promise about a body."""
    found = judged(endpoint(expect=expect), answer({"error": "database unavailable"}))
    assert found[0][1:] == ("http.answer.unexpected_body", "error")


def test_an_error_object_in_place_of_a_list_is_said_so():
    """fg-http-200-error-body, in words."""
    found = judged(endpoint(expect=[]), answer({"error": "database unavailable"}))
    assert found[0][0] == "GET /api/goals: body has key error, expected a list"


def test_an_error_object_where_nothing_is_declared_is_a_warning():
    """A 2xx that says error degrades the run even where nothing was promised."""
    assert judged(endpoint(), answer({"error": "database unavailable"}))[0][2] == "warning"


def test_a_redirect_to_login_rejects_the_credential():
    """fg-http-login-redirect: the endpoint acts as a user and is sent to log in."""
    seen = answer(b"", 302, headers={"location": "/login?next=%2Fapi"}, user="member")
    message, code, severity = judged(endpoint(**{"as": "member"}), seen)[0]
    assert message == "redirected to /login: the credential was not accepted"
    assert (code, severity) == ("http.answer.redirected", "error")


@pytest.mark.parametrize("location", ["/login", "https://id.example/oauth2/authorize", "/users/sign_in", "/blogging"])
def test_every_undeclared_redirect_is_red(location):
    """A 3xx is an answer only where it is declared."""
    message, code, _ = judged(endpoint(), answer(b"", 307, headers={"location": location}))[0]
    assert code == "http.answer.redirected"
    assert ("login is wanted" in message) == (location != "/blogging")


@pytest.mark.parametrize(
    "declared", [endpoint(expect={"a": 1}), endpoint(expect=[]), endpoint(content_type="application/json")]
)
@pytest.mark.parametrize("content_type", ["text/html", "application/json", ""])
def test_a_page_in_place_of_data_is_html(declared, content_type):
    """fg-http-captive-html: known by its type or by how it begins."""
    message, code, _ = judged(declared, answer(PAGE, content_type=content_type))[0]
    assert message == "GET /api/goals: answer is HTML, expected application/json"
    assert code == "http.answer.html"


def test_a_page_in_place_of_a_schema_is_html():
    """A declared schema promises JSON too."""
    assert judged(endpoint(schema="s.json"), answer(PAGE), LIST)[0][1] == "http.answer.html"


@pytest.mark.parametrize(
    ("declared", "seen", "code"),
    [
        (endpoint(expect={"a": 1}), answer(b"not json"), "http.answer.not_json"),
        (endpoint(expect={"a": 1}), answer(b""), "http.answer.not_json"),
        (endpoint(expect={"a": 1}), answer(b"[" * 100_000), "http.answer.not_json"),
        (endpoint(expect={"a": 1}), answer(b'{"a": NaN}'), "http.answer.not_json"),
        (endpoint(expect={"a": 1}), answer(b"\xff\xfe"), "http.answer.not_json"),
        (endpoint(content_type="text/csv"), answer(content_type="text/plain"), "http.answer.wrong_content_type"),
        (endpoint(expect={"a": 1}), answer({"a": 2}), "http.answer.unexpected_body"),
        (endpoint(expect="OK"), answer(b"WARN: bad", content_type="text/plain"), "http.answer.unexpected_body"),
        (endpoint(expect="OK"), answer(b"", content_type="text/plain"), "http.answer.unexpected_body"),
        (endpoint(expect_headers={"X-Cache": "absent"}), answer(headers={"x-cache": "HIT"}), "http.answer.headers"),
        (endpoint(expect_headers={"Location": "has https://"}), answer(), "http.answer.headers"),
        (endpoint(status=201), answer(), "http.answer.unexpected_status"),
        (endpoint(status=[401, 403]), answer(), "auth.anonymous.accepted"),
        (endpoint(status=[401, 403], headers={"X-Key": "wrong"}), answer(), "http.answer.unexpected_status"),
        (endpoint(), answer(status=418), "unknown"),
        (endpoint(), answer(status=404), "unknown"),
    ],
)  # fmt: skip
def test_each_kind_of_wrong_answer_has_its_code(declared, seen, code):
    """One violation, one code (fault-unknown-418: no cause is claimed)."""
    assert [found[1:] for found in judged(declared, seen)] == [(code, "error")]


def test_an_open_door_is_named():
    """An endpoint that must refuse and answers 200 is open."""
    assert "it is open to everybody" in judged(endpoint(status=[401, 403]), answer())[0][0]


def test_schema_errors_name_their_place_and_are_five_at_most():
    """The first five errors, each with its JSON path."""
    found = judged(endpoint(schema="s.json"), answer([{"id": 1}] + [{}] * 9), LIST)
    assert len(found) == 5
    assert found[0] == ("GET /api/goals: $[1]: 'id' is a required property", "http.answer.schema", "error")
    assert judged(endpoint(schema="s.json"), answer([{"id": 1}]), LIST) == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "nonsense"}, "the schema itself is wrong"),
        ({"$ref": "https://elsewhere.example/s.json"}, "which is not in it"),
        ({"$ref": "#"}, "nested too deeply"),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 5, "exclusiveMinimum": True}, "minimum"),
    ],
)
def test_a_schema_is_judged_by_itself(schema, words):
    """Nothing is fetched, nothing crashes, and the draft is the schema's own."""
    assert words in judged(endpoint(schema="s.json"), answer(b"5"), schema)[0][0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # jsonschema warns where it fetches: that is no guard
def test_no_reference_of_a_schema_is_fetched(tmp_path):
    """Criteria do no I/O: a reference outside the schema is said, not followed."""
    outside = tmp_path / "s.json"
    outside.write_text('{"type": "string"}')
    found = judged(endpoint(schema="s.json"), answer(b"5"), {"$ref": outside.as_uri()})
    assert found[0][0].endswith("which is not in it")


@pytest.mark.parametrize(
    "headers",
    [
        {"age": "86400", "warning": '110 - "Response is Stale"', "x-cache": "STALE"},
        {"age": "86400"},
        {"age": "86400", "cache-control": "max-age=60"},
        {"cf-cache-status": "STALE"},
        {"warning": '111 - "Revalidation Failed"'},
        {"cache-status": "edge; hit; ttl=-412"},
    ],
)
def test_a_stale_cache_is_not_the_origin(headers):
    """fg-http-cdn-stale: 200, fast, and a day old."""
    message, code, severity = judged(endpoint(), answer(headers=headers))[0]
    assert (code, severity) == ("http.cache.stale", "error")
    assert "86400" not in headers.get("age", "") or "answer is 24 h old (Age)" in message


@pytest.mark.parametrize(
    "headers",
    [
        {"age": "30"},
        {"x-cache": "HIT"},
        {"age": "86400", "cache-control": "public, max-age=31536000"},
        {"age": "x"},
        {"warning": "214"},
    ],
)
def test_a_fresh_cache_is_a_right_answer(headers):
    """An hour, or as long as the answer itself allows."""
    assert judged(endpoint(), answer(headers=headers)) == []


@pytest.mark.parametrize("error", sorted(set(ERROR_CLASSES) - {"stopped"}))
def test_every_failed_exchange_is_a_finding(error):
    """Whatever failed, there is one finding with words for it and a code."""
    seen = Observation("http", "GET /api/goals", error=error, wall=10.0, expected=False)
    message, code, severity = judged(endpoint(), seen)[0]
    assert severity == "error"
    assert "/api/goals" in message
    assert code == "unknown" if error == "internal" else code.startswith("http.")


def test_what_was_not_sent_is_insufficient():
    """A stopped run blames no target."""
    seen = Observation("http", "GET /api/goals", error="stopped", expected=False)
    assert judged(endpoint(), seen)[0][2] == "insufficient"


def test_a_429_is_our_own_rate_unless_declared():
    """Neither success nor error: insufficient."""
    assert judged(endpoint(), answer(status=429, headers={"retry-after": "120"})) == [
        ("GET /api/goals answered 429, retry after 120 s", "http.rate_limited.by_us", "insufficient")
    ]
    assert judged(endpoint(status=429), answer(status=429, expected=True)) == []


def test_a_5xx_is_left_to_no_server_errors():
    """One wrong answer, one finding."""
    assert judged(endpoint(), answer(status=500)) == []


def test_health_documents_are_read_where_nothing_is_declared():
    """fg-http-unhealthy-substring (T16): the endpoint is 200, its components are not well."""
    health = Endpoint(path="/health/detailed")
    found = judged(health, answer({"auth_service": "unhealthy", "db": "unreachable: timeout"}, subject="health"))
    assert [message for message, _, _ in found] == [
        "GET /api/goals: component auth_service is unhealthy",
        "GET /api/goals: component db is unreachable: timeout",
    ]
    declared = Endpoint(path="/health/detailed", expect={"auth_service": "unhealthy"})
    assert judged(declared, answer({"auth_service": "unhealthy"})) == []
