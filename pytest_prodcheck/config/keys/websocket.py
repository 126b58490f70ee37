"""What the keys of a websocket target mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import OWNED, WEB, Words

KEYS: Mapping[str, Words] = {
    "WebsocketStep": OWNED
    | {
        "name": ("Its name, by which a write is permitted.", 'name = "join"'),
        "send": (
            "What is sent: a table as JSON, or a text; of Socket.IO a list, the event's name first.",
            'send = { type = "join", room = "{run}" }',
        ),
        "effect": ("`read` or `write`; mandatory beside `send`.", 'effect = "read"'),
        "expect": (
            "What must come; other messages are skipped until one matches.",
            'expect = { type = "joined" }',
        ),
        "within": ("How long it may take.", 'within = "1s"'),
        "heard_by": (
            "`sender` (the default), `others` or `all`: of the clients, those that took this step before.",
            'heard_by = "all"',
        ),
        "unheard_by": ("Users who take the same steps, and must not hear it.", 'unheard_by = "colleague"'),
        "cleanup": (
            "What undoes a write, sent before the goodbye; or `none: reason`.",
            'cleanup = { type = "leave", room = "{run}" }',
        ),
        "latency": ("Limits from what is sent to what is expected.", 'latency = "p95 < 100ms"'),
    },
    "WebsocketTarget": WEB
    | {
        "latency": ("Limits over all answers, and pings, of this target.", 'latency = "p95 < 200ms"'),
        "url": ("The address, `ws://` or `wss://`.", 'url = "wss://app.example/ws"'),
        "protocol": ("`plain` (the default), `socket.io` or `graphql-ws`.", 'protocol = "socket.io"'),
        "as": ("The user, whose token goes into the Authorization header.", 'as = "member"'),
        "query": ("Query parameters; `user:NAME` is a user's token.", 'query = { token = "user:member" }'),
        "first": (
            "How a user says who it is: the first message, or what goes with CONNECT or `connection_init`.",
            'first = { type = "auth", token = "user:member" }',
        ),
        "namespace": ("Socket.IO's namespace.", 'namespace = "/game"'),
        "subprotocol": ("What is offered, and must be chosen.", 'subprotocol = "plan.v1"'),
        "origin": ("The Origin header that is sent.", 'origin = "https://app.example"'),
        "foreign_origin": ("`refused`: no page of another site may connect.", 'foreign_origin = "refused"'),
        "status": ("The handshake must be refused so.", "status = 401"),
        "close": (
            "Codes by which the server answers our goodbye; or, of a refusal, by which it must close by itself.",
            "close = [1000, 1005]",
        ),
        "refuses": ("Tokens that must be refused: see [identity](identity.md).", 'refuses = ["none", "tampered"]'),
        "refused": (
            "Statuses, or codes of a close, of such a refusal; without it those that say so.",
            "refused = [401, 4401]",
        ),
        "clients": ("Connections that take every step, and are held.", "clients = 5"),
        "hold": ("How long they must stand idle.", 'hold = "30s"'),
        "fallback": (
            "What an answer says that does not come from the real handler.",
            'fallback = { type = "fallback" }',
        ),
        "steps": (
            "What is said and expected, in this order.",
            'steps = [{ name = "welcome", expect = { type = "welcome" } }]',
        ),
    },
}
