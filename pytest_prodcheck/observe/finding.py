"""Findings and check results as plain data: what criteria give, diagnosis explains and reports render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pytest_prodcheck.observe.observation import Observation

Severity = Literal["error", "blocked", "warning", "insufficient"]
"""`error` fails the check; `blocked`: not permitted to look; `warning` makes the run degraded; `insufficient`: looked,
and saw too little to tell."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation. `message` is made from the data beside it and can be read alone, at three in the morning."""

    criterion: str
    """The promise that does not hold: `no_server_errors`, `expected_answer`, `latency`, `schema_tables`, `ready`, …"""
    target: str
    message: str
    code: str = "unknown"
    """The cause code that this finding speaks for (`database.schema.table_missing`); `unknown` when none is known."""
    severity: Severity = "error"
    seen: str = ""
    promised: str = ""
    subject: str = ""
    """The thing: a table, an endpoint, a user, an operation."""
    remedy: str = ""
    """What to do about it, filled in. Empty: the cause table's own words are used."""
    next: str = ""
    """The next command to type, filled in. Empty: the cause table's own."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON-safe facts that diagnosis uses: `status`, `sqlstate`, `user`, `operation`, `pool`, …"""

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON-safe data."""
        return asdict(self)


Since = Literal["new", "known"] | None
"""Whether the run of `--prodcheck-baseline` had it already; None where no baseline was given."""

Verdict = Literal["pass", "fail", "blocked", "insufficient", "degraded"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check with its verdict, its findings and what was observed for it."""

    id: str
    """Node id: `prodcheck.toml::http::test_endpoint[app-tasks]`."""
    target: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    observations: tuple[Observation, ...] = ()
    blocked_by: str = ""
    """The cause code of what it waits for; empty where it is not blocked."""
    subject: str = ""
    """The declared thing: endpoint, user, login, operation."""
    needs: tuple[str, ...] = ()
    """Ids of the targets whose readiness it needs, its own included, and `user:NAME` for each user it acts as."""
    message: str = ""
    """Why, in a line, where there is no finding: the failing assertion of a user's own test, or a skip's reason."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A root that explains findings. Rendered as four lines: what broke, evidence, what it drags down, next command."""

    code: str
    target: str
    message: str
    """What broke, filled in: `PostgreSQL rejects the password of app; the role exists`."""
    remedy: str = ""
    next: str = ""
    evidence: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    """Ids of the checks that it explains or blocks, the one that shows it included."""
    owner: str = ""
    runbook: str = ""
    since: Since = None
    first_seen: str | None = None
    """When the first run began that had it, where it is known."""
