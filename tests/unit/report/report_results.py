"""Results of runs as the gate decides them, for the reports to render."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_prodcheck.observe.finding import Cause, Finding
from pytest_prodcheck.observe.result import CheckVerdict, RunResult

HOSTILE = (
    "</td><script>alert(1)</script>\n\n# big\n::error::x | `b` **c** [d](http://evil.example) ![e](//e) @all %0A\r"
)
"""What a target may answer with: HTML, Markdown, a workflow command, a table's bar, line breaks."""
CODE = "database.auth.password_rejected"


def finding(message: str = "GET /api/tasks answered 500", severity: Any = "error", **fields: Any) -> dict[str, Any]:
    """A finding as a check carries it."""
    found = Finding("no_server_errors", "http", message, severity=severity, seen="500", promised="no 5xx", **fields)
    added = {"since": None, "first_seen": None}
    return {**found.as_json(), **added, "rerun": "pytest --prodcheck=demo 'prodcheck.toml::http::test_endpoint[tasks]'"}


def check(name: str, verdict: Any = "pass", **fields: Any) -> CheckVerdict:
    """One check of `http`, or of the target that the name begins with."""
    target, _, test = name.rpartition("::")
    return CheckVerdict(f"prodcheck.toml::{target or 'http'}::{test}", target or "http", verdict, ("smoke",), **fields)


def cause(message: str = "PostgreSQL rejects the password of app", explains: tuple[str, ...] = ()) -> Cause:
    """A cause with everything that a report shows."""
    return Cause(
        CODE,
        "database",
        message,
        "rotate the secret",
        "psql -h db -U app",
        ("28P01",),
        explains,
        "@data",
        "https://w/db",
    )


def row(target: str = "http", **figures: Any) -> Mapping[str, Any]:
    """A target's figures."""
    counts = {"checks": 3, "pass": 2, "fail": 1, "blocked": 0, "insufficient": 0}
    return {"target": target, **counts, "n": 59, "errors": 1, "p50": 0.012, "p95": 0.048, "max": 0.05, **figures}


def run(verdict: Any = "pass", status: int = 0, *checks: CheckVerdict, **fields: Any) -> RunResult:
    """A finished run."""
    given: dict[str, Any] = {
        "complete": True,
        "revision": {"expected": "4f2a", "serving": ["4f2a"], "waited_s": 0.0},
        "sent": {"http": 59, "database": 1, "logins": 0, "writes": 0, "refused": 0},
        "targets": (row(),),
        **fields,
    }
    return RunResult("staging", "staging", "2026-11-24T03:57:33.395Z", 2.1, verdict, status, checks=checks, **given)


def red(message: str = "PostgreSQL rejects the password of app") -> RunResult:
    """A red run: a cause, what it blocks, what it explains, and what no cause explains."""
    ready = check("database::test_ready", "fail", explained_by=CODE, findings=(finding(code=CODE),))
    blocked = check("database::test_tables", "blocked", blocked_by=CODE)
    symptom = check("test_endpoint[tasks]", "fail", explained_by=CODE, findings=(finding(),), criteria=("status",))
    own = check("test_endpoint[home]", "fail", findings=(finding(message),))
    explained = tuple(one.id for one in (ready, blocked, symptom))
    accepted = {**finding(), "reason": "PLAN-214", "until": "2026-12-31"}
    return run(
        "fail",
        1,
        check("test_ready"),
        ready,
        blocked,
        symptom,
        own,
        causes=(cause(message, explained),),
        accepted=(accepted,),
        left_out=({"id": "graphql.AddTask", "reason": "mutations are validated only"},),
        notes=("stopped by -x",),
        probing_s=1.5,
    )


class Writer:
    """Keeps what a report writes to the terminal."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.stats: dict[str, list[Any]] = {}

    def write_line(self, line: str, **markup: bool) -> None:
        """One line."""
        self.lines.append(line)

    def write_sep(self, sep: str, title: str, **markup: bool) -> None:
        """A rule."""
        self.lines.append(f"{sep} {title}")
