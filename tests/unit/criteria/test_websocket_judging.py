"""What WebSockets promise, judged from data: messages, holds, closes, openings."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_prodcheck.config import steps
from pytest_prodcheck.config.models import WebsocketStep, WebsocketTarget
from pytest_prodcheck.criteria import websocket_opening, websocket_stability, websocket_steps
from pytest_prodcheck.criteria.websocket_messages import Messages
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Observation

TABLE = WebsocketTarget(url="wss://a.test/ws", hold=400.0, clients=3)
MESSAGES = Messages(["has try later", {"source": "cache"}], lambda: 1000.0)


@pytest.mark.parametrize(
    ("expected", "message", "fits"),
    [
        ({"type": "a"}, '{"type": "a", "more": 1}', True),
        ({"type": "a"}, '{"type": "b"}', False),
        ({"type": "a"}, "hello", False),
        ({"type": "a"}, b'{"type": "a"}', True),
        ("pong", "pong", True),
        ("pong", "pongs", False),
        ("has pong", "a pong came", True),
        ("re:^p.ng$", "ping", True),
        (["joined", {"who": "1"}], '["joined", {"who": "1", "x": 2}]', True),
        (["joined"], '["joined", 1]', False),
        ({"n": "> 3"}, '{"n": 4}', True),
        ({"at": "age < 10s"}, '{"at": "1970-01-01T00:16:35Z"}', True),
        ({"type": "a"}, '{"type": "b", "type": "a"}', False),
        ({"type": "absent"}, "not json", False),
        ("*", "", True),
        ("5", "5", True),
        ({"a": 1}, b"\xff\xfe\x00", False),
    ],
)
def test_messages_are_compared_as_bodies_are(expected: object, message: str | bytes, *, fits: bool) -> None:
    """Documents as documents, texts as texts; what is no JSON keeps no expectation of a document (C26)."""
    assert (MESSAGES.mismatch(expected, message) == "") is fits


@pytest.mark.parametrize(
    ("message", "stands_in"),
    [("please try later", True), ('{"source": "cache", "n": 1}', True), ('{"fallback": true}', True),
     ('{"handler": "fallback"}', True), ('{"text": "no fallback here"}', False), ('{"fallback": false}', False),
     ("[]", False)],
)  # fmt: skip
def test_a_fallback_is_known(message: str, *, stands_in: bool) -> None:
    """By what is declared, and by what it calls itself (E3)."""
    assert MESSAGES.falls_back(message) is stands_in


def row(
    age: float, *, busy: bool = False, opened: float = 0.0, code: int | None = 1006, problem: str = "", **more: Any
) -> dict[str, Any]:
    """One connection of a hold."""
    return {"busy": busy, "opened": opened, "age": age, "stands": True, "ended": code is not None, "code": code,
            "reason": "", "problem": problem, "status": 101, "error": "", "message": ""} | more  # fmt: skip


ALIVE = row(400.0, busy=True, code=None)
HOLDS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "all stand": ([row(400.0, code=None), ALIVE], []),
    "idle": ([row(60.1), row(60.2, opened=1.5), row(59.9, opened=3.0), ALIVE], ["connection.idle_timeout"]),
    "one idle": ([row(60.1), ALIVE], ["connection.idle_timeout"]),
    "platform": (
        [row(300.1), row(300.0, opened=1.5), row(300.2, opened=3.0, busy=True)], ["connection.platform_timeout"]),
    "platform by 1001": (
        [row(300.1, code=1001), row(300.0, opened=1.5, code=1001, busy=True)], ["connection.platform_timeout"]),
    "restart": (
        [row(200.0), row(198.5, opened=1.5), row(197.0, opened=3.0, busy=True)], ["server.going_away"]),
    "two of one replica": ([row(200.0), row(198.5, opened=1.5), ALIVE], ["server.going_away"]),
    "idle, on a busy machine": ([row(1.1), row(1.5, opened=0.3), ALIVE], ["connection.idle_timeout"]),
    "one of three": ([row(60.0), row(400.0, code=None), row(400.0, code=None), ALIVE], ["connection.dropped"]),
    "at odd ages": ([row(20.0), row(90.0, opened=1.5), row(310.0, opened=3.0), ALIVE], ["connection.dropped"]),
    "only the busy one": ([row(400.0, code=None), row(60.0, busy=True)], ["connection.dropped"]),
    "failing": ([row(5.0, code=1011), row(5.0, opened=1.5, code=1011), ALIVE], ["server.internal_error"]),
    "two reasons": ([row(60.0), row(9.0, opened=1.5, code=1011), ALIVE],
                    ["connection.dropped", "server.internal_error"]),
    "dead without a word": ([row(405.0, problem="silent"), row(405.0, opened=1.5, problem="silent"), ALIVE],
                            ["connection.idle_timeout"]),
    "dead, all of them": ([row(5.0, problem="silent"), row(5.0, busy=True, problem="silent")], ["server.silent"]),
    "flooded": ([row(5.0, problem="flood"), ALIVE], ["message.flood"]),
    "not opened": ([row(0.0, code=None, stands=False, status=503), ALIVE], ["http.upstream.none"]),
}  # fmt: skip


@pytest.mark.parametrize("name", HOLDS)
def test_what_ends_connections(name: str) -> None:
    """By age, by moment, by code, by which of them (C25, C49, D44, E4, R24)."""
    rows, codes = HOLDS[name]
    found = websocket_stability.judge(Observation("websocket", "hold", data={"held": rows}), TABLE)
    assert [one.code.removeprefix("websocket.") for one in found] == codes
    assert all("400s" in one.message for one in found if one.code != "http.upstream.none")


@pytest.mark.parametrize(("age", "who"), [(60.2, "nginx"), (300.5, "Cloud Run"), (100.0, "Cloudflare"), (75.0, "")])
def test_known_platforms_are_named(age: float, who: str) -> None:
    """The seconds, and whose they are (R24)."""
    held = [row(age), row(age, opened=1.5), ALIVE]
    (found,) = websocket_stability.judge(Observation("websocket", "hold", data={"held": held}), TABLE)
    assert (who in found.message, "so does" in found.message) == (True, bool(who))
    assert found.data["seconds"] == round(age, 1)


def test_a_hold_that_did_not_happen_is_not_green() -> None:
    """No rows, and a run that ended before its time."""
    (nothing,) = websocket_stability.judge(Observation("websocket", "hold"), TABLE)
    (stopped,) = websocket_stability.judge(Observation("websocket", "hold", error="stopped"), TABLE)
    assert (nothing.severity, stopped.severity) == ("error", "insufficient")


def test_a_step_that_nobody_took_is_not_green() -> None:
    """No observation, no client, a session that was stopped."""
    step = WebsocketStep(name="echo", send="a", effect="read", expect="a")
    (nothing,) = websocket_steps.judge(Evidence(), TABLE, step, "websocket")
    (stopped,) = websocket_steps.judge(Evidence((), {"stopped": "no room"}), TABLE, step, "websocket")
    assert (nothing.severity, stopped.severity) == ("error", "insufficient")


@pytest.mark.parametrize(
    ("facts", "codes"),
    [({"goodbyes": [1000, 1005]}, []), ({"goodbyes": [1006, 1000]}, ["websocket.close.unexpected"]),
     ({"goodbyes": []}, ["websocket.close.unexpected"])],
)  # fmt: skip
def test_goodbyes(facts: dict[str, Any], codes: list[str]) -> None:
    """Answered by a promised code, of all connections; of none is no answer (C25)."""
    table = TABLE.model_copy(update={"close": (1000, 1005)})
    assert [one.code for one in websocket_steps.close(Evidence((), facts), table, "websocket")] == codes


def test_a_page_in_the_place_of_the_handshake() -> None:
    """nginx's own 400 is a proxy without Upgrade; a server's words about subprotocols are its own."""
    seen = Observation("websocket", "connect", status=400, data={"stage": "handshake"}, expected=False)
    page = Observation(**{**seen.as_json(), "body": b"<html>nginx</html>", "headers": {"content-type": "text/html"}})
    words = Observation(**{**seen.as_json(), "message": "missing subprotocol"})
    assert [websocket_opening.judge(one, TABLE)[0].code for one in (page, words)] == [
        "websocket.upgrade.blocked", "websocket.subprotocol.mismatch"]  # fmt: skip


def test_what_a_message_holds() -> None:
    """Users' tokens whole and inside a text, the client's number, nothing else."""
    message = {"auth": "user:member", "header": "Bearer {user:member}", "who": "{client}", "plain": "user: x", "n": [1]}
    assert set(steps.users(message)) == {"member"}
    assert steps.filled(message, "2", lambda user: f"token-of-{user}") == {
        "auth": "token-of-member", "header": "Bearer token-of-member", "who": "2", "plain": "user: x", "n": [1],
    }  # fmt: skip
    assert steps.filled(message, "2") == message | {"who": "2"}
