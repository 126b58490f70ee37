"""What an API shows and takes is judged by answers to what was asked, and by no other refusal (A41, A61)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_server import Server, serving

from pytest_prodcheck.config.models import GraphqlTarget, Requests
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import graphql_engine, graphql_exposure
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.targets.graphql_prober import GraphqlProber
from pytest_prodcheck.targets.wire import Wire

SDL = "type Query { tasks(limit: Int): [Task!]! }\ntype Task { id: ID! owner: User! }\ntype User { name: String }"
Judged = tuple[str, str]
UNCLEAR: Judged = ("graphql.answer.unclear", "insufficient")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all cases."""
    with serving() as running:
        yield running


@pytest.fixture
def found(server: Server, tmp_path: Path) -> Iterator[Callable[[str, Any, int], list[Finding]]]:
    """What one check finds where the API gives this answer to everything."""
    wire = Wire(Requests(), Redactor(), "exposure")

    def judge(function: str, answer: Any, status: int = 200) -> list[Finding]:
        server.routes["POST /graphql"] = (status, {}, answer)
        table = GraphqlTarget(url=server.url + "/graphql", max_depth=2, introspection="refused")
        wire.open("graphql", table, (table.url,), {}, tmp_path)
        prober = GraphqlProber(wire, "graphql", table, {}, {}, lambda _: {}, pinned=SDL)
        evidence = prober.probe(function, "", "", 1)
        if function == "test_depth":
            return graphql_exposure.depth(evidence.facts["deep"], 2, "graphql")
        judges = {"test_introspection": graphql_engine.introspection, "test_batching": graphql_exposure.batching,
                  "test_suggestions": graphql_exposure.suggestions}  # fmt: skip
        return judges[function](evidence.observations[0], "refused")

    yield judge
    wire.close()


def errors(message: str, code: str = "", **more: Any) -> dict[str, Any]:
    """An answer that holds one error."""
    return {"errors": [{"message": message, **({"extensions": {"code": code}} if code else {})}], **more}


CASES: dict[str, tuple[str, Any, int, list[Judged]]] = {
    "introspection: disabled": (
        "test_introspection", errors("GraphQL introspection has been disabled"), 400, []),
    "introspection: not in the role's schema": (
        "test_introspection", errors("field '__schema' not found in type: 'query_root'", "validation-failed"), 200, []),
    "introspection: only persisted documents": (
        "test_introspection", errors("PersistedQueryOnly"), 200, []),
    "introspection: the caller is refused": (
        "test_introspection", errors("You must be logged in", "UNAUTHENTICATED"), 200, [UNCLEAR]),
    "introspection: the token is refused": (
        "test_introspection", errors("Could not verify JWT: JWTExpired", "invalid-jwt"), 200,
        [("runner.token.expired", "insufficient")]),
    "introspection: broken": (
        "test_introspection", errors("Unexpected error.", "INTERNAL_SERVER_ERROR"), 200, [UNCLEAR]),
    "suggestions: none": ("test_suggestions", errors('Cannot query field "queryTypeq" on type "__Schema".'), 400, []),
    "suggestions: masked": ("test_suggestions", errors("The document is not valid"), 400, []),
    "suggestions: the caller is refused": (
        "test_suggestions", errors("You must be logged in", "UNAUTHENTICATED"), 200, [UNCLEAR]),
    "batching: refused": ("test_batching", errors("Operation batching disabled."), 400, []),
    "batching: refused in words": ("test_batching", "POST body must be an object", 400, []),
    "batching: taken, and each of them refused": (
        "test_batching", [errors("log in", "UNAUTHENTICATED")] * 2, 200, [("graphql.batching.open", "error")]),
    "batching: the caller is refused": (
        "test_batching", errors("log in", "UNAUTHENTICATED"), 200, [UNCLEAR]),
    "batching: not let in": ("test_batching", {"message": "no"}, 401, [("unknown", "error")]),
    "batching: sent to log in": ("test_batching", "", 302, [("unknown", "error")]),
    "batching: another route": ("test_batching", {"message": "no"}, 404, [("unknown", "error")]),
    "batching: a request too many": ("test_batching", "slow down", 429, [("unknown", "error")]),
    "depth: refused": ("test_depth", errors("'DepthProbe' exceeds maximum operation depth of 2"), 400, []),
    "depth: refused by its cost": ("test_depth", errors("query is too complex: 30. Maximum is 20"), 400, []),
    "depth: refused by a limit of nodes": ("test_depth", errors("Query node limit exceeded"), 400, []),
    "depth: an argument's own rule": ("test_depth", errors("limit must be between 1 and 100"), 200, [UNCLEAR]),
    "depth: an argument that is not there": (
        "test_depth", errors('Unknown argument "limit" on field "Query.tasks".'), 400, [UNCLEAR]),
    "depth: requests are limited": ("test_depth", errors("Rate limit exceeded"), 200, [UNCLEAR]),
    "depth: a name": ("test_depth", errors('Cannot query field "nested" on type "Level.deep".'), 400, [UNCLEAR]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_only_an_answer_to_what_was_asked_counts(found: Callable[..., list[Finding]], case: str) -> None:
    """A refusal of the caller, of one request more, or of an argument proves nothing: never green."""
    function, answer, status, expected = CASES[case]
    assert [(one.code, one.severity) for one in found(function, answer, status)] == expected
