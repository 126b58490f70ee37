"""Connections that stand idle for a declared time, beside one that is kept busy: how old each became, and why it ended.

They are opened one after another, so that those that end at the same age can be told from those that end at the same
moment (R24); the busy one tells a time-out for want of traffic from one that ends every connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, NamedTuple

from pytest_prodcheck.config.models import WebsocketTarget
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.caps import CapReached
from pytest_prodcheck.targets.connection import Origin
from pytest_prodcheck.targets.websocket_dialects import Disconnected
from pytest_prodcheck.targets.websocket_opening import NO_CLOSE, Caller, End, Line, Opener, Opening
from pytest_prodcheck.targets.wire import Wire

_BUSY_SECONDS: Final = 5.0
"""How often the busy connection is pinged; four times a hold, where that is shorter."""
_APART: Final = 0.5
"""Share of the hold within which the connections are opened, but no more than so many seconds:"""
_APART_SECONDS: Final = 5.0
BYTES_AT_MOST: Final = 64 * 1024 * 1024
"""What is read of one held connection: a server that never stops is cut off."""
_MARGIN: Final = 5.0


class Held(NamedTuple):
    """One connection of a hold."""

    busy: bool
    opening: Opening
    opened: float = 0.0
    """Seconds from the beginning of the hold to its opening."""
    age: float = 0.0
    """Seconds that it stood."""
    end: End | None = None
    """None where it stood to the end, and answered a ping then."""


def longest(table: WebsocketTarget) -> float:
    """How long a hold may take, in seconds."""
    return apart(table.hold) + table.hold + table.timeout


def apart(hold: float) -> float:
    """Seconds within which the connections of a hold are opened."""
    return min(hold * _APART, _APART_SECONDS)


def hold(wire: Wire, target: str, table: WebsocketTarget, opener: Opener) -> Observation:
    """What became of `clients` idle connections and a busy one; `data["held"]` has a row for each."""
    count = table.clients + 1
    started_at, began, deadline = time.time(), time.monotonic(), time.monotonic() + longest(table) + _MARGIN
    seen = Observation(target, "hold", "readiness", "", table.as_, started_at)
    try:
        with (
            wire.caps(Origin.of(opener.url)).standing(count, deadline, wire.stopped),
            ThreadPoolExecutor(count, "prodcheck-websocket") as pool,
        ):
            pause = apart(table.hold) / count
            began = time.monotonic()
            stand = _standing(wire, table, opener, began)
            rows = list(pool.map(stand, range(count), [pause * number for number in range(count)]))
    except CapReached as reason:
        return replace(seen, error="stopped", message=str(reason), expected=False)
    wall = time.monotonic() - began
    stopped = wire.stopped.is_set()
    facts = {**opener.place, "held": [_row(one) for one in rows], "apart": round(apart(table.hold), 3)}
    whole = all(one.end is None and one.opening.stands for one in rows)
    return replace(seen, error="stopped" if stopped else "", wall=wall, expected=whole and not stopped, data=facts)


def _standing(
    wire: Wire, table: WebsocketTarget, opener: Opener, began: float
) -> Callable[[int, float], Held]:  # fmt: skip
    def stand(number: int, later: float) -> Held:
        wire.stopped.wait(max(0.0, began + later - time.monotonic()))
        busy = number == table.clients
        with opener.open(Caller(table.as_), longest(table)) as (line, opening):
            if line is None:
                return Held(busy, opening)
            opened = time.monotonic()
            end = _stood(line, opened + table.hold, table, busy=busy)
            return Held(busy, opening, opened - began, time.monotonic() - opened, end)

    return stand


def _stood(line: Line, until: float, table: WebsocketTarget, *, busy: bool) -> End | None:
    """How it ended before its time; None where it did not."""
    from websockets.exceptions import ConnectionClosed

    every, read = min(_BUSY_SECONDS, table.hold / 4), 0
    try:
        while (now := time.monotonic()) < until:
            if busy:
                line.channel.ping(time.monotonic() + table.timeout)
            try:
                while True:
                    read += len(line.hear(min(now + every, until) if busy else until))
                    if read > BYTES_AT_MOST:
                        return End(NO_CLOSE, "", "flood")
            except TimeoutError:
                continue
        line.channel.ping(time.monotonic() + table.timeout)
    except TimeoutError:
        return End(NO_CLOSE, "", "silent")
    except (ConnectionClosed, Disconnected, OSError) as error:
        return line.ended(error)
    return None


def _row(one: Held) -> dict[str, Any]:
    end = one.end
    return {
        "busy": one.busy, "opened": round(one.opened, 3), "age": round(one.age, 3), "stands": one.opening.stands,
        "ended": end is not None, "code": end.code if end else None, "reason": end.reason if end else "",
        "problem": end.problem if end else "", "status": one.opening.status, "error": one.opening.error,
        "message": one.opening.message,
    }  # fmt: skip
