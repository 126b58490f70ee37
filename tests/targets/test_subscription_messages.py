"""What servers say over graphql-transport-ws, message by message, on a real socket (A41)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from websockets.sync.server import ServerConnection, serve

from pytest_prodcheck.config.models import GraphqlSubscription, GraphqlTarget, Requests
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import graphql_subscription
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.targets.graphql import ANONYMOUS
from pytest_prodcheck.targets.graphql_subscription import PROTOCOL, http_url, subscribe
from pytest_prodcheck.targets.wire import Wire

ACK = {"type": "connection_ack"}
Judge = Callable[[list[Any], Literal["event", "open"]], list[Finding]]


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    """What is found of a server that answers each of our messages by the next of these."""
    script: list[Any] = []

    def handler(opened: ServerConnection) -> None:
        for answer in list(script):
            opened.recv()
            opened.send(json.dumps(answer))
        for _ in opened:
            pass

    server = serve(handler, "127.0.0.1", 0, subprotocols=[PROTOCOL])  # type: ignore[list-item]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    wire = Wire(Requests(), Redactor(), "messages")
    port = server.socket.getsockname()[1]
    table = GraphqlTarget(url=f"http://127.0.0.1:{port}/graphql", timeout=2.0)
    wire.open("graphql", table, (table.url, http_url(table)), {}, tmp_path)

    def judged(answers: list[Any], expect: Literal["event", "open"] = "event") -> list[Finding]:
        script[:] = answers
        promised = GraphqlSubscription(within=0.5, expect=expect)
        document = "subscription T { t }"
        seen = subscribe(wire, table, promised, document, None, "T", ANONYMOUS, target="graphql", subject="T")
        return graphql_subscription.judge(seen, promised, now=0.0)

    yield judged
    wire.close()
    server.shutdown()
    thread.join()


CASES: dict[str, tuple[list[Any], Literal["event", "open"], str, str]] = {
    "an event": ([ACK, {"id": "1", "type": "next", "payload": {"data": {"t": 1}}}], "event", "", ""),
    "open": ([ACK], "open", "", ""),
    "the older protocol's refusal is no acknowledgement": (
        [{"type": "connection_error", "payload": {"message": "no such user", "extensions": {"code": "FORBIDDEN"}}}],
        "open", "unknown", "errors: FORBIDDEN: no such user"),
    "a refusal without words": ([{"type": "connection_error"}], "open", "unknown", "an error without a message"),
    "an error by itself": (
        [ACK, {"id": "1", "type": "error", "payload": {"message": "no field"}}], "open", "unknown", "no field"),
    "an error without anything": (
        [ACK, {"id": "1", "type": "error", "payload": []}], "open", "unknown", "an error without a message"),
    "an event of null": (
        [ACK, {"id": "1", "type": "next", "payload": {"data": None}}], "event", "graphql.data.null", "holds no data"),
    "an event of nothing": ([ACK, {"id": "1", "type": "next"}], "event", "graphql.data.null", "holds no data"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_server_says_is_understood(judge: Judge, case: str) -> None:
    """A refusal or an error in any form is one, and an event without data is none."""
    answers, expect, code, words = CASES[case]
    found = judge(answers, expect)
    assert [one.code for one in found] == ([code] if code else []), found
    assert all(words in one.message for one in found), found


def test_a_header_that_no_request_may_carry_is_not_sent(tmp_path: Path) -> None:
    """It is refused before anybody is connected to."""
    table = GraphqlTarget(url="http://127.0.0.1:1/graphql", headers={"X-HTTP-Method-Override": "DELETE"})
    wire = Wire(Requests(), Redactor(), "messages")
    wire.open("graphql", table, (table.url, http_url(table)), {}, tmp_path)
    with pytest.raises(Refused, match="act on another method"):
        subscribe(wire, table, GraphqlSubscription(), "subscription T { t }", None, "T", ANONYMOUS, target="graphql",
                  subject="T")  # fmt: skip
    wire.close()
