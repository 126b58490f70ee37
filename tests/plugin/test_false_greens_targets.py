"""False greens of HTTP, GraphQL and tokens, end to end: a well-formed answer is not yet a right one."""

from __future__ import annotations

import time

import jwt
import pytest
from small_system import Answer

GOALS = '[env.staging.http]\nurl = "URL"\n[env.staging.http.endpoints]\nhome = "/"\ngoals.path = "/api/goals"\n'


def endpoint(gate, keys: str, *answers: object) -> None:
    """One declared endpoint `/api/goals` with `keys`, and what it answers."""
    gate.config(GOALS + "".join(f"goals.{line}\n" for line in keys.splitlines()))
    gate.system.on("/api/goals", *answers)


def test_error_in_a_200(gate, assert_required):
    """A 200 whose body is an error object is not the list that was promised."""
    endpoint(gate, 'expect = { each = "*" }\n', {"error": "database unavailable"})
    assert_required("fg-http-200-error-body", gate.run())


def test_redirect_to_a_login(gate, assert_required):
    """A redirect to the login page is not an answer; it is not followed to a 200."""
    gate.config(
        '[env.staging.users.member]\ngrant = "static"\ntoken = "env:API_TOKEN"\nopaque = true\n'
        + GOALS
        + 'goals.as = "member"\n'
    )
    gate.system.on("/api/goals", Answer(302, "", {"Location": "/login"}))
    gate.system.on("/login", Answer(200, "<html>log in</html>", {"content-type": "text/html"}))
    assert_required("fg-http-login-redirect", gate.run(env={"API_TOKEN": "opaque-token-value-1"}))


def test_captive_portal(gate, assert_required):
    """A page of the guest network instead of JSON is red."""
    page = Answer(200, "<html>Welcome to the guest network</html>", {"content-type": "text/html"})
    endpoint(gate, 'content_type = "application/json"\nexpect = []\n', page)
    gate.system.on("/", page)
    assert_required("fg-http-captive-html", gate.run())


def test_stale_answer_of_a_cache(gate, assert_required):
    """An answer that a cache kept for a day is not the origin's."""
    endpoint(gate, "", Answer(200, [], {"Age": "86400", "Warning": '110 - "Response is Stale"', "X-Cache": "STALE"}))
    assert_required("fg-http-cdn-stale", gate.run())


def test_unhealthy_contains_healthy(gate, assert_required):
    """A health document is read exactly: `unhealthy` is not `healthy`."""
    gate.config(endpoints='health = "/health/detailed"\n')
    gate.system.on("/health/detailed", {"auth_service": "unhealthy", "db": "unreachable: timeout"})
    assert_required("fg-http-unhealthy-substring", gate.run())


def test_health_that_lies(gate, assert_required, postgres):
    """A health document says that the database is healthy; the application's credential is refused (R23)."""
    gate.config(
        '[env.staging.http]\nurl = "URL"\nendpoints.health = { path = "/api/health", expect.db = "healthy" }\n'
        '[env.staging.database]\ndsn = "env:DSN"\nlogins.app = "env:APP"\n'
    )
    gate.system.on("/api/health", {"db": "healthy"})
    environ = {"DSN": postgres.dsn(), "APP": postgres.dsn("postgres", "dummy-wrong-password")}
    assert_required("fg-http-health-lies", gate.run(env=environ))


def test_get_is_checked_with_get(gate, assert_required):
    """A declared GET is sent as GET, also where HEAD would pass."""
    gate.config(endpoints='page = "/page"\n')
    gate.system.on("HEAD /page", 200)
    gate.system.on("/page", 500)
    assert_required("fg-http-head-only", gate.run())
    assert gate.system.count("HEAD /page") == 0


def test_errors_are_not_fast_answers(gate, assert_required):
    """30 % of quick server errors do not make a latency limit pass."""
    gate.config(more='latency = "p95 < 500ms"')
    gate.system.on("/", *[answer for _ in range(30) for answer in (200, 200, 503)])
    assert_required("fg-load-errors-fast", gate.run())


def test_timeouts_have_no_latency(gate, assert_required):
    """Where every request times out there is no latency to judge, and that is red."""
    gate.config(more='timeout = "200ms"\nlatency = "p95 < 500ms"')
    gate.system.on("/", "ok", Answer(never=True))
    assert_required("fg-load-nan", gate.run())


GRAPHQL = '[env.staging.graphql]\nurl = "URL/v1/graphql"\noperations = "ops.graphql"\n{more}\n'


def graphql(gate, answer: Answer, more: str = "") -> None:
    """A GraphQL API that answers readiness, and `answer` to the operation."""
    gate.config(GRAPHQL.format(more=more))
    gate.file("ops.graphql", "query Goals { goals { id } users { id } }\n")
    gate.file("schema.graphql", "type Goal { id: Int }\ntype Query { goals: [Goal!] users: [Goal!] }\n")
    gate.system.on("POST /v1/graphql", {"data": {"__typename": "query_root"}}, answer)


def test_graphql_errors_in_200(gate, assert_required):
    """GraphQL errors in a 200 are errors."""
    error = {"message": "field 'goals' not found in type: 'query_root'", "extensions": {"code": "validation-failed"}}
    graphql(gate, Answer(200, {"errors": [error]}), 'schema = "schema.graphql"')
    assert_required("fg-gql-errors-in-200", gate.run())


def test_graphql_partial_data(gate, assert_required):
    """Partial data is not data."""
    body = {"data": {"goals": None, "users": [{"id": 1}]}, "errors": [{"message": "postgres-error", "path": ["goals"]}]}
    graphql(gate, Answer(200, body), 'schema = "schema.graphql"')
    assert_required("fg-gql-partial-null", gate.run())


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("query Goals($id: Int!) { goals(id: $id) { id } }", r"no value for \$id"),
        ("mutation Goals { addGoal { id } }", "mutations are validated only"),
    ],
)
def test_graphql_expectation_of_what_is_not_sent(gate, document, reason):
    """An expectation of an operation that is validated only could not be judged: exit 4."""
    gate.config(GRAPHQL.format(more='expect.Goals.data.goals = "size > 0"'))
    gate.file("ops.graphql", document)
    gate.run().assert_is(4, "none", "expect.Goals cannot be judged", reason, "nothing was sent")
    assert gate.sent() == 0


def test_graphql_500_with_data(gate, assert_required):
    """A 500 that carries data is a 500."""
    graphql(gate, Answer(500, {"data": {"goals": [], "users": []}}), 'schema = "schema.graphql"')
    assert_required("fg-gql-500-with-data", gate.run())


def test_hasura_is_inconsistent(gate, assert_required):
    """Hasura's 200 with WARN is inconsistent metadata."""
    graphql(gate, Answer(200, {"data": {"goals": [], "users": []}}), 'schema = "schema.graphql"\nengine = "hasura"')
    gate.system.on("/healthz", "WARN: inconsistent objects in schema")
    gate.system.on("/v1/version", {"server_type": "ce", "version": "v2.48.0"})
    assert_required("fg-hasura-warn", gate.run())


KEY = "a-shared-key-of-more-than-32-characters-for-hs256"
PLAN = "https://auth.test/application/o/plan/"


def token(gate, key: str | None = KEY, **changes: object) -> dict[str, str]:
    """A configuration with a static token, and the variables that it needs."""
    claims = {"iss": PLAN, "aud": "plan", "sub": "1", "iat": int(time.time()), "exp": int(time.time()) + 600, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    gate.config(
        '[env.staging.users.member]\ngrant = "static"\ntoken = "env:API_TOKEN"\n'
        '[env.staging.auth]\nsecret = "env:KEY"\nalgorithms = ["HS256"]\naudience = "plan"\n'
        '[env.staging.http]\nurl = "URL"\nendpoints.home = { path = "/", as = "member" }\n'
    )
    return {"API_TOKEN": jwt.encode(kept, key, algorithm="HS256" if key else "none"), "KEY": KEY}


def test_unsigned_token(gate, assert_required):
    """A token with alg none is not signed."""
    assert_required("fg-jwt-alg-none", gate.run(env=token(gate, None)))


def test_token_without_end(gate, assert_required):
    """A token without exp never expires."""
    assert_required("fg-jwt-no-exp", gate.run(env=token(gate, exp=None)))


def test_token_that_nobody_verifies(gate, assert_required):
    """An API that takes a token with a broken signature verifies none; anonymous callers it refuses."""
    gate.system.on("/", lambda headers: Answer(200 if "authorization" in headers else 401))
    assert_required("fg-jwt-not-checked-by-api", gate.run(env=token(gate)))


@pytest.mark.parametrize("changes", [{}, {"aud": "other"}], ids=["good", "other-audience"])
def test_token_of_another_audience(gate, changes):
    """The right token passes its claims, one for another audience does not."""
    gate.system.on("/", 401)
    outcome = gate.run("-k", "test_claims or test_token or test_signature", env=token(gate, **changes))
    assert outcome.words["test_claims[member]"] == ("fail" if changes else "pass")
