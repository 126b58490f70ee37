"""The GraphQL checks against GraphQL Yoga and graphql-ws, run by Node.js: nothing rests on one server's habits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from node_servers import missing, running

from pytest_prodcheck.config.models import GraphqlSubscription, GraphqlTarget, Requests
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import (
    graphql,
    graphql_contract,
    graphql_engine,
    graphql_exposure,
    graphql_permission,
    graphql_schema,
    graphql_subscription,
    operations,
)
from pytest_prodcheck.targets.graphql_prober import GraphqlProber
from pytest_prodcheck.targets.wire import Wire

pytestmark = pytest.mark.skipif(bool(missing("graphql-yoga")), reason=missing("graphql-yoga") or "it is here")
TOKEN = "eyJhbGciOiJkdW1teSJ9.eyJzdWIiOiJtZW1iZXIifQ.ZHVtbXktc2lnbmF0dXJl"
DOCUMENTS = """
query Tasks { tasks { id title } }
query Secrets { secrets }
query Everything { everything { id } }
query Broken { broken { id } }
query Me { me }
query Outdated { tasks { gone } }
subscription Ticks { ticks }
subscription Silence { silence }
"""


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """One server that shows all, and one that shows nothing."""
    with (
        running("yoga.mjs", {"token": TOKEN}) as shown,
        running("yoga.mjs", {"token": TOKEN, "closed": True}) as hidden,
    ):
        yield {"open": shown, "closed": hidden}


Prober = Callable[[str], GraphqlProber]


@pytest.fixture
def prober(addresses: dict[str, str], tmp_path: Path) -> Iterator[Prober]:
    """A prober of one of the servers, over a wire of its own; the user `member` has the token."""
    wire = Wire(Requests(), Redactor(), "node")
    found = {one.name: one for one in operations.load({"app.graphql": DOCUMENTS})}
    promised = {"Ticks": GraphqlSubscription(data={"ticks": 1}), "Silence": GraphqlSubscription(within=0.3)}

    def credentials(name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {TOKEN}"} if name == "member" else {}

    def made(server: str) -> GraphqlProber:
        table = GraphqlTarget(url=addresses[server], subscriptions=promised, max_depth=5)
        wire.open("graphql", table, (table.url,), {}, tmp_path)
        return GraphqlProber(wire, "graphql", table, found, {}, credentials)

    yield made
    wire.close()


def test_it_answers_and_its_schema_is_compared(prober: Prober) -> None:
    """Ready, a document with its data, an operation that no longer fits (A6, A41, A61)."""
    asked = prober("open")
    assert graphql.ready(asked.ready().observations[0]) == []
    assert graphql.judge_operation(asked.execute("Tasks", "member"), None, now=0.0) == []
    (outdated,) = graphql.judge_operation(asked.execute("Outdated", "member"), None, now=0.0)
    assert "GRAPHQL_VALIDATION_FAILED" in outdated.message or 'Cannot query field "gone"' in outdated.message
    served = graphql_schema.build(asked.probe("test_schema", "", "member", 1).facts["sdl"], "served")
    assert list(graphql_contract.changes(served, served)) == []


@pytest.mark.parametrize("function", ["introspection", "suggestions", "batching"])
@pytest.mark.parametrize(("server", "policy"), [("open", "open"), ("closed", "refused")])
def test_what_it_shows_is_seen(prober: Prober, server: str, policy: graphql_exposure.Policy, function: str) -> None:
    """Introspection, suggestions and batches, open and switched off."""
    (seen,) = prober(server).probe(f"test_{function}", "", "member", 1).observations
    judges = {"introspection": graphql_engine.introspection, "suggestions": graphql_exposure.suggestions,
              "batching": graphql_exposure.batching}  # fmt: skip
    other: graphql_exposure.Policy = "open" if policy == "refused" else "refused"
    assert judges[function](seen, policy) == []
    assert [one.seen for one in judges[function](seen, other)] == [policy]


def test_the_absence_of_a_depth_limit_is_seen(prober: Prober) -> None:
    """Yoga has none by itself."""
    facts = prober("open").probe("test_depth", "", "member", 1).facts
    assert [one.code for one in graphql_exposure.depth(facts["deep"], 5, "graphql")] == ["graphql.depth.not_limited"]


@pytest.mark.parametrize(
    ("operation", "codes"),
    [
        ("Secrets", []),
        ("Me", []),
        ("Everything", ["graphql.permission.too_wide"]),
        ("Broken", ["graphql.answer.unclear"]),
    ],
)
def test_the_permission_matrix(prober: Prober, operation: str, codes: list[str]) -> None:
    """FORBIDDEN and UNAUTHENTICATED refuse, data is too much, another error proves nothing (A23, A26)."""
    (seen,) = prober("open").probe("test_denied", operation, "member", 1).observations
    assert [one.code for one in graphql_permission.denied(seen)] == codes


@pytest.mark.parametrize(
    ("name", "user", "codes"),
    [("Ticks", "member", []), ("Silence", "member", ["graphql.subscription.silent"]),
     ("Ticks", "other", ["graphql.subscription.refused"])],
)  # fmt: skip
def test_subscriptions_by_graphql_ws(prober: Prober, name: str, user: str, codes: list[str]) -> None:
    """The reference implementation of graphql-transport-ws: an event, silence, 4403 (A41)."""
    asked = prober("open")
    (seen,) = asked.probe("test_subscription", name, user, 1).observations
    found = graphql_subscription.judge(seen, asked.table.subscriptions[name], now=0.0)
    assert [one.code for one in found] == codes, found
