"""`refuses` through a whole run: what a service does with tokens that it must refuse, and what the run says of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import jwt
import pytest
from harness import Gate
from small_system import Answer

SECRET = "dummy-shared-secret-of-40-characters-0123"
CONFIG = """
[env.staging.users.member]
grant = "static"
token = "env:MEMBER_TOKEN"
[env.staging.auth]
secret = "env:JWT_SECRET"
algorithms = ["HS256"]
audience = "plan"
"""
REFUSES = 'refuses = ["none", "expired", "audience", "alg_none", "unknown_kid", "tampered"]'


@pytest.fixture
def environ() -> Mapping[str, str]:
    """A good token and the secret that it is signed with."""
    now = int(time.time())
    claims = {"sub": "dummy-person", "aud": "plan", "iat": now, "exp": now + 3600}
    return {"MEMBER_TOKEN": jwt.encode(claims, SECRET, "HS256"), "JWT_SECRET": SECRET}


def _shown(headers: Mapping[str, str]) -> str:
    return headers.get("authorization", "").removeprefix("Bearer ")


def _verifying(headers: Mapping[str, str]) -> Answer:
    try:
        jwt.decode(_shown(headers), SECRET, ["HS256"], audience="plan")
    except jwt.PyJWTError:
        return Answer(401, {"error": "invalid_token"})
    return Answer(200, {"tasks": []})


def _echoing(headers: Mapping[str, str]) -> Answer:
    """Breaks on what it does not take, and tells the world what it was."""
    found = _verifying(headers)
    return found if found.status == 200 else Answer(500, {"error": f"cannot verify {_shown(headers)}"})


def test_a_service_that_verifies_is_green(gate: Gate, environ: Mapping[str, str]) -> None:
    """A20, B71, B72: a whole run, workers and all; each token was shown, the good one to the declared read too."""
    gate.config(endpoints=f'tasks = {{ path = "/tasks", as = "member", {REFUSES}, refused = 401 }}', head=CONFIG)
    gate.system.on("/tasks", _verifying)
    found = gate.run("-n", "2", env=environ)
    found.assert_is(0, "pass")
    assert found.words["test_refuses[tasks]"] == "pass"
    shown = {_shown(headers) for headers in gate.system.headers}
    assert len({token for token in shown if token}) >= 7


def test_refusals_that_cannot_all_be_sent_are_exit_4(gate: Gate, environ: Mapping[str, str]) -> None:
    """A20: the endpoint's own request, the good token and six others are eight; nothing is sent."""
    endpoint = f'tasks = {{ path = "/tasks", as = "member", {REFUSES} }}'
    head = f"[env.staging.requests]\nat_most = 7\n{CONFIG}"
    gate.config(endpoints=endpoint, head=head)
    gate.run(env=environ).assert_is(4, "none", "its checks and limits need 8 requests together", "at_most is 7")
    assert gate.system.headers == []


def test_a_broken_refusal_is_its_own_finding_and_leaks_no_token(gate: Gate, environ: Mapping[str, str]) -> None:
    """A20, E7, T8: a 5xx is named as such; what the service repeats of a forged token is in no output."""
    gate.config(endpoints=f'tasks = {{ path = "/tasks", as = "member", {REFUSES} }}', head=CONFIG)
    gate.system.on("/tasks", _echoing)
    found = gate.run("-vv", env=environ)
    found.assert_is(1, "fail", r"auth\.refusal\.crashes", "with an unsigned token .alg none.: answers 500")
    assert [cause["code"] for cause in found.verdict["causes"]] == ["auth.refusal.crashes"]
    tokens = {_shown(headers) for headers in gate.system.headers}
    parts = {part for token in tokens for part in token.split(".") if len(part) >= 12}
    everything = found.text + json.dumps(found.verdict)
    assert len(parts) >= 12
    assert not [part for part in parts if part[:12] in everything]


def test_a_service_that_reads_without_verifying_is_critical(gate: Gate, environ: Mapping[str, str]) -> None:
    """A20: one cause for the broken signature and all that follows from it."""

    def reading(headers: Mapping[str, str]) -> Answer:
        return Answer(200 if _shown(headers) else 401, {"tasks": []})

    gate.config(endpoints=f'tasks = {{ path = "/tasks", as = "member", {REFUSES} }}', head=CONFIG)
    gate.system.on("/tasks", reading)
    found = gate.run(env=environ)
    found.assert_is(1, "fail", "critical: GET /tasks: a token with changed claims is accepted under the old signature")
    assert [cause["code"] for cause in found.verdict["causes"]] == ["auth.signature.not_checked"]


GRAPHQL = """
[env.staging.users.manager]
grant = "static"
token = "env:MANAGER_TOKEN"
[env.staging.graphql]
url = "URL/graphql"
as = ["member", "manager"]
refuses = ["alg_none", "tampered"]
"""


def test_graphql_is_asked_what_its_user_may_ask(gate: Gate, environ: Mapping[str, str]) -> None:
    """A20, A23: the refusals start from an operation and a user to whom it is allowed, not from the first of each."""
    member, manager = environ["MEMBER_TOKEN"], jwt.encode({"sub": "m", "aud": "plan", "exp": 9e9}, SECRET, "HS256")
    more = 'operations = "app/*.graphql"\nallowed.AllUsers = ["manager"]\nallowed.Broken = []\n'
    gate.config(CONFIG + GRAPHQL + more)
    gate.file("app/all.graphql", "query AllUsers { users { id } }\nquery Broken { broken { id } }")

    def answered(headers: Mapping[str, str]) -> Answer:
        allowed = _shown(headers) == manager
        refused = {"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}
        return Answer(200, {"data": {"users": [], "__typename": "Query"}} if allowed else refused)

    gate.system.on("POST /graphql", answered)
    found = gate.run("-k", "refuse", env={**environ, "MANAGER_TOKEN": manager})
    assert found.words["test_refuses"] == found.words["test_broken_token_refused"] == "pass", found.text
    shown = {_shown(headers) for headers in gate.system.headers}
    assert member not in shown


def test_the_smallest_query_accuses_nobody(gate: Gate, environ: Mapping[str, str]) -> None:
    """A20, A22: servers other than Hasura answer {__typename} to anybody: nothing is proven, and nothing critical."""
    gate.config(CONFIG + GRAPHQL)
    gate.system.on("POST /graphql", Answer(200, {"data": {"__typename": "Query"}}))
    found = gate.run(env={**environ, "MANAGER_TOKEN": environ["MEMBER_TOKEN"]})
    found.assert_is(6, "insufficient", "__typename. is answered to anybody, and shows nothing: declare `operations`")
