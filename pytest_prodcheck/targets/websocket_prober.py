"""The websocket target as the owner asks it: whether it stands, what is said on it, how long, and whom it refuses."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_prodcheck.config import steps as messages
from pytest_prodcheck.config.models import WebsocketStep, WebsocketTarget
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Kind, Observation
from pytest_prodcheck.observe.request import Credentials, HttpRequest
from pytest_prodcheck.targets import websocket_hold
from pytest_prodcheck.targets.caps import CapReached
from pytest_prodcheck.targets.connection import Origin
from pytest_prodcheck.targets.guard import websocket as guard
from pytest_prodcheck.targets.websocket_dialects import Disconnected
from pytest_prodcheck.targets.websocket_listening import Client, Heard, Matcher
from pytest_prodcheck.targets.websocket_opening import NO_CLOSE, Caller, End, Line, Opener, Opening
from pytest_prodcheck.targets.websocket_session import Session, Told, as_data
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from pytest_prodcheck.targets.forgery import Forger

FOREIGN_ORIGIN: Final = "https://prodcheck.invalid"
LINGER_SECONDS: Final = 0.3
"""How long a connection that answered a ping is looked at: a server that judges a token later closes it then."""
_UNAUTHORIZED: Final = (1008, 3000, 4001, 4401)
_FORBIDDEN: Final = (3003, 4003, 4403)
"""Codes of a close that say 401 and 403: RFC 6455, the IANA registry, and what servers have agreed on beside it."""
_MANY: Final = 100
"""Messages before a pong: who sends so many is not silent."""
_REFUSAL: Final = re.compile(r"error|unauthori[sz]ed|forbidden|denied|invalid|refused|\b40[13]\b", re.IGNORECASE)
"""What a server says that keeps a connection of somebody whom it refuses."""
_NAMES: Final = ("type", "event", "action", "op", "kind", "status", "code", "reason", "message", "detail", "title")
"""Keys of a document that say what it is, or why it came."""
_WIDTH: Final = 8
_LONGEST_SAMPLING: Final = 3600.0


class WebsocketProber:
    """Asks one WebSocket; what it sends is declared."""

    def __init__(
        self,
        wire: Wire,
        target: str,
        table: WebsocketTarget,
        taken: Sequence[WebsocketStep],
        matcher: Matcher,
        credentials: Credentials,
        forger: Forger | None = None,
    ) -> None:
        """`taken` are the steps that may be taken here; `matcher` says what a message is."""
        self._wire, self.target, self.table, self._taken, self._matcher = wire, target, table, taken, matcher
        self._credentials, self._forger = credentials, forger
        self._opener = Opener(wire, target, table, credentials)
        self._caps = wire.caps(Origin.of(self._opener.url))
        self.lane, self.width = f"websocket:{target}", _WIDTH
        self._lock, self._sessions = threading.Lock(), dict[int, Told]()
        self._sampling, self._stack, self._line = threading.Lock(), ExitStack(), _Sampled()

    # --- what the owner asks -----------------------------------------------------------------------------------------

    def ready(self) -> Evidence:
        """Whether a connection opens, answers a ping, and stands a moment. Where a user has no token, nobody asks: that
        the server is there can be told from its refusal, too (`without`)."""
        without = [user for user in messages.acting(self.table) if not self._opener.knows(user)]
        caller = Caller("", "") if without else Caller(self.table.as_)
        seen = self._look(caller, "connect", stays=self.table.timeout if self.table.closes else None)
        if without:
            return Evidence((seen,), {"without": without})
        if self.table.protocol == "socket.io" and seen.data.get("stage") == "handshake":
            return Evidence((seen, self._polling()))
        return Evidence((seen,))

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        del user
        if function == "test_step":
            told = self._session(attempt)
            mine = [seen for seen in told.steps if seen.subject == subject]
            return Evidence((*mine, *self._unopened(told)), {"stopped": told.stopped})
        if function == "test_close":
            told = self._session(attempt)
            return Evidence(self._unopened(told), {"goodbyes": told.goodbyes, "stopped": told.stopped})
        if function == "test_stable":
            return Evidence((websocket_hold.hold(self._wire, self.target, self.table, self._opener),))
        if function == "test_reconnects":
            caller = Caller(self.table.as_)
            return Evidence((self._look(caller, "connect", stays=0.0), self._look(caller, "reconnect", stays=0.0)))
        if function == "test_foreign_origin":
            return Evidence((self._look(Caller(self.table.as_, None, FOREIGN_ORIGIN), "connect from another site"),))
        return self._refusals() if function == "test_refuses" else Evidence()

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Repeats a read for a limit; None for a write, and for what no question stands before."""
        del user
        step = next((one for one in self._taken if one.name == subject), None)
        if function != "test_step" or step is None or step.send is None or step.expect is None or step.writes:
            return None
        return lambda: self._sample(step)

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """A ping and its pong (RFC 6455 §5.5.2)."""
        return [lambda: self._sample(None)]

    def send(self, request: HttpRequest) -> Observation:
        """Nothing: a test sends no frame of its own."""
        raise Refused(request.operation or "a frame", "frame is not declared as a read", "declare it under steps")

    def query(self, what: str, count: int, within: float, user: str) -> tuple[Observation, tuple[str, ...]]:
        """For a test: `connect`, `ping`, or `receive` so many messages. Raises errors.Refused for anything else."""
        if what not in ("connect", "ping", "receive"):
            raise Refused(
                f"WebSocket {what}", "a test connects, pings and receives", "declare what is sent under steps"
            )
        received: list[str] = []
        seen = self._look(Caller(user), what, "fixture", stays=0.0, receive=(count, within, received))
        return seen, tuple(received)

    def leave(self) -> None:
        """Says goodbye on the connection that samples were taken on, unless one is under way."""
        if self._sampling.acquire(blocking=False):
            try:
                self._stack.close()
            finally:
                self._sampling.release()

    # --- how it is asked ---------------------------------------------------------------------------------------------

    def _session(self, attempt: int) -> Told:
        """The session of an attempt, once for all that ask. A write is never sent again."""
        key = 1 if any(step.writes for step in self._taken) else attempt
        with self._lock:
            if key not in self._sessions:
                session = Session(self._wire, self.target, self.table, self._opener, self._taken, self._matcher)
                self._sessions[key] = session.run()
        return self._sessions[key]

    def _unopened(self, told: Told) -> tuple[Observation, ...]:
        return tuple(
            self._observation(client.caller, f"connect client {client.number}", client.opening, None, "readiness")
            for client in told.unopened
        )

    def _look(
        self, caller: Caller, operation: str, kind: Kind = "readiness", *, stays: float | None = None,
        receive: tuple[int, float, list[str]] | None = None,
    ) -> Observation:  # fmt: skip
        """Opens a connection, pings it, looks at it for `stays` seconds more (by default a moment), closes it."""
        at_most = self.table.timeout * 3 + (stays or LINGER_SECONDS) + (receive[1] if receive else 0.0)
        deadline = time.monotonic() + at_most
        try:
            with (
                self._caps.standing(1, deadline, self._wire.stopped),
                self._opener.open(caller, at_most) as (line, opening),
            ):
                pinged, end = (0.0, None) if line is None else self._pinged(line, stays, receive)
                return self._observation(caller, operation, opening, end, kind, pinged)
        except CapReached as reason:
            return self._observation(caller, operation, Opening(error="stopped", message=str(reason)), None, kind)

    def _pinged(
        self, line: Line, stays: float | None, receive: tuple[int, float, list[str]] | None = None
    ) -> tuple[float, End | None]:
        """Seconds of a ping, and how the connection ended within the time that it is looked at."""
        from websockets.exceptions import ConnectionClosed

        began = time.perf_counter()
        seconds = 0.0
        try:
            line.channel.ping(time.monotonic() + self.table.timeout)
            seconds = time.perf_counter() - began
            until = time.monotonic() + (receive[1] if receive else LINGER_SECONDS if stays is None else stays)
            try:
                while time.monotonic() < until and not (receive and len(receive[2]) >= receive[0]):
                    message = line.hear(until)
                    if receive:
                        text = message if isinstance(message, str) else message.decode("utf-8", "replace")
                        receive[2].append(text)
            except TimeoutError:
                return seconds, None
        except TimeoutError:  # of the ping: its pong may stand behind what nobody could read in time
            return seconds, End(NO_CLOSE, "", "flood" if line.channel.waiting > _MANY else "silent")
        except (ConnectionClosed, Disconnected, OSError) as error:
            return seconds, line.ended(error)
        return seconds, None

    def _observation(
        self, caller: Caller, operation: str, opening: Opening, end: End | None, kind: Kind, pinged: float = 0.0
    ) -> Observation:
        ended = end or opening.end
        if ended and self._opener.stopped:
            opening.error = "stopped"
        if ended and ended.code in self.table.close and self.table.closes:
            expected = True
        elif self.table.status:
            expected = opening.status in self.table.status
        else:
            expected = opening.stands and ended is None and not self.table.closes
        certificate = {"certificate": dict(opening.certificate)} if opening.certificate else {}
        return Observation(
            self.target, operation, kind, "", caller.user if caller.shown is None else "", opening.started_at,
            opening.phases, opening.wall, opening.status, error=opening.error, message=opening.message,
            headers=opening.headers, excerpt=opening.message if opening.status not in (101, None) else "",
            size=len(opening.body), expected=expected, body=opening.body,
            data={
                "stage": opening.stage, "subprotocol": opening.subprotocol, "not_spoken": opening.refused,
                "ping": pinged, **as_data(ended), **certificate, **opening.place,
            },
        )  # fmt: skip

    def _polling(self) -> Observation:
        """Engine.IO by its other transport: where only that answers, a proxy keeps WebSockets out."""
        url = f"{self._opener.url}?EIO=4&transport=polling"
        request = HttpRequest(self.target, "GET", url, timeout=self.table.timeout, kind="readiness", operation="poll")
        seen = self._wire.send(request)
        return replace(seen, data={**seen.data, "polling": seen.body.startswith(b"0{")}, expected=True)

    # --- whom it refuses ---------------------------------------------------------------------------------------------

    def _refusals(self) -> Evidence:
        """The same opening with each token that must be refused."""
        from pytest_prodcheck.targets import refusals

        if self._forger is None:
            return Evidence()
        user = next(iter(messages.acting(self.table)), "")
        token = self._opener.token(user) if user else ""

        def send(shown: str, _role: str) -> Observation:
            return self._shown(Caller(user, shown))

        good = self._shown(Caller(self.table.as_)) if any(one != "none" for one in self.table.refuses) else None
        return refusals.ask(self.table.refuses, token, self._forger, send, good)

    def _shown(self, caller: Caller) -> Observation:
        """One opening, and what is answered without being asked for: whoever gets that was accepted. A close by a code
        that says so is a refusal, told by the status that it stands for."""
        waits = []
        for step in self.table.steps:
            if step.send is not None or step.expect is None:
                break
            waits.append(step)
        at_most = self.table.timeout * 3 + sum(step.within for step in waits)
        with (
            self._caps.standing(1, time.monotonic() + at_most, self._wire.stopped),
            self._opener.open(caller, at_most) as (line, opening),
        ):
            end, missed, said = self._waited(line, opening, waits) if line else (None, False, False)
            seen = self._observation(caller, "connect", opening, end, "readiness")
        said = said or (caller.shown == "" and self.table.first is not None)  # it waits for who we are
        code = seen.data["close_code"]
        status = seen.status if seen.status != 101 else None if code is None else self._as_status(code)
        if (missed and said) or seen.data["not_spoken"] == "refused":
            status = 401
        accepted = seen.data["stage"] == "open" and code is None and not missed and not seen.error
        data = {**seen.data, "text": str(seen.data["close_reason"]) or seen.message}
        error = "timeout" if missed and not said else seen.error  # to say nothing is no refusal
        return replace(seen, expected=accepted, status=101 if accepted else status, error=error, data=data)

    def _waited(self, line: Line, opening: Opening, waits: Sequence[WebsocketStep]) -> tuple[End | None, bool, bool]:
        """How it ended, whether what the good token gets did not come, and whether a refusal in words did."""
        client = Client(1, Caller())
        client.line, client.opening = line, opening
        for step in waits:
            expected = messages.filled(step.expect, client.name)
            heard = client.listen(expected, time.monotonic() + step.within, self._matcher, time.perf_counter())
            if heard.end or not heard.matched:
                return heard.end, not heard.matched and heard.end is None, _refuses(heard.last)
        return self._pinged(line, None)[1], False, False

    def _as_status(self, code: int) -> int:
        """The status that a close stands for; itself where it is promised, or stands for none."""
        if code in self.table.refused:
            return code
        return 401 if code in _UNAUTHORIZED else 403 if code in _FORBIDDEN else 500 if code == 1011 else code

    # --- samples -----------------------------------------------------------------------------------------------------

    def _sample(self, step: WebsocketStep | None) -> Observation:
        """One question and its answer, or one ping, on a connection that stands between samples."""
        operation, subject = (f"step {step.name}", step.name) if step else ("ping", "")
        with self._sampling:
            try:
                client = self._sampled_on(step)
                with self._caps.permit(time.monotonic() + self.table.timeout * 3, self._wire.stopped):
                    heard = self._asked(client, step) if client.stands else Heard(end=client.end)
            except CapReached as reason:
                return Observation(self.target, operation, "sample", subject, self.table.as_, time.time(),
                                   error="stopped", message=str(reason), expected=False)  # fmt: skip
        opening = client.opening
        error = opening.error or ("timeout" if not heard.matched and heard.end is None and opening.stands else "")
        error = error or ("tcp.reset" if not heard.matched else "")
        return Observation(
            self.target, operation, "sample", subject, self.table.as_, time.time() - heard.seconds,
            {"first_byte": heard.seconds}, heard.seconds, error="stopped" if self._opener.stopped else error,
            expected=heard.matched and not heard.fallback, data=as_data(heard.end),
        )  # fmt: skip

    def _sampled_on(self, step: WebsocketStep | None) -> Client:
        """The connection for samples of a step, its opening reads taken; a new one where the last has ended."""
        client = self._line.client
        if client is not None and client.stands and self._line.step is step:
            return client
        self._stack.close()
        deadline = time.monotonic() + self.table.timeout * 3 + websocket_hold.longest(self.table)
        self._stack.enter_context(self._caps.standing(1, deadline, self._wire.stopped))
        client = Client(1, Caller(self.table.as_))
        client.line, client.opening = self._stack.enter_context(self._opener.open(client.caller, _LONGEST_SAMPLING))
        self._line.client, self._line.step = client, step
        for earlier in self._taken[: self._taken.index(step)] if step else ():
            if client.stands and not earlier.writes:
                self._asked(client, earlier)
        return client

    def _asked(self, client: Client, step: WebsocketStep | None) -> Heard:
        from websockets.exceptions import ConnectionClosed

        if step is None or step.send is not None:
            client.drain()
        since = time.perf_counter()
        if step is None:
            try:
                client.line.channel.ping(time.monotonic() + self.table.timeout) if client.line else None
            except TimeoutError:
                return Heard()
            except (ConnectionClosed, OSError) as error:
                client.end = client.line.ended(error) if client.line else None
                return Heard(end=client.end)
            return Heard(matched=client.end is None, seconds=time.perf_counter() - since, end=client.end)
        guard.check(self.table, step, ())
        if step.send is not None and not client.say(messages.filled(step.send, client.name, self._opener.token)):
            return Heard(end=client.end)
        if step.expect is None:
            return Heard(matched=True)
        expected = messages.filled(step.expect, client.name)
        return client.listen(expected, time.monotonic() + step.within, self._matcher, since)


class _Sampled:
    """The connection that samples are taken on, and for which step its opening was made."""

    client: Client | None = None
    step: WebsocketStep | None = None


def _refuses(said: str) -> bool:
    """Whether a message refuses who came, by its words; of a document, by what it is called, or by an error that it
    has: `"errors": []` in the welcome of an anonymous visitor is none."""
    document = strict_json.table(said)
    if document is None:
        return bool(_REFUSAL.search(said))
    named = {key: value for key, value in document.items() if key in _NAMES or (_REFUSAL.search(key) and value)}
    return bool(_REFUSAL.search(json.dumps(named)))
