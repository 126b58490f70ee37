"""The websocket target against Node's `ws` and Socket.IO 4, as their own clients would speak with them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_servers import missing, running

sys.path.append(str(Path(__file__).parents[1] / "targets"))

from websocket_server import TOKENS, prober

from pytest_prodcheck.criteria import websocket_opening, websocket_stability, websocket_steps
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.targets.websocket_prober import WebsocketProber

pytestmark = pytest.mark.skipif(bool(missing("socket.io")), reason=missing("socket.io"))

WELCOME = {"name": "welcome", "expect": {"type": "welcome"}}
JOIN = {"name": "join", "send": {"type": "join", "who": "{client}"}, "effect": "write",
        "expect": {"type": "joined", "who": "{client}"}, "heard_by": "all", "within": 2.0}  # fmt: skip
IO_WELCOME = {"name": "welcome", "expect": ["welcome", {"user": "*"}]}
IO_JOIN = {"name": "join", "send": ["join", {"room": "r", "who": "{client}"}], "effect": "write",
           "expect": ["joined", {"who": "{client}"}], "heard_by": "all", "within": 1.0}  # fmt: skip


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Any]:
    """A prober of a path of a server with these settings; both end with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def ask(path: str, settings: dict[str, object] | None = None, **keys: Any) -> WebsocketProber:
            address = stack.enter_context(running("sockets.mjs", {"token": TOKENS["member"], **(settings or {})}))
            one = prober(tmp_path, f"ws://{address}{path}", **keys)
            stack.callback(one._wire.close)
            stack.callback(one._wire.stop)
            stack.callback(one.leave)
            return one

        yield ask


def opened(one: WebsocketProber) -> list[str]:
    """Causes of what does not open."""
    return [found.code for found in websocket_opening.ready(one.ready(), one.table)]


def stepped(one: WebsocketProber, name: str) -> list[Finding]:
    """Findings about a step."""
    step = next(step for step in one.table.steps if step.name == name)
    return websocket_steps.judge(one.probe("test_step", name, "", 1), one.table, step, "websocket")


def test_ws(asked: Any) -> None:
    """Node's `ws`: token, subprotocol, steps, a broadcast, the closing handshake, a hold (C25, C26)."""
    one = asked("/plain", **{"as": "member"}, subprotocol="plan.v1", clients=3, hold=1.0, close=[1000, 1005],
                steps=[WELCOME, JOIN])  # fmt: skip
    assert opened(one) == []
    assert stepped(one, "welcome") + stepped(one, "join") == []
    assert websocket_steps.close(one.probe("test_close", "", "", 1), one.table, "websocket") == []
    assert websocket_stability.judge(one.probe("test_stable", "", "", 1).observations[0], one.table) == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "close", "code": 1011}, "websocket.server.internal_error"),
        ({"type": "close", "code": 1013}, "websocket.server.overloaded"),
        ({"type": "close", "code": 4403}, "websocket.token.rejected"),
        ({"type": "terminate"}, "websocket.connection.dropped"),
        ({"type": "long", "text": "x" * 5000}, "websocket.message.too_big"),
    ],
    ids=str,
)
def test_closes_of_ws(asked: Any, message: dict[str, object], code: str) -> None:
    """Codes, a cut, and a message that is larger than the server takes (1009)."""
    step = {"name": "end", "send": message, "effect": "read", "expect": {"type": "echoed"}}
    (found,) = stepped(asked("/plain", **{"as": "member"}, steps=[step]), "end")
    assert found.code == code


def test_nobody_is_let_in_without_a_token(asked: Any) -> None:
    """A bare 401 of a server that knows no HTTP (E2)."""
    assert opened(asked("/plain", status=[401])) == []
    assert opened(asked("/plain", **{"as": "colleague"})) == ["websocket.token.rejected"]


def test_socket_io(asked: Any) -> None:
    """Engine.IO's opening, CONNECT, events; pings are answered while it is held (C25, C26)."""
    one = asked(
        "/socket.io/", {"pingInterval": 300}, protocol="socket.io", clients=2, hold=1.5, steps=[IO_WELCOME, IO_JOIN]
    )
    assert opened(one) == []
    assert stepped(one, "welcome") + stepped(one, "join") == []
    assert websocket_stability.judge(one.probe("test_stable", "", "", 1).observations[0], one.table) == []


def test_socket_io_without_an_adapter(asked: Any) -> None:
    """What is said in a room reaches the sender alone (C26)."""
    one = asked("/socket.io/", {"adapter": False}, protocol="socket.io", clients=2, steps=[IO_JOIN])
    assert [found.code for found in stepped(one, "join")] == ["websocket.broadcast.lost_between_replicas"]


@pytest.mark.parametrize(("token", "codes"), [("member", []), ("colleague", ["websocket.token.rejected"])])
def test_a_namespace_with_a_token(asked: Any, token: str, codes: list[str]) -> None:
    """`first` goes with CONNECT; CONNECT_ERROR refuses (E2)."""
    one = asked("/socket.io/", protocol="socket.io", namespace="/game", first={"token": f"user:{token}"},
                steps=[IO_WELCOME], **{"as": token})  # fmt: skip
    assert opened(one) == codes
    if not codes:
        assert stepped(one, "welcome") == []


def test_socket_io_without_websockets(asked: Any) -> None:
    """Long polling answers and the upgrade does not: the cause says so."""
    one = asked("/socket.io/", {"websocket": False}, protocol="socket.io")
    (found,) = websocket_opening.ready(one.ready(), one.table)
    assert (found.code, "by long polling Engine.IO answers" in found.message) == ("websocket.upgrade.blocked", True)


def test_socket_io_is_recognised(asked: Any) -> None:
    """Where it is taken for a plain WebSocket."""
    one = asked("/socket.io/?EIO=4&transport=websocket", steps=[WELCOME | {"within": 0.5}])
    (found,) = stepped(one, "welcome")
    assert (found.code, "socket.io" in found.message) == ("websocket.protocol.mismatch", True)


def test_ws_is_no_socket_io(asked: Any) -> None:
    """A plain server does not open Engine.IO."""
    assert opened(asked("/plain", **{"as": "member"}, protocol="socket.io")) == ["websocket.protocol.mismatch"]


TICKS = {"name": "ticks", "effect": "read", "expect": {"type": "next", "payload": {"data": {"ticks": "> 0"}}},
         "send": {"type": "subscribe", "id": "1", "payload": {"query": "subscription { ticks }"}}}  # fmt: skip


@pytest.mark.skipif(bool(missing("graphql-yoga")), reason=missing("graphql-yoga"))
@pytest.mark.parametrize(
    ("keys", "codes"),
    [({"as": "member"}, []), ({"as": "colleague"}, ["websocket.token.rejected"]),
     ({"as": "member", "first": {"Authorization": "Bearer {user:member}"}}, [])],
)  # fmt: skip
def test_graphql_transport_ws(tmp_path: Path, keys: dict[str, Any], codes: list[str]) -> None:
    """The reference implementation: connection_init is acknowledged, or closed by 4403; a subscription is a step."""
    with running("yoga.mjs", {"token": TOKENS["member"]}) as address:
        url = address.replace("http:", "ws:")
        one = prober(tmp_path, url, protocol="graphql-ws", steps=[TICKS], **keys)
        assert opened(one) == codes
        assert codes or stepped(one, "ticks") == []
        one._wire.stop()
        one._wire.close()
