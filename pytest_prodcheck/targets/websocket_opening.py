"""How one connection to a WebSocket is opened, and how it ended: handshake, the protocol's opening, the close."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

from pytest_prodcheck.config import steps
from pytest_prodcheck.config.models import WebsocketTarget
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import Json
from pytest_prodcheck.observe.request import Credentials
from pytest_prodcheck.targets import peer_certificate, websocket_dialects
from pytest_prodcheck.targets.caps import CapReached
from pytest_prodcheck.targets.connection import Origin
from pytest_prodcheck.targets.guard import headers as guard
from pytest_prodcheck.targets.scrubbing import confidential, scrub
from pytest_prodcheck.targets.transport_errors import classify
from pytest_prodcheck.targets.websocket import Channel
from pytest_prodcheck.targets.websocket_dialects import Disconnected, Message, NotSpoken
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from websockets.exceptions import NegotiationError

    from pytest_prodcheck.targets.connection import TimedConnection

NO_CLOSE: Final = 1006
_OURS: Final = {1002: "protocol", 1007: "not_utf8", 1008: "flood", 1009: "too_big"}
"""Codes with which we end a connection, and for what."""
_BODY_AT_MOST: Final = 2000
_SHORTEST: Final = 8
"""Characters from which on the value of a parameter is taken for a credential in what comes back."""


class End(NamedTuple):
    """How a connection ended."""

    code: int
    """Of the server's close frame; 1006 where none came; 0 for the protocol's own goodbye."""
    reason: str = ""
    problem: str = ""
    """What we ended it for: `protocol`, `not_utf8`, `too_big`, `flood`; `silent` where it stands and answers nothing;
    `stopped` where the run was."""


@dataclass(slots=True)
class Opening:
    """What came of one attempt to open a connection."""

    stage: str = "connect"
    """`connect`, `handshake` (sent), `greeting` (the socket stands), `open`."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    subprotocol: str = ""
    error: str = ""
    message: str = ""
    refused: str = ""
    """Kind of `NotSpoken`."""
    end: End | None = None
    phases: dict[str, float] = field(default_factory=dict)
    certificate: Mapping[str, Json] = field(default_factory=dict)
    wall: float = 0.0
    started_at: float = 0.0
    place: Mapping[str, Json] = field(default_factory=dict)

    @property
    def stands(self) -> bool:
        """Whether it may be spoken on."""
        return self.stage == "open" and not self.error


@dataclass(frozen=True, slots=True)
class Caller:
    """Who opens a connection: by whose credentials, from which page."""

    user: str = ""
    shown: str | None = None
    """A token in the place of the users' own; empty for none at all; None for their own."""
    origin: str = ""


class Line:
    """A connection that stands, as one client uses it. Not safe for several threads at once."""

    def __init__(self, channel: Channel, dialect: websocket_dialects.Dialect, secrets: tuple[str, ...]) -> None:
        self.channel, self._dialect, self._secrets = channel, dialect, secrets
        self.opened_at = time.monotonic()

    def say(self, message: object) -> None:
        """Sends a declared message. Raises as `Channel.send` does."""
        self.channel.send(self._dialect.said(message))

    def hear(self, deadline: float) -> Message:
        """The next message that is not the protocol's own. Raises as `Channel.recv` does, and Disconnected."""
        while True:
            message = self._dialect.heard(self.channel, self.channel.recv(deadline))
            if message is not None:
                return message
            if time.monotonic() > deadline:
                raise TimeoutError("only the protocol's own messages came")

    def scrubbed(self, text: str, limit: int = 300) -> str:
        """What the server said, without what we told it in confidence."""
        return scrub(text, self._secrets, limit)

    def ended(self, error: Exception) -> End:
        """How it ended, by what was raised: ConnectionClosed, Disconnected, or OSError."""
        from websockets.exceptions import ConnectionClosed

        if isinstance(error, Disconnected):
            return End(0, str(error))
        if not isinstance(error, ConnectionClosed):
            return End(NO_CLOSE)
        if error.rcvd is not None:
            return End(error.rcvd.code, self.scrubbed(error.rcvd.reason))
        ours = error.sent.code if error.sent is not None else 0
        return End(NO_CLOSE, "", _OURS.get(ours, ""))


class Opener:
    """Opens the connections of one target."""

    def __init__(self, wire: Wire, target: str, table: WebsocketTarget, credentials: Credentials) -> None:
        self._wire, self._target, self._table, self._credentials = wire, target, table, credentials
        self.url = http_url(table.url)

    @property
    def place(self) -> Mapping[str, Json]:
        """Host and port, as the observations of other targets name them."""
        origin = Origin.of(self.url)
        return {"host": origin.host, "port": origin.port}

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped."""
        return self._wire.stopped.is_set()

    def token(self, user: str) -> str:
        """A user's token, for where a message or a parameter holds it."""
        return self._credentials(user).get("authorization", "").removeprefix("Bearer ")

    def knows(self, user: str) -> bool:
        """Whether there is something to show for a user: a token, or cookies."""
        return bool(self._credentials(user) or self._wire.jars.header(user, self.url))

    @contextmanager
    def open(self, caller: Caller, at_most: float) -> Iterator[tuple[Line | None, Opening]]:
        """A connection for the length of the block, `at_most` seconds; None in the place of one that did not open."""
        opening = Opening(started_at=time.time(), place=self.place)
        began = time.perf_counter()
        line: Line | None = None
        secrets = self._secrets(caller)
        with ExitStack() as stack:
            with _kept(opening, secrets):
                guard.check(self._headers({}, caller), "the handshake")
                standing = self._wire.standing(self._target, self.url, self._table.timeout, at_most)
                connection, own, settled = stack.enter_context(standing)
                line = self._spoken(connection, own, caller, opening, secrets)
                stack.callback(line.channel.close)
                settled()
            opening.wall = time.perf_counter() - began
            self._wire.refused += opening.error == "refused"
            if self.stopped and not opening.stands:
                opening.error = "stopped"  # what we cut ourselves is not the server's fault
            if not opening.stands:
                line = None
                stack.close()
            yield line, opening

    def _spoken(
        self, connection: TimedConnection, own: Mapping[str, str], caller: Caller, opening: Opening,
        secrets: tuple[str, ...],
    ) -> Line:  # fmt: skip
        opening.phases.update(connection.phases)
        if connection.certificate:
            opening.certificate = peer_certificate.facts(connection.certificate)
        opening.stage = "handshake"
        began, table = time.perf_counter(), self._table
        channel = Channel(
            connection.sock, self._address(caller), table.subprotocols, self._headers(own, caller), table.timeout
        )
        opening.phases["first_byte"] = time.perf_counter() - began
        opening.stage, opening.status, opening.subprotocol = "greeting", 101, channel.subprotocol
        dialect = websocket_dialects.of(table.protocol, table.namespace)
        line = Line(channel, dialect, secrets)
        if not self._table.subprotocols or channel.subprotocol in self._table.subprotocols:
            dialect.greet(channel, self._first(caller), time.monotonic() + table.timeout)
            opening.stage = "open"
        return line

    def _first(self, caller: Caller) -> object:
        """What says who we are once the socket stands; of graphql-transport-ws the header's token, where nothing else
        is declared."""
        if self._table.first is not None:
            return None if caller.shown == "" else steps.filled(self._table.first, "", self._shower(caller))
        named = self._authorization(caller)
        return {"Authorization": named} if named and self._table.protocol == "graphql-ws" else None

    def _authorization(self, caller: Caller) -> str:
        if caller.shown is not None:
            return f"Bearer {caller.shown}" if caller.shown and caller.user else ""
        return self._credentials(caller.user).get("authorization", "") if caller.user else ""

    def _shower(self, caller: Caller) -> Callable[[str], str]:
        """Which token is shown for a user: its own; of who stands in for the target's user, that one's."""
        stand_in = caller.user if caller.user != self._table.as_ else ""

        def show(user: str) -> str:
            return caller.shown if caller.shown is not None else self.token(stand_in or user)

        return show

    def _address(self, caller: Caller) -> str:
        """The address with its parameters; a parameter that holds a token is left out where none is shown."""
        parts = urlsplit(self._table.url)
        query = self._table.query.items()
        shown = [(name, steps.filled(value, "", self._shower(caller))) for name, value in query
                 if not (caller.shown == "" and isinstance(value, str) and steps.names_user(value))]  # fmt: skip
        engine = [("EIO", "4"), ("transport", "websocket")] if self._table.protocol == "socket.io" else []
        added = urlencode([*shown, *(pair for pair in engine if f"{pair[0]}=" not in parts.query)])
        together = "&".join(part for part in (parts.query, added) if part)
        return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", together, ""))

    def _headers(self, own: Mapping[str, str], caller: Caller) -> dict[str, str]:
        headers = {name: value for name, value in own.items() if name not in ("accept", "accept-encoding")}
        headers |= {name.lower(): value for name, value in self._table.headers.items()}
        if caller.user and caller.shown is None:
            headers |= {name.lower(): value for name, value in self._credentials(caller.user).items()}
            if cookies := self._wire.jars.header(caller.user, self.url):
                headers["cookie"] = cookies
        elif named := self._authorization(caller):
            headers["authorization"] = named
        if origin := caller.origin or self._table.origin:
            headers["origin"] = origin
        return headers

    def _secrets(self, caller: Caller) -> tuple[str, ...]:
        """What must not come back in a report: credentials, and each parameter's value, as it stands in the URL too."""
        users = {name for name in (caller.user, *steps.acting(self._table)) if name}
        tokens = {name: value for user in users for name, value in self._credentials(user).items()}
        spoken = [part.partition("=")[2] for part in urlsplit(self._address(caller)).query.split("&")]
        values = [value for value in spoken if len(value) >= _SHORTEST and value != "websocket"]
        shown = [caller.shown] if caller.shown else []
        return (*confidential({**self._table.headers, **tokens}), *shown, *values, *map(unquote_plus, values))


@contextmanager
def _kept(opening: Opening, secrets: tuple[str, ...]) -> Iterator[None]:
    """Keeps why a connection did not open; what is raised once it stands is its user's."""
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, NegotiationError

    try:
        yield
    except InvalidStatus as refused:
        answer = refused.response
        opening.status, opening.body = answer.status_code, bytes(answer.body or b"")[:_BODY_AT_MOST]
        opening.headers = {name.lower(): scrub(value, secrets) for name, value in answer.headers.raw_items()}
        opening.message = scrub(opening.body.decode("utf-8", "replace"), secrets)
    except NegotiationError as error:
        opening.status = 101
        _negotiated(opening, error, secrets)
    except NotSpoken as said:
        opening.refused, opening.message = said.kind, scrub(said.text, secrets)
    except ConnectionClosed as closed:
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (NO_CLOSE, "")
        ours = closed.sent.code if closed.sent is not None and closed.rcvd is None else 0
        opening.end = End(code, scrub(reason, secrets), _OURS.get(ours, ""))
    except CapReached as reason:
        opening.error, opening.message = "stopped", str(reason)
    except Refused as refusal:
        opening.error, opening.message = "refused", scrub(str(refusal), secrets)
    except InvalidHandshake as error:
        opening.error, opening.message = _broken(error), scrub(_said(error), secrets)
    except OSError as error:
        opening.error = classify(error, connected=bool(opening.phases))
        opening.message = scrub(str(error), secrets)


def _negotiated(opening: Opening, error: NegotiationError, secrets: tuple[str, ...]) -> None:
    """What was chosen and not offered: another subprotocol, or what RFC 6455 §4.1 forbids, an extension, or a
    subprotocol where none was offered."""
    told, _, chosen = str(error).partition("unsupported subprotocol: ")
    if chosen:
        opening.stage, opening.subprotocol = "greeting", scrub(chosen, secrets, 50)
        return
    extension = "extension" in told.lower()
    what = "an extension" if extension else "a subprotocol"
    opening.error, opening.message = "protocol", f"the server chooses {what} that was not offered"


def _broken(error: BaseException) -> str:
    """Whether the connection ended in the place of an answer, or the answer is none."""
    known: BaseException | None = error
    while known is not None:
        if isinstance(known, EOFError | ConnectionError):
            return "tcp.reset"
        known = known.__cause__
    return "protocol"


def _said(error: BaseException) -> str:
    """The library's words, and those of what it met."""
    return f"{error}: {error.__cause__}" if error.__cause__ else str(error)


def http_url(url: str) -> str:
    """An address with the scheme of HTTP: what the guard and the caps know an origin by; without its parameters, which
    may hold a token."""
    parts = urlsplit(url)
    return urlunsplit(
        ("https" if parts.scheme in ("wss", "https") else "http", parts.netloc, parts.path or "/", "", "")
    )
