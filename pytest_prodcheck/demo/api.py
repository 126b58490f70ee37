"""The demo's HTTP API: tasks and projects of the caller, read under row-level security as the caller's role.

Errors are in production's style: a 5xx says a request id and nothing else, unless `verbose`
(then its body carries the driver's text).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt
import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from pytest_prodcheck.demo.cache import Cache, CacheError
from pytest_prodcheck.demo.consumer import Consumer
from pytest_prodcheck.demo.issuer import NAMESPACE
from pytest_prodcheck.demo.pool import Pool, Row

REVISION = "demo-1"
HOME = "<!doctype html><title>Tasks</title><h1>Tasks</h1><p><a href=/login>Sign in</a>"
TIPS = ["Do the small task first.", "Write it down.", "Ask who waits for it."]
_TIPS = "tips:today"
_TASKS = """select id::text, user_id::text, title, done, due_on::text, metadata ->> 'label'
            from tasks order by title limit 50"""
_PROJECTS = "select id::text, owner_id::text, name from projects order by name limit 50"
_REPORT = "select count(*), count(*) filter (where done) from tasks"
_SEARCH = "select id::text, title from tasks where title ilike '%%' || %s || '%%' order by title limit 20"
_ADD = "insert into tasks (user_id, project_id, title) values (%s, %s, %s) returning id::text"


@dataclass
class Api:
    """What the API runs on. Several `consumers` are replicas that take turns."""

    pool: Pool
    issuer: str
    consumers: Sequence[Consumer]
    revision: str = REVISION
    verbose: bool = False
    health_lies: bool = False
    broken_report: bool = False
    crashes_on_bad_tokens: bool = False
    cache: Cache | None = None
    uses_cache: bool = True
    tips_live: tuple[str, str] = ("EX", "60")
    """The time to live of the cached tips, as SET takes it."""
    turn: itertools.count[int] = field(default_factory=itertools.count)

    def caller(self, request: Request) -> Mapping[str, Any]:
        """The caller's claims. Raises HTTPException (401)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HTTPException(401, "missing bearer token")
        consumer = self.consumers[next(self.turn) % len(self.consumers)]
        try:
            return consumer.verify(token)
        except jwt.PyJWTError:
            if self.crashes_on_bad_tokens:
                raise
            raise HTTPException(401, "invalid token") from None

    async def rows(self, request: Request, statement: str, *values: object) -> list[Row]:
        """What the statement gives as the caller."""
        user = self.caller(request)["sub"]
        async with self.pool.transaction("member", user) as connection:
            return await (await connection.execute(statement.encode(), values or None)).fetchall()

    async def tasks(self, request: Request) -> Response:
        """The caller's tasks; POST adds one."""
        if request.method == "POST":
            form = await request.json()
            user = self.caller(request)["sub"]
            added = await self.rows(request, _ADD, user, form["project_id"], form["title"])
            return JSONResponse({"id": added[0][0]}, 201)
        names = ("id", "user_id", "title", "done", "due_on", "label")
        return JSONResponse({"tasks": [dict(zip(names, row, strict=True)) for row in await self.rows(request, _TASKS)]})

    async def projects(self, request: Request) -> Response:
        """The caller's projects."""
        names = ("id", "owner_id", "name")
        rows = await self.rows(request, _PROJECTS)
        return JSONResponse({"projects": [dict(zip(names, row, strict=True)) for row in rows]})

    async def report(self, request: Request) -> Response:
        """How much of the caller's work is done."""
        total, done = (await self.rows(request, _REPORT))[0]
        share = 1 / 0 if self.broken_report else round(int(str(done)) / max(1, int(str(total))), 2)
        return JSONResponse({"total": total, "done": done, "share": share})

    async def search(self, request: Request) -> Response:
        """Titles that contain the text: a POST that only reads."""
        rows = await self.rows(request, _SEARCH, (await request.json()).get("text", ""))
        return JSONResponse({"found": [{"id": row[0], "title": row[1]} for row in rows]})

    async def me(self, request: Request) -> Response:
        """Who the caller is; needs no database."""
        return JSONResponse({"id": self.caller(request)["sub"]})

    async def admin(self, request: Request) -> Response:
        """Nobody in the demo is an administrator."""
        roles = self.caller(request).get(NAMESPACE, {}).get("x-hasura-allowed-roles", ())
        if "admin" not in roles:
            raise HTTPException(403, "forbidden")
        return JSONResponse({"users": 2})

    async def tips(self, _: Request) -> Response:
        """Today's tips, out of the cache; they need neither a user nor the database."""
        if self.cache is None or not self.uses_cache:
            return JSONResponse({"tips": TIPS})
        if (found := await self.cache.ask("GET", _TIPS)) is not None:
            return JSONResponse({"tips": json.loads(found)}, headers={"X-Cache": "HIT"})
        await self.cache.ask("SET", _TIPS, json.dumps(TIPS), *self.tips_live)
        return JSONResponse({"tips": TIPS}, headers={"X-Cache": "MISS"})

    async def detailed_health(self, _: Request) -> Response:
        """Each component really asked; 200 whatever they say, as in runbook T16."""
        database, provider, cache = await asyncio.gather(
            self._database_health(), self._provider_health(), self._cache_health()
        )
        components = {
            "database": _component(database), "identity": _component(provider), "cache": _component(cache),
        }  # fmt: skip
        well = self.health_lies or not (database or provider or cache)
        if self.health_lies:
            components = {name: _component("") for name in components}
        return JSONResponse({"status": "healthy" if well else "unhealthy", "components": components})

    async def _database_health(self) -> str:
        try:
            async with self.pool.connection() as connection:
                found = await (await connection.execute("show transaction_read_only")).fetchone()
        except psycopg.Error:
            return "not reachable"
        return "read-only: cannot execute INSERT in a read-only transaction" if found == ("on",) else ""

    async def _cache_health(self) -> str:
        try:
            await self.cache.ask("PING") if self.cache else None
        except CacheError:
            return "not reachable"
        return ""

    async def _provider_health(self) -> str:
        address = urlsplit(self.issuer)
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address.hostname, address.port), 1)
        except (OSError, TimeoutError):
            return "not reachable"
        writer.close()
        return ""


def _component(error: str) -> Mapping[str, str]:
    return {"status": "unhealthy", "error": error} if error else {"status": "healthy"}


def api_app(api: Api) -> Starlette:
    """The application that serves `api`."""

    async def failed(_: Request, error: Exception) -> Response:
        text = str(error) if api.verbose else "internal server error"
        kind = {"type": type(error).__name__} if api.verbose else {}
        return JSONResponse({"error": text, **kind, "request_id": secrets.token_hex(8)}, 500)

    async def refused(_: Request, error: Exception) -> Response:
        status, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
        return JSONResponse({"error": text}, status, {"WWW-Authenticate": "Bearer"} if status == 401 else None)

    handlers: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        HTTPException: refused,
        psycopg.Error: failed,
        CacheError: failed,
        ArithmeticError: failed,
        jwt.PyJWTError: failed,
    }
    return Starlette(routes=_routes(api), exception_handlers=handlers)


def _routes(api: Api) -> list[Route]:
    def fixed(answer: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(_: Request) -> Response:
            return answer()

        return endpoint

    base = urlsplit(api.issuer)
    authorize = f"{base.scheme}://{base.netloc}/application/o/authorize/?client_id=demo&response_type=code"
    return [
        Route("/", fixed(lambda: HTMLResponse(HOME))),
        Route("/login", fixed(lambda: RedirectResponse("/login/form", 302))),
        Route("/login/form", fixed(lambda: HTMLResponse("<!doctype html><title>Sign in</title><form></form>"))),
        Route("/auth/start", fixed(lambda: RedirectResponse(authorize, 302))),
        Route("/health", fixed(lambda: JSONResponse({"status": "ok"}))),
        Route("/health/detailed", api.detailed_health),
        Route("/api/version", fixed(lambda: JSONResponse({"commit": api.revision}))),
        Route("/api/tasks", api.tasks, methods=["GET", "POST"]),
        Route("/api/projects", api.projects),
        Route("/api/report", api.report),
        Route("/api/search", api.search, methods=["POST"]),
        Route("/api/me", api.me),
        Route("/api/tips", api.tips),
        Route("/api/admin", api.admin),
    ]
