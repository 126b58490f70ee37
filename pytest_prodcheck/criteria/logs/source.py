"""One stream while it is read: whole lines out of blocks, their times, the counts that need no parsing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from pytest_prodcheck.criteria.logs import json_lines, privacy, wrapping
from pytest_prodcheck.criteria.logs.formats import opened
from pytest_prodcheck.criteria.logs.times import Clock
from pytest_prodcheck.observe.log import Origin, Stream, Window

Period = Literal["early", "before", "within"]
"""Before all that is compared, before the window, within it."""

LONGEST = 65_536
"""Bytes of a line that are looked at; the rest of it is passed over."""
_LOOK = 50
"""Lines at the ends of a batch among which one with a time is looked for."""
_REQUESTS = (b" HTTP/", b'"status":', b'"status": ', b"status=", b'"statusCode":', b'"status_code":', b"[GIN]")
_BACK = 86_400.0
"""Seconds that a line may be older than the line before it."""
_OWN = b"prodcheck/"
_ENVELOPE = '{"log":'


class Source:
    """The state of one stream."""

    def __init__(self, origin: Origin, window: Window, run: str = "", *, structured: bool = False) -> None:
        """`run` is this run's id; `structured` counts the lines that are."""
        self.origin, self.form = origin, ""
        self._run, self._counts_structured = run.encode(), structured
        self._window = window
        self.clock = Clock(window.until, 0.0 if origin.stamped else window.offset)
        self._carry, self._skipping, self._shortens = b"", False, False
        self.dressed = origin.stamped
        """Whether lines have more than the program's words: the platform's time, a prefix, colours."""
        self._encoding, self._began, self._coloured = wrapping.Encoding(), False, False
        self._prefix: re.Pattern[bytes] | None = None
        self._at: float | None = None
        self.lines = self.read = self.cut = self.graves = 0
        self.ready_at: float | None = None
        self.first_grave = ""
        self._first: float | None = None
        self._requests = self._own = self._worded = self._structured = 0
        self._own_from: float | None = None
        self._unstructured = ""

    def whole(self, block: bytes) -> list[bytes]:
        """The lines that are whole now; what follows the last line feed waits for the next block."""
        block = self._encoding.plain(block)
        if not self._coloured and wrapping.coloured(block):
            self._coloured = self.dressed = True
        if self._skipping:
            end = block.find(b"\n")
            if end < 0:
                return []
            block, self._skipping = block[end:], False
        data = self._carry + block if self._carry else block
        if b"\r\n" in data:
            data = data.replace(b"\r\n", b"\n")
        lines = data.split(b"\n")
        self._carry = lines.pop()
        if len(self._carry) > LONGEST:
            self._carry, self._skipping = self._carry[: LONGEST + 1], True
            self._shortens = True
        if len(data) > LONGEST and max(map(len, lines), default=0) > LONGEST:
            lines, self._shortens = [line[: LONGEST + 1] for line in lines], True
        return self._joined(lines) if lines else lines

    def _joined(self, lines: list[bytes]) -> list[bytes]:
        """The lines, those put together that a run-time has parted; the last one waits for what it goes on with."""
        if not self._began and any(lines):
            self._began = True
            self._prefix = None if self.origin.stamped else wrapping.prefix_of(lines)
            self.dressed = self.dressed or self._prefix is not None
        if self._prefix is None:
            return lines
        kept = len(lines)
        while kept and len(self._carry) < LONGEST and wrapping.goes_on(lines[kept - 1], self._prefix):
            kept -= 1
            self._carry = lines[kept] + b"\n" + self._carry
        return wrapping.joined(lines[:kept], self._prefix)

    def rest(self) -> list[bytes]:
        """The last line, where the stream ended without a line feed."""
        last, self._carry = self._carry, b""
        return [last] if last else []

    def put_back(self, lines: Sequence[bytes]) -> None:
        """These lines are not judged yet: the record that they begin may go on in the next block."""
        self._carry = b"\n".join([*lines, self._carry])

    def bare(self, line: bytes) -> bytes:
        """The line without the platform's time, without a prefix, and without colours."""
        if self.origin.stamped:
            line = line.partition(b" ")[2]
        if self._prefix is not None:
            line = wrapping.behind(line, self._prefix)
        return wrapping.colourless(line) if self._coloured else line

    def at(self, line: bytes) -> float | None:
        """When the line was written; the line before it says so for one that does not."""
        self._at = self._own_time(line) or self._at
        return self._at

    def _own_time(self, line: bytes, known: float | None = None) -> float | None:
        """The time in a line where it can be the line's own: one of days before the lines around it is what the line
        speaks of (`invoice of 2020-01-01 00:00:00`)."""
        at, known = self.clock.of(line), self._at if known is None else known
        return None if at is not None and known is not None and at < known - _BACK else at

    def periods(self, lines: list[bytes]) -> Iterator[tuple[Period, list[bytes]]]:
        """The lines by period. Lines of one stream stand in the order of their times, or nearly."""
        first = self._time(lines)
        last = self._time(reversed(lines), first)
        begin = self._period(first if first is not None else self._at)
        if self._first is None:
            self._first = first
        if begin == self._period(last if last is not None else first if first is not None else self._at):
            self._at = last if last is not None else self._at
            yield begin, lines
            return
        start, period = 0, begin
        for place, line in enumerate(lines):
            if (now := self._period(self.at(line))) != period:
                if place > start:
                    yield period, lines[start:place]
                start, period = place, now
        yield period, lines[start:]

    def count(self, lines: list[bytes]) -> None:
        """Counts lines within the window: all, those that tell of requests, those that are structured."""
        text = b"\n".join(lines)
        if self._shortens:
            self.cut += sum(len(line) > LONGEST for line in lines)
        self._requests += max(text.count(mark) for mark in _REQUESTS)
        if _OWN in text:
            self._own += sum(_OWN in line and any(mark in line for mark in _REQUESTS) for line in lines)
        self.look_for_own(lines, text)
        if self._counts_structured:
            for line in lines:
                self._look_at_structure(line)
        self.lines += len(lines)

    def look_for_own(self, lines: Sequence[bytes], text: bytes = b"") -> None:
        """Keeps the time of the first line that names this run, whatever time its clock says it is."""
        if self._run and self._own_from is None and self._run in (text or b"\n".join(lines)):
            named = next(line for line in lines if self._run in line)
            self._own_from = self.clock.of(named) or self._at

    def stream(self) -> Stream:
        """What the stream gave."""
        return Stream(
            self.origin.name, self.lines, self.read, self._first, self._at, max(0, self._requests - self._own),
            self._own, self._own_from, self.cut, self._worded, self._structured, self._unstructured, self.ready_at,
            self.graves, self.first_grave, self.origin.facts, self.origin.previous, )  # fmt: skip

    def _look_at_structure(self, line: bytes) -> None:
        bare = self.bare(line) if self.dressed else line
        if bare[:1] == b"{":
            text = bare.decode("utf-8", "replace")
            inner = opened(text)[0] if text.startswith(_ENVELOPE) else text
            structured = inner.startswith("{") and json_lines.is_structured(inner)
            self._worded += bool(inner.strip())
            self._structured += structured
        else:
            structured = not bare.strip()
            self._worded += not structured
        if not structured and not self._unstructured:
            self._unstructured = privacy.shown(bare.decode("utf-8", "replace"))

    def _time(self, lines: Iterator[bytes] | list[bytes], known: float | None = None) -> float | None:
        near = (line for line, _ in zip(lines, range(_LOOK), strict=False))
        return next((at for line in near if (at := self._own_time(line, known)) is not None), None)

    def _period(self, at: float | None) -> Period:
        if at is None or at >= self._window.since:
            return "within"
        return "before" if at >= self._window.before else "early"
