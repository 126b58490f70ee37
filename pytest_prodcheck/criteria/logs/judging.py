"""The promises about logs, each over one digest (C38): what must not be in them, and how they must be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs import telling
from pytest_prodcheck.criteria.logs.coverage import coverage, unproven
from pytest_prodcheck.criteria.logs.startup import startup
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.log import Digest, Group, Kind

Judge = Callable[[Digest, LogsTarget, str], list[Finding]]

_STORM, _QUICK = 10, 1.0
"""Retries from which one speaks of a storm, and the seconds between two below which they come too fast."""
_FEWEST = 20
"""Lines below which a share of them says nothing."""


def server_errors(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """No request was answered with 5xx, route by route (A60)."""
    found = [
        telling.finding("log_requests", group, digest, table, target, _requested(group))
        for group in _others(digest, "status")
    ]
    return telling.bounded(found) or unproven(digest, table, target)


def errors(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """No record of the declared level or above, no unhandled exception, nothing that has a meaning of its own (A5, A39,
    A43, A50, B36, B43, E1, E11); a fallback in use is a warning (E46)."""
    found = [
        telling.finding("log_errors", group, digest, table, target, _said(group), "error")
        for group in _others(digest, "error")
    ]
    fallbacks = [
        telling.finding("log_errors", group, digest, table, target, f"degraded: {_said(group)}", "warning")
        for group in _others(digest, "fallback")
    ]
    return [*telling.bounded([*found, *fallbacks], digest.left_out)] or unproven(digest, table, target)


def forbidden(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """No line has a forbidden pattern."""
    found = [
        telling.finding("log_forbidden", group, digest, table, target,
                        f"{telling.others(group)}× forbidden {group.title!r}{telling.span(group)}: {group.line}")
        for group in _others(digest, "forbidden")
    ]  # fmt: skip
    return found or unproven(digest, table, target)


def private(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """No line prints a credential or personal data; whose ever request it was, the line is there for all who read
    logs."""
    found = []
    for group in digest.of("secret", "personal"):
        secret = group.kind == "secret"
        severity = "error" if secret else table.personal_data or "warning"
        what = f"log prints a credential: {group.example or group.title}" if secret else f"log prints {group.title}"
        text = f"{what} ({group.count}×, {group.origin}{telling.span(group)})"
        found.append(telling.finding("log_privacy", group, digest, table, target, text, severity))
    return telling.bounded(found) or unproven(digest, table, target)


def slow(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """No query took longer than it may (B21)."""
    found = []
    for group in digest.of("slow"):
        worst = float(str(group.data.get("seconds") or 0.0))
        text = f"{group.count} slow query lines, worst {grammar.show_duration(worst)}: {group.example or group.title}"
        found.append(telling.finding("log_slow", group, digest, table, target, text))
    return telling.bounded(found) or unproven(digest, table, target)


def retries(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """Whatever is retried is retried with growing pauses (C30)."""
    found = []
    for group in digest.of("retry"):
        times = group.data.get("times")
        gaps = (
            [later - first for first, later in pairwise(sorted(map(_number, times)))] if isinstance(times, list) else []
        )
        if group.count >= _STORM and len(gaps) + 1 >= _STORM and median(gaps) < _QUICK and not _grow(gaps):
            pause = grammar.show_duration(max(median(gaps), 0.001))
            text = f"{group.origin} retries each {pause}, {group.count}×: storm ({group.example or group.title})"
            found.append(telling.finding("log_retries", group, digest, table, target, text))
    return telling.bounded(found) or unproven(digest, table, target)


def logins(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """Refused log-ins and tokens, by reason, keep their limit (B68)."""
    limit = grammar.comparison(table.auth_failures or "")
    reasons = {group.title: telling.others(group) for group in _others(digest, "refusal")}
    refused, granted = sum(reasons.values()), sum(telling.others(group) for group in digest.of("login"))
    if limit is None or not refused + granted:
        return unproven(digest, table, target)
    seen = refused / (refused + granted) if limit.unit == "%" else float(refused)
    if limit.holds(seen):
        return unproven(digest, table, target)
    told = ", ".join(f"{count} “{reason}”" for reason, count in sorted(reasons.items(), key=lambda row: -row[1]))
    text = f"{told} vs {granted} log-ins granted, promised {table.auth_failures}"
    first = _others(digest, "refusal")[0]
    data = {"reasons": reasons, "granted": granted, "text": first.line, **telling.place_of(first, digest)}
    return [Finding("log_logins", target, text, "logs.logins.refused", seen=str(refused), promised=limit.text,
                    subject="logins", data=data)]  # fmt: skip


def structured(digest: Digest, table: LogsTarget, target: str) -> list[Finding]:
    """The promised share of lines is JSON with time, level and message (A51). Each line of the window was looked at, so
    that the share is no estimate: nothing is left to chance, and to no line's place among the others."""
    limit = grammar.comparison(table.structured or "")
    lines = sum(stream.worded for stream in digest.streams)
    if limit is None:
        return []
    if lines < _FEWEST:
        text = f"{lines} lines in the window: a share of structured ones needs {_FEWEST}"
        return [Finding("log_structure", target, text, "logs.lines.too_few", "insufficient", str(lines), limit.text)]
    good = sum(stream.structured for stream in digest.streams)
    if limit.holds(good / lines):
        return unproven(digest, table, target)
    first = next((stream for stream in digest.streams if stream.unstructured), None)
    data = {"text": first.unstructured, **telling.place(first)} if first else {}
    text = f"{lines - good} of {lines} lines ({_percent(1 - good / lines)}) are not JSON with time, level and message"
    offender = f"; the first: {first.unstructured} ({first.name})" if first else ""
    seen = _percent(good / lines)
    return [Finding("log_structure", target, text + offender, "logs.lines.unstructured", seen=seen,
                    promised=limit.text, data=data)]  # fmt: skip


ALL: Sequence[Judge] = (
    coverage, server_errors, errors, forbidden, private, slow, retries, logins, structured, startup,
)  # fmt: skip
"""Every judge of a digest alone."""


def _others(digest: Digest, kind: Kind) -> list[Group]:
    """Groups of which others' requests, or none, caused at least one record."""
    return [group for group in digest.of(kind) if telling.others(group) > 0]


def _requested(group: Group) -> str:
    return f"{telling.others(group)}× {group.data.get('status')} on {group.data.get('route')}{telling.span(group)}"


def _said(group: Group) -> str:
    frame = f" in {group.data['frame']}" if group.data.get("frame") else ""
    return f"{telling.others(group)}× {telling.words(group)}{frame} ({group.origin}{telling.span(group)})"


def _percent(share: float) -> str:
    """With as many digits as tell it from none and from all: 1 of a million is not 0 %."""
    texts = [f"{100 * share:.{digits}f}%" for digits in range(7)]
    return next((text for text in texts if share in (0.0, 1.0) or float(text[:-1]) not in (0.0, 100.0)), texts[-1])


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _grow(gaps: Sequence[float]) -> bool:
    """Whether the pauses of the last third are clearly longer than those of the first."""
    third = max(1, len(gaps) // 3)
    return median(gaps[-third:]) > 1.5 * median(gaps[:third])
