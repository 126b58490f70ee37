"""A run's result as frozen data: the gate decides it, the reports render it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_prodcheck.observe.finding import Cause, Since, Verdict

RunVerdict = Literal["pass", "degraded", "insufficient", "blocked", "fail", "unfinished"]


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """One check as the verdict lists it."""

    id: str
    target: str
    verdict: Verdict
    marks: tuple[str, ...] = ()
    blocked_by: str | None = None
    explained_by: str | None = None
    criteria: tuple[str, ...] = ()
    samples: int = 0
    findings: tuple[Mapping[str, Any], ...] = ()
    message: str = ""
    duration_s: float = 0.0
    owner: str = ""
    runbook: str = ""
    since: Since = None
    """Whether what keeps it from green is new or was known to the baseline; None where it is green or there is none."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything that the reports render. Decided here, rendered elsewhere."""

    environment: str
    kind: str
    started_at: str
    duration_s: float
    verdict: RunVerdict
    exit_status: int
    complete: bool
    revision: Mapping[str, Any] | None = None
    causes: tuple[Cause, ...] = ()
    checks: tuple[CheckVerdict, ...] = ()
    accepted: tuple[Mapping[str, Any], ...] = ()
    sent: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[Mapping[str, str], ...] = ()
    targets: tuple[Mapping[str, Any], ...] = ()
    """One row a target with its figures: `target`, `checks`, `failed`, `n`, `p50_s`, `p95_s`, `error_rate`, …"""
    probing_s: float = 0.0
    """Seconds from the first probe to the verdict."""
    vantage: Literal["runner", "cluster"] = "runner"
    """Where it was seen from: `cluster` where the gate ran in a pod, as its service account."""
    notes: tuple[str, ...] = ()
    """What the run itself has to say: stopped by -x, interrupted, warnings about secrets."""
    latency: tuple[Mapping[str, Any], ...] = ()
    """The series that a later run is compared with: see `observe.series`."""
    load: tuple[Mapping[str, Any], ...] = ()
    """One row a load scenario: its figures, names, errors, distribution and time line."""
    baseline: Mapping[str, Any] | None = None
    """What has changed since the run of `--prodcheck-baseline`; None where none was given."""
