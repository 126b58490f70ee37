"""Whether connections stand as long as promised; where not, what closed them, by code, age and moment (C25, C49, D44,
E4, R24)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import WebsocketTarget
from pytest_prodcheck.criteria import websocket_closes
from pytest_prodcheck.diagnosis import transport
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Observation

CRITERION: Final = "stable"
_SLACK, _SLACK_SHARE, _JITTER = 0.7, 0.1, 0.5
"""Seconds, and the share of an age, by which ages that are called the same may differ; seconds by which a
busy machine is late."""
_BY_AGE: Final = (0, 1000, 1001, 1005, 1006, 3008)
"""Codes that a time-out may have; others say by themselves what they are for."""
KNOWN_TIMEOUTS: Final[Mapping[int, str]] = {
    30: "Google's load balancers by default (backend service timeout)",
    55: "Heroku's router",
    60: "nginx (proxy_read_timeout) and AWS's load balancers by default",
    100: "Cloudflare",
    300: "Cloud Run's request timeout by default, and Envoy's idle streams",
    600: "AWS API Gateway's idle connections",
    3600: "Cloud Run's longest request timeout",
    7200: "AWS API Gateway's longest connection",
}
"""Seconds after which well-known platforms end a WebSocket."""


def judge(seen: Observation, table: WebsocketTarget) -> list[Finding]:
    """What is wrong with a hold: what did not open, what did not stand."""
    if seen.error == "stopped":
        why = seen.message or "the run ended before the time was over"
        return [_finding(seen, f"not held: {why}", "unknown", "insufficient", more={"error": "stopped"})]
    rows: Sequence[Mapping[str, Any]] = seen.data.get("held", ())
    if not rows:
        return [_finding(seen, "no connection was held", "gate.not_executed")]
    found = _unopened(seen, rows)
    closed = [row for row in rows if row["ended"]]
    if not closed:
        return found
    by_code: dict[tuple[Any, str], list[Mapping[str, Any]]] = {}
    for row in closed:
        by_code.setdefault((row["code"], row["problem"]), []).append(row)
    quiet = ("",) if any(row["busy"] for row in closed) else ("", "silent")
    timed = [row for row in closed if row["code"] in _BY_AGE and row["problem"] in quiet]
    if timed:
        found.append(_timed(seen, timed, rows, table))
    for group in by_code.values():
        if group[0] not in timed:
            found.append(_by_code(seen, group, rows, table))
    return found


def _unopened(seen: Observation, rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    missing = [row for row in rows if not row["stands"]]
    if not missing:
        return []
    row = missing[0]
    error, status = str(row["error"]), row["status"]
    code = transport.classify(error, "websocket") if error else "websocket.handshake.refused"
    if isinstance(status, int) and status >= 500:
        code = transport.gateway(status)
    why = str(row["message"]) or error or f"answered {status}"
    what = f"{len(missing)} of {len(rows)} connections do not open beside the others: {why}"
    return [_finding(seen, what, code, shown=why, more={"status": status, "error": error})]


def _timed(
    seen: Observation, timed: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], table: WebsocketTarget
) -> Finding:
    """R24: all at one age are a time-out, of idle ones or of every one; all at one moment are a restart."""
    ages = [float(row["age"]) for row in timed]
    moments = [float(row["opened"]) + float(row["age"]) for row in timed]
    opened = [row for row in rows if row["stands"]]
    idle, busy = _told_apart(timed), _told_apart(opened)
    all_idle = len(idle[0]) == len(busy[0]) and bool(idle[0])
    closed_busy = bool(idle[1])
    told, counted = _counted(timed), f"{len(timed)} of {len(opened)} connections"
    age = sum(ages) / len(ages)
    jitter = 0.0 if closed_busy else _JITTER  # a restart would have ended the busy one, too
    same_age = _spread(ages) <= max(_SLACK, _SLACK_SHARE * age) and _spread(ages) <= _spread(moments) + jitter
    same_age = same_age or len(ages) == 1
    facts = {
        "ages": [round(one, 1) for one in ages],
        "codes": told,
        "seconds": round(age, 1),
        "close_code": timed[0]["code"],
    }
    if all_idle and same_age and not closed_busy:
        which = f"all {len(idle[0])} idle connections end after {_seconds(age)} without traffic"
        what = f"{which} ({told}), while one that is pinged stands{_known(age)}"
        return _finding(seen, what, "websocket.connection.idle_timeout", shown=_seconds(age), more=facts, table=table)
    if all_idle and same_age and closed_busy:
        what = f"all {len(opened)} connections end at the age of {_seconds(age)}, busy or not ({told}){_known(age)}"
        return _finding(
            seen, what, "websocket.connection.platform_timeout", shown=_seconds(age), more=facts, table=table
        )
    if len(timed) > 1 and _spread(moments) <= _SLACK and _spread(moments) < _spread(ages):
        what = f"{counted} end at the same moment, {_seconds(max(moments))} after the first opened ({told})"
        code = "websocket.server.going_away"
        return _finding(seen, what, code, shown=told, more=facts, table=table)
    codes = {row["code"] for row in timed}
    code = websocket_closes.code({"close_code": timed[0]["code"], "problem": timed[0]["problem"]})
    code = code if len(codes) == 1 else websocket_closes.DROPPED
    spread = _seconds(min(ages)) if len(ages) == 1 else f"{_seconds(min(ages))} to {_seconds(max(ages))}"
    what = f"{counted} end at an age of {spread} ({told})"
    return _finding(seen, what, code, shown=told, more=facts, table=table)


def _by_code(
    seen: Observation, group: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], table: WebsocketTarget
) -> Finding:
    facts = {"close_code": group[0]["code"], "close_reason": group[0]["reason"], "problem": group[0]["problem"]}
    ages = [float(row["age"]) for row in group]
    what = f"{len(group)} of {len(rows)} connections end after {_seconds(min(ages))}: {websocket_closes.told(facts)}"
    more = {**facts, "text": group[0]["reason"], "ages": [round(one, 1) for one in ages]}
    return _finding(seen, what, websocket_closes.code(facts), shown=_counted(group), more=more, table=table)


def _told_apart(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The idle ones, and the busy ones."""
    return [row for row in rows if not row["busy"]], [row for row in rows if row["busy"]]


def _counted(rows: Sequence[Mapping[str, Any]]) -> str:
    """`3 × 1006`: by code, the most frequent first."""
    counts = Counter("no answer" if row["problem"] == "silent" else websocket_closes.word(row["code"]) for row in rows)
    return ", ".join(f"{count} × {code}" for code, count in counts.most_common())


def _known(age: float) -> str:
    found = next((who for seconds, who in KNOWN_TIMEOUTS.items() if abs(age - seconds) <= 0.03 * seconds), "")
    return f"; so does {found}" if found else ""


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _seconds(value: float) -> str:
    return show_duration(round(value, 1)) if value >= 0.1 else "0s"


def _finding(
    seen: Observation, what: str, code: str, severity: Severity = "error", *, shown: str = "",
    more: Mapping[str, Any] | None = None, table: WebsocketTarget | None = None,
) -> Finding:  # fmt: skip
    promise = f"{show_duration(table.hold)}" if table else ""
    data = {"operation": "hold", "user": seen.user, **(more or {})}
    message = f"hold: {what}" + (f", promised {promise}" if promise else "")
    return Finding(CRITERION, seen.target, message, code, severity, shown, promise, data=data)
