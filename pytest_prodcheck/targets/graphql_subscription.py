"""One subscription over graphql-transport-ws (enisdenjo/graphql-ws, PROTOCOL.md): opened, looked at, closed.

Only documents of subscriptions are sent; the token goes into `connection_init`, never into the address.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from pytest_prodcheck.config.models import GraphqlSubscription, GraphqlTarget
from pytest_prodcheck.observe import graphql_answer, strict_json
from pytest_prodcheck.observe.observation import Json, Observation
from pytest_prodcheck.targets.caps import CapReached
from pytest_prodcheck.targets.graphql import Caller
from pytest_prodcheck.targets.scrubbing import confidential, scrub
from pytest_prodcheck.targets.transport_errors import classify
from pytest_prodcheck.targets.websocket import Channel
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from socket import socket

PROTOCOL: Final = "graphql-transport-ws"
_MESSAGES_AT_MOST: Final = 1000
"""Messages that are read in one phase: a server that only pings does not hold us."""


@dataclass(slots=True)
class _Seen:
    """What came, phase by phase."""

    stage: str = "connect"
    """`connect`, `init` (the socket stands), `subscribed` (acknowledged), `event`, `completed`."""
    status: int | None = None
    error: str = ""
    message: str = ""
    subprotocol: str = ""
    close: tuple[int, str] | None = None
    events: int = 0
    errors: tuple[graphql_answer.GraphqlError, ...] = ()
    first: Json = None
    phases: dict[str, float] = field(default_factory=dict)


def http_url(table: GraphqlTarget) -> str:
    """Where subscriptions are served, with the scheme of HTTP: what the guard and the caps know an origin by."""
    url = table.subscriptions_url
    return f"http{url.removeprefix('ws')}" if url.startswith(("ws://", "wss://")) else table.url


def subscribe(
    wire: Wire,
    table: GraphqlTarget,
    promised: GraphqlSubscription,
    document: str,
    variables: Mapping[str, Json] | None,
    operation_name: str,
    caller: Caller,
    *,
    target: str,
    subject: str,
) -> Observation:
    """What came of one subscription until its first event, its completion, or `within` seconds.

    Raises errors.Refused for what is not a subscription, and for headers that no request may carry; a failed connection
    is an observation. `data` holds `stage`, `events`, `errors`, `close_code`, `close_reason` and `subprotocol`; `body`
    is the first event's payload.
    """
    from pytest_prodcheck.targets.guard import headers
    from pytest_prodcheck.targets.guard.graphql import check_subscription

    check_subscription(document, operation_name or None)
    headers.check(table.headers, f"subscription {subject}")
    payload: dict[str, Json] = {"query": document}
    payload |= {"operationName": operation_name} if operation_name else {}
    payload |= {"variables": dict(variables)} if variables else {}
    seen, started_at, began = _Seen(), time.time(), time.perf_counter()
    _look(wire, table, promised, target, _init_payload(table, caller), payload, seen)
    observation = Observation(
        target, f"subscription {subject}", "readiness", subject, caller.user, started_at, seen.phases,
        time.perf_counter() - began, seen.status, error=seen.error,
    )  # fmt: skip
    return _told(observation, seen, confidential({**table.headers, **caller.headers}), caller)


def _look(
    wire: Wire, table: GraphqlTarget, promised: GraphqlSubscription, target: str,
    credentials: Mapping[str, Json], payload: Mapping[str, Json], seen: _Seen,
) -> None:  # fmt: skip
    from websockets.exceptions import (
        ConnectionClosed,
        InvalidHandshake,
        InvalidStatus,
        NegotiationError,
        WebSocketException,
    )

    try:
        with wire.connected(target, http_url(table), table.timeout, table.timeout + promised.within) as (line, headers):
            seen.phases.update(line.phases)
            began = time.perf_counter()
            with _shake_hands(line.sock, http_url(table), {**headers, **table.headers}, table.timeout) as opened:
                seen.status, seen.stage, seen.subprotocol = 101, "init", opened.subprotocol
                if seen.subprotocol == PROTOCOL:
                    _converse(opened, table.timeout, promised, credentials, payload, seen)
            seen.phases["first_byte"] = time.perf_counter() - began
    except InvalidStatus as refused:
        seen.status = refused.response.status_code
        seen.message = bytes(refused.response.body or b"")[:300].decode("utf-8", "replace")
    except ConnectionClosed as closed:
        seen.close = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
    except TimeoutError:
        seen.error = "timeout" if seen.stage == "connect" else ""
    except NegotiationError as error:  # the server chose a sub-protocol that was not offered
        seen.status, seen.stage, seen.subprotocol = 101, "init", str(error).rpartition(" ")[2][:50]
    except (InvalidHandshake, WebSocketException) as error:
        seen.error, seen.message = "protocol", str(error)
    except CapReached as reason:
        seen.error, seen.message = "stopped", str(reason)
    except OSError as error:
        stands = seen.stage != "connect"
        seen.error, seen.message = ("", "") if stands else (classify(error, connected=bool(seen.phases)), str(error))


def _shake_hands(stream: socket, url: str, headers: Mapping[str, str], timeout: float) -> Channel:
    parts = urlsplit(url)
    address = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, parts.path, parts.query, ""))
    sent = {name: value for name, value in headers.items() if name.lower() not in ("accept", "accept-encoding")}
    return Channel(stream, address, (PROTOCOL,), sent, timeout)


def _converse(
    opened: Channel, timeout: float, promised: GraphqlSubscription,
    credentials: Mapping[str, Json], payload: Mapping[str, Json], seen: _Seen,
) -> None:  # fmt: skip
    _send(opened, {"type": "connection_init", "payload": dict(credentials)})
    answered = _await(opened, time.monotonic() + timeout, ("connection_ack", "connection_error"))
    if answered is None:
        return
    if answered["type"] == "connection_error":  # the older protocol's word, which servers of both still send
        seen.errors = _errors(answered.get("payload"))
        return
    seen.stage = "subscribed"
    _send(opened, {"id": "1", "type": "subscribe", "payload": dict(payload)})
    deadline = time.monotonic() + promised.within
    while message := _await(opened, deadline, ("next", "error", "complete")):
        _note(message, seen)
        if message["type"] != "next" or promised.expect == "event":
            break
    if seen.stage != "completed" and not seen.errors:
        _send(opened, {"id": "1", "type": "complete"})


def _note(message: Mapping[str, Json], seen: _Seen) -> None:
    payload = message.get("payload")
    if message["type"] == "complete":
        seen.stage = "completed"
    elif message["type"] == "error":
        seen.errors = _errors(payload)
    else:
        seen.stage, seen.events = "event", seen.events + 1
        seen.first = payload if seen.first is None else seen.first
        seen.errors = seen.errors or graphql_answer.read(json.dumps(payload).encode()).errors


def _errors(payload: Json) -> tuple[graphql_answer.GraphqlError, ...]:
    """The errors of a message that is one, whatever is in it: a list, or one by itself as the older protocol has it."""
    listed = payload if isinstance(payload, list) and payload else [payload]
    return graphql_answer.read(json.dumps({"errors": listed}).encode()).errors


def _await(opened: Channel, deadline: float, kinds: tuple[str, ...]) -> Mapping[str, Json] | None:
    """The next message of one of `kinds`, pings answered on the way; None when the deadline passed."""
    for _ in range(_MESSAGES_AT_MOST):
        try:
            raw = opened.recv(deadline)
        except TimeoutError:
            return None
        message = strict_json.table(raw) or {}
        if message.get("type") == "ping":
            _send(opened, {"type": "pong"})
        elif message.get("type") in kinds:
            return message
    return None


def _send(opened: Channel, message: Mapping[str, Json]) -> None:
    opened.send(json.dumps(message))


def _init_payload(table: GraphqlTarget, caller: Caller) -> dict[str, Json]:
    """Credentials where servers look for them: `headers` (Hasura), `Authorization` (Apollo, Yoga, Ariadne)."""
    own = {name.lower(): value for name, value in {**table.headers, **caller.headers}.items()}
    named: dict[str, Json] = {"Authorization": own["authorization"]} if "authorization" in own else {}
    return {"headers": dict(own), **named} if own else {}


def _told(observation: Observation, seen: _Seen, secrets: tuple[str, ...], caller: Caller) -> Observation:
    errors = [{key: scrub(str(text), secrets) for key, text in error.as_json().items()} for error in seen.errors]
    first = seen.errors[0] if seen.errors else None
    code, reason = seen.close or (None, "")
    return replace(
        observation,
        code=scrub(first.code, secrets, 100) if first else "",
        message=scrub(first.message if first else seen.message or reason, secrets),
        expected=seen.stage in ("event", "completed", "subscribed") and not seen.errors and not seen.error,
        body=json.dumps(seen.first).encode() if seen.first is not None else b"",
        data={
            "stage": seen.stage, "events": seen.events, "errors": list(errors), "close_code": code,
            "close_reason": scrub(reason, secrets), "subprotocol": seen.subprotocol, "role": caller.role,
        },
    )  # fmt: skip
