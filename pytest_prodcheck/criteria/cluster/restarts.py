"""Restarts of containers since their rollout, and why (B42)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.criteria.cluster import pod as pods_own
from pytest_prodcheck.criteria.cluster.about import about_pod
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import Cluster, Object, at, items, moment, number
from pytest_prodcheck.observe.cluster_rows import unwell
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Json

CRITERION = "restarts"
RECENT = 3600.0
"""Seconds within which a restart counts where no limit is declared."""
_UNTOLD = float("inf")
_NUMBER = compiled(r"\d{1,9}")
_CELL = compiled(r"(\d+)(?: \((?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)? ago\))?")


def restarts(cluster: Cluster, promised: ClusterTarget, target: str) -> list[Finding]:
    """A finding for each pod with a container that was restarted more often than is promised."""
    if blocked := refused(cluster, "pods", CRITERION, target):
        return blocked
    table = cluster.tables.get("pods")
    limit = _limit(promised)
    found: list[Finding] = []
    for row in unwell(table) if table and limit else ():
        count, _ = _counted(row)
        if limit and not limit.holds(count):
            own = cluster.named("pods", str(row.get("Name")))
            found.append(_finding(cluster, row, own, count, target, CRITERION, limit.text))
    return found


def _limit(promised: ClusterTarget) -> grammar.Comparison | None:
    if promised.restarts is None:
        return None
    return grammar.comparison(f"<= {promised.restarts}" if isinstance(promised.restarts, int) else promised.restarts)


def recent(cluster: Cluster, row: Mapping[str, Json], pod: Object | None, target: str) -> Iterator[Finding]:
    """The restart of a pod that is ready now, where it was within the last hour."""
    count, ago = _counted(row)
    if ago == _UNTOLD:
        ago = next((cluster.now - end for one in _worst(pod) if (end := _ended(one))), _UNTOLD)
    if count and ago <= RECENT:
        yield _finding(cluster, row, pod, count, target, "pods", "no restart within an hour")


def _counted(row: Mapping[str, Json]) -> tuple[int, float]:
    """How often, and how many seconds ago, by the row's own words: `3 (5m ago)`. Servers before 1.22 do not say when;
    what cannot be read was at least once, and may have been now."""
    cell = str(row.get("Restarts", ""))
    found = _CELL.fullmatch(cell)
    if not found:
        number_of = _NUMBER.match(cell)
        return int(number_of[0]) if number_of else 1, 0.0
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    told = any(found.groups()[1:])
    return int(found[1]), days * 86400.0 + hours * 3600 + minutes * 60 + seconds if told else _UNTOLD


def _finding(
    cluster: Cluster, row: Mapping[str, Json], pod: Object | None, count: int, target: str, criterion: str, limit: str
) -> Finding:
    name, times = str(row.get("Name")), "once" if count == 1 else f"{count} times"
    why = next((one for status in _worst(pod) if pod and (one := pods_own.restarted(cluster, pod, status))), None)
    if why is None:
        why = Why("cluster.container.restarting", f"was restarted {times} ({row.get('Restarts')})")
    else:
        why = Why(why.code, f"{why.says}; restarted {times}", why.next, {**why.data, "restarts": count})
    found = about_pod(cluster, name, pod, why, target, criterion, status=f"{row.get('Restarts')} restarts")
    return replace(found, promised=limit)


def _worst(pod: Object | None) -> list[Object]:
    """Statuses of the restarted containers, the one that ended last first."""
    statuses = [one for key in ("containerStatuses", "initContainerStatuses") for one in items(pod, "status", key)]
    restarted = [one for one in statuses if number(one, "restartCount")]
    return sorted(restarted, key=lambda one: -_ended(one))


def _ended(status: Object) -> float:
    return moment(at(status, "lastState", "terminated", "finishedAt"))
