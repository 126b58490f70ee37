"""A WebSocket server that is right or wrong as its path says, a proxy that cuts connections, a prober to ask them."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pytest_prodcheck.config.models import Requests, WebsocketTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria.websocket_messages import Messages
from pytest_prodcheck.targets.websocket_opening import http_url
from pytest_prodcheck.targets.websocket_prober import WebsocketProber
from pytest_prodcheck.targets.wire import Wire

TOKENS = {"member": "member-token-0123456789", "colleague": "colleague-token-0123456789"}
ORIGIN = "https://app.example"


class Server:
    """The library's own server. `heard` are the messages that came, `asked` the heads of handshakes."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.asked: list[Request] = []
        self.closes: list[int | None] = []
        self.rooms: dict[str, set[ServerConnection]] = {}
        self.count = 0
        self.loop = asyncio.new_event_loop()

    def answer(self, _: ServerConnection, request: Request) -> Response | None:
        """An answer of HTTP in the place of the handshake."""
        self.asked.append(request)
        path = urlsplit(request.path).path
        if path == "/own-origin" and request.headers.get("Origin", ORIGIN) != ORIGIN:
            return _response(403, "origin not allowed")
        if path == "/bearer" and request.headers.get("Authorization") != f"Bearer {TOKENS['member']}":
            return _response(401, "no valid token")
        if path == "/once" and len([one for one in self.asked if urlsplit(one.path).path == "/once"]) > 2:
            return _response(409, "one session for each user")
        if path.startswith("/status/"):
            status, _, page = path.removeprefix("/status/").partition("/")
            return _response(int(status), "<html><h1>nginx</h1></html>" if page else "no", html=bool(page))
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """Speaks as the path says."""
        name = urlsplit(connection.request.path).path.strip("/").replace("-", "_")
        with contextlib.suppress(ConnectionClosed):
            await getattr(self, name, self.app)(connection)
        await connection.wait_closed()
        self.closes.append(connection.close_code)

    async def app(self, connection: ServerConnection, drop: bool = False) -> None:
        """A small application: welcome, echo, rooms, notes."""
        self.count += 1
        replica = self.count % 2 if drop else 0
        user = next((name for name, token in TOKENS.items() if token in str(connection.request.headers)), "")
        await connection.send(json.dumps({"type": "noise"}))
        await connection.send(json.dumps({"type": "welcome", "user": user}))
        async for text in connection:
            self.heard.append(text)
            message = json.loads(text)
            if message["type"] == "echo":
                await connection.send(json.dumps({"type": "echoed", "text": message.get("text", "")}))
            elif message["type"] == "join":
                room = self.rooms.setdefault(f"{message['room']}-{replica}", set())
                room.add(connection)
                for other in list(room):
                    with contextlib.suppress(ConnectionClosed):
                        await other.send(json.dumps({"type": "joined", "who": message.get("who", "")}))
            elif message["type"] == "note":
                await self.note(connection, message, user)

    async def lost(self, connection: ServerConnection) -> None:
        """Two replicas without an adapter."""
        await self.app(connection, drop=True)

    async def mixed(self, connection: ServerConnection) -> None:
        """One handler for all users."""
        self.rooms.setdefault("mixed", set()).add(connection)
        await self.app(connection)

    async def note(self, connection: ServerConnection, message: dict[str, Any], user: str) -> None:
        """A note comes back to who wrote it; on /mixed to everybody."""
        for other in list(self.rooms.get("mixed", set())) or [connection]:
            with contextlib.suppress(ConnectionClosed):
                await other.send(json.dumps({"type": "noted", "text": message["text"], "by": user}))

    async def query(self, connection: ServerConnection) -> None:
        """The token is a parameter; a wrong one is closed with its own words."""
        token = parse_qs(urlsplit(connection.request.path).query).get("token", [""])[0]
        if token != TOKENS["member"]:
            await connection.close(4401, f"bad token {token}"[:120])
        else:
            await self.app(connection)

    async def first(self, connection: ServerConnection) -> None:
        """The token is in the first message."""
        message = json.loads(await connection.recv())
        if message.get("token") != TOKENS["member"]:
            await connection.close(1008, "unauthorized")
        else:
            await self.app(connection)

    async def ignores(self, connection: ServerConnection) -> None:
        """Whoever comes is welcome."""
        await self.app(connection)

    async def close_with(self, connection: ServerConnection, code: int) -> None:
        """A welcome, and a goodbye with the first question."""
        await connection.send(json.dumps({"type": "welcome"}))
        await connection.recv()
        await connection.close(code, "why not")

    async def at_once(self, connection: ServerConnection) -> None:
        """Refuses after the handshake."""
        await connection.close(4401, "unauthorized")

    async def fallback(self, connection: ServerConnection) -> None:
        """Something answers in the place of the real thing."""
        async for _ in connection:
            await connection.send("I cannot think just now, please try again")

    async def calls_itself_fallback(self, connection: ServerConnection) -> None:
        """The same, and says so."""
        async for _ in connection:
            await connection.send(json.dumps({"type": "echoed", "handler": "fallback"}))

    async def mute(self, connection: ServerConnection) -> None:
        """Takes everything, says nothing."""
        async for text in connection:
            self.heard.append(text)

    async def flood(self, connection: ServerConnection) -> None:
        """Never stops."""
        while True:
            await connection.send("x" * 100_000)

    async def large(self, connection: ServerConnection) -> None:
        """One message of a gigabyte, as far as anybody reads it."""
        await connection.recv()
        piece = b"x" * 1_000_000

        async def pieces() -> Any:
            for _ in range(1000):
                yield piece

        await connection.send(pieces())

    async def engine(self, connection: ServerConnection) -> None:
        """Socket.IO's opening."""
        await connection.send('0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        async for _ in connection:
            pass

    async def aged(self, connection: ServerConnection) -> None:
        """Ends at the age of 1.2 s, busy or not."""
        await asyncio.sleep(1.2)
        connection.transport.abort()

    async def restarts(self, connection: ServerConnection) -> None:
        """All end at one moment."""
        self.rooms.setdefault("restarts", set()).add(connection)
        if len(self.rooms["restarts"]) == 1:
            await asyncio.sleep(1.4)
            for other in self.rooms.pop("restarts"):
                other.transport.abort()
        await connection.wait_closed()

    async def fails_later(self, connection: ServerConnection) -> None:
        """1011 after a moment."""
        await asyncio.sleep(0.8)
        await connection.close(1011, "relation tasks does not exist")

    @contextmanager
    def serving(self, context: ssl.SSLContext | None = None) -> Iterator[str]:
        """The address, for the length of the block."""
        port, up, stop = [], threading.Event(), asyncio.Event()

        async def main() -> None:
            serving = serve(self.handle, "127.0.0.1", 0, ssl=context, select_subprotocol=_chosen, close_timeout=0.2,
                            process_request=self.answer, max_size=None, ping_interval=None)  # fmt: skip
            async with serving as server:
                port.append(server.sockets[0].getsockname()[1])
                up.set()
                await stop.wait()

        thread = threading.Thread(target=self.loop.run_until_complete, args=(main(),))
        thread.start()
        up.wait(5)
        try:
            yield f"{'wss' if context else 'ws'}://127.0.0.1:{port[0]}"
        finally:
            self.loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            self.loop.close()


def _chosen(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name == "plan.v1"), None)


def _response(status: int, text: str, *, html: bool = False) -> Response:
    body = text.encode()
    headers = Headers({"Content-Type": "text/html" if html else "text/plain", "Content-Length": str(len(body))})
    reason = http.HTTPStatus(status).phrase
    return Response(status, reason, headers, body)


@contextmanager
def idle_proxy(port: int, seconds: float) -> Iterator[int]:
    """A TCP proxy that ends a connection on which nothing went for so long; its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def pump(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server, selectors.DefaultSelector() as look:
            look.register(client, selectors.EVENT_READ, server)
            look.register(server, selectors.EVENT_READ, client)
            last = time.monotonic()
            while not over.is_set() and time.monotonic() - last < seconds:
                for key, _ in look.select(0.02):
                    last = time.monotonic()
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    key.data.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=_quietly, args=(pump, listening.accept()[0]), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def _quietly(pump: Any, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        pump(client)


def prober(folder: Path, url: str, *, permitted: bool = True, requests: Requests | None = None, forger: Any = None,
           **keys: Any) -> WebsocketProber:  # fmt: skip
    """A prober of an address, over a wire of its own, with the tokens of two users."""
    table = WebsocketTarget.model_validate({"url": url, "timeout": 2.0, **keys})
    wire = Wire(requests or Requests(), Redactor(), "run-1")
    wire.open("websocket", table, (http_url(url),), {}, folder)
    taken = table.steps if permitted else [step for step in table.steps if not step.writes]

    def credentials(user: str) -> dict[str, str]:
        return {"authorization": f"Bearer {TOKENS[user]}"} if user in TOKENS else {}

    return WebsocketProber(wire, "websocket", table, taken, Messages(table.fallback, time.time), credentials, forger)
