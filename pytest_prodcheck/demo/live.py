"""The demo's WebSocket: tasks are counted, rooms are joined, notes come back to who wrote them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import psycopg
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from pytest_prodcheck.demo.api import Api
from pytest_prodcheck.demo.consumer import Consumer

PROTOCOL = "tasks.v1"
PATH = "/live"
INTERNAL_ERROR, UNAUTHORIZED = 1011, 4401
_COUNT = "select count(*) from tasks"


@dataclass(eq=False)
class Seat:
    """One connection: whose it is, and on which of two replicas it landed."""

    socket: WebSocket
    user: str
    replica: int = 0


@dataclass
class Live:
    """What the WebSocket runs on, and what may be wrong with it."""

    api: Api
    consumer: Consumer
    origins: tuple[str, ...]
    protocol: str = PROTOCOL
    open_to_all: bool = False
    judges_late: bool = False
    """A bad token, or in this fault any, is refused when the connection stands."""
    adapter: bool = True
    """Whether the replicas tell each other what is said in a room."""
    worker: bool = True
    """Whether what answers stands behind the handler."""
    one_for_all: bool = False
    """One handler keeps the notes of all users."""
    crashes: bool = False
    rooms: dict[str, list[Seat]] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    seats: list[Seat] = field(default_factory=list)

    async def serve(self, socket: WebSocket) -> None:
        """One connection, until somebody leaves."""
        if refusal := self._refusal(socket):
            await socket.send_denial_response(JSONResponse({"error": refusal[1]}, refusal[0]))
            return
        offered = socket.scope["subprotocols"]
        await socket.accept(self.protocol if self.protocol in offered else None)
        seat = Seat(socket, str(self._claims(socket).get("sub", "")))
        self.seats.append(seat)
        try:
            if self.judges_late:
                await socket.close(UNAUTHORIZED, "token not accepted")
                return
            await socket.send_json({"type": "welcome", "user": seat.user})
            while True:
                await self._answer(seat, await socket.receive_json())
        except (WebSocketDisconnect, asyncio.CancelledError, RuntimeError):
            return
        except (psycopg.Error, ZeroDivisionError):
            await socket.close(INTERNAL_ERROR, "internal error")
        finally:
            self._leave(seat)

    def _refusal(self, socket: WebSocket) -> tuple[int, str] | None:
        if self.origins and socket.headers.get("origin", self.origins[0]) not in self.origins:
            return 403, "origin not allowed"
        if self.open_to_all or self._claims(socket):
            return None
        return 401, "invalid token"

    def _claims(self, socket: WebSocket) -> Mapping[str, Any]:
        """The caller's claims; nothing for a token that is none."""
        try:
            return self.consumer.verify(socket.headers.get("authorization", "").removeprefix("Bearer "))
        except jwt.PyJWTError:
            return {}

    async def _answer(self, seat: Seat, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if not self.worker and kind == "count":
            await seat.socket.send_json({"type": "counted", "tasks": 0, "source": "fallback"})
        elif kind == "count":
            await seat.socket.send_json(
                {"type": "counted", "tasks": 1 // 0 if self.crashes else await self._count(seat)}
            )
        elif kind == "join":
            await self._join(seat, str(message["room"]), str(message["who"]))
        elif kind == "note":
            hearers = self.seats if self.one_for_all else [one for one in self.seats if one.user == seat.user]
            await _say(hearers, {"type": "noted", "text": str(message["text"])})

    async def _count(self, seat: Seat) -> int:
        async with self.api.pool.transaction("member", seat.user) as connection:
            found = await (await connection.execute(_COUNT.encode())).fetchone()
        return int(str(found[0])) if found else 0

    async def _join(self, seat: Seat, room: str, who: str) -> None:
        """Connections of a room land on two replicas in turn."""
        count = self.joined[room] = self.joined.get(room, 0) + 1
        seat.replica = count % 2
        self.rooms.setdefault(room, []).append(seat)
        hearers = [one for one in self.rooms[room] if self.adapter or one.replica == seat.replica]
        await _say(hearers, {"type": "joined", "who": who})

    def _leave(self, seat: Seat) -> None:
        self.seats.remove(seat)
        for room in self.rooms.values():
            with contextlib.suppress(ValueError):
                room.remove(seat)


async def _say(hearers: list[Seat], message: Mapping[str, Any]) -> None:
    for one in list(hearers):
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await one.socket.send_json(message)


def live_app(live: Live) -> Starlette:
    """The application that serves `live`."""
    return Starlette(routes=[WebSocketRoute(PATH, live.serve)])
