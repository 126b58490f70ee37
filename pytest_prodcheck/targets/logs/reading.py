"""What all sources of logs share: the budget of one reading, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from pytest_prodcheck.errors import TargetError
from pytest_prodcheck.observe.cluster import moment
from pytest_prodcheck.observe.log import Fold, Gap, Origin, Window

Reason = Literal["rotated", "bytes", "lines", "time", "unreadable", "refused", "vanished"]


class SourceProblem(TargetError):
    """A source cannot be read at all; `code` is the cause code, `refused` says that we are not permitted to, `remedy`
    what permits us, where that is known."""

    def __init__(self, target: str, message: str, code: str, *, refused: bool = False, remedy: str = "") -> None:
        super().__init__(target, message, code)
        self.refused, self.remedy = refused, remedy


@dataclass
class Reading:
    """One reading of all streams: where lines go, and how much may still be read."""

    fold: Fold
    window: Window
    left: float
    """Bytes that may still be read."""
    ends_at: float
    """On the monotonic clock."""
    gaps: list[Gap] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    """Streams that were not read from their beginning: what that means, the time of their first line tells."""
    stopped: Callable[[], bool] = lambda: False
    over: bool = False
    """Whether no stream may be read on: as many lines were read as `lines` permits."""

    def take(self, origin: Origin, block: bytes) -> bool:
        """Hands bytes on; False where the reading is over, with the gap that says why."""
        if not self.open(origin.name):
            return False
        self.left -= len(block)
        if not self.fold.take(origin, block):
            self.over = True
            self.lose(origin.name, "lines", "more lines than `lines` permits")
            return False
        return True

    def open(self, name: str) -> bool:
        """Whether more may be read; where not, the gap is kept once a stream."""
        if self.left <= 0:
            self.lose(name, "bytes", "more bytes than `at_most` permits")
        elif time.monotonic() >= self.ends_at or self.stopped():
            self.lose(name, "time", "reading took longer than `reading` permits")
        else:
            return True
        return False

    def lose(self, name: str, reason: Reason, text: str) -> None:
        """A part of a stream was not read."""
        if not any(gap.origin == name and gap.reason == reason for gap in self.gaps):
            self.gaps.append(Gap(name, reason, text))


class Source(Protocol):
    """Where lines come from. All methods raise SourceProblem."""

    def look(self) -> None:
        """Whether it is there and may be read."""
        ...

    def rollout(self) -> float | None:
        """When what runs now was rolled out, seconds since the epoch; None where the source does not know."""
        ...

    def read(self, reading: Reading) -> None:
        """Hands every line of the window, and of the time before it, to the reading."""
        ...


def stamp(at: float) -> str:
    """RFC 3339 with microseconds, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def after(body: bytes, last: bytes) -> tuple[bytes, bytes]:
    """The lines behind those of the page before, which ended at the time `last`; and the time of the last one."""
    newest = body[body.rfind(b"\n", 0, max(0, len(body) - 1)) + 1 :].partition(b" ")[0] if body else b""
    if not last:
        return body, newest
    at_last = moment(last.decode("ascii", "replace"))
    lines = body.splitlines(keepends=True)
    start = next(
        (n for n, line in enumerate(lines) if moment(line.partition(b" ")[0].decode("ascii", "replace")) > at_last),
        len(lines),
    )
    return b"".join(lines[start:]), newest
