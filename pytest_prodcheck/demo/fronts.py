"""What may stand in front of a service and break it: proxies, gateways, limits, as ASGI wrappers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Front = Callable[[ASGIApp], ASGIApp]
Path = Callable[[str], bool]


def everywhere(_: str) -> bool:
    """Every path."""
    return True


def only(*paths: str) -> Path:
    """These paths."""
    return lambda path: path in paths


def under(prefix: str) -> Path:
    """Every path that begins so."""
    return lambda path: path.startswith(prefix)


def answers(where: Path, make: Callable[[Scope], Response]) -> Front:
    """Answers itself on these paths."""

    def front(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await (make(scope) if where(scope["path"]) else app)(scope, receive, send)

        return serve

    return front


def nginx(status: int, reason: str) -> Response:
    """The page that nginx shows for an error of its own."""
    title = f"{status} {reason}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return HTMLResponse(f"{page}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", status, {"Server": "nginx"})


def refuses_upgrades(app: ASGIApp) -> ASGIApp:
    """A proxy that does not pass `Upgrade` on: WebSockets are answered 400."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await (nginx(400, "Bad Request") if scope["type"] == "websocket" else app)(scope, receive, send)

    return serve


def delays(where: Path, seconds: float) -> Front:
    """Waits before the application sees the request."""

    def front(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if where(scope["path"]):
                await asyncio.sleep(seconds)
            await app(scope, receive, send)

        return serve

    return front


def one_at_a_time(where: Path, seconds: float) -> Front:
    """Works on one request at a time, for so long each: quick while requests come singly."""
    turn = asyncio.Lock()

    def front(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if where(scope["path"]):
                async with turn:
                    await asyncio.sleep(seconds)
            await app(scope, receive, send)

        return serve

    return front


def drops_header(name: bytes) -> Front:
    """A proxy that removes a request header."""

    def front(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            kept = [(key, value) for key, value in scope["headers"] if key.lower() != name]
            await app({**scope, "headers": kept}, receive, send)

        return serve

    return front


def closes_connection(where: Path) -> Front:
    """The process dies on these paths: the connection is closed without an answer. Must be the outermost front."""

    def front(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if where(scope["path"]):
                _transport(send).abort()
            else:
                await app(scope, receive, send)

        return serve

    return front


def _transport(send: Send) -> asyncio.Transport:
    """The connection of a request. uvicorn's `send` is a method of the request's cycle, which holds it."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    return transport


def truncates(where: Path) -> Front:
    """Half of the announced body arrives, then the connection is closed. Must be the outermost front."""

    def front(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            async def half(message: Message) -> None:
                body = message.get("body", b"")
                if message["type"] != "http.response.body" or not body:
                    return await send(message)
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                _transport(send).close()
                return None

            await app(scope, receive, half if where(scope["path"]) else send)

        return serve

    return front


def changes_status(where: Path, status: int) -> Front:
    """Keeps the body and changes its status."""

    def front(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            async def changed(message: Message) -> None:
                start = message["type"] == "http.response.start"
                await send({**message, "status": status} if start else message)

            await app(scope, receive, changed if where(scope["path"]) else send)

        return serve

    return front


@dataclass
class RateLimit:
    """At most `per_second` requests in any second, then 429 with Retry-After."""

    per_second: int
    retry_after: int = 1
    _times: list[float] = field(default_factory=list)

    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            now = time.monotonic()
            self._times = [then for then in self._times if now - then < 1]
            if len(self._times) < self.per_second:
                self._times.append(now)
                await app(scope, receive, send)
            else:
                headers = {"Retry-After": str(self.retry_after)}
                await JSONResponse({"error": "too many requests"}, 429, headers)(scope, receive, send)

        return serve


@dataclass(frozen=True)
class Gateway:
    """A reverse proxy that passes some paths to an upstream of its own, and says what became of it as nginx does."""

    upstream: tuple[str, int] | None
    """None: there is no ready backend."""
    where: Path = everywhere
    read_timeout: float = 0.5

    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            answer = await self._failure(scope) if self.where(scope["path"]) else app
            await answer(scope, receive, send)

        return serve

    async def _failure(self, scope: Mapping[str, Any]) -> Response:
        if self.upstream is None:
            return nginx(503, "Service Temporarily Unavailable")
        try:
            reader, writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            return nginx(502, "Bad Gateway")
        try:
            writer.write(f"{scope['method']} {scope['path']} HTTP/1.1\r\nHost: upstream\r\n\r\n".encode())
            await asyncio.wait_for(reader.readline(), self.read_timeout)
        except TimeoutError:
            return nginx(504, "Gateway Time-out")
        except OSError:
            return nginx(502, "Bad Gateway")
        finally:
            writer.close()
        return nginx(502, "Bad Gateway")


def redirects(steps: Mapping[str, str]) -> Front:
    """Sends these paths to others."""
    return answers(only(*steps), lambda scope: RedirectResponse(steps[scope["path"]], 302))
