"""GraphQL that is a read passes; everything else is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from corpus import gist, of

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.guard import graphql


def _judge(payload: dict[str, Any]) -> None:
    if "document" in payload:
        graphql.check_document(payload["document"], payload.get("operationName"))
    elif "url" in payload:
        url = "https://api.shop.test" + payload["url"]
        graphql.check_request(HttpRequest("graphql", payload["method"], url, body=payload.get("body", "").encode()))
    else:
        graphql.check_body(payload["body"].encode())


@pytest.mark.parametrize("case", of("graphql", "refused_before_send"), ids=lambda case: case["id"])
def test_an_attack_is_refused_with_its_reason(case: dict[str, Any]) -> None:
    """Every GraphQL attack of the corpus is refused before it is sent, and the message says why."""
    with pytest.raises(Refused) as refused:
        _judge(case["payload"])
    assert gist(case["message"])[0] in refused.value.reason


@pytest.mark.parametrize("case", of("graphql", "allowed_readonly"), ids=lambda case: case["id"])
def test_a_legitimate_read_passes(case: dict[str, Any]) -> None:
    """Every legitimate GraphQL probe of the corpus passes."""
    assert _judge(case["payload"]) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"query":"{a}","query":"mutation{b}"}', "given twice"),
        (b'{"query":"{a}","Query":"mutation{b}"}', "unknown parameter 'Query'"),
        (b'{"query":"{a}","documentId":"x"}', "persisted query"),
        (b'{"query":"{a}","extensions":{"persistedQuery":{}}}', "persisted query"),
        (b'{"query":["{a}"]}', "no document"),
        (b"mutation { a }", "not JSON"),
        ('{"query":"{a}"}'.encode("utf-16"), "not JSON in UTF-8"),
        (b'"{a}"', "not a JSON object"),
        (b'{"query":"type A { b: Int } query { a }"}', "document defines types"),
        (b'{"query":"query A {a} query B {b}"}', "several operations"),
        (b'{"query":"query A {a}","operationName":"B"}', "no operation 'B'"),
        (b'{"query":"' + b"{a" * 3000 + b'"}', "document is"),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(body: bytes, reason: str) -> None:
    """What servers may read differently, or what only the server knows, is refused."""
    with pytest.raises(Refused) as refused:
        graphql.check_body(body)
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    "query", ["query={a}&query=mutation{b}", "extensions={%22persistedQuery%22:{}}", "documentId=1", "query=%7Ba"]
)
def test_a_url_that_hides_its_operation_is_refused(query: str) -> None:
    """A GET with two documents, a hash, or no valid document is refused."""
    with pytest.raises(Refused):
        graphql.check_url(f"https://api.shop.test/graphql?{query}")


def test_a_url_with_a_query_or_none_passes() -> None:
    """A GET that reads passes, and so does the page of an IDE."""
    assert graphql.check_url("https://api.shop.test/graphql?query=%7Ba%7D&variables=%7B%7D") is None
    assert graphql.check_url("https://api.shop.test/graphql?theme=dark") is None


@pytest.mark.parametrize(
    "kind", ["replace_metadata", "pg_track_table", "drop_inconsistent_metadata", "run_sql", "Bulk"]
)
def test_metadata_types_are_an_allow_list(kind: str) -> None:
    """Every type of Hasura's metadata API that is not known to read is refused."""
    with pytest.raises(Refused, match=f"metadata type {kind} is denied"):
        graphql.check_metadata(b'{"type":"%s","args":{}}' % kind.encode())


def test_paths_of_other_systems_pass() -> None:
    """Prometheus's query endpoint is not Hasura's."""
    assert graphql.check_request(HttpRequest("http", "POST", "https://a.test/api/v1/query", body=b"query=up")) is None


@pytest.mark.parametrize(
    "path",
    ["/graphql;x=1", "/%2567raphql", "//graphql", "/graphql/.", "/query", "/api", "/graphql/v2", "/v1beta1/relay/"],
)
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"query":"mutation{a}"}'),
        ("application/json", b'{"q\\u0075ery":"# x\\nmutation{a}"}'),
        ("application/json", b'[{"query":"{a}"},{"query":"subscription{a}"}]'),
        ("application/json", b'\xef\xbb\xbf{"query":"mutation{a}"}'),
        ("application/graphql", b"mutation { a }"),
        ("application/x-www-form-urlencoded", b"query=mutation%7Ba%7D"),
    ],
)
def test_a_mutation_is_refused_wherever_graphql_is_mounted(path: str, content_type: str, body: bytes) -> None:
    """A declared read that carries a mutation is none, whatever its path and encoding."""
    request = HttpRequest("http", "POST", f"https://a.test{path}", {"content-type": content_type}, body)
    with pytest.raises(Refused):
        graphql.check_request(request)


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"which mutation was found in BRCA1"}',
        b'{"query":{"match":{"type":"mutation"}}}',
        b'{"text":"mutation { a }"}',
        b'{"query":"{ mutation: genes { id } }"}',
        b"a mutation",
        b"",
    ],
)
def test_a_search_for_the_word_passes(body: bytes) -> None:
    """Bodies that only speak of mutations are no GraphQL operations."""
    assert graphql.check_request(HttpRequest("http", "POST", "https://a.test/search", body=body)) is None


@pytest.mark.parametrize(
    "path", ["//v1//metadata", "/v1/./metadata", "/v1/metadata;a", "/v1%2fmetadata", "/V1/METADATA"]
)
def test_metadata_is_known_in_any_spelling(path: str) -> None:
    """What an engine's router may see counts, not how the path is written."""
    with pytest.raises(Refused, match="metadata type clear_metadata is denied"):
        graphql.check_request(HttpRequest("http", "POST", f"https://a.test{path}", body=b'{"type":"clear_metadata"}'))


@pytest.mark.parametrize("path", ["//v2//query", "/v2/./query", "/v2/query;a", "/hasura/v2/query/"])
def test_run_sql_is_known_in_any_spelling(path: str) -> None:
    """SQL over HTTP is not a read, however the path is written."""
    with pytest.raises(Refused, match="is not a read endpoint"):
        graphql.check_request(HttpRequest("http", "POST", f"https://a.test{path}", body=b"{}"))


@pytest.mark.parametrize(
    "document",
    [
        "fragment F on mutation_root { delete_goals { affected_rows } } query Q { ...F }",
        "query { ... on Mutation { deleteGoal { id } } }",
        "query { a { ... on mutation_root { b } } }",
    ],
)
def test_a_fragment_on_the_mutation_type_is_refused(document: str) -> None:
    """A mutation's fields behind a query's fragment are refused, not left to a server that may not validate."""
    with pytest.raises(Refused, match="selects on the mutation type"):
        graphql.check_document(document)


@pytest.mark.parametrize(
    "document",
    [
        "query Q @cached(ttl: 60) { a { ...F } } fragment F on Subscription { id }",
        "query { a @include(if: true) { b } c: a @skip(if: false) { b } }",
        '{ a(s: "}mutation{b}", t: """subscription { c }""") }',
        "query ($ids: [ID!]! = []) { goals(where: {id: {_in: $ids}}) { id } }",
        "{ " + " ".join(f"a{n}: a" for n in range(2000)) + " }",
    ],
)
def test_everyday_graphql_passes(document: str) -> None:
    """Directives, aliases, fragments and strings that look like code are reads."""
    assert graphql.check_document(document) is None


def test_the_one_batch_that_is_sent_is_the_probe() -> None:
    """Two `{__typename}`, byte by byte; any other batch is refused."""
    assert graphql.check_body(graphql.BATCH_PROBE) is None
    with pytest.raises(Refused):
        graphql.check_body(graphql.BATCH_PROBE.replace(b"query BatchProbe", b"mutation M"))
    with pytest.raises(Refused):
        graphql.check_body(graphql.BATCH_PROBE + b" ")
