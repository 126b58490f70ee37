"""The demo as one object: database, cache, identity provider, API, GraphQL engine, WebSocket, cluster, in one loop.

The order matters for faults: everything is set up; the fault is injected; the identity provider starts and the
services fetch its keys; what the fault keeps for `later` happens; the services start; the addresses are given away.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from pytest_prodcheck.demo import issuer as provider
from pytest_prodcheck.demo import resp
from pytest_prodcheck.demo.api import REVISION, Api, api_app
from pytest_prodcheck.demo.cache import Cache
from pytest_prodcheck.demo.certificates import HOST, Certificates, Kind
from pytest_prodcheck.demo.cluster.answers import ApiServer
from pytest_prodcheck.demo.cluster.app import cluster_app, kubeconfig
from pytest_prodcheck.demo.cluster.recording import recording
from pytest_prodcheck.demo.consumer import Consumer
from pytest_prodcheck.demo.cutting import Cutting
from pytest_prodcheck.demo.database import MEMBER, Database
from pytest_prodcheck.demo.engine import Engine
from pytest_prodcheck.demo.engine_app import engine_app
from pytest_prodcheck.demo.fronts import Front
from pytest_prodcheck.demo.issuer_app import issuer_app
from pytest_prodcheck.demo.live import PATH, Live, live_app
from pytest_prodcheck.demo.pool import Pool
from pytest_prodcheck.demo.postgres import Postgres

HOSTS = ("identity", "api", "graphql", "live", "cluster")
ADVICE = b"Do the small task first.\n"


class System:
    """Everything that a fault may change before `run` starts it."""

    def __init__(self, postgres: Postgres, directory: Path) -> None:
        self.postgres = postgres
        self.database = Database(postgres)
        self.certificates = Certificates(directory)
        self.sockets: dict[str, socket.socket] = {name: bound() for name in (*HOSTS, "advice", "cache")}
        self.contexts = {name: self.certificates.server_context() for name in HOSTS}
        self.fronts: dict[str, list[Front]] = defaultdict(list)
        self.down: set[str] = set()
        """Hosts that are not served: nothing listens on their port."""
        self.later: list[Callable[[], None]] = []
        """Runs when the services hold the provider's keys, before they serve."""
        self.open_sockets: list[socket.socket] = []
        self.store = resp.Store(keys={f"sess:{number}": ("{}", time.monotonic() + 3600) for number in range(5)})
        self.issuer = provider.Issuer(self.url("identity"))
        self.api = Api(self.pool("demo-api"), self.issuer.url, [self.consumer()])
        self.api.cache = Cache(self.port("cache"), "app", self.store.passwords["app"])
        remote = (HOST, self.port("advice"))
        self.engine = Engine(self.pool("demo-graphql"), self.consumer(), secrets.token_urlsafe(24), remote)
        self.live = Live(self.api, self.consumer(), (self.url("api"),))
        self.cutting: Cutting | None = None
        """What ends the connections of the WebSocket's host; None for nothing."""
        self.cluster = ApiServer(recording())
        """Recorded; the only part of the demo that is not really running."""
        self.cluster_token = secrets.token_urlsafe(24)
        self.kubeconfig = directory / "kubeconfig.yaml"
        self.write_kubeconfig(self.cluster_token)
        self.addresses = self._addresses()
        self._servers: dict[str, _Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def port(self, name: str) -> int:
        """The port of a host."""
        found: int = self.sockets[name].getsockname()[1]
        return found

    def url(self, name: str) -> str:
        """The origin of a host."""
        return f"https://{HOST}:{self.port(name)}"

    def consumer(self) -> Consumer:
        """A verifier of the provider's tokens, without keys yet."""
        return Consumer(f"{self.issuer.url}jwks/", self.issuer.url)

    @property
    def consumers(self) -> list[Consumer]:
        """All verifiers: the API's replicas, the engine's and the WebSocket's."""
        return [*self.api.consumers, self.engine.consumer, self.live.consumer]

    def pool(self, name: str, *, size: int = 8, timeout: float = 5.0, hold: float = 0.0) -> Pool:
        """A pool of the API's role."""
        return Pool(self.database.app_dsn, name, size=size, timeout=timeout, hold=hold)

    def certify(self, name: str, kind: Kind) -> None:
        """Gives a host another certificate."""
        self.certificates.install(self.contexts[name], kind)

    def write_kubeconfig(self, token: str) -> None:
        """The gate's way to the cluster, with this token."""
        kubeconfig(self.kubeconfig, self.url("cluster"), self.certificates.root, token)

    def stop_host(self, name: str) -> None:
        """Closes a running host's port."""
        for server in self._servers[name].servers:
            server.close()

    async def run(self, ready: Callable[[Mapping[str, str]], None], until: asyncio.Event) -> None:
        """Starts the hosts, calls `ready` with the addresses, and serves until the event."""
        await self._serve("identity", issuer_app(self.issuer), self.contexts["identity"])
        await asyncio.to_thread(self._fetch_keys)
        for step in self.later:
            step()
        await self._serve_cache()
        await self._serve("api", api_app(self.api), self.contexts["api"])
        await self._serve("graphql", engine_app(self.engine), self.contexts["graphql"])
        await self._serve_live()
        await self._serve("cluster", cluster_app(self.cluster, self.cluster_token), self.contexts["cluster"])
        if "plain" in self.sockets:
            await self._serve("plain", api_app(self.api), None)
        await self._serve_advice()
        ready(self.addresses)
        await until.wait()

    def _fetch_keys(self) -> None:
        context = self.certificates.client_context()
        for consumer in self.consumers:
            if not consumer.keys:
                consumer.fetch(context)

    async def _serve(self, name: str, app: ASGIApp, context: ssl.SSLContext | None) -> None:
        if name in self.down:
            self.sockets[name].close()
            return
        for front in self.fronts[name]:
            app = front(app)
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, log_level="critical", access_log=False, timeout_keep_alive=300
        )
        config.load()
        config.ssl = context
        server = self._servers[name] = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[self.sockets[name]]), name=name)
        self._tasks.add(task)
        while not server.started:
            if task.done():
                raise RuntimeError(f"the demo's {name} host did not start")
            await asyncio.sleep(0.005)

    async def _serve_cache(self) -> None:
        """The stand-in for Redis."""
        if "cache" in self.down:
            self.sockets["cache"].close()
            return

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await resp.serve(self.store, reader, writer)

        await asyncio.start_server(client, sock=self.sockets["cache"])

    async def _serve_live(self) -> None:
        """The WebSocket, behind what cuts its connections where there is such a thing."""
        public = self.sockets["live"]
        if self.cutting is not None:
            self.sockets["live"] = bound()
        await self._serve("live", live_app(self.live), self.contexts["live"])
        if self.cutting is not None:
            await self.cutting.serve(public, (HOST, self.port("live")))

    async def _serve_advice(self) -> None:
        """The remote schema behind the GraphQL engine: one line a connection."""
        if "advice" in self.down:
            self.sockets["advice"].close()
            return

        async def advise(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(ADVICE)
            writer.close()

        await asyncio.start_server(advise, sock=self.sockets["advice"])

    def _cache_url(self, user: str) -> str:
        return f"redis://{user}:{self.store.passwords[user]}@{HOST}:{self.port('cache')}/0"

    def _addresses(self) -> dict[str, str]:
        return {
            "api_url": self.url("api"),
            "issuer": self.issuer.url,
            "jwks_url": f"{self.issuer.url}jwks/",
            "graphql_url": f"{self.url('graphql')}/v1/graphql",
            "live_url": f"wss://{HOST}:{self.port('live')}{PATH}",
            "reader_dsn": self.database.reader_dsn,
            "app_dsn": self.database.app_dsn,
            **{f"cache_{user}_url": self._cache_url(user) for user in resp.USERS},
            "client_id": provider.CLIENT_ID,
            "client_secret": self.issuer.client_secret,
            "username": provider.USERNAME,
            "user_password": self.issuer.user_password,
            "static_token": self.issuer.token(MEMBER),
            "expired_token": self.issuer.token(MEMBER, age=4 * 3600, lifetime=3600),
            "foreign_token": self.issuer.token(MEMBER, audience="demo-billing"),
            "admin_secret": self.engine.admin_secret,
            "kubeconfig": str(self.kubeconfig),
            "ca": str(self.certificates.root),
            "revision": REVISION,
        }


class _Server(uvicorn.Server):
    """A server among others in one loop: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signal handlers as they are."""
        yield


def bound() -> socket.socket:
    """A socket on a free port of 127.0.0.1 that does not listen yet."""
    made = socket.socket()
    made.bind((HOST, 0))
    return made
