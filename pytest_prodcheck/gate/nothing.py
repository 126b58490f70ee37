"""The result of a run in which nothing was selected, or that ended before the owner began."""

from __future__ import annotations

import datetime
import time

from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.gate import verdict
from pytest_prodcheck.gate.course import Course
from pytest_prodcheck.gate.plan import Plan
from pytest_prodcheck.gate.selection import Selection, missed
from pytest_prodcheck.observe.result import CheckVerdict, RunResult


def concluded_without_owner(environment: Environment, plan: Plan, selection: Selection, course: Course) -> RunResult:
    """Nothing was checked: never green. Exit status 5 where all was deselected on purpose, else 1."""
    reasons = sorted(set(selection.narrowed.values()))
    why = f", all deselected by {' and '.join(reasons)}" if reasons else ""
    rows = [{"id": name, "reason": reason} for name, reason in (*plan.left_out.items(), *selection.narrowed.items())]
    rows += [{"id": name, "reason": f"stopped: {course.stopped_by}"} for name in selection.collected]
    taken = len(selection.dropped) + len(selection.collected) + bool(course.stopped_by)
    status = verdict.exit_status("fail", environment, selected=taken)
    cut_short = course.cut_short(0, len(selection.collected)) if course.stopped_by else ""
    started = datetime.datetime.fromtimestamp(course.started_at, datetime.UTC).isoformat().replace("+00:00", "Z")
    return RunResult(
        environment.name,
        environment.kind,
        started,
        round(time.time() - course.started_at, 3),
        "fail",
        status,
        complete=False,
        checks=tuple(_missed(name, reason, plan) for name, reason in selection.dropped.items()),
        left_out=tuple(rows),
        notes=(*course.notes, cut_short or f"0 checks executed{why}"),
        sent={"http": 0, "database": 0, "logins": 0, "writes": 0, "refused": 0},
    )


def _missed(identifier: str, reason: str, plan: Plan) -> CheckVerdict:
    check = plan.checks.get(identifier)
    return CheckVerdict(identifier, check.target if check else "", "fail", message=missed(identifier, reason))
