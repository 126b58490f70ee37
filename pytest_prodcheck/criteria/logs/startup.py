"""A program says that it is ready, soon enough after its start, and nothing grave before it (C39)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import LogsTarget, Ready
from pytest_prodcheck.criteria.logs.telling import place, program
from pytest_prodcheck.observe.cluster import moment
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.log import Digest, Stream

CRITERION = "log_startup"
_NAMED = 5
_SPARE = 1.0
"""Seconds: the platform's record of a start may be rounded."""


def startup(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """Every running container of the programs of which one says the line, where its start lies within the window.
    What has ended (init containers, completed jobs) never has to."""
    if table.ready is None:
        return []
    running = [stream for stream in digest.streams if not stream.previous and not stream.facts.get("ended_at")]
    begun = [stream for stream in running if (_start(stream) or digest.window.until) >= digest.window.since - _SPARE]
    programs = {program(stream) for stream in running}
    say_it = programs & {program(stream) for stream in digest.streams if stream.ready_at is not None}
    if not say_it:
        return [_never(begun, table.ready, digest, target) or _unseen(table.ready, target)]
    judged = [stream for stream in begun if program(stream) in say_it]
    found = [finding for stream in judged for finding in _of(stream, table.ready, digest, target)]
    return found if found or any(stream.ready_at for stream in judged) else [_unseen(table.ready, target)]


def _start(stream: Stream) -> float | None:
    """As the platform says it; else its first line's time, which is that of an older one where a file goes on."""
    return moment(stream.facts.get("started_at")) or stream.first


def _of(stream: Stream, ready: Ready, digest: Digest, target: str) -> Iterator[Finding]:
    started = _start(stream)
    if stream.ready_at is None:
        if _waited(stream, digest) > ready.within:
            text = f"{_runs(stream, digest)} and never said {ready.line!r}"
            yield _finding(target, text, "logs.startup.late", "error", stream.name, stream.first_grave, stream)
        return
    took = stream.ready_at - started if started is not None else 0.0
    graves = f": {stream.graves_before_ready} grave lines before it" if stream.graves_before_ready else ""
    if took > ready.within:
        text = f"{stream.name}: {ready.line!r} after {grammar.show_duration(took)}{graves}"
        yield _finding(target, text, "logs.startup.late", "error", stream.name, stream.first_grave, stream)
    elif graves:
        text = f"{stream.name}: {stream.graves_before_ready} grave lines before {ready.line!r}"
        yield _finding(target, text, "logs.startup.errors", "error", stream.name, stream.first_grave, stream)


def _never(begun: Sequence[Stream], ready: Ready, digest: Digest, target: str) -> Finding | None:
    """None of the containers says the line: which one should, is not known, so it is one finding."""
    late = [stream for stream in begun if _waited(stream, digest) > ready.within]
    if not late:
        return None
    longest = max(late, key=lambda stream: _waited(stream, digest))
    line = next((stream.first_grave for stream in late if stream.first_grave), "")
    if len(late) == 1:
        text = f"{_runs(longest, digest)} and never said {ready.line!r}"
        return _finding(target, text, "logs.startup.late", "error", longest.name, line, longest)
    names = ", ".join(stream.name for stream in late[:_NAMED]) + (", …" if len(late) > _NAMED else "")
    text = f"none of {len(late)} containers ever said {ready.line!r} ({names}): {_runs(longest, digest)}"
    return _finding(target, text, "logs.startup.late", "error", names, line, longest)


def _waited(stream: Stream, digest: Digest) -> float:
    """Seconds since the start, where the platform says when that was; of a file nobody knows that it still runs."""
    started = moment(stream.facts.get("started_at"))
    return digest.window.until - started if started else 0.0


def _runs(stream: Stream, digest: Digest) -> str:
    return f"{stream.name} runs for {grammar.show_duration(_waited(stream, digest))}"


def _unseen(ready: Ready, target: str) -> Finding:
    text = f"no start that says {ready.line!r} lies within the window: was the program started before it?"
    return _finding(target, text, "logs.startup.unseen", "insufficient", "", "", None)


def _finding(
    target: str, text: str, code: str, severity: Severity, subject: str, line: str, stream: Stream | None
) -> Finding:
    data = {**({"text": line} if line else {}), **(place(stream) if stream else {})}
    return Finding(CRITERION, target, text, code, severity, line, subject=subject, data=data)
