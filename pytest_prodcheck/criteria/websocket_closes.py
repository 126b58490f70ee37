"""What the code of a close stands for (RFC 6455 §7.4.1, the IANA registry, and what servers agreed on beside it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DROPPED: Final = "websocket.connection.dropped"
CLOSED: Final = "websocket.connection.closed"
TOKEN: Final = "websocket.token.rejected"

_CODES: Final[Mapping[int, tuple[str, str]]] = {
    0: ("the protocol's own goodbye", CLOSED),
    1000: ("normal closure", CLOSED),
    1001: ("going away", "websocket.server.going_away"),
    1002: ("protocol error", "websocket.protocol.broken"),
    1003: ("unsupported data", "websocket.message.refused"),
    1005: ("no code", CLOSED),
    1006: ("no closing handshake", DROPPED),
    1007: ("invalid data", "websocket.message.refused"),
    1008: ("policy violation", TOKEN),
    1009: ("message too big", "websocket.message.too_big"),
    1010: ("extension missing", "websocket.message.refused"),
    1011: ("internal error", "websocket.server.internal_error"),
    1012: ("service restart", "websocket.server.going_away"),
    1013: ("try again later", "websocket.server.overloaded"),
    1014: ("bad gateway", "http.upstream.crashed"),
    3000: ("unauthorized", TOKEN),
    3003: ("forbidden", TOKEN),
    3008: ("timeout", CLOSED),
    4001: ("unauthorized", TOKEN),
    4003: ("forbidden", TOKEN),
    4400: ("bad request", "websocket.message.refused"),
    4401: ("unauthorized", TOKEN),
    4403: ("forbidden", TOKEN),
    4406: ("subprotocol not acceptable", "websocket.subprotocol.mismatch"),
    4408: ("initialisation timeout", TOKEN),
    4429: ("too many requests", "websocket.server.overloaded"),
}
_PROBLEMS: Final[Mapping[str, tuple[str, str]]] = {
    "protocol": ("it broke the protocol (RFC 6455)", "websocket.protocol.broken"),
    "not_utf8": ("it sent text that is not UTF-8 (RFC 6455 §8.1)", "websocket.protocol.broken"),
    "too_big": ("it sent a message of more than 1 MiB, which is not read", "websocket.message.too_big"),
    "flood": ("it sent more messages than are read", "websocket.message.flood"),
    "silent": ("it stands, and answers no ping (RFC 6455 §5.5.3)", "websocket.server.silent"),
}


def word(code: int) -> str:
    """`1011 internal error`; the bare number where the code has no agreed meaning."""
    known = _CODES.get(code)
    return f"{code} {known[0]}" if known and code else known[0] if known else str(code)


def code(data: Mapping[str, Any]) -> str:
    """The cause code that an end (`close_code`, `problem`) speaks for; `unknown` where the connection stands."""
    if problem := _PROBLEMS.get(str(data.get("problem", ""))):
        return problem[1]
    closed = data.get("close_code")
    return _CODES.get(closed, ("", CLOSED))[1] if isinstance(closed, int) else "unknown"


def told(data: Mapping[str, Any]) -> str:
    """The end as a clause: `the server closed the connection (1011 internal error: boom)`."""
    if problem := _PROBLEMS.get(str(data.get("problem", ""))):
        return problem[0]
    closed, reason = data.get("close_code"), str(data.get("close_reason", ""))
    if closed == 1006:
        return "the connection was cut without a closing handshake (1006)"
    said = f": {reason}" if reason and isinstance(closed, int) and reason.lower() not in word(closed) else ""
    return f"the server closed the connection ({word(closed if isinstance(closed, int) else 1005)}{said})"
