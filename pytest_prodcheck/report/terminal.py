"""What the terminal says: healthy, one line a target; red, the cause in four lines and the next command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.result import CheckVerdict, RunResult
from pytest_prodcheck.report import baseline, load

SHOWN_CAUSES = 10
SHOWN_DETAILS = 20
UNEXPLAINED = "gate.check.failed"
"""The cause of a test that failed by itself: it names no root, so the traceback is what explains it."""
_DRAGGED = (
    ("blocked", "blocked"),
    ("fail", "failed"),
    ("insufficient", "not proven"),
    ("degraded", "degraded"),
)
_COLOURS: Mapping[str, dict[str, bool]] = {
    "pass": {"green": True, "bold": True},
    "degraded": {"yellow": True, "bold": True},
    "insufficient": {"yellow": True, "bold": True},
    "blocked": {"red": True, "bold": True},
    "fail": {"red": True, "bold": True},
}


class Reporter(Protocol):
    """What we use of pytest's terminal reporter; its writer knows about colours, NO_COLOR and pipes."""

    stats: dict[str, list[Any]]

    def write_line(self, line: str, **markup: bool) -> None:
        """One line."""

    def write_sep(self, sep: str, title: str, **markup: bool) -> None:
        """A titled rule."""


def header(environment: Environment, file: str, fault: str) -> list[str]:
    """The lines under pytest's own header."""
    broken = f", with the fault {fault}" if fault else ""
    return [f"prodcheck: {environment.name} ({environment.kind}) of {file}{broken}"]


def verdict_first(reporter: Reporter, result: RunResult) -> None:
    """The verdict, its causes, and the figures of each target, before any detail."""
    reporter.write_sep("=", "prodcheck")
    if result.verdict != "pass":
        reporter.write_line(headline(result), **_COLOURS.get(result.verdict, {}))
    for cause in result.causes[:SHOWN_CAUSES]:
        _cause(reporter, cause, result)
    if len(result.causes) > SHOWN_CAUSES:
        reporter.write_line(f"… and {len(result.causes) - SHOWN_CAUSES} more causes, in verdict.json")
    for line in _unproven(result.checks):
        reporter.write_line(flat(line))
    unasked = [str(row["target"]) for row in result.targets if not row["checks"] and not row.get("n")]
    for row in result.targets:
        if row["target"] not in unasked:
            reporter.write_line(target_line(row))
    if unasked:
        reporter.write_line(f"{'none run of':<14} {', '.join(unasked)}")
    for line in load.lines(result.load):
        reporter.write_line(flat(line))
    for line in baseline.lines(result):
        reporter.write_line(flat(line))
    for note in result.notes:
        reporter.write_line(flat(f"note: {note}"))


def _cause(reporter: Reporter, cause: Cause, result: RunResult) -> None:
    """Four lines: what broke, the evidence, what it drags down (counted), the next command."""
    reporter.write_line(flat(f"{cause.code}: {cause.message}{baseline.of_cause(cause)}"), red=True, bold=True)
    if cause.evidence:
        reporter.write_line(flat(f"  seen     {'; '.join(cause.evidence[:3])}"))
    reporter.write_line(f"  drags    {dragged(cause, result.checks)}")
    step = cause.next or cause.remedy
    who = f"  (owner {cause.owner})" if cause.owner else ""
    where = f"  runbook {cause.runbook}" if cause.runbook else ""
    reporter.write_line(flat(f"  next     {step}{who}{where}"))


def dragged(cause: Cause, checks: Sequence[CheckVerdict]) -> str:
    """How many checks are down because of it: `4 checks blocked, 6 failed`."""
    words = [check.verdict for check in checks if check.id in set(cause.explains)]
    parts = [f"{words.count(word)} {label}" for word, label in _DRAGGED if word in words]
    return f"{_plural(len(words))}: {', '.join(parts)}" if parts else "nothing else"


def _unproven(checks: Sequence[CheckVerdict]) -> Iterator[str]:
    shown = [check for check in checks if check.verdict == "insufficient" and not check.explained_by][:SHOWN_CAUSES]
    for check in shown:
        reason = check.findings[0]["message"] if check.findings else check.message
        yield f"not proven: {check.id}: {reason}"
    for check in [check for check in checks if check.verdict == "degraded" and not check.explained_by][:SHOWN_CAUSES]:
        reason = check.findings[0]["message"] if check.findings else check.message
        yield f"warning: {check.id}: {reason}"


def target_line(row: Mapping[str, Any]) -> str:
    """`http.app       12 checks: 12 passed   p50 12ms  p95 48ms  0 errors in 299 requests`."""
    return f"{row['target']:<14} {target_figures(row)}"


def target_figures(row: Mapping[str, Any]) -> str:
    """How the checks of a target ended, and the figures with the number of requests behind them."""
    words = [
        f"{row[word]} {label}"
        for word, label in (
            ("pass", "passed"),
            ("fail", "failed"),
            ("blocked", "blocked"),
            ("insufficient", "not proven"),
        )
        if row[word]
    ]
    text = f"{_plural(row['checks'])}: {', '.join(words) or 'none run'}"
    if row.get("n"):
        times = "  ".join(
            f"{name} {show_duration(row[key])}" for name, key in (("p50", "p50"), ("p95", "p95")) if row.get(key)
        )
        text += f"   {times}  {row.get('errors', 0)} errors in {row['n']} requests"
    return text


def headline(result: RunResult) -> str:
    """One line: `FAIL demo: 1 cause, 3 fail, 6 blocked of 24 checks, partial, revision 4f2a, 2.1s`."""
    counted = {word: sum(check.verdict == word for check in result.checks) for word in _COLOURS}
    parts = [f"{counted[word]} {word}" for word in ("fail", "blocked", "insufficient", "degraded") if counted[word]]
    text = f"{result.verdict.upper()} {result.environment}: "
    if result.causes:
        text += f"{len(result.causes)} cause{'s' if len(result.causes) > 1 else ''}, "
    text += (", ".join(parts) + " of " if parts else "") + f"{_plural(len(result.checks))}"
    if not result.complete:
        text += ", partial"
    if result.revision and result.revision.get("serving"):
        text += f", revision {', '.join(result.revision['serving'])}"
    return flat(f"{text}, {show_duration(result.duration_s)}")


def last_line(reporter: Reporter, result: RunResult, path: str) -> None:
    """The verdict and its first cause once more, so that nothing scrolls them off the screen."""
    reporter.write_line(headline(result), **_COLOURS.get(result.verdict, {}))
    if result.causes:
        reporter.write_line(flat(f"cause: {result.causes[0].code}: {result.causes[0].message}"))
    if path:
        reporter.write_line(f"verdict: {path} (exit status {result.exit_status})")


@contextmanager
def only_unexplained(reporter: Reporter, result: RunResult) -> Iterator[None]:
    """While pytest prints its details, only failures that no cause explains are among them, and not too many."""
    explained = {check.id for check in result.checks if check.explained_by not in ("", None, UNEXPLAINED)}
    failed = reporter.stats.get("failed", [])
    kept = [report for report in failed if report.nodeid not in explained]
    reporter.stats["failed"] = kept[:SHOWN_DETAILS]
    try:
        yield
    finally:
        if failed:
            reporter.stats["failed"] = failed
        else:
            reporter.stats.pop("failed", None)


def flat(text: str) -> str:
    """On one line: a line break of a target's would let it begin a line, and so a workflow command, of its own."""
    return text.replace("\r", " ").replace("\n", " ")


def _plural(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"
