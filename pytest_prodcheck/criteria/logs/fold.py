"""Any number of lines, in bounded memory: parsed where it is worth it, grouped, counted by period.

The bound: streams × (one line, one record), the screen's quiet lines, 4,000 templates and 1,000 groups.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs import extent, fingerprint, formats, privacy, traces
from pytest_prodcheck.criteria.logs.bucket import Bucket
from pytest_prodcheck.criteria.logs.kinds import Seed, Sorter
from pytest_prodcheck.criteria.logs.own import Ours
from pytest_prodcheck.criteria.logs.patterns import Forbidden
from pytest_prodcheck.criteria.logs.screen import Screen
from pytest_prodcheck.criteria.logs.source import Source
from pytest_prodcheck.observe.log import Answer, Digest, Group, Origin, Own, Window

_TEMPLATE = re.compile(rb"[0-9a-fA-F.:,-][0-9a-fA-F.:,-]{5,}|[0-36-9](?<![0-9A-Z].)\d\d\d?(?!\d)")
"""What differs between records that are the same: ids, times, addresses, numbers; no status (500), level (50),
SQLSTATE (28P01, 42501) and no code (P2024). What is left apart by it for too much is brought together by the
fingerprint."""
_TEMPLATES, _GROUPS, _KEPT = 4000, 1000, 200
_TEMPLATE_BYTES = 1500
_HELD = 262_144
"""Bytes of one record that wait for the next block."""
_ANSWER_LINES, _ANSWERED = 5, 20
_Known = tuple[Seed, Bucket]


class Folder:
    """Takes the lines of all streams of one target."""

    def __init__(self, promised: LogsTarget, window: Window, own: Own) -> None:
        self._promised, self._window = promised, window
        self._sorter = Sorter(promised)
        self._screen = Screen(self._sorter.words, self._sorter.patterns, promised.slow)
        self._own, self._ours = own, Ours(own)
        self._asked = [name.encode() for one in own.asked for name in one.ids][:_ANSWERED]
        self._sources: dict[str, Source] = {}
        self._known: dict[bytes, tuple[_Known, ...]] = {}
        self._buckets: dict[str, Bucket] = {}
        self._answers: dict[str, Answer] = {}
        self._ready = Forbidden(promised.ready.line) if promised.ready else None
        self._bytes = self._read = self._left_out = 0

    def take(self, origin: Origin, block: bytes) -> bool:
        """Takes bytes of a stream; False where `lines` were read and no more are wanted."""
        self._bytes += len(block)
        source = self._source(origin)
        self._batch(source, source.whole(block), last=False)
        return self._read < self._promised.lines

    def ends(self, origin: Origin) -> None:
        """The stream has no more bytes: what waited for a further line is judged."""
        source = self._source(origin)
        self._batch(source, source.whole(b"\n"), last=True)

    def result(self) -> Digest:
        """What was found, however far the streams were read."""
        for source in self._sources.values():
            self._batch(source, source.whole(b"\n"), last=True)
        groups = self._groups()
        streams = tuple(source.stream() for source in self._sources.values())
        answers = dict(self._answers)
        return Digest(self._window, streams, groups, (), answers, self._bytes, self._left_out, self._own.sent)

    def _groups(self) -> tuple[Group, ...]:
        """The groups; of each kind, and of grave records of each cause, the most frequent ones."""
        found = sorted((one.group(self._ours.ids) for one in self._buckets.values()), key=lambda one: -one.count)
        by_kind: dict[tuple[str, str], list[Group]] = {}
        for group in found:
            by_kind.setdefault((group.kind, group.code), []).append(group)
        self._left_out += sum(max(0, len(groups) - _KEPT) for groups in by_kind.values())
        return tuple(group for groups in by_kind.values() for group in groups[:_KEPT])

    def _source(self, origin: Origin) -> Source:
        known = self._sources.get(origin.name)
        if known is None:
            counts = self._promised.structured is not None
            known = self._sources[origin.name] = Source(origin, self._window, self._own.run, structured=counts)
        return known

    def _batch(self, source: Source, lines: list[bytes], *, last: bool) -> None:
        if last and lines and not lines[-1]:
            lines.pop()
        if not lines:
            return
        parts = list(source.periods(lines))
        for number, (period, part) in enumerate(parts, 1):
            if period == "within":
                self._look_for_ready(source, part)
            judged = len(part)
            if period != "early":
                judged = self._records(source, part, within=period == "within", last=last or number < len(parts))
            if period == "within":
                source.count(part[:judged])
                self._look_for_answers(source, part[:judged])
            else:
                source.look_for_own(part[:judged])
            source.read += judged
            self._read += judged
            if judged < len(part):
                source.put_back(part[judged:])

    def _records(self, source: Source, lines: Sequence[bytes], *, within: bool, last: bool) -> int:
        """Judges the lines; gives how many, for the record at the end may go on in the next block, unless this is the
        `last` of them."""
        place, passes = 0, self._screen.lets_through
        looked_at = [source.bare(line) for line in lines] if source.dressed else lines
        while place < len(lines):
            if not passes(looked_at[place]):
                place += 1
                continue
            end = extent.end(lines, place, source.bare)
            if end >= len(lines) - 1 and not last and sum(map(len, lines[place:])) < _HELD:
                return place
            self._record(source, lines[place:end], within=within)
            place = end
        return place

    def _record(self, source: Source, lines: Sequence[bytes], *, within: bool) -> None:
        head = lines[0]
        raw = head if len(lines) == 1 else b"\n".join((head, lines[-1], *lines[1:3]))
        key = _TEMPLATE.sub(b"#", raw[:_TEMPLATE_BYTES])
        known = self._known.get(key)
        at = source.clock.of(head)
        if known is None:
            known, constant = self._parsed(source, lines)
            if constant and len(self._known) < _TEMPLATES:
                self._known[key] = known
        if not known:
            return
        ours, ids = False, tuple[str, ...]()
        if within and any(bucket.claims for _, bucket in known):
            ours, ids = self._ours.holds(b"\n".join(lines))
        for seed, bucket in known:
            bucket.add(at, within=within, ours=ours, ids=ids, seed=seed)
            if within and seed.kind == "error" and not ours:
                _before_ready(source, at, bucket)

    def _parsed(self, source: Source, lines: Sequence[bytes]) -> tuple[tuple[_Known, ...], bool]:
        """The groups of a record, and whether all records of its template are in the same."""
        text = b"\n".join(source.bare(line).rstrip(b"\r") for line in lines).decode("utf-8", "replace")
        record = formats.parse(text, source.form, self._promised.format or "")
        source.form = record.form
        seeds = list(self._sorter.seeds(record, text))
        known = [(seed, bucket) for seed in seeds if (bucket := self._bucket(seed, text, source)) is not None]
        return tuple(known), record.seconds is None and not any(seed.kind == "slow" for seed in seeds)

    def _bucket(self, seed: Seed, text: str, source: Source) -> Bucket | None:
        mark = seed.fingerprint if seed.kind != "retry" else fingerprint.of(seed.fingerprint, source.origin.name)
        bucket = self._buckets.get(mark)
        if bucket is None:
            if len(self._buckets) >= _GROUPS:
                self._left_out += 1
                seed = Seed(seed.kind, seed.code, "further ones, too many to tell apart")
                mark = seed.fingerprint
                if mark in self._buckets:
                    return self._buckets[mark]
            bucket = self._buckets[mark] = Bucket(seed, privacy.shown(_telling(text)), source.origin.name)
        return bucket

    def _look_for_ready(self, source: Source, lines: Sequence[bytes]) -> None:
        if self._ready is None or source.ready_at is not None:
            return
        for line in lines:
            if self._ready.found_in(line.decode("utf-8", "replace")):
                source.ready_at = source.clock.of(line)
                return

    def _look_for_answers(self, source: Source, lines: Sequence[bytes]) -> None:
        text = b"\n".join(lines) if self._asked else b""
        for asked in self._asked:
            if asked not in text:
                continue
            for place, line in enumerate(lines):
                if asked in line:
                    self._answer(asked.decode(), source, lines[place : extent.end(lines, place, source.bare)])

    def _answer(self, asked: str, source: Source, lines: Sequence[bytes]) -> None:
        text = b"\n".join(source.bare(line) for line in lines).decode("utf-8", "replace")
        record = formats.parse(text, source.form, self._promised.format or "")
        grave = next((seed for seed in self._sorter.seeds(record, text) if seed.kind == "error"), None)
        known = self._answers.get(asked, Answer(()))
        shown = (*known.lines, privacy.shown(_telling(text)))[:_ANSWER_LINES]
        self._answers[asked] = Answer(
            shown,
            known.code or (grave.code if grave else ""),
            known.exception or record.exception,
            known.trace or bool(record.exception or (grave and len(lines) > 1)),
        )


def _telling(text: str) -> str:
    """The line that says what happened: of a trace that begins with `Traceback`, the last one."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and "Traceback (most recent call last)" in text:
        head = "" if lines[0].startswith("Traceback") else f"{lines[0]} … "
        raised = next((line for line in reversed(lines) if traces.raised_by(line.encode())), lines[-1])
        return head + raised
    return " ".join(lines[:2]) if len(lines) > 1 else text


def _before_ready(source: Source, at: float | None, bucket: Bucket) -> None:
    if source.ready_at is None or (at is not None and at < source.ready_at):
        source.graves += 1
        source.first_grave = source.first_grave or bucket.line
