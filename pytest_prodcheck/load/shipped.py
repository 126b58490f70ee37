"""The shipped scenarios as Locust users: a scenario without a file runs this one; a Locust file may import from it.

What they ask is what the environment declares: reads of its endpoints, queries of its documents, its WebSockets.
"""

from __future__ import annotations

import random
import time
from typing import Any

import gevent
from locust import User, constant, task

from pytest_prodcheck.load import users
from pytest_prodcheck.load.order import Read, Session
from pytest_prodcheck.load.quick import QuickAnswer, QuickClient, QuickUser
from pytest_prodcheck.load.users import origin_of

_SUCCESS = range(200, 300)


class Reads(QuickUser):
    """Draws one declared read after another, by weight. Each host has a connection of its own."""

    abstract = True
    wait_time = constant(0)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        order = users.order()
        self._reads: tuple[Read, ...] = order.reads
        self._weights = [read.weight for read in self._reads]
        self._clients = {
            origin: QuickClient(origin, environment.events.request, {}, order.timeout, order.ca)
            for origin in {origin_of(read.url)[0] for read in self._reads}
        }

    @task
    def read(self) -> None:
        """One declared read."""
        chosen = random.choices(self._reads, self._weights)[0]
        origin, path = origin_of(chosen.url)
        self._clients[origin].request(
            chosen.method, path, chosen.body.encode(), {**chosen.headers, **users.headers_of(chosen)},
            chosen.name, chosen.status or _SUCCESS, _errors if chosen.graphql else None,
        )  # fmt: skip

    def on_stop(self) -> None:
        """Closes the connections."""
        for client in self._clients.values():
            client.close()


def _errors(answer: QuickAnswer) -> str:
    """What a GraphQL answer says went wrong; a 200 with errors is one."""
    try:
        said = answer.json()
    except ValueError:
        return "the answer is no JSON"
    errors = said.get("errors") if isinstance(said, dict) else None
    return f"GraphQL errors: {errors[0].get('message', '') if isinstance(errors[0], dict) else ''}" if errors else ""


class Sessions(User):
    """Opens a declared WebSocket, pings it once a second while it holds it, and closes it."""

    abstract = True
    wait_time = constant(0)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._sessions: tuple[Session, ...] = users.order().sessions

    @task
    def session(self) -> None:
        """One session."""
        from websockets.sync.client import connect

        chosen = random.choices(self._sessions, [one.weight for one in self._sessions])[0]
        order, fire = users.order(), self.environment.events.request.measure
        _turn()
        with fire("WS", f"connect {chosen.name}"):
            socket = connect(
                chosen.url,
                additional_headers={**chosen.headers, **users.headers("")},
                subprotocols=[chosen.subprotocol] if chosen.subprotocol else None,  # type: ignore[list-item]
                open_timeout=order.timeout,
                close_timeout=1,
                max_size=2**20,
                proxy=None,
            )
        try:
            until = time.monotonic() + chosen.hold
            while True:
                _turn()
                with fire("WS", f"ping {chosen.name}"):
                    if not socket.ping().wait(order.timeout):
                        raise TimeoutError("no pong")
                if time.monotonic() >= until:
                    break
                gevent.sleep(min(1.0, max(0.0, until - time.monotonic())))
        finally:
            socket.close()


def _turn() -> None:
    """Waits for the turn that the cap gives: a server that refuses at once must not be asked at full speed."""
    if (cap := users.limiter()) is not None:
        cap.take()


def classes() -> list[type[User]]:
    """The user classes of this process's order."""
    kind = Sessions if users.order().sessions else Reads
    return [type("Browse" if kind is Reads else "WebSockets", (kind,), {"abstract": False})]
