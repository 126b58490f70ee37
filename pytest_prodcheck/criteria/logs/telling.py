"""How groups and times are said: counts, since when, whether they are new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.log import Digest, Group, Stream

_PLACES = ("pod", "container", "workload", "node", "namespace", "file", "look")
MOST = 20
"""Findings of one check; what is left is counted in one more."""


def clock(at: float | None) -> str:
    """A moment as logs have it; empty for none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else ""


def others(group: Group) -> int:
    """Records that our own requests did not cause."""
    return group.count - group.ours


def program(stream: Stream) -> tuple[str, ...]:
    """What runs in it, so that replicas are the same: a workload's container, a project's service, or the stream."""
    facts = stream.facts
    if not facts.get("workload"):
        return (stream.name,)
    return facts.get("kind", ""), facts["workload"], facts.get("container", "") if facts.get("pod") else ""


def place(stream: Stream) -> dict[str, str]:
    """Where a stream is, and the command that looks at it."""
    return {name: stream.facts[name] for name in _PLACES if stream.facts.get(name)}


def place_of(group: Group, digest: Digest) -> dict[str, str]:
    """Where the first record of a group was seen."""
    return next((place(stream) for stream in digest.streams if stream.name == group.origin), {})


def words(group: Group) -> str:
    """What the records say: the first one's own words, for a port or a line's number is what a remedy asks for."""
    if not group.example or group.example == group.title:
        return group.title
    return group.example if group.count + group.before == 1 else f"like: {group.example}"


def span(group: Group) -> str:
    """First and last seen, as far as lines say it."""
    first, last = clock(group.first), clock(group.last)
    if not first:
        return ""
    return f" at {first}" if first == last else f" from {first} to {last}"


def compared(group: Group, digest: Digest) -> str:
    """Whether the time before the window had it, too."""
    window = digest.window
    if window.before >= window.since:
        return ""
    if window.boundary:
        return f"; {group.before}× before it, too" if group.before else f"; new since {window.why}"
    return f"; {group.before}× in the time before, too" if group.before else "; none in the time before"


def finding(
    criterion: str,
    group: Group,
    digest: Digest,
    table: LogsTarget,
    target: str,
    message: str,
    severity: Severity = "error",
) -> Finding:
    """The finding about one group; what was there before the rollout, too, is as grave as `known` says."""
    old = digest.window.boundary and group.before > 0
    grade: Severity = table.known if severity == "error" and old else severity
    places = place_of(group, digest)
    data = {
        **places,
        **{name: value for name, value in group.data.items() if name != "times"},
        "text": group.line, "operation": group.origin, "origin": group.origin, "count": others(group),
        "before": group.before, "first": clock(group.first), "last": clock(group.last),
        "fingerprint": group.fingerprint,
    }  # fmt: skip
    look = places.get("look", "") if group.code.startswith("logs.") else ""
    return Finding(
        criterion,
        target,
        message + compared(group, digest),
        group.code,
        grade,
        group.line,
        subject=str(group.data.get("route") or group.fingerprint),
        next=look,
        data=data,
    )


def bounded(findings: list[Finding], left_out: int = 0) -> list[Finding]:
    """The first findings, and how many more there are."""
    more = len(findings) - MOST + left_out
    if len(findings) <= MOST and not left_out:
        return findings
    last = findings[min(len(findings), MOST) - 1]
    rest = replace(last, message=f"and {max(more, left_out)} further kinds of such records", subject="further", seen="",
                   data={"count": more})  # fmt: skip
    return [*findings[:MOST], rest]
