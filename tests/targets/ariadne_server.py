"""A GraphQL server of another family than Hasura's: Ariadne on uvicorn, on a real socket, once a session.

Each path is one habit: `/open` shows all, `/closed` shows nothing and limits depth, `/legacy` speaks only the old
sub-protocol, `/plain` serves no WebSocket, `/moved` sends one elsewhere, `/odd/NAME` answers as no GraphQL server does.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from ariadne import MutationType, ObjectType, QueryType, SubscriptionType, format_error, make_executable_schema
from ariadne.asgi import GraphQL
from ariadne.asgi.handlers import GraphQLHTTPHandler, GraphQLTransportWSHandler, GraphQLWSHandler
from graphql import GraphQLError, ValidationRule
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

TOKEN = "eyJhbGciOiJkdW1teSJ9.eyJzdWIiOiJtZW1iZXIifQ.ZHVtbXktc2lnbmF0dXJl"
SDL = """
type Query { tasks(limit: Int = 10): [Task!]!  secrets: [String!] everything: [Task!] broken: Task! }
type Mutation { addTask(title: String!): Task }
type Subscription { ticks: Int! nothing: Int! failing: Int! done: Int! }
type Task { id: ID! title: String owner: User! }
type User { id: ID! name: String tasks: [Task!]! }
"""
TASK = {"id": "1", "title": "a", "owner": {"id": "u", "name": "Ada", "tasks": []}}
ODD = {
    "html": (200, "text/html", "<!doctype html><title>Shop</title>"),
    "type": (200, "text/plain", "hello"),
    "broken": (200, "application/json", '{"data": {"tasks": ['),
    "batch": (200, "application/json", '[{"data": {"tasks": []}}]'),
    "huge": (200, "application/json", '{"data": {"tasks": "' + "x" * (5 * 1024 * 1024) + '"}}'),
    "empty": (200, "application/json", ""),
    "null": (200, "application/json", '{"data": null}'),
}
query, subscription, mutation = QueryType(), SubscriptionType(), MutationType()
user = ObjectType("User")
user.set_field("tasks", lambda *_: [TASK])
query.set_field("tasks", lambda _, info, limit=10: [TASK][:limit])
query.set_field("everything", lambda *_: [TASK])


@query.field("secrets")
def _secrets(_: object, info: Any) -> list[str]:
    if info.context["request"].headers.get("authorization") != f"Bearer {TOKEN}":
        raise GraphQLError("You must be logged in", extensions={"code": "UNAUTHENTICATED"})
    raise GraphQLError("Not for you", extensions={"code": "FORBIDDEN"})


@query.field("broken")
def _broken(*_: object) -> None:
    raise GraphQLError("the pool is gone", extensions={"code": "INTERNAL_SERVER_ERROR"})


def _counter(count: int) -> Any:
    async def source(*_: object) -> AsyncIterator[int]:
        for number in range(count):
            yield number

    return source


async def _nothing(*_: object) -> AsyncIterator[int]:
    await asyncio.sleep(60)
    yield 0


async def _failing(*_: object) -> AsyncIterator[int]:
    raise GraphQLError("not for you", extensions={"code": "FORBIDDEN"})
    yield 0


for _name, _source in {"ticks": _counter(3), "done": _counter(0), "nothing": _nothing, "failing": _failing}.items():
    subscription.set_source(_name, _source)
    subscription.set_field(_name, lambda value, *_: value)


class AtMostFour(ValidationRule):
    """A depth limit, as such rules say it."""

    def enter_field(self, node: Any, key: object, parent: object, path: object, ancestors: list[Any]) -> None:
        """Fields above, and this one."""
        if sum(getattr(one, "kind", "") == "field" for one in ancestors) >= 4:
            self.report_error(GraphQLError("Query is too deep: max depth is 4", node))


def _secretive(error: GraphQLError, debug: bool = False) -> dict[str, Any]:
    told = format_error(error, debug)
    return {**told, "message": str(told["message"]).partition(" Did you mean")[0]}


async def _connected(_: object, payload: Any) -> None:
    if (payload or {}).get("Authorization") != f"Bearer {TOKEN}":
        from ariadne.exceptions import WebSocketConnectionError

        raise WebSocketConnectionError({"message": "no valid token"})


def _app(**settings: Any) -> GraphQL:
    schema = make_executable_schema(SDL, query, subscription, mutation, user)
    return GraphQL(schema, **{"explorer": None, **settings})


async def _odd(request: Request) -> Response:
    status, kind, body = ODD[request.path_params["name"]]
    return Response(body, status, media_type=kind)


async def _moved(socket: WebSocket) -> None:
    await socket.send_denial_response(RedirectResponse("/open/"))


class _Batching(GraphQLHTTPHandler):
    """Takes lists, as servers with batching do."""

    async def graphql_http_server(self, request: Request) -> Response:
        """A result for each operation of a list."""
        asked = json.loads(await request.body())
        if not isinstance(asked, list):
            return await super().graphql_http_server(request)
        results = [(await self.execute_graphql_query(request, one))[1] for one in asked]
        return Response(json.dumps(results), media_type="application/json")


def _system() -> Starlette:
    socket = GraphQLTransportWSHandler(on_connect=_connected)
    closed = {"introspection": False, "validation_rules": [AtMostFour], "error_formatter": _secretive}
    return Starlette(
        routes=[
            Mount("/open", _app(websocket_handler=socket, http_handler=_Batching())),
            Mount("/closed", _app(websocket_handler=socket, **closed)),
            Mount("/legacy", _app(websocket_handler=GraphQLWSHandler())),
            Route("/plain", lambda _: Response("not here", 404)),
            WebSocketRoute("/moved", _moved),
            Route("/odd/{name}", _odd, methods=["POST"]),
        ]
    )


@contextmanager
def serving() -> Iterator[str]:
    """The address of the server, for the length of the block."""
    config = uvicorn.Config(_system(), port=0, lifespan="off", log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
