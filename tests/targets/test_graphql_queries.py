"""GraphQL over real sockets: documents, Hasura's own routes, introspection and gql's face."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from graphql import build_schema, graphql_sync
from small_server import PlainSender, serving

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.criteria import graphql as criteria
from pytest_prodcheck.criteria import graphql_contract, graphql_engine, graphql_schema
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets import hasura, introspection
from pytest_prodcheck.targets.graphql import Caller, execute, ready

TOKEN = "eyJhbGciOiJkdW1teSJ9.eyJzdWIiOiJkdW1teSJ9.ZHVtbXktc2lnbmF0dXJl"
ADMIN = "dummy-admin-secret"
MEMBER = Caller("member", {"Authorization": f"Bearer {TOKEN}"}, "member", "user")
SCHEMA = build_schema("type Query { tasks(limit: Int): [Task!] } type Task { id: ID! title: String }")


def engine(asked):
    """A real GraphQL engine over two tasks."""
    sent = json.loads(asked.body)
    rows = {"tasks": [{"id": "1", "title": "a"}, {"id": "2", "title": "b"}]}
    result = graphql_sync(SCHEMA, sent["query"], rows, None, sent.get("variables"), sent.get("operationName"))
    return 200, {}, result.formatted


@pytest.fixture
def server():
    """A server whose /v1/graphql is a real engine."""
    with serving() as serves:
        serves.routes["POST /v1/graphql"] = engine
        yield serves


def table(server, **fields):
    """The target, references resolved."""
    return GraphqlTarget(url=server.url + "/v1/graphql", engine="hasura").model_copy(update=fields)


def test_an_engine_is_ready(server):
    """POST {__typename}, without a credential."""
    seen = ready(PlainSender(), table(server))
    assert (criteria.ready(seen), seen.kind, seen.data["data_present"]) == ([], "readiness", True)
    assert "authorization" not in server.asked[0].headers


def test_a_query_is_sent_as_it_is_written(server):
    """Document, variables and operation name reach the server; the answer is judged sound."""
    document = "query Tasks($limit: Int) { tasks(limit: $limit) { id } }"
    seen = execute(PlainSender(), table(server), document, {"limit": 3}, "Tasks", MEMBER)
    assert json.loads(server.asked[0].body) == {"query": document, "variables": {"limit": 3}, "operationName": "Tasks"}
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert (seen.operation, seen.subject, seen.user, seen.expected) == ("query Tasks", "Tasks", "member", True)
    assert criteria.judge_operation(seen, None, now=0.0) == []


@pytest.mark.parametrize(
    "document",
    [
        "mutation { deleteTasks }",
        "query A { tasks { id } } mutation B { deleteTasks }",
        "subscription { tasks { id } }",
        "fragment F on Task { id }",
        "not graphql {",
        "",
    ],
)
def test_what_is_no_proven_query_is_never_sent(server, document):
    """The guard refuses it first."""
    with pytest.raises(Refused):
        execute(PlainSender(), table(server), document, caller=MEMBER)
    assert server.asked == []


def test_errors_with_status_200_are_recorded_and_unexpected(server):
    """T4: message, code and path of each error stand in the observation."""
    seen = execute(PlainSender(), table(server), "{ goals { id } }", subject="Goals")
    assert (seen.status, seen.expected, seen.data["data_present"]) == (200, False, False)
    assert "goals" in seen.data["errors"][0]["message"]
    assert seen.data["errors"][0].keys() == {"message", "code", "path"}


def test_a_server_that_repeats_the_token_is_not_quoted(server):
    """Neither whole nor by its parts, in message, code and errors."""
    parts = TOKEN.split(".")
    entry = {"message": f"bad {TOKEN} and {parts[1]}", "extensions": {"code": f"x{parts[2]}"}}
    server.routes["POST /v1/graphql"] = (200, {}, {"errors": [entry]})
    seen = execute(PlainSender(), table(server), "{ tasks { id } }", caller=MEMBER)
    recorded = json.dumps([seen.message, seen.code, dict(seen.data)])
    assert "[redacted]" in recorded
    assert not [part for part in (TOKEN, *parts) if part in recorded]


UNKNOWN = {
    "errors": [
        {"message": "field 'goals' not found in type: 'query_root'", "extensions": {"code": "validation-failed"}}
    ]
}


@pytest.mark.parametrize(
    ("for_admin", "result", "code"),
    [
        ({"data": {"goals": []}}, "data", "graphql.permission.missing"),
        (UNKNOWN, "same_error", "graphql.table.not_tracked"),
        ({"errors": [{"message": "other"}]}, "other_error", "graphql.permission.missing"),
    ],
)
def test_an_unknown_field_is_tried_as_the_admin(server, for_admin, result, code):
    """R9 and R10: once, without the user's credentials; the secret is nowhere in the observation."""
    server.routes["POST /v1/graphql"] = lambda asked: (
        200,
        {},
        for_admin if "x-hasura-admin-secret" in asked.headers else UNKNOWN,
    )
    seen = execute(PlainSender(), table(server, admin_secret=ADMIN), "{ goals { id } }", caller=MEMBER)
    (_, as_admin) = server.asked
    assert (as_admin.headers["x-hasura-admin-secret"], "authorization" in as_admin.headers) == (ADMIN, False)
    assert seen.data["admin_result"] == result
    assert [found.code for found in criteria.judge_operation(seen, None, now=0.0)] == [code]
    assert ADMIN not in json.dumps(seen.as_json())


def test_without_an_admin_secret_nothing_more_is_sent(server):
    """One document, one request."""
    server.routes["POST /v1/graphql"] = (200, {}, UNKNOWN)
    seen = execute(PlainSender(), table(server), "{ goals { id } }", caller=MEMBER)
    assert len(server.asked) == 1
    assert "admin_result" not in seen.data


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://h.test/v1/graphql", "https://h.test"),
        ("https://h.test/v1/graphql/", "https://h.test"),
        ("https://h.test/hasura/v1/graphql", "https://h.test/hasura"),
        ("https://h.test/v1beta1/relay?x=1", "https://h.test"),
        ("https://h.test/graphql", "https://h.test/graphql"),
    ],
)
def test_the_engine_is_found_beside_its_graphql_route(url, base):
    """A path prefix is kept."""
    assert hasura.base_url(url) == base


def test_hasuras_health_version_and_metadata_are_read(server):
    """WARN is inconsistent metadata, and the objects are named with the admin secret."""
    broken = {"type": "object_relation", "name": "goals.owner", "reason": f"no table {ADMIN}", "definition": {}}
    server.routes |= {
        "GET /healthz": (200, {}, "WARN: inconsistent objects in schema"),
        "GET /v1/version": (200, {}, {"server_type": "ce", "version": "v2.48.1"}),
        "POST /v1/metadata": (200, {}, {"is_consistent": False, "inconsistent_objects": [broken]}),
    }
    target = table(server, admin_secret=ADMIN)
    metadata = hasura.inconsistent_metadata(PlainSender(), target)
    (found,) = graphql_engine.healthy(hasura.health(PlainSender(), target), metadata)
    assert found.message == "metadata is inconsistent: object_relation goals.owner: no table [redacted]"
    assert hasura.version(PlainSender(), target).data["version"] == "v2.48.1"
    assert hasura.inconsistent_metadata(PlainSender(), table(server)) is None


def test_a_healthy_hasura_is_silent(server):
    """Exactly OK."""
    server.routes["GET /healthz"] = (200, {"content-type": "text/plain"}, "OK")
    assert graphql_engine.healthy(hasura.health(PlainSender(), table(server))) == []


def test_the_schema_is_read_by_introspection(server):
    """As SDL, ready to be compared with a pinned one."""
    seen = introspection.introspect(PlainSender(), table(server))
    assert seen.problem == ""
    served = graphql_schema.build(seen.sdl, "served")
    assert list(graphql_contract.changes(SCHEMA, served)) == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, {"errors": [{"message": "introspection is disabled"}]}),
        (200, {}, {"data": {"__schema": {"types": 5}}}),
        (200, {"content-type": "text/html"}, "<html>"),
        (500, {}, ""),
    ],
)
def test_an_introspection_without_a_schema_says_why(server, answer):
    """Nothing is raised for what a server answers."""
    server.routes["POST /v1/graphql"] = answer
    seen = introspection.introspect(PlainSender(), table(server))
    assert seen.sdl == ""
    assert seen.problem


def test_introspection_open_and_refused_are_told_apart(server):
    """The smallest introspection query decides."""
    seen = introspection.probe(PlainSender(), table(server))
    assert [found.code for found in graphql_engine.introspection(seen, "refused")] == ["graphql.introspection.open"]
    server.routes["POST /v1/graphql"] = (200, {}, {"errors": [{"message": "introspection is disabled"}]})
    assert graphql_engine.introspection(introspection.probe(PlainSender(), table(server)), "refused") == []


def test_an_ide_is_recognised_on_both_addresses(server):
    """The GraphQL URL itself and Hasura's console."""
    server.routes["GET /console"] = (200, {"content-type": "text/html"}, "<html><title>Hasura Console</title>")
    pages = introspection.ide(PlainSender(), table(server))
    assert [page.data["ide"] for page in pages] == [False, True]
    assert [found.code for found in graphql_engine.no_ide(pages, False)] == ["graphql.ide.open"]


def client(server):
    """An ordinary gql client over our transport."""
    import gql

    from pytest_prodcheck.targets.gql_transport import WireTransport

    transport = WireTransport(PlainSender(), table(server), MEMBER)
    return gql, gql.Client(transport=transport, fetch_schema_from_transport=True), transport


def test_gql_works_over_the_transport(server):
    """Validation against the served schema, variables, and one observation an exchange."""
    gql, session, transport = client(server)
    request = gql.gql("query Tasks($limit: Int) { tasks(limit: $limit) { id } }")
    request.variable_values = {"limit": 1}
    assert session.execute(request) == {"tasks": [{"id": "1"}, {"id": "2"}]}
    assert [seen.kind for seen in transport.observations] == ["fixture", "fixture"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, {}, {"data": {"tasks": []}}), "TransportServerError"),
        ((200, {}, {"data": None, "errors": [{"message": "no", "extensions": {"code": "x"}}]}), "TransportQueryError"),
        ((200, {}, "<html>"), "TransportProtocolError"),
        ((401, {}, "no"), "TransportServerError"),
    ],
)
def test_gqls_own_errors_come_and_a_500_with_data_is_one(server, answer, error):
    """gql's HTTP transports call a 500 with data a success; this one does not."""
    gql, session, transport = client(server)
    session.fetch_schema_from_transport = False
    server.routes["POST /v1/graphql"] = answer
    with pytest.raises(gql.transport.exceptions.TransportError) as raised:
        session.execute(gql.gql("{ tasks { id } }"))
    assert type(raised.value).__name__ == error
    assert transport.observations[0].status == answer[0]


def test_a_mutation_is_refused_through_gql_too(server):
    """The guard stands below every face."""
    gql, session, _ = client(server)
    session.fetch_schema_from_transport = False
    with pytest.raises(Refused):
        session.execute(gql.gql("mutation { deleteTasks }"))
    assert server.asked == []


def test_nothing_heavy_is_imported_before_it_is_needed():
    """The modules of this area cost neither graphql-core, gql, PyJWT nor cryptography until they are used."""
    modules = (
        "targets.auth targets.tokens targets.grants targets.graphql targets.hasura targets.introspection "
        "targets.documents criteria.tokens criteria.claims criteria.jwks criteria.discovery criteria.token_answer "
        "criteria.consumers criteria.graphql criteria.graphql_engine criteria.graphql_schema criteria.operations"
    )
    code = (
        f"import sys, importlib\nfor name in {modules.split()!r}: importlib.import_module('pytest_prodcheck.' + name)\n"
        "print([name for name in ('graphql', 'gql', 'jwt', 'cryptography', 'httpx2', 'pytest') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
