"""The GraphQL engine's subscriptions over graphql-transport-ws: live queries, which send their first result at once.

Hasura reads the session from `connection_init`'s `headers`, as here (enisdenjo/graphql-ws, PROTOCOL.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from pytest_prodcheck.demo.engine import Engine, EngineError, Session

PROTOCOL = "graphql-transport-ws"
BAD_REQUEST, FORBIDDEN, NOT_ACCEPTABLE = 4400, 4403, 4406


async def serve(engine: Engine, socket: WebSocket) -> None:
    """One connection, until the client leaves."""
    if PROTOCOL not in socket.scope["subprotocols"]:
        await socket.close(NOT_ACCEPTABLE)
        return
    await socket.accept(PROTOCOL)
    try:
        session = await _session(engine, socket)
        while session and not engine.silent:
            await _answer(engine, session, socket, await socket.receive_json())
        while session:
            await socket.receive_json()
    except (WebSocketDisconnect, asyncio.CancelledError):
        return
    except (KeyError, ValueError, TypeError):
        await socket.close(BAD_REQUEST, "Invalid message")


async def _session(engine: Engine, socket: WebSocket) -> Session | None:
    message = await socket.receive_json()
    if message["type"] != "connection_init":
        await socket.close(BAD_REQUEST, "Connection initialisation expected")
        return None
    headers = (message.get("payload") or {}).get("headers") or {}
    try:
        session = engine.session({str(name).lower(): str(value) for name, value in headers.items()})
    except EngineError as error:
        await socket.close(FORBIDDEN, error.message[:120])
        return None
    await socket.send_json({"type": "connection_ack"})
    return session


async def _answer(engine: Engine, session: Session, socket: WebSocket, message: Mapping[str, Any]) -> None:
    if message["type"] == "ping":
        await socket.send_json({"type": "pong"})
    if message["type"] != "subscribe":
        return
    found = await engine.subscribe(session, message["payload"])
    kind, payload = ("next", found) if "data" in found else ("error", found["errors"])
    await socket.send_json({"id": message["id"], "type": kind, "payload": payload})
