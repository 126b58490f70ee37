"""The GraphQL checks against a server of another family than Hasura's: Ariadne, over the wire and real sockets."""

from __future__ import annotations

import ariadne_server
import pytest

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
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.graphql import ANONYMOUS
from pytest_prodcheck.targets.graphql_prober import GraphqlProber
from pytest_prodcheck.targets.graphql_subscription import http_url, subscribe
from pytest_prodcheck.targets.wire import Wire

DOCUMENTS = """
query Tasks { tasks { id title owner { name } } }
query Secrets { secrets }
query Everything { everything { id } }
query Broken { broken { id } }
query Outdated { tasks(first: 3) { id } }
subscription Ticks { ticks }
subscription Nothing { nothing }
subscription Failing { failing }
subscription Done { done }
"""
WITHIN = {"Nothing": 0.4}
CREDENTIALS = {"member": {"authorization": f"Bearer {ariadne_server.TOKEN}"}}


@pytest.fixture(scope="module")
def address():
    """One server for all tests."""
    with ariadne_server.serving() as url:
        yield url


@pytest.fixture
def prober(address, tmp_path):
    """A prober of one path of the server, over a wire of its own."""
    wires = []

    def made(path, **settings):
        found = {one.name: one for one in operations.load({"app.graphql": DOCUMENTS})}
        promised = {
            name: GraphqlSubscription(within=WITHIN.get(name, 5.0), **settings.pop(name, {}))
            for name, one in found.items()
            if one.kind == "subscription"
        }
        table = GraphqlTarget(url=f"{address}/{path}", timeout=5.0, subscriptions=promised, **settings)
        wires.append(wire := Wire(Requests(), Redactor(), "families"))
        wire.open("graphql", table, (table.url, http_url(table)), {}, tmp_path)
        return GraphqlProber(wire, "graphql", table, found, {}, lambda user: CREDENTIALS.get(user, {}))

    yield made
    for wire in wires:
        wire.close()


def codes(findings):
    """Cause code and severity of each finding."""
    return [(one.code, one.severity) for one in findings]


def test_it_is_ready_and_answers(prober):
    """`{__typename}`, and a document with its data (A6, A41)."""
    asked = prober("open/")
    assert graphql.ready(asked.ready().observations[0]) == []
    assert graphql.judge_operation(asked.execute("Tasks", "member"), None, now=0.0) == []


def test_its_schema_is_the_pinned_one_or_the_difference_is_told(prober):
    """A41: introspected, sorted, compared, and the document that no longer fits is named."""
    served = graphql_schema.build(prober("open/").probe("test_schema", "", "member", 1).facts["sdl"], "served")
    pinned = graphql_schema.build(ariadne_server.SDL, "contracts/schema.graphql")
    older = ariadne_server.SDL.replace("limit: Int = 10", "limit: Int = 10, first: Int")
    documents = operations.load({"app.graphql": "query Outdated { tasks(first: 3) { id } }"})
    assert list(graphql_contract.changes(pinned, served)) == []
    (found,) = graphql_contract.differences(graphql_schema.build(older, "p"), served, documents)
    assert found.message.endswith("Query.tasks(first:) was removed; fails: query Outdated (app.graphql:1)")


@pytest.mark.parametrize(
    ("path", "function", "seen"), [
        ("open/", "test_introspection", "open"), ("closed/", "test_introspection", "refused"),
        ("open/", "test_suggestions", "open"), ("closed/", "test_suggestions", "refused"),
        ("open/", "test_batching", "open"), ("closed/", "test_batching", "refused"),
    ],
)  # fmt: skip
def test_what_it_shows_is_seen(prober, path, function, seen):
    """Introspection, suggestions and batches, open and switched off; both promises against both."""
    (observed,) = prober(path).probe(function, "", "member", 1).observations
    judges = {"test_introspection": graphql_engine.introspection, "test_suggestions": graphql_exposure.suggestions,
              "test_batching": graphql_exposure.batching}  # fmt: skip
    other = "open" if seen == "refused" else "refused"
    assert judges[function](observed, seen) == []
    (found,) = judges[function](observed, other)
    assert (found.code, found.seen, found.promised) == (f"graphql.{function.removeprefix('test_')}.{seen}", seen, other)


def test_a_depth_limit_is_seen_and_its_absence(prober):
    """`max_depth`: a query one level deeper, that asks for no rows, is refused or is a finding."""
    limited = prober("closed/", max_depth=4, introspection="refused")
    limited._pinned = ariadne_server.SDL
    facts = limited.probe("test_depth", "", "member", 1).facts
    assert graphql_exposure.depth(facts["deep"], 4, "graphql") == []
    facts = prober("open/", max_depth=4).probe("test_depth", "", "member", 1).facts
    (found,) = graphql_exposure.depth(facts["deep"], 4, "graphql")
    assert (found.code, found.severity) == ("graphql.depth.not_limited", "error")
    assert found.message == "a query of 5 levels is answered, max_depth is 4"


@pytest.mark.parametrize(
    ("operation", "user", "expected"), [
        ("Secrets", "member", []), ("Secrets", "", []),
        ("Outdated", "member", [("graphql.answer.unclear", "insufficient")]),
        ("Everything", "member", [("graphql.permission.too_wide", "error")]),
        ("Everything", "", [("graphql.permission.too_wide", "error")]),
        ("Broken", "member", [("graphql.answer.unclear", "insufficient")]),
    ],
)  # fmt: skip
def test_the_permission_matrix(prober, operation, user, expected):
    """FORBIDDEN and UNAUTHENTICATED refuse; data is too much; another error proves nothing (A23, A26)."""
    (seen,) = prober("open/").probe("test_denied", operation, user, 1).observations
    assert codes(graphql_permission.denied(seen)) == expected
    assert seen.kind == "readiness"


def test_what_came_too_much_is_counted_and_not_shown(prober):
    """No row data in a finding."""
    (seen,) = prober("open/").probe("test_denied", "Everything", "", 1).observations
    (found,) = graphql_permission.denied(seen)
    assert found.message == (
        "query Everything without a token is answered (1 rows of everything), and is not allowed: "
        "the caller can do more than was promised"
    )


SUBSCRIPTIONS = {
    "an event": ("open/", "Ticks", "member", {}, []),
    "an event that is promised": ("open/", "Ticks", "member", {"data": {"ticks": 0}}, []),
    "an event of another kind": ("open/", "Ticks", "member", {"data": {"ticks": 7}}, ["graphql.data.unexpected"]),
    "completed": ("open/", "Done", "member", {}, []),
    "silent": ("open/", "Nothing", "member", {}, ["graphql.subscription.silent"]),
    "open is enough": ("open/", "Nothing", "member", {"expect": "open"}, []),
    "errors": ("open/", "Failing", "member", {}, ["unknown"]),
    "no token, which Ariadne closes": ("open/", "Ticks", "", {}, ["graphql.subscription.closed"]),
    "old protocol": ("legacy/", "Ticks", "member", {}, ["graphql.subscription.wrong_protocol"]),
    "no socket, which Starlette answers 403": ("plain", "Ticks", "member", {}, ["graphql.subscription.refused"]),
    "redirected, which is not followed": ("moved", "Ticks", "member", {}, ["graphql.subscription.not_served"]),
}


@pytest.mark.parametrize(("path", "name", "user", "more", "expected"), SUBSCRIPTIONS.values(), ids=list(SUBSCRIPTIONS))
def test_a_subscription(prober, path, name, user, more, expected):
    """Connected, acknowledged, one event or the completion in time; else the phase that failed (A41)."""
    asked = prober(path, **({name: more} if more else {}))
    (seen,) = asked.probe("test_subscription", name, user, 1).observations
    found = graphql_subscription.judge(seen, asked.table.subscriptions[name], now=0.0)
    assert [one.code for one in found] == expected, found
    assert ariadne_server.TOKEN not in repr(seen)


@pytest.mark.parametrize("document", ["mutation M { addTask(title: \"x\") { id } }", "query Q { tasks { id } }",
                                      "subscription A { ticks } mutation M { addTask(title: \"x\") { id } }",
                                      "subscription A { ...F } fragment F on Mutation { addTask(title: \"x\") { id } }",
                                      "type A { b: Int }", "subscription {"])  # fmt: skip
def test_only_a_subscription_is_subscribed_to(prober, document):
    """Read-only: nothing is opened for anything else."""
    asked = prober("open/")
    with pytest.raises(Refused):
        subscribe(
            asked._wire,
            asked.table,
            GraphqlSubscription(),
            document,
            None,
            "",
            ANONYMOUS,
            target="graphql",
            subject="A",
        )
    assert asked._wire.sent == 0


def test_a_host_that_is_not_configured_is_not_connected_to(prober):
    """The allow-list holds for WebSockets too."""
    asked = prober("open/")
    asked.table = asked.table.model_copy(update={"subscriptions_url": "ws://127.0.0.2:9/x"})
    with pytest.raises(Refused):
        asked.probe("test_subscription", "Ticks", "member", 1)


ODD = {
    "html": ("graphql.endpoint.not_graphql", "with an HTML page, not GraphQL"),
    "type": ("graphql.endpoint.not_graphql", "text/plain; charset=utf-8 that is not JSON"),
    "broken": ("graphql.endpoint.not_graphql", "application/json that is not JSON"),
    "batch": ("graphql.endpoint.not_graphql", "a JSON list, as a batch is answered"),
    "huge": ("graphql.endpoint.not_graphql", "with 5.0 MB, more than the 4 MB that are read as one answer"),
    "empty": ("graphql.endpoint.not_graphql", "an empty body"),
    "null": ("graphql.data.null", "data is null, and no error says why"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_answer_that_is_none_is_one_clear_finding(prober, name):
    """HTML, 5 MB, invalid JSON, another content type, a batch: said in one sentence, without a traceback (A58)."""
    seen = prober(f"odd/{name}").execute("Tasks", "member")
    (found,) = graphql.judge_operation(seen, None, now=0.0)
    code, words = ODD[name]
    assert (found.code, words in found.message) == (code, True), found.message
    (found,) = graphql_permission.denied(seen)
    assert found.severity in ("insufficient", "error")
