"""A program says that it is ready, soon enough after its start, and nothing grave before it (C39)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import LogsTarget, Ready
from pytest_prodcheck.observe.cluster import moment
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.log import Digest, Stream

CRITERION = "log_startup"


def startup(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """Every stream whose start lies within the window."""
    if table.ready is None:
        return []
    streams = [stream for stream in digest.streams if not stream.previous]
    found = [finding for stream in streams for finding in _of(stream, table.ready, digest, target)]
    if found or any(stream.ready_at for stream in streams):
        return found
    text = f"no stream says {table.ready.line!r} within the window: was the program started before it?"
    return [_finding(target, text, "logs.startup.unseen", "insufficient", "", "")]


def _of(stream: Stream, ready: Ready, digest: Digest, target: str) -> Iterator[Finding]:
    started = moment(stream.facts.get("started_at")) or None
    if started is not None and started < digest.window.since - 1:
        return
    if stream.ready_at is None:
        if started is not None and digest.window.until - started > ready.within:
            waited = grammar.show_duration(digest.window.until - started)
            text = f"{stream.name} runs for {waited} and never said {ready.line!r}"
            yield _finding(target, text, "logs.startup.late", "error", stream.name, stream.first_grave)
        return
    begun = started if started is not None else stream.first
    took = stream.ready_at - begun if begun is not None else 0.0
    graves = f": {stream.graves_before_ready} grave lines before it" if stream.graves_before_ready else ""
    if took > ready.within:
        text = f"{stream.name}: {ready.line!r} after {grammar.show_duration(took)}{graves}"
        yield _finding(target, text, "logs.startup.late", "error", stream.name, stream.first_grave)
    elif graves:
        text = f"{stream.name}: {stream.graves_before_ready} grave lines before {ready.line!r}"
        yield _finding(target, text, "logs.startup.errors", "error", stream.name, stream.first_grave)


def _finding(target: str, text: str, code: str, severity: Severity, subject: str, line: str) -> Finding:
    return Finding(CRITERION, target, text, code, severity, line, subject=subject, data={"text": line} if line else {})
