"""What a scenario may contact and send: the environment's own hosts, and reads, unless its writes are permitted.

Requests are looked at where clients pass that can be seen into: `http.client` (urllib, urllib3, requests, HttpUser),
geventhttpclient (FastHttpUser), and our own. Whatever else connects (httpx, asyncio, a socket) may send anything: that
is no proven read, and is refused where the interpreter tells of it (audit events, PEP 578), which nothing can switch
off. Neither hosts, cap nor effect hold for a further process, so none is started.
"""

from __future__ import annotations

import _posixsubprocess
import http.client
import ipaddress
import sys
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gevent import getcurrent

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.targets.guard.headers import overrides

_QUERY = b'{"query": "{ __typename }"}'
_MOST_KNOWN = 1000
_READS = ("GET", "HEAD", "OPTIONS")
_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
                     "os.forkpty", "pty.spawn"})  # fmt: skip
_WATCHED = _STARTS | {"socket.connect", "socket.sendto", "socket.getaddrinfo"}
_SEEN_INTO = frozenset({"http.client", "urllib3.connection", "geventhttpclient.connectionpool",
                        "pytest_prodcheck.load.quick", "pytest_prodcheck.load.shipped"})  # fmt: skip
"""Modules whose connections send what was checked: the clients that the guard stands before, and what we ship."""
_ASKS_THE_SYSTEM = frozenset({"ctypes.util", "platform"})
"""Modules of the standard library that start a process of the system's to ask it something."""
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Guard:
    """The guard of one process. What it refused is told once, and ends the run."""

    def __init__(self, order: Order, tell: Callable[[str], None], cap: Callable[[], object]) -> None:
        """`cap` waits for the turn of a request that did not wait for it where Locust's own clients do."""
        self._order, self._tell, self._cap = order, tell, cap
        self._places = {place(origin) for origin in order.origins}
        self._hosts = {host for host, _ in self._places}
        self._addresses: set[tuple[str, int]] = set()
        self._own: set[tuple[str, int]] = set()
        self._refused: set[str] = set()
        self._fine: set[tuple[Any, ...]] = set()
        self._proven: set[Any] = set()
        """Greenlets that send a request whose body was seen to be a query."""

    def permit(self, host: str, port: int) -> None:
        """Locust's own master."""
        self._own.add((host, port))
        self._hosts.add(host)

    def install(self) -> None:
        """Puts the guard where requests and connections pass. Called once, after Locust was loaded."""
        import geventhttpclient.client as fast
        import requests.adapters

        self._see_bodies(requests.adapters.HTTPAdapter)
        _before(http.client.HTTPConnection, "putrequest", self._plain)
        _before(http.client.HTTPConnection, "putheader", lambda _, name, *__: self.check_headers((name,)))
        fast.HTTPClient.request = self._fast(fast.HTTPClient.request)  # type: ignore[method-assign]
        # multiprocessing's `spawn` starts its processes by this, and no audit event tells of it
        _posixsubprocess.fork_exec = self._spawned(_posixsubprocess.fork_exec)
        sys.addaudithook(self._audit())

    # --- requests ----------------------------------------------------------------------------------------------------

    def _plain(self, connection: Any, method: str, url: str, *_: object, **__: object) -> None:
        # what a request carries is not known here: of requests' own it was seen before, of others it is no proven read
        known = _QUERY if getcurrent() in self._proven else b""
        self.check(connection.host, connection.port, method.upper(), url, known)
        self._cap()

    def _see_bodies(self, adapter: Any) -> None:
        """Looks at the bodies of `requests`, and so of Locust's HttpUser, where they are whole."""
        original = adapter.send

        def send(one: Any, request: Any, *arguments: Any, **named: Any) -> Any:
            me = getcurrent()
            if self._order.graphql and request.body and is_query(request.body):
                self._proven.add(me)
            try:
                return original(one, request, *arguments, **named)
            finally:
                self._proven.discard(me)

        adapter.send = send

    def _fast(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The check before a request of geventhttpclient; a plain read of a configured host costs next to nothing."""
        places, check, check_headers, cap = self._places, self.check, self.check_headers, self._cap
        fine = self._fine

        def request(client: Any, method: str, request_uri: str, body: Any = b"", headers: Any = None) -> Any:
            if (client.host, client.port) not in places or method not in _READS or "?" in request_uri:
                check(client.host, client.port, method.upper(), request_uri, body)
            if headers:
                # geventhttpclient's own Headers are a dict, whose Python-level iteration costs more than all else here
                plain = isinstance(headers, dict)
                names = tuple(dict.keys(headers)) if plain else tuple(name for name, *_ in headers)
                if names not in fine:
                    check_headers(names)
            cap()
            return original(client, method, request_uri, body, headers)

        return request

    def check(self, host: str, port: int, method: str, path: str, body: Any) -> None:
        """Raises Refused for a host that is not configured, and for a write that is not permitted."""
        if (host, port) not in self._places and (host, port) not in self._own:
            self._refuse(f"{method} {host}:{port}", f"host {host} is not configured",
                         "declare it as a target, or in hosts of [env.NAME.load]")  # fmt: skip
        if self._order.writes:
            return
        if method not in _READS:
            self._read(method, path, body)
        elif "?" in path:
            self._asked(method, path)

    def check_headers(self, names: tuple[Any, ...]) -> None:
        """Raises Refused for a header that makes a server act on another method or path than was checked. The same
        names come with each request: those that are fine are known."""
        if names in self._fine or self._order.writes:
            return
        for name in names:
            said = name.decode("latin-1") if isinstance(name, bytes) else str(name)
            if overrides(said.lower().replace("_", "-")):
                reason = f"header {said} makes the server act on another method or path"
                self._refuse("a request", reason, 'leave it out; or effect = "write" for the scenario')
        if len(self._fine) < _MOST_KNOWN:
            self._fine.add(names)

    def _asked(self, method: str, path: str) -> None:
        """Refuses a GraphQL document in a URL that is no query, on whatever path."""
        from pytest_prodcheck.targets.guard.graphql import check_text

        parts = urlsplit(path)
        what = f"{method} {parts.path or '/'}"
        for name, value in parse_qsl(parts.query):
            if name == "query":
                try:
                    check_text(value, what, "the query parameter")
                except Refused as refused:
                    self._refuse(what, refused.reason, refused.remedy)

    def _read(self, method: str, path: str, body: Any) -> None:
        """Refuses what is no declared read."""
        where = urlsplit(path).path or "/"
        if f"{method} {where}" in self._order.posts:
            return
        if method == "POST" and where in self._order.graphql and is_query(body):
            return
        reason = f"scenario {self._order.scenario} writes; needs its name in the environment's `writes`"
        self._refuse(f"{method} {where}", reason, 'effect = "write" for the scenario, and its name in `writes`')

    # --- connections -------------------------------------------------------------------------------------------------

    def _audit(self) -> Callable[[str, tuple[Any, ...]], None]:
        """A plain function: the interpreter tells of six events a request, and a bound method costs thrice as much."""
        connect, resolve, start, watched = self._connect, self._resolve, self._start, _WATCHED

        def heard(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in watched:
                return
            if event == "socket.getaddrinfo":
                resolve(arguments[0])
            elif event in _STARTS:
                start(arguments)
            else:
                connect(arguments[1])

        return heard

    def _resolve(self, host: object) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if not name or not isinstance(name, str) or name in self._hosts or _is_address(name):
            return
        self._refuse(f"resolve {name}", f"host {name} is not configured", "declare it as a target, or in hosts")

    def _connect(self, address: object) -> None:
        if not isinstance(address, tuple) or len(address) < 2:
            return  # a socket of this machine's file system
        host, port = str(address[0]), int(address[1])
        if (host, port) in self._own:
            return
        if (host, port) not in self._addresses and (host, port) not in self._places:
            self._learn()
            if (host, port) not in self._addresses:
                self._refuse(f"connect {host}:{port}", f"host {host} is not configured", "declare it as a target")
        if not self._order.writes and not _called_by(_SEEN_INTO):
            reason = f"scenario {self._order.scenario} connects with a client whose requests cannot be seen"
            self._refuse(f"connect {host}:{port}", f"{reason}, so that nothing proves them to be reads",
                         "take HttpUser, FastHttpUser, QuickUser, requests or urllib; or effect = \"write\" for the "
                         "scenario, and its name in `writes`")  # fmt: skip

    def _start(self, arguments: tuple[Any, ...]) -> None:
        if _called_by(_ASKS_THE_SYSTEM):
            return
        del arguments  # a command line may hold a secret
        self._refuse("start a process", f"scenario {self._order.scenario} starts one, for which neither hosts nor caps "
                     "hold", "do it before the gate, or in the scenario itself")  # fmt: skip

    def _spawned(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def fork_exec(*arguments: Any) -> Any:
            self._start(arguments)
            return original(*arguments)

        return fork_exec

    def _learn(self) -> None:
        """What the permitted names resolve to now. It asks the system's resolver, and takes what it says."""
        import _socket

        for host, port in [*self._places, *self._own]:
            try:
                rows = _socket.getaddrinfo(host, port, 0, _socket.SOCK_STREAM)
            except OSError:
                continue
            self._addresses.update((str(row[4][0]), port) for row in rows)

    def learn(self, rows: Any, port: int) -> None:
        """What a permitted name was resolved to, for Locust's own clients."""
        self._addresses.update((str(row[4][0]), port) for row in rows)

    def _refuse(self, what: str, reason: str, remedy: str) -> None:
        refused = Refused(what, reason, remedy)
        if reason not in self._refused:
            self._refused.add(reason)
            self._tell(str(refused))
        raise refused


def place(origin: str) -> tuple[str, int]:
    """Host and port of an origin."""
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def is_query(body: Any) -> bool:
    """Whether a GraphQL request holds queries only: its document is parsed, mutations and subscriptions are none."""
    import json

    try:
        sent = json.loads(body)
    except (ValueError, TypeError):
        return False
    batch = sent if isinstance(sent, list) else [sent]
    return bool(batch) and all(isinstance(one, dict) and _only_queries(str(one.get("query") or "")) for one in batch)


_PARSED: dict[str, bool] = {}


def _only_queries(document: str) -> bool:
    if document not in _PARSED:
        if len(_PARSED) > 1000:
            _PARSED.clear()
        _PARSED[document] = _parsed(document)
    return _PARSED[document]


def _parsed(document: str) -> bool:
    from graphql import GraphQLError, parse
    from graphql.language import OperationDefinitionNode, OperationType

    try:
        tree = parse(document, no_location=True, max_tokens=20_000)
    except GraphQLError:
        return False
    operations = [one for one in tree.definitions if isinstance(one, OperationDefinitionNode)]
    return bool(operations) and all(one.operation is OperationType.QUERY for one in operations)


def _called_by(modules: Collection[str]) -> bool:
    """Whether a function of one of these modules is being called, in this greenlet."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") in modules:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _before(owner: Any, name: str, check: Callable[..., None]) -> None:
    """Calls `check` before a method, with the same arguments."""
    original = getattr(owner, name)

    def checked(self: Any, *arguments: Any, **named: Any) -> Any:
        check(self, *arguments, **named)
        return original(self, *arguments, **named)

    setattr(owner, name, checked)
