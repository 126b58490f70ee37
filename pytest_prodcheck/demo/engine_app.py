"""The GraphQL engine's HTTP face, with Hasura's paths: errors are 200 on `/v1/graphql` (facts.md §1)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from pytest_prodcheck.demo import metadata, subscriptions
from pytest_prodcheck.demo.engine import Engine, EngineError

VERSION = "v2.44.0"
_NOT_FOUND = {"path": "$", "error": "resource does not exist", "code": "not-found"}


def engine_app(engine: Engine) -> Starlette:
    """The application that serves `engine`."""

    async def graphql(request: Request) -> Response:
        if request.method != "POST":
            return JSONResponse(_NOT_FOUND, 404)
        try:
            session, asked = engine.session(_lower(request)), await _body(request)
            if isinstance(asked, list):
                return JSONResponse([await engine.execute(session, one) for one in asked])
            return JSONResponse(await engine.execute(session, asked), headers={"x-request-id": secrets.token_hex(16)})
        except EngineError as error:
            return JSONResponse(error.as_answer())

    async def metadata_api(request: Request) -> Response:
        try:
            kind = _admin_read(engine.session(_lower(request)).role, await _body(request))
        except EngineError as error:
            return JSONResponse({"path": error.path, "error": error.message, "code": error.code}, 400)
        if kind == "export_metadata":
            return JSONResponse(engine.export())
        return JSONResponse({"is_consistent": not engine.inconsistent, "inconsistent_objects": engine.inconsistent})

    async def health(_: Request) -> Response:
        return PlainTextResponse("WARN: inconsistent objects in schema" if engine.inconsistent else "OK")

    async def version(_: Request) -> Response:
        return JSONResponse({"server_type": "ce", "version": VERSION})

    async def unknown(_: Request, __: Exception) -> Response:
        return JSONResponse(_NOT_FOUND, 404)

    return Starlette(
        routes=[
            Route("/v1/graphql", graphql, methods=["GET", "POST"]),
            WebSocketRoute("/v1/graphql", lambda socket: subscriptions.serve(engine, socket)),
            Route("/v1/metadata", metadata_api, methods=["POST"]),
            Route("/v1/version", version),
            Route("/healthz", health),
            Route("/hasura/healthz", health),
        ],
        exception_handlers={404: unknown},
    )


def _admin_read(role: str, body: object) -> str:
    if role != metadata.ADMIN:
        raise EngineError("access-denied", "restricted access : admin only")
    kind = body.get("type") if isinstance(body, Mapping) else None
    if kind not in ("get_inconsistent_metadata", "export_metadata"):
        raise EngineError("parse-failed", "unknown metadata command", "$.type")
    return str(kind)


def _lower(request: Request) -> Mapping[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _body(request: Request) -> object:
    try:
        found: object = json.loads(await request.body())
    except ValueError:
        raise EngineError("invalid-json", "Error in $: not enough input") from None
    return found
