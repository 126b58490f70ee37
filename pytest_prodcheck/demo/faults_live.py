"""The faults of the WebSocket, and of what stands in front of it."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import LIMITS, READY_LIVE, STABLE, STEP, WEBSOCKET, Fault


def _closed(name: str, summary: str, cause: str) -> Fault:
    """No connection opens."""
    return Fault(name, "websocket", summary, (cause,), READY_LIVE, WEBSOCKET)


def _wrong(name: str, summary: str, cause: str, *explains: str, accept: tuple[str, ...] = ()) -> Fault:
    """Connections open, and do not do as promised."""
    return Fault(name, "websocket", summary, (cause,), explains, (), (*LIMITS, *WEBSOCKET), accept)


FAULTS = (
    _closed("ws-down", "nothing listens on the WebSocket's port", "http.tcp.refused"),
    _closed("ws-upgrade-blocked", "the proxy does not pass Upgrade on", "websocket.upgrade.blocked"),
    _closed("ws-token-late", "every connection is accepted, and closed by 4401", "websocket.token.rejected"),
    _closed("ws-subprotocol", "the server speaks tasks.v2, the clients tasks.v1", "websocket.subprotocol.mismatch"),
    _wrong("ws-token-ignored", "whoever comes gets a connection", "auth.anonymous.accepted", "websocket::test_refuses"),
    _wrong(
        "ws-foreign-origin",
        "pages of any site may connect",
        "websocket.origin.ignored",
        "websocket::test_foreign_origin",
    ),
    _wrong("ws-idle-timeout", "a proxy ends what is idle for 1 s", "websocket.connection.idle_timeout", *STABLE),
    _wrong(
        "ws-platform-timeout",
        "a platform ends every connection at the age of 1.4 s",
        "websocket.connection.platform_timeout",
        *STABLE,
    ),
    _wrong(
        "ws-broadcast-lost",
        "two replicas do not tell each other what is said in a room",
        "websocket.broadcast.lost_between_replicas",
        *STEP,
    ),
    _wrong("ws-fallback", "the worker is not there, a fallback answers", "websocket.handler.fallback", *STEP),
    _wrong("ws-users-mixed", "one handler keeps the notes of all users", "websocket.users.mixed", *STEP),
    _wrong("ws-crash", "the handler of a message fails", "websocket.server.internal_error", *STEP),
)
