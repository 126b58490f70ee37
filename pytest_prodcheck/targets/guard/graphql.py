"""Is this GraphQL a read? Judged by graphql-core's parser; what only the server can know is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import Json
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.guard.paths import resolved
from pytest_prodcheck.targets.guard.words import words

if TYPE_CHECKING:
    from graphql import DocumentNode, OperationDefinitionNode

_KEYS = words("query operationName variables extensions")
"""GraphQL over HTTP, section "Request Parameters". Another spelling (`Query`) means the same to some servers."""
_PERSISTED = words("persistedQuery id documentId doc_id queryId hash sha256Hash")
_MUTATION_TYPES = frozenset({"Mutation", "mutation_root"})
_METADATA_READS = words(
    """export_metadata get_inconsistent_metadata get_catalog_state get_event_invocation_logs get_cron_triggers
    get_scheduled_events get_scheduled_event_invocations get_source_tables get_source_kind_capabilities
    get_table_info"""
)
"""Types of Hasura's `/v1/metadata` that only read (facts.md §1); everything else changes or runs something."""
_NOT_READS = ("/v2/query", "/v1/query", "/v1/pg_dump", "/v1alpha1/pg_dump", "/v1/graphql/explain")
"""Hasura's endpoints that run SQL or old-style queries; `/api/v1/query` is Prometheus's and Loki's."""
BATCH_PROBE = b'[{"query":"query BatchProbe {__typename}"},{"query":"query BatchProbe {__typename}"}]'
"""The one batch that is sent: whether a server takes batches at all. It reads nothing."""
_SPEAKS_GRAPHQL = ("/graphql", "/v1/relay", "/v1beta1/relay", "/gql")


def check_document(document: str, operation_name: str | None = None) -> None:
    """Passes a document of queries and fragments; raises `errors.Refused` for anything else.

    A mutation anywhere in it is refused, also one that `operation_name` does not pick: it is one variable away.
    """
    from graphql import OperationDefinitionNode

    what = "GraphQL document"
    parsed = _parse(document, what)
    operations = [node for node in parsed.definitions if isinstance(node, OperationDefinitionNode)]
    for operation in operations:
        _check_operation(operation, what)
    if strange := {node.kind for node in parsed.definitions} - {"operation_definition", "fragment_definition"}:
        raise Refused(what, f"document defines types ({min(strange)})", "keep the schema in its own file")
    if not operations:
        raise Refused(what, "document has no operation", "add a query")
    _check_fragments(parsed, what)
    names = [operation.name.value for operation in operations if operation.name]
    if operation_name is not None and operation_name not in names:
        raise Refused(what, f"document has no operation {operation_name!r}", f"it has {', '.join(names) or 'no names'}")
    if operation_name is None and len(operations) > 1:
        raise Refused(what, "several operations and no operationName", f"name one of {', '.join(names)}")


def check_subscription(document: str, operation_name: str | None = None) -> None:
    """Passes a document of one subscription and its fragments; raises `errors.Refused` for anything else."""
    from graphql import OperationDefinitionNode

    what = "GraphQL subscription"
    parsed = _parse(document, what)
    operations = [node for node in parsed.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation.value != "subscription":
        kinds = ", ".join(operation.operation.value for operation in operations) or "no operation"
        raise Refused(what, f"document is not one subscription ({kinds})", "subscribe to a subscription only")
    if strange := {node.kind for node in parsed.definitions} - {"operation_definition", "fragment_definition"}:
        raise Refused(what, f"document defines types ({min(strange)})", "keep the schema in its own file")
    _check_fragments(parsed, what)
    name = operations[0].name.value if operations[0].name else ""
    if operation_name is not None and operation_name != name:
        raise Refused(what, f"document has no operation {operation_name!r}", f"it has {name or 'no name'}")


def check_body(body: bytes) -> None:
    """Passes the JSON body of one GraphQL request (`query`, `operationName`, `variables`, `extensions`); raises
    `errors.Refused` for batches, for persisted queries, and for what two JSON readers could read differently."""
    what = "GraphQL request"
    if body == BATCH_PROBE:
        return
    content = _json(body, what)
    if isinstance(content, list):
        raise Refused(what, "batched operations are refused", "send one operation a request")
    if not isinstance(content, dict):
        raise Refused(what, "the body is not a JSON object", 'send {"query": …}')
    _check_parameters(content, what)


def check_url(url: str) -> None:
    """Passes a URL that carries a GraphQL query or none; raises `errors.Refused` for everything that GET could hide."""
    what = f"GET {urlsplit(url).path}"
    parameters = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    if len({name for name, _ in parameters}) < len(parameters):
        raise Refused(what, "a query parameter is given twice", "give each once")
    content: dict[str, Json] = dict(parameters)
    if "query" not in content and not content.keys() & {*_PERSISTED, "extensions"}:
        return
    if isinstance(extensions := content.get("extensions"), str):
        content["extensions"] = _json(extensions.encode(), what)
    try:
        _check_parameters({name: value for name, value in content.items() if name in {*_KEYS, *_PERSISTED}}, what)
    except Refused as refused:
        reason = refused.reason.replace("document contains", "query parameter contains")
        raise Refused(what, reason, refused.remedy) from None


def check_request(request: HttpRequest) -> None:
    """Judges an HTTP request whose path says that it speaks GraphQL, or is one of Hasura's own; passes all others."""
    path = resolved(urlsplit(request.url).path).lower()
    what = f"{request.method.upper()} {path}"
    reads = request.method.upper() in ("GET", "HEAD", "OPTIONS")
    if not reads and any(path.endswith(end) and not path.endswith(f"/api{end}") for end in _NOT_READS):
        raise Refused(what, f"{path} is not a read endpoint", "declare a query of a database target instead")
    if path.endswith("/v1/metadata"):
        check_metadata(request.body)
    elif path.endswith(_SPEAKS_GRAPHQL):
        check_url(request.url)
        if not reads:
            check_body(request.body)
    elif not reads:
        for text in _queries(request):
            check_text(text, what, "the body's query")


def check_text(text: str, what: str, place: str) -> None:
    """Refuses a text that is a GraphQL operation other than a query, on whatever path: servers mount GraphQL anywhere.
    A text that is no GraphQL passes."""
    if "mutation" not in text and "subscription" not in text:
        return
    try:
        check_document(text)
    except Refused as refused:
        if "contains a mutation" in refused.reason or "subscription" in refused.reason:
            raise Refused(what, refused.reason.replace("document", place), refused.remedy) from None


def check_metadata(body: bytes) -> None:
    """Passes a call of Hasura's metadata API that reads; raises `errors.Refused` for all other types."""
    what = "Hasura metadata"
    content = _json(body, what)
    kind = content.get("type") if isinstance(content, dict) else None
    if not isinstance(kind, str) or kind not in _METADATA_READS:
        shown = kind if isinstance(kind, str) else "(none)"
        raise Refused(what, f"metadata type {shown[:60]} is denied", "use export_metadata or get_inconsistent_metadata")


def _queries(request: HttpRequest) -> list[str]:
    """The texts of a body that a GraphQL server would take for documents: JSON, batched or not, a form, or plain."""
    text = request.body.decode("utf-8", "replace")
    try:
        content = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return [text, *(value for name, value in parse_qsl(text) if name == "query")]
    found = [one.get("query") for one in (content if isinstance(content, list) else [content]) if isinstance(one, dict)]
    return [one for one in found if isinstance(one, str)]


def _parse(document: str, what: str) -> DocumentNode:
    from graphql import GraphQLSyntaxError, parse

    try:
        return parse(document, no_location=False)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        raise Refused(what, f"document is not valid GraphQL (line {line})", str(error.message)) from None
    except RecursionError:
        raise Refused(what, "document is nested too deeply to be judged", "use fewer levels") from None


def _check_operation(operation: OperationDefinitionNode, what: str) -> None:
    kind = operation.operation.value
    if kind == "subscription":
        raise Refused(what, "subscriptions need the websocket target", "send a query")
    if kind != "query":
        name = f" ({operation.name.value})" if operation.name else ""
        raise Refused(
            what, f"document contains a {kind}{name}", "keep it in a document of its own, declared as a write"
        )


def _check_fragments(parsed: DocumentNode, what: str) -> None:
    """No query can spread a fragment on the mutation type; what a server that does not validate makes of it is open."""
    from graphql import FragmentDefinitionNode, InlineFragmentNode, Visitor, visit

    class OnMutation(Visitor):
        def enter(self, node: object, *_: object) -> None:
            on = node.type_condition if isinstance(node, FragmentDefinitionNode | InlineFragmentNode) else None
            if on is not None and on.name.value in _MUTATION_TYPES:
                raise Refused(what, f"document selects on the mutation type {on.name.value}", "leave the fragment out")

    visit(parsed, OnMutation())


def _check_parameters(content: Mapping[str, Json], what: str) -> None:
    extensions = content.get("extensions")
    inner = extensions.keys() if isinstance(extensions, dict) else set()
    if (content.keys() | inner) & _PERSISTED:
        reason = "persisted query without a document: cannot prove it reads"
        raise Refused(what, reason, "send the document itself")
    if strange := content.keys() - _KEYS:
        raise Refused(what, f"unknown parameter {min(strange)[:60]!r}", "send query, operationName, variables only")
    document, name = content.get("query"), content.get("operationName")
    if not isinstance(document, str):
        raise Refused(what, "no document: cannot prove it reads", "send the document itself")
    check_document(document, name if isinstance(name, str) and name else None)


def _json(body: bytes, what: str) -> Json:
    """The JSON in `body`; a key that is given twice is refused, since servers differ in which one they take."""

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        if len(dict(pairs)) < len(pairs):
            raise Refused(what, "a key of the body is given twice", "give each once")
        return dict(pairs)

    try:
        content: Json = json.loads(body.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Refused(what, "the body is not JSON in UTF-8: cannot prove it reads", "send JSON") from None
    return content
