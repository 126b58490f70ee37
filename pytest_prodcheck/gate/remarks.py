"""What the run itself has to say, beside its findings: that it was cut short, that nothing was executed, and why."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config import models
from pytest_prodcheck.gate.course import Course
from pytest_prodcheck.gate.owner import Owner
from pytest_prodcheck.gate.results import Attempt
from pytest_prodcheck.gate.selection import Selection


def of(final: Mapping[str, Attempt], selection: Selection, course: Course) -> tuple[str, ...]:
    """The lines, those of the run's course first."""
    executed = sum(attempt.executed for name, attempt in final.items() if name in set(selection.collected))
    lines = list(course.notes)
    if course.stopped_by:
        lines.append(course.cut_short(executed, len(selection.collected)))
    if not executed and course.setup_only:
        lines.append(f"0 checks executed ({course.setup_only})")
    if reason := _all_skipped(final, selection):
        lines.append(f"every check was skipped ({reason}): nothing is proved")
    return tuple(lines)


def mentioned(owner: Owner) -> list[str]:
    """What was seen and is no finding: what the lint of a database mentions, that a repository has moved on, and that a
    log is silent."""
    return [*_of_databases(owner), *_of_clusters(owner), *_of_logs(owner)]


def _of_logs(owner: Owner) -> list[str]:
    """Of logs that were read: since when they are silent, where that is no finding. Those of the demo are recorded."""
    digests = owner.digests
    if not digests or owner.environment.kind == "demo":
        return []
    from pytest_prodcheck.criteria.logs import reach

    tables = {target: owner.environment.targets[target] for target in digests}
    found = (reach.mention(digests[name], table, name) for name, table in tables.items()
             if isinstance(table, models.LogsTarget))  # fmt: skip
    return [line for line in found if line]


def _of_databases(owner: Owner) -> list[str]:
    tables = {target: owner.environment.targets[target] for target in owner.catalogs}
    linted = {name: table for name, table in tables.items() if isinstance(table, models.DatabaseTarget) and table.lint}
    if not linted:
        return []
    from pytest_prodcheck.criteria import lint
    from pytest_prodcheck.gate.judges.database import login_roles

    return [
        line
        for name, table in linted.items()
        for line in lint.mentions(owner.catalogs[name], table, login_roles(table), name)
    ]


def _of_clusters(owner: Owner) -> list[str]:
    deployed = [
        (table, seen.evidence.facts["cluster"])
        for name, table in owner.environment.of_kind("cluster").items()
        if name in owner.targets and getattr(table, "argocd", None)
        if (seen := owner.standings.seen(name)) and "cluster" in seen.evidence.facts
    ]
    if not deployed:
        return []
    from pytest_prodcheck.criteria.cluster import argocd

    return [line for table, cluster in deployed for line in argocd.mentions(cluster, table)]


def _all_skipped(final: Mapping[str, Attempt], selection: Selection) -> str:
    """Why, where every check that was collected was skipped by somebody else."""
    reasons = [attempt.skipped_by for name in selection.collected if (attempt := final.get(name))]
    return "; ".join(sorted(set(reasons))) if reasons and all(reasons) else ""
