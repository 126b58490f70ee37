"""Whether the window was really seen: silence may be missing logs, or no traffic (A60, T22, R22)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs import reach
from pytest_prodcheck.criteria.logs.telling import clock, place
from pytest_prodcheck.observe.cluster import moment
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.log import Digest, Gap, Window

CRITERION = reach.CRITERION
_BEHIND = 60.0
"""Seconds by which a line of one of our own requests may be older than our run."""
_AHEAD = 60.0
"""Seconds by which a line may be younger than the moment at which it was read."""


def coverage(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """Every stream was read over the whole window and reaches to its end, lines say when they were written, and
    requests were answered."""
    return [*unproven(digest, table, target), *_ahead(digest, target)]


def unproven(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """Why that nothing was found proves nothing; empty where it does."""
    places = {stream.name: place(stream) for stream in digest.streams}
    # of a container that waits there is the instance before alone
    where = {gap: places.get(gap.origin) or places.get(f"{gap.origin} (previous)", {}) for gap in digest.gaps}
    found = [_gap(gap, target, where[gap]) for gap in digest.gaps]
    found += _cut_off(digest, target)
    found += _silence(digest, target)
    if not found or digest.lines:
        found += [*_no_traffic(digest, table, target), *reach.silent(digest, table, target)]
    return found


def _gap(gap: Gap, target: str, where: Mapping[str, str]) -> Finding:
    if gap.reason == "refused":
        text = f"cannot read logs: forbidden ({gap.origin}): {gap.text}; nothing was judged there"
        return _finding(target, text, "logs.source.forbidden", "blocked", gap.origin, said=gap.text, **where)
    text = f"the window is not covered: {gap.origin}: {gap.text}"
    return _finding(target, text, "logs.source.incomplete", "insufficient", gap.origin, reason=gap.reason, **where)


def _cut_off(digest: Digest, target: str) -> Iterator[Finding]:
    for stream in digest.streams:
        if stream.cut:
            text = f"the window is not covered: {stream.name}: {stream.cut} lines are longer than is read"
            yield _finding(target, text, "logs.source.incomplete", "insufficient", stream.name, reason="long lines")


def _silence(digest: Digest, target: str) -> Iterator[Finding]:
    window = digest.window
    if not any(stream.read for stream in digest.streams):
        names = ", ".join(stream.name for stream in digest.streams[:5]) or "no stream"
        text = f"the source gives no line {_within(window)}: {names}"
        yield _finding(target, text, "logs.source.empty", "insufficient", names, **_place(digest))
    elif all(stream.first is None for stream in digest.streams if stream.read):
        text = "no line says when it was written: what happened within the window cannot be told"
        yield _finding(target, text, "logs.window.unproven", "insufficient", "times", **_place(digest))
    elif wrong := list(_misdated(digest, target)):
        yield from wrong
    elif not digest.lines:
        last = max((stream.last for stream in digest.streams if stream.last is not None), default=None)
        text = f"no line {_within(window)}; the last one is of {clock(last)}"
        yield _finding(target, text, "logs.source.empty", "insufficient", "window", last=clock(last), **_place(digest))


def _misdated(digest: Digest, target: str) -> Iterator[Finding]:
    """Streams whose lines may be of the window although they do not say so, or say another time."""
    since = digest.window.since
    for stream in digest.streams:
        written = moment(stream.facts.get("written_at", ""))
        if stream.read and stream.first is None:
            text = f"{stream.name}: no line says when it was written: that it reaches into the window is not known"
        elif stream.own_from is not None and stream.own_from < digest.window.run - _BEHIND:
            text = (f"{stream.name}: lines of our own requests are dated {clock(stream.own_from)}, and the first one "
                    f"was sent at {clock(digest.window.run)}: its clock or time zone is another one")  # fmt: skip
        elif stream.last is not None and not stream.lines and written >= since:
            text = (f"{stream.name}: written to at {clock(written)}, but its last line is dated {clock(stream.last)}: "
                    "its clock or time zone is another one")  # fmt: skip
        else:
            continue
        yield _finding(target, text, "logs.window.unproven", "insufficient", stream.name, **place(stream))


def _within(window: Window) -> str:
    return f"in the window (since {clock(window.since)}{f', {window.why}' if window.why else ''})"


def _place(digest: Digest) -> dict[str, str]:
    return place(digest.streams[0]) if digest.streams else {}


def _no_traffic(digest: Digest, table: LogsTarget, target: str) -> Iterator[Finding]:
    limit = grammar.comparison(table.traffic) if table.traffic else None
    seen = sum(stream.requests for stream in digest.streams)
    if limit is None or limit.holds(seen):
        return
    own = sum(stream.own_requests for stream in digest.streams)
    what = f"{seen} answered requests in the window" if seen else "no traffic in the window"
    beside = f" (but {own} of our own)" if own else ""
    text = f"{what}{beside}, promised {table.traffic}: zero errors proves nothing"
    yield Finding(CRITERION, target, text, "logs.traffic.none", "insufficient", str(seen), str(table.traffic),
                  subject="traffic", data={"requests": seen, "own": own, **_where_asked(digest)})  # fmt: skip


def _where_asked(digest: Digest) -> dict[str, str]:
    """Where requests would show: the stream that tells of the most, our own among them, or that has the most lines."""
    busiest = max(digest.streams, key=lambda one: (one.requests + one.own_requests, one.read), default=None)
    return place(busiest) if busiest else {}


def _ahead(digest: Digest, target: str) -> Iterator[Finding]:
    for stream in digest.streams:
        ahead = (stream.last or 0.0) - digest.window.until
        if ahead > _AHEAD:
            text = f"{stream.name}: its last line is {ahead:.0f} s younger than now: the clock there is ahead of ours"
            yield _finding(target, text, "logs.clock.skewed", "warning", stream.name, ahead_s=round(ahead))


def _finding(target: str, text: str, code: str, severity: Severity, subject: str, **data: str | float) -> Finding:
    return Finding(CRITERION, target, text, code, severity, subject=subject, data=dict(data))
