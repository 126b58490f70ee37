"""One client of a session: what it says, and what it hears until something is as expected."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from pytest_prodcheck.targets import websocket_dialects
from pytest_prodcheck.targets.websocket_dialects import Disconnected, Message
from pytest_prodcheck.targets.websocket_opening import NO_CLOSE, Caller, End, Line, Opening

SKIPPED_AT_MOST: Final = 10_000
"""Messages that are looked at for one step."""
_DRAIN_SECONDS: Final = 0.2
_LOOK_SECONDS: Final = 0.001
_SHOWN: Final = 200
_MOMENT_SECONDS: Final = 0.2


class Matcher(Protocol):
    """How a message is compared with what is expected (`criteria.websocket_messages`)."""

    def mismatch(self, expected: object, message: Message) -> str:
        """In which way the message is not as expected; empty where it is."""
        ...

    def falls_back(self, message: Message) -> bool:
        """Whether it is the answer of a handler that stands in for the real one."""
        ...


@dataclass(slots=True)
class Heard:
    """What one client heard of one step."""

    matched: bool = False
    seconds: float = 0.0
    """From the beginning of the step to the message that matched."""
    skipped: int = 0
    nearest: str = ""
    """In which way the last message that was skipped is not as expected."""
    last: str = ""
    fallback: str = ""
    recognised: str = ""
    flood: bool = False
    end: End | None = None
    leaked: list[str] = field(default_factory=list)
    """Numbers of clients of other users whose messages came here."""


class Client:
    """One of the clients that take the steps."""

    def __init__(self, number: int, caller: Caller) -> None:
        self.number, self.caller = number, caller
        self.line: Line | None = None
        self.opening = Opening()
        self.end: End | None = None
        self.done: set[str] = set()
        """Names of the steps that it has sent."""

    @property
    def name(self) -> str:
        """What stands for `{client}`."""
        return str(self.number)

    @property
    def stands(self) -> bool:
        """Whether it can still speak."""
        return self.line is not None and self.end is None

    def drain(self) -> None:
        """Takes what came before: an answer comes after its question."""
        began = time.monotonic()
        while self.stands and time.monotonic() - began < _DRAIN_SECONDS:
            try:
                self.take(time.monotonic() + _LOOK_SECONDS)
            except TimeoutError:
                return

    def take(self, deadline: float) -> Message | None:
        """The next message; None at the connection's end, which is kept. Raises TimeoutError."""
        from websockets.exceptions import ConnectionClosed

        if self.line is None:
            return None
        try:
            return self.line.hear(deadline)
        except TimeoutError:
            raise
        except (ConnectionClosed, Disconnected, OSError) as error:
            self.end = self._ended(error)
            return None

    def say(self, message: object) -> bool:
        """Sends it; whether it went out. What became of the connection is kept."""
        from websockets.exceptions import ConnectionClosed

        if self.line is None:
            return False
        try:
            self.line.say(message)
        except (ConnectionClosed, OSError) as error:
            self.end = self._ended(error)
            return False
        return True

    def survive(self, deadline: float) -> None:
        """Waits for the pongs of two pings, a moment apart: a library may answer the first before the handler closes.
        Its end is kept."""
        from websockets.exceptions import ConnectionClosed

        if self.line is None:
            return
        try:
            self.line.channel.ping(deadline)
            time.sleep(_MOMENT_SECONDS)
            self.line.channel.ping(max(deadline, time.monotonic() + _MOMENT_SECONDS))
        except TimeoutError:
            self.end = End(NO_CLOSE, "", "silent")
        except (ConnectionClosed, OSError) as error:
            self.end = self._ended(error)

    def listen(self, expected: object, deadline: float, matcher: Matcher, since: float) -> Heard:
        """Until a message is as expected, the deadline, or the end; `since` is on the clock of `perf_counter`."""
        heard = Heard()
        while not heard.matched and not heard.fallback:
            if heard.skipped >= SKIPPED_AT_MOST:
                heard.flood = True
                break
            try:
                message = self.take(deadline)
            except TimeoutError:
                break
            if message is None:
                break
            self.judge(message, expected, matcher, heard, since)
        heard.end = self.end
        return heard

    def watch(self, expected: Mapping[str, object], deadline: float, matcher: Matcher, since: float) -> Heard:
        """Until the deadline, whatever comes: `expected` by client, its own first, then those of other users."""
        heard, foreign = Heard(), {name: value for name, value in expected.items() if name != self.name}
        while heard.skipped < SKIPPED_AT_MOST:
            try:
                message = self.take(deadline)
            except TimeoutError:
                break
            if message is None:
                break
            heard.leaked += [name for name, value in foreign.items()
                             if name not in heard.leaked and not matcher.mismatch(value, message)]  # fmt: skip
            if not heard.matched:
                self.judge(message, expected[self.name], matcher, heard, since)
        else:
            heard.flood = True
        heard.end = self.end
        return heard

    def judge(self, message: Message, expected: object, matcher: Matcher, heard: Heard, since: float) -> None:
        """Takes one message into account."""
        shown = self.line.scrubbed(_text(message), _SHOWN) if self.line else ""
        if matcher.falls_back(message):
            heard.fallback = shown
            return
        problem = matcher.mismatch(expected, message)
        heard.matched, heard.seconds = not problem, time.perf_counter() - since
        if problem:
            heard.skipped += 1
            heard.nearest, heard.last = self.line.scrubbed(problem, _SHOWN) if self.line else "", shown
            heard.recognised = heard.recognised or websocket_dialects.recognised(message)

    def _ended(self, error: Exception) -> End:
        return self.line.ended(error) if self.line else End(0)


Permit = Callable[[float], bool]
"""Waits until one more message may be sent, until a deadline on the monotonic clock; whether it may."""


def _text(message: Message) -> str:
    return message if isinstance(message, str) else message[:_SHOWN].decode("utf-8", "replace")
