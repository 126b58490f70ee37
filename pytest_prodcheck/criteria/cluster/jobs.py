"""A job has succeeded; a cron job is on, and its last run succeeded (B15)."""

from __future__ import annotations

import math
from typing import Any

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.criteria.cluster import blame
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.rollouts import missing
from pytest_prodcheck.observe.cluster import Cluster, Object, at, condition, items, moment, name_of, number, text
from pytest_prodcheck.observe.finding import Finding, Severity

_DAY = 86_400.0
_NAMED = {"@hourly": _DAY / 24, "@daily": _DAY, "@midnight": _DAY, "@weekly": 7 * _DAY, "@monthly": 31 * _DAY,
          "@yearly": 366 * _DAY, "@annually": 366 * _DAY}  # fmt: skip
_MARGIN = 1.5
"""How many of its longest intervals a cron job may be without a start: a run may be missed once, and late."""
_SUFFIX = compiled(r"-(?:[a-z]*\d[a-z0-9]*|[bcdfghjklmnpqrstvwxz]{5}|[0-9a-f]{7,40})(?=[-.]|$)")


def job(cluster: Cluster, target: str, name: str) -> list[Finding]:
    """The job of that name; where a hook gives it a suffix, the newest that begins so."""
    if blocked := refused(cluster, "jobs.batch", "job", target, name):
        return blocked
    found = cluster.named("jobs.batch", name) or _newest(cluster, name)
    if found is None:
        return [missing(cluster, "jobs.batch", f"job/{name}", target, "job")]
    if text(condition(found, "Complete"), "status") == "True":
        return []
    failed = condition(found, "Failed")
    guilty = blame.of_pods(cluster, name_of(found))
    if text(failed, "status") == "True":
        why = f"{text(failed, 'reason')}: {text(failed, 'message')}"
        last = f"; {guilty.says}" if guilty else ""
        data = {**(guilty.data if guilty else {}), "reason": text(failed, "reason")}
        return [
            _finding(cluster, found, "cluster.job.failed", f"job {name_of(found)} failed: {why}{last}", target, data)
        ]
    if at(found, "spec", "suspend") is True:
        return [_finding(cluster, found, "cluster.job.running", f"job {name_of(found)} is suspended", target, {})]
    if guilty:
        says = f"job {name_of(found)} does not succeed: {guilty.says}"
        return [_finding(cluster, found, guilty.code, says, target, guilty.data)]
    says = f"job {name_of(found)} has not ended: {number(found, 'status', 'active')} active, none succeeded yet"
    return [_finding(cluster, found, "cluster.job.running", says, target, {}, "insufficient")]


def _newest(cluster: Cluster, name: str) -> Object | None:
    """A hook's suffix is a revision, a date, a number or five letters of Kubernetes' own (which has no vowels):
    `migrate-cleanup` is another job."""
    listed = cluster.objects.get("jobs.batch", ())
    alike = [one for one in listed if name_of(one).startswith(name) and _SUFFIX.match(name_of(one)[len(name) :])]
    return max(alike, key=lambda one: moment(at(one, "metadata", "creationTimestamp")), default=None)


def _finding(
    cluster: Cluster, thing: Object, code: str, says: str, target: str, data: Any, severity: Severity = "error"
) -> Finding:
    name = name_of(thing)
    facts = {"workload": name, "namespace": cluster.namespace, "operation": f"job {name}", **data}
    order = f"{cluster.kubectl} logs job/{name} --all-containers --tail=50"
    return Finding("job", target, says, code, severity, promised="succeeded", subject=name, next=order, data=facts)


def cronjob(cluster: Cluster, target: str, name: str) -> list[Finding]:
    """The cron job is not suspended, has run, is still started as its schedule says, and its last run succeeded."""
    if blocked := refused(cluster, "cronjobs.batch", "cronjob", target, name):
        return blocked
    found = cluster.named("cronjobs.batch", name)
    if found is None:
        return [missing(cluster, "cronjobs.batch", f"cronjob/{name}", target, "cronjob")]
    ran, succeeded = (moment(at(found, "status", key)) for key in ("lastScheduleTime", "lastSuccessfulTime"))
    active = bool(items(found, "status", "active"))
    if at(found, "spec", "suspend") is True:
        return [
            _of_cron(cluster, name, "cluster.cronjob.suspended", f"cron job {name} is suspended: it never runs", target)
        ]
    since = cluster.now - (ran or moment(at(found, "metadata", "creationTimestamp")))
    late = since > (longest := _longest(text(found, "spec", "schedule")))
    if not ran and not late:
        return []
    if not ran:
        says = f"cron job {name} has not run yet ({text(found, 'spec', 'schedule')})"
        return [_of_cron(cluster, name, "cluster.cronjob.never_ran", says, target, "insufficient")]
    when = text(found, "status", "lastScheduleTime")
    if succeeded < ran and not active:
        last = text(found, "status", "lastSuccessfulTime") if succeeded else "never"
        says = f"the run of cron job {name} at {when} did not succeed (last success: {last})"
        return [_of_cron(cluster, name, "cluster.cronjob.failing", says, target)]
    if since > longest * _MARGIN:
        still = ", and that run has not ended" if active else ""
        says = f"cron job {name} was last started at {when} ({text(found, 'spec', 'schedule')}){still}"
        return [_of_cron(cluster, name, "cluster.cronjob.overdue", says, target)]
    return []


def _longest(schedule: str) -> float:
    """Seconds between two runs at most, as the fields that are not `*` bound it: an hour, a day, a week, a month or a
    year; of a schedule that is no crontab's (`@every 1h`) it is not known."""
    if not schedule or schedule.startswith("@"):
        return _NAMED.get(schedule, math.inf)
    _, hour, of_month, month, of_week = (*schedule.split(), *("*" * 5))[:5]
    if month != "*":
        return 366 * _DAY
    if of_month != "*":
        return 31 * _DAY
    return 7 * _DAY if of_week != "*" else _DAY if hour != "*" else _DAY / 24


def _of_cron(cluster: Cluster, name: str, code: str, says: str, target: str, severity: Severity = "error") -> Finding:
    data = {"workload": name, "namespace": cluster.namespace, "operation": f"cronjob {name}"}
    order = f"{cluster.kubectl} get jobs --sort-by=.metadata.creationTimestamp"
    return Finding("cronjob", target, says, code, severity, promised="succeeds", subject=name, next=order, data=data)
