"""Causes of GraphQL beside its answers: what it shows and takes, and its subscriptions."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

_POST = "curl -si -H 'Content-Type: application/json' -d"
_BATCH = f"""{_POST} '[{{"query":"{{__typename}}"}},{{"query":"{{__typename}}"}}]' {{url}}"""
_MISSPELT = f"""{_POST} '{{"query":"{{__schema{{ queryTypeq }}}}"}}' {{url}}"""
_SOCKET = "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' {url}"

KINDS = (
    CauseKind(
        "graphql.suggestions.open",
        "errors propose the names of fields, by which the schema can be guessed",
        "{host} proposes field names in its errors",
        "switch suggestions off in production",
        _MISSPELT,
    ),
    CauseKind(
        "graphql.suggestions.refused",
        "errors propose no names although they should",
        "{host} proposes no field names",
        "switch suggestions on, or declare refused",
        _MISSPELT,
    ),
    CauseKind(
        "graphql.batching.open",
        "several operations are taken in one request, past every limit of requests",
        "{host} takes several operations in one request",
        "switch batching off, or declare it open",
        _BATCH,
    ),
    CauseKind(
        "graphql.batching.refused",
        "batches are refused although they should be taken",
        "{host} takes no batches",
        "switch batching on, or declare refused",
        _BATCH,
    ),
    CauseKind(
        "graphql.depth.not_limited",
        "a query deeper than the promised limit is answered",
        "{host} answers a query of {seen} levels, promised {expected}",
        "set a depth limit in the server, or in the gateway before it",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "graphql.answer.unclear",
        "an answer proves nothing about what was promised",
        "{operation} is refused for another reason than was promised: {seen}",
        "look at the answer; declare what the server really promises",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "graphql.subscription.not_served",
        "the address is no WebSocket",
        "{operation}: the WebSocket hand-shake is answered {status}",
        "serve subscriptions there, let the proxy pass Upgrade, or set subscriptions_url",
        _SOCKET,
    ),
    CauseKind(
        "graphql.subscription.wrong_protocol",
        "the server speaks another sub-protocol than graphql-transport-ws",
        "{operation}: the server does not speak graphql-transport-ws",
        "upgrade the server from subscriptions-transport-ws (graphql-ws) to graphql-transport-ws",
        _SOCKET,
    ),
    CauseKind(
        "graphql.subscription.refused",
        "the server refuses the connection to this user",
        "{operation}: the connection is refused to {user}",
        "look at how the server reads the token of connection_init",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "graphql.subscription.not_acknowledged",
        "connection_init gets no connection_ack",
        "{operation}: the connection is not acknowledged",
        "look at the server's onConnect, and at what it waits for",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "graphql.subscription.silent",
        "acknowledged, and nothing comes",
        "{operation}: no event within the deadline",
        "look at the publisher behind it (event trigger, broker, LISTEN/NOTIFY)",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "graphql.subscription.closed",
        "the server closes the connection before an event",
        "{operation}: the server closes the connection ({seen})",
        "look at the server's log, and at the proxy's idle timeout",
        "prodcheck doctor ENV",
    ),
)
