"""How far the lines reach: a log that told of requests, and of none of ours since, fell silent or was cut off (T22).

Our own requests come last in the window, so they prove its end: whoever tells of requests must have a line from then
on. Where none of ours went there, silence is what a healthy, quiet program gives, and only a mention.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs.telling import clock, place, program
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.log import Digest, Sent, Stream

CRITERION = "log_coverage"
CODE = "logs.source.silent"
_SLACK, _LEAST, _SHARE = 30.0, 2.0, 0.1
"""Seconds that lines may be late by (a buffer, a shipper, times without fractions): a tenth of the window, within
these bounds."""
_MINUTES = 100.0
"""Seconds from which on minutes are told, and minutes from which on hours."""


@dataclass(frozen=True, slots=True)
class _Program:
    """The streams of one program: of its replicas our requests reach some."""

    streams: tuple[Stream, ...]

    @property
    def newest(self) -> Stream:
        """The stream with the last line."""
        return max(self.streams, key=lambda stream: stream.last or 0.0)

    @property
    def tells(self) -> bool:
        """Whether it tells of requests, ours or others'."""
        return any(stream.requests + stream.own_requests for stream in self.streams)

    @property
    def names_us(self) -> bool:
        """Whether its lines say which requests are a gate's."""
        return any(stream.own_requests or stream.own_from is not None for stream in self.streams)

    def last(self, sent: Sequence[Sent]) -> float:
        """The time of the last line, on our clock where our own lines show that its clock is behind."""
        firsts = [stream.own_from for stream in self.streams if stream.own_from is not None]
        behind = min(one.times[0] for one in sent) - min(firsts) if firsts and sent else 0.0
        return (self.newest.last or 0.0) + max(0.0, behind)


def silent(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """The programs that told of requests within the window, and of none since we sent ours."""
    if not table.traces or not digest.sent:
        return []
    programs = _tellers(digest)
    lagging = [one for one in programs if not _reaches(one, digest)]
    judged = [one for one in programs if one.names_us]
    wrong = [one for one in judged if one in lagging]
    if not judged and len(lagging) == len(programs):  # which of them ours go to is not known: one is enough
        wrong = sorted(lagging, key=lambda one: -(one.newest.last or 0.0))[:1]
    return [_finding(one, digest, target) for one in wrong]


def mention(digest: Digest, table: LogsTarget, target: str) -> str:
    """What a reader must know of a silence that is no finding: since when, and why it proves nothing; empty for
    none."""
    if not digest.lines or silent(digest, table, target):
        return ""
    quiet = [one for one in _tellers(digest) or _programs(digest) if not _lasts(one, digest)]
    if not quiet or (not _tellers(digest) and len(quiet) < len(_programs(digest))):
        return ""
    stalest = min(quiet, key=lambda one: one.newest.last or 0.0)
    more = f" (and {len(quiet) - 1} more)" if len(quiet) > 1 else ""
    return f"{target}: {_ended(stalest, digest)}{more}; {_why(digest, table)}: quiet, or cut off, is not told apart"


def _why(digest: Digest, table: LogsTarget) -> str:
    if not table.traces:
        return "our requests need not show there (traces = false)"
    if not digest.sent:
        return "we sent it no request"
    if not _tellers(digest):
        return "its lines tell of no requests"
    return "our requests show in other lines, and may not go there"


def _programs(digest: Digest) -> list[_Program]:
    """Those with lines that have times."""
    found: dict[tuple[str, ...], list[Stream]] = {}
    for stream in digest.streams:
        if stream.last is not None:
            found.setdefault(program(stream), []).append(stream)
    return [_Program(tuple(streams)) for streams in found.values()]


def _tellers(digest: Digest) -> list[_Program]:
    return [one for one in _programs(digest) if one.tells]


def _reaches(one: _Program, digest: Digest) -> bool:
    """Whether its lines go on to the end of what we sent to some target: it need not serve each of them."""
    last = one.last(digest.sent)
    return any(last >= sent.times[-1] - _slack(digest) for sent in digest.sent)


def _lasts(one: _Program, digest: Digest) -> bool:
    return (one.newest.last or 0.0) >= digest.window.until - _slack(digest)


def _slack(digest: Digest) -> float:
    window = digest.window
    return min(_SLACK, max(_LEAST, _SHARE * (window.until - window.since)))


def _ended(one: _Program, digest: Digest) -> str:
    newest = one.newest
    before = max(0.0, digest.window.until - (newest.last or 0.0))
    shown = f"{before:.0f} s" if before < _MINUTES else f"{before / 60:.0f} min"
    shown = shown if before < 60 * _MINUTES else f"{before / 3600:.0f} h"
    return f"{newest.name}: last line {clock(newest.last)}, {shown} before the end of the window"


def _finding(one: _Program, digest: Digest, target: str) -> Finding:
    newest, last = one.newest, one.last(digest.sent)
    since = dict(_since(digest.sent, last))
    number = sum(since.values())
    told = ", ".join(f"{name} {count}" for name, count in since.items())
    text = f"{_ended(one, digest)}, although we sent {number} request{'s' if number > 1 else ''} since ({told})"
    data = {"last": clock(newest.last), "sent": number, **place(newest)}
    return Finding(CRITERION, target, text, CODE, "insufficient", clock(newest.last), subject=newest.name, data=data)


def _since(sent: Sequence[Sent], last: float) -> Iterator[tuple[str, int]]:
    for one in sent:
        if count := len(one.times) - bisect_right(one.times, last):
            yield one.target, count
