"""How what has changed since the baseline is said: new, known, fixed, slower, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.result import RunResult

SHOWN = 10
"""Lines of one kind."""


def headline(baseline: Mapping[str, Any]) -> str:
    """`since 2026-11-28T02:00:00Z (fail): 1 new, 2 known, 1 fixed`."""
    words = [f"{baseline['new']} new", f"{baseline['known']} known", f"{len(baseline['fixed'])} fixed"]
    if baseline["unseen"]:
        words.append(f"{baseline['unseen']} not looked at this time")
    partial = "" if baseline["complete"] else ", partial"
    return f"since {moment(baseline['started_at'])} ({baseline['verdict']}{partial}): {', '.join(words)}"


def lines(result: RunResult) -> Iterator[str]:
    """The comparison, its headline first; nothing where there was no baseline."""
    if (baseline := result.baseline) is None:
        return
    yield f"baseline {baseline['file']}, {headline(baseline)}"
    for word, rows in (("new", _findings(result, "new")), ("known", _findings(result, "known"))):
        yield from _bounded(word, list(rows))
    yield from _bounded("fixed", [_fixed(row) for row in baseline["fixed"]])
    yield from _bounded("turned", [f"{row['id']}: {row['was']} → {row['is']}" for row in baseline["turned"]])
    yield from _bounded("latency", list(latency(baseline)))
    yield from _bounded("before", [run(row) for row in baseline["runs"]])


def latency(baseline: Mapping[str, Any]) -> Iterator[str]:
    """What became slower or faster, in a line each, and how many series did not change beyond noise."""
    rows = baseline["latency"]
    for word in ("slower", "faster"):
        for row in rows:
            if row["word"] == word:
                yield f"{word}: {_changed(row)}"
    still = [row for row in rows if row["word"] == "within noise"]
    few = [row for row in rows if row["word"] == "too few"]
    if still or few:
        text = f"{len(still)} within noise"
        yield text + (f", {len(few)} with too few answers to compare" if few else "")


def run(row: Mapping[str, Any]) -> str:
    """One earlier run in a line: `2026-11-28T02:00:00Z fail (exit status 1) revision 4f2a: database.tcp.refused`."""
    partial = ", partial" if not row["complete"] else ""
    serving = f" revision {', '.join(row['serving'])}" if row["serving"] else ""
    causes = f": {', '.join(row['causes'])}" if row["causes"] else ""
    return f"{moment(row['started_at'])} {row['verdict']} (exit status {row['exit_status']}{partial}){serving}{causes}"


def of_cause(cause: Cause) -> str:
    """` (new)`, ` (known since 2026-11-20T02:00:00Z)`; empty without a baseline."""
    if cause.since is None:
        return ""
    return " (new)" if cause.since == "new" else f" (known since {moment(cause.first_seen or '')})"


def moment(text: str) -> str:
    """A moment to the second."""
    return text.partition(".")[0].removesuffix("Z") + "Z"


def _findings(result: RunResult, since: str) -> Iterator[str]:
    for check in result.checks:
        for row in check.findings:
            if row.get("since") == since:
                first = f" (since {moment(row['first_seen'])})" if row.get("first_seen") else ""
                yield f"{_about(row)}: {row['message']}{first}"
        if not check.findings and check.since == since and check.verdict != "blocked":
            yield f"{check.id}: {check.message or check.verdict}"


def _fixed(row: Mapping[str, Any]) -> str:
    return f"{_about(row)}: {row['message']}"


def _about(row: Mapping[str, Any]) -> str:
    return " ".join(part for part in (row["code"], "on", row["target"], row["subject"]) if part)


def _changed(row: Mapping[str, Any]) -> str:
    share = f" ({100 * row['shift'] / row['then']:+.0f} %)" if row["then"] else ""
    who = f" as {row['user']}" if row["user"] else ""
    times = f"median {show_duration(row['then'])} → {show_duration(row['now'])}{share}"
    band = f"noise band of the shift {_signed(row['low'])} to {_signed(row['high'])}"
    return f"{row['target']} {row['operation']}{who}: {times}, {band}, {row['n_then']} and {row['n_now']} answers"


def _signed(seconds: float) -> str:
    return f"{'-' if seconds < 0 else '+'}{show_duration(abs(seconds))}"


def _bounded(word: str, rows: list[str]) -> Iterator[str]:
    yield from (f"  {word:<8} {row}" for row in rows[:SHOWN])
    if len(rows) > SHOWN:
        yield f"  {word:<8} … and {len(rows) - SHOWN} more, in verdict.json"
