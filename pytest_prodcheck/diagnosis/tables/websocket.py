"""Causes of WebSockets."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

_SOCKET = (
    "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' "
    "-H 'Sec-WebSocket-Key: cHJvZGNoZWNrLi4uLi4uLg==' {more}--max-time 5 {url}"
)
_CHECK = "pytest --prodcheck=ENV -k websocket"


def _socket(more: str = "") -> str:
    """A handshake by hand; `more` are further options."""
    return _SOCKET.replace("{more}", more)


KINDS = (
    CauseKind(
        "websocket.token.rejected",
        "401 or 403 to the handshake, or a close that says so (1008, 3000, 3003, 4401, 4403)",
        "the WebSocket rejects the token of {user}",
        "compare what the server wants (header, parameter, first message) with `as`, `query` and `first`; look at the "
        "token's audience and end",
        _socket('-H "Authorization: Bearer $TOKEN" '),
    ),
    CauseKind(
        "websocket.token.ignored",
        "a connection is opened with a token that must be refused",
        "a connection is opened with a token that must be refused",
        "verify the token before the connection is accepted",
        _socket(),
    ),
    CauseKind(
        "websocket.origin.ignored",
        "a page of another site may open a connection as its visitor (cross-site WebSocket hijacking)",
        "a page of another site may open a connection as its visitor",
        "accept the handshake for the application's own origins alone",
        _socket("-H 'Origin: https://prodcheck.invalid' "),
    ),
    CauseKind(
        "websocket.handshake.refused",
        "the handshake is answered with a status that nobody promised",
        "the handshake at {path} is answered {status}",
        "look at who answers there: a proxy, a firewall, another application",
        _socket(),
    ),
    CauseKind(
        "websocket.handshake.not_refused",
        "a connection is opened where it must be refused",
        "a connection to {path} is opened, and must be refused",
        "look at what guards that path",
        _socket(),
    ),
    CauseKind(
        "websocket.handshake.hangs",
        "the connection stands, and the handshake is not answered",
        "the handshake at {path} is not answered",
        "look whether a proxy holds the request back, and whether the server accepts connections",
        _socket(),
    ),
    CauseKind(
        "websocket.endpoint.not_found",
        "404 to the handshake: no WebSocket is served at this path",
        "no WebSocket is served at {path}",
        "compare the path with the application's route, and the proxy's location",
        _socket(),
    ),
    CauseKind(
        "websocket.upgrade.blocked",
        "a proxy removes Upgrade: the handshake is answered as a plain request",
        "the proxy does not pass Upgrade on: the handshake is answered {status}; HTTP works",
        "pass the headers on (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
        "proxy_set_header Connection upgrade)",
        _socket(),
    ),
    CauseKind(
        "websocket.subprotocol.mismatch",
        "no common sub-protocol",
        "the server does not choose the promised subprotocol",
        "compare the subprotocols of server and client, by their versions",
        _socket("-H 'Sec-WebSocket-Protocol: {expected}' "),
    ),
    CauseKind(
        "websocket.protocol.mismatch",
        "another protocol is spoken than declared",
        "the server speaks another protocol than declared",
        "compare `protocol` with what the application uses",
        _socket(),
    ),
    CauseKind(
        "websocket.protocol.broken",
        "what is sent is not RFC 6455: frames, masks, text that is not UTF-8, a handshake that is none",
        "what the server sends is not RFC 6455",
        "look at what stands in between, and at the server's library",
        _socket(),
    ),
    CauseKind(
        "websocket.connection.idle_timeout",
        "closed after the same idle time, while a connection with traffic stands",
        "idle connections end after {seconds} s: a proxy's idle time-out",
        "let the server send pings, or raise the time-out (nginx: proxy_read_timeout; AWS: idle_timeout)",
        _CHECK,
    ),
    CauseKind(
        "websocket.connection.platform_timeout",
        "closed at the same age, busy or not",
        "all connections end at the age of {seconds} s, busy or not: the platform's request time-out",
        "raise it (Cloud Run: --timeout, 3600 s at most), and let clients reconnect",
        _CHECK,
    ),
    CauseKind(
        "websocket.connection.dropped",
        "a connection was cut without a closing handshake (1006)",
        "connections are cut without a closing handshake",
        "look for restarts, memory, and the proxy's log at that moment",
        _CHECK,
    ),
    CauseKind(
        "websocket.connection.closed",
        "the server closed a connection that should stand",
        "the server closes connections that should stand ({close_code})",
        "look into the server's log for the reason of the close",
        _CHECK,
    ),
    CauseKind(
        "websocket.close.unexpected",
        "goodbye is answered by another code than promised",
        "the server answers goodbye by {close_code}",
        "look at the closing handshake of the server and of the proxy (RFC 6455 §7)",
        _CHECK,
    ),
    CauseKind(
        "websocket.reconnect.refused",
        "a second connection is not accepted after a first one was closed",
        "a second connection is refused after the first was closed",
        "look at what the server keeps of a session, and at limits for each user",
        _CHECK,
    ),
    CauseKind(
        "websocket.server.going_away",
        "1001 or 1012, or all connections at one moment: the server, or a proxy, restarted",
        "the server closed its connections and went away: a restart, or a deploy",
        "look at rollouts and restarts at that moment; let clients reconnect",
        _CHECK,
    ),
    CauseKind(
        "websocket.server.overloaded",
        "1013 or 4429: the server asks to come back later",
        "the server is overloaded, and asks to come back later",
        "look at its limits of connections and messages, and at its load",
        _CHECK,
    ),
    CauseKind(
        "websocket.server.internal_error",
        "1011: the handler of a connection failed",
        "the handler of a connection fails (1011)",
        "look for the exception in the server's log at that moment",
        _CHECK,
    ),
    CauseKind(
        "websocket.server.silent",
        "a connection is opened, and nothing on it is answered, not even a ping",
        "connections are opened, and nothing on them is answered",
        "look whether the server's event loop is blocked, and what stands in between",
        _socket(),
    ),
    CauseKind(
        "websocket.message.refused",
        "the server does not take what is sent (1003, 1007, 1010, 4400)",
        "the server does not take what is sent",
        "compare the declared message with the application's",
        _CHECK,
    ),
    CauseKind(
        "websocket.message.too_big",
        "a message is larger than its reader takes (1009)",
        "a message is larger than its reader takes (1009)",
        "look at the limits of both sides, and at what is sent",
        _CHECK,
    ),
    CauseKind(
        "websocket.message.flood",
        "more messages come than anybody reads",
        "the server sends more messages than anybody reads",
        "look at what is subscribed to by default",
        _CHECK,
    ),
    CauseKind(
        "websocket.answer.missing",
        "nothing comes where an answer is expected",
        "{subject}: nothing comes",
        "look whether the handler got the message: its log at that moment",
        _CHECK,
    ),
    CauseKind(
        "websocket.answer.unexpected",
        "messages come, and none is as expected",
        "{subject}: what comes is not as expected",
        "compare the message with the promise",
        _CHECK,
    ),
    CauseKind(
        "websocket.broadcast.lost_between_replicas",
        "some clients hear a broadcast and others do not: replicas without a shared adapter",
        "a broadcast reaches some clients and not others: replicas without a shared adapter",
        "give all replicas one adapter (Redis pub/sub), or let clients of one room reach one replica",
        _CHECK,
    ),
    CauseKind(
        "websocket.handler.fallback",
        "answers come from a fallback",
        "a fallback handler answers: what should stand behind it is missing",
        "look why the real handler was not started: its dependencies, its log at start-up",
        _CHECK,
    ),
    CauseKind(
        "websocket.users.mixed",
        "a user receives what another user's connection should get alone",
        "a user receives what is another user's",
        "look for state that connections share: a global session, a handler made once",
        _CHECK,
    ),
)
