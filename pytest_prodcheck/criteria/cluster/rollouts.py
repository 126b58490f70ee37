"""A rollout is complete, and what serves is what was rolled out (kubectl, `rollout_status.go`; A2, R18)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.criteria.cluster import blame, images
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import Cluster, Object, at, condition, name_of, number, text
from pytest_prodcheck.observe.finding import Finding, Severity

CRITERION = "rollout"
RESOURCES: Mapping[str, str] = {
    "deployment": "deployments.apps",
    "statefulset": "statefulsets.apps",
    "daemonset": "daemonsets.apps",
}
"""Kind, as a check's subject names it → resource."""


def rollout(cluster: Cluster, promised: ClusterTarget, target: str, subject: str) -> list[Finding]:
    """The findings about one workload: `deployment/plan-app`."""
    kind, _, name = subject.partition("/")
    resource = RESOURCES[kind]
    if blocked := refused(cluster, resource, CRITERION, target, subject):
        return blocked
    workload = cluster.named(resource, name)
    if workload is None:
        return [missing(cluster, resource, subject, target, CRITERION)]
    for look in (partial(_zero, kind), _unseen, _JUDGES[kind], _replicas(promised, kind)):
        if found := look(cluster, workload):
            return [_finding(cluster, workload, found, subject, target)]
    return images.alike(cluster, name, target) if name not in promised.images else []


def missing(cluster: Cluster, resource: str, subject: str, target: str, criterion: str) -> Finding:
    """A declared workload that is not there, with the names that are."""
    kind, _, name = subject.partition("/")
    known = [name_of(one) for one in cluster.objects.get(resource, ())]
    others = nearest(name, known) or "; there is none of this kind"
    message = f"{subject} is not in namespace {cluster.namespace}{others}"
    order = f"{cluster.kubectl} get {resource}"
    data = {"workload": name, "kind": kind, "namespace": cluster.namespace}
    return Finding(criterion, target, message, "cluster.workload.missing", seen="absent", promised="there",
                   subject=subject, next=order, data=data)  # fmt: skip


def _finding(cluster: Cluster, workload: Object, found: Why, subject: str, target: str) -> Finding:
    data: dict[str, Any] = {
        "workload": name_of(workload),
        "namespace": cluster.namespace,
        "operation": subject,
        "available": number(workload, "status", "availableReplicas"),
        "wanted": wanted(workload),
        **found.data,
    }
    order = f"{cluster.kubectl} {found.next or f'rollout status {subject} --timeout=1s'}"
    return Finding(CRITERION, target, found.says, found.code, found.severity, seen=_counts(workload),
                   promised="rolled out", subject=subject, next=order, data=data)  # fmt: skip


def _counts(workload: Object) -> str:
    status = workload.get("status")
    names = (
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "numberAvailable",
        "desiredNumberScheduled",
    )
    return ", ".join(f"{name} {number(status, name)}" for name in names if at(status, name) is not None)


def wanted(workload: Object) -> int:
    """How many pods it wants: `spec.replicas`, 1 where it does not say."""
    replicas = at(workload, "spec", "replicas")
    return replicas if isinstance(replicas, int) else 1


def updated(workload: Object | None) -> bool:
    """Whether all pods of a stateful or daemon set are of its present template; True of what is neither."""
    status = workload.get("status") if workload is not None else None
    if at(status, "desiredNumberScheduled") is not None:
        return number(status, "updatedNumberScheduled") >= number(status, "desiredNumberScheduled")
    if text(status, "updateRevision") == text(status, "currentRevision"):
        return True
    return workload is not None and number(status, "updatedReplicas") >= wanted(workload)


def _zero(kind: str, _: Cluster, workload: Object) -> Why | None:
    name = name_of(workload)
    if at(workload, "spec", "replicas") == 0:
        says = f"{name} is scaled to 0: nothing of it runs"
        return Why("cluster.deployment.scaled_to_zero", says, f"get {kind} {name} -o wide")
    if at(workload, "status", "desiredNumberScheduled") == 0:
        says = f"no node is one that {name} wants: nothing of it runs"
        return Why("cluster.workload.no_pods", says, "get nodes --show-labels")
    return None


def _unseen(_: Cluster, workload: Object) -> Why | None:
    wants, has = number(workload, "metadata", "generation"), number(workload, "status", "observedGeneration")
    if wants > has:
        says = f"the controller has not seen generation {wants} of {name_of(workload)} yet (its status is of {has})"
        return Why("cluster.rollout.not_observed", says, data={"generation": wants, "observed": has})
    return None


def _deployment(cluster: Cluster, workload: Object) -> Why | None:
    name, status, wants = name_of(workload), workload.get("status"), wanted(workload)
    updated, total, available = (number(status, key) for key in ("updatedReplicas", "replicas", "availableReplicas"))
    late = text(condition(workload, "Progressing"), "reason") == "ProgressDeadlineExceeded"
    if updated >= wants and total == updated and available >= updated and not late:
        return None
    serving = blame.old_version(cluster, workload)
    guilty = blame.of_deployment(cluster, workload)
    if guilty is not None:
        says = _beside(f"{guilty.says} (ProgressDeadlineExceeded)" if late else guilty.says, serving)
        return Why(guilty.code, says, guilty.next, {**serving.data, **guilty.data})
    if at(workload, "spec", "paused") is True:
        return Why("cluster.rollout.paused", _beside(f"the rollout of {name} is paused", serving), data=serving.data)
    if late:
        says = f"the rollout of {name} made no progress within its deadline (ProgressDeadlineExceeded)"
        return Why(
            "cluster.rollout.deadline_exceeded", _beside(says, serving), f"describe deployment {name}", serving.data
        )
    so_far = f"{updated} of {wants} new pods, {available} available, {total - updated} old"
    if serving.says:
        return Why(
            "cluster.rollout.old_version_serving",
            f"{serving.says}: the rollout of {name} is not done: {so_far}",
            data=serving.data,
        )
    return Why("cluster.rollout.in_progress", f"the rollout of {name} is not done: {so_far}")


def _beside(reason: str, serving: Why) -> str:
    """What keeps a rollout from its end, and behind it what serves meanwhile."""
    return f"{reason}; {serving.says}" if serving.says else reason


def _statefulset(cluster: Cluster, workload: Object) -> Why | None:
    name, status, wants = name_of(workload), workload.get("status"), wanted(workload)
    ready, updated = number(status, "readyReplicas"), number(status, "updatedReplicas")
    if ready < wants:
        return blame.of_pods(cluster, name) or _waiting(f"{ready} of {wants} pods of {name} are ready")
    if text(status, "updateRevision") == text(status, "currentRevision") or updated >= wants:
        return None
    partition = number(workload, "spec", "updateStrategy", "rollingUpdate", "partition")
    return _of_before(workload, updated, wants, wants - partition, f"pods of {name}", "partition", partition)


def _daemonset(cluster: Cluster, workload: Object) -> Why | None:
    name, status = name_of(workload), workload.get("status")
    wants, available = number(status, "desiredNumberScheduled"), number(status, "numberAvailable")
    if available < wants:
        return blame.of_pods(cluster, name) or _waiting(f"{name} is available on {available} of {wants} nodes")
    updated = number(status, "updatedNumberScheduled")
    return None if updated >= wants else _of_before(workload, updated, wants, wants, f"pods of {name}", "", 0)


def _waiting(says: str) -> Why:
    return Why("cluster.rollout.in_progress", says)


def _of_before(workload: Object, updated: int, wants: int, bound: int, what: str, key: str, value: int) -> Why:
    """Pods of the revision before serve: a warning where the update's strategy wants it so."""
    strategy = text(workload, "spec", "updateStrategy", "type")
    on_purpose = strategy == "OnDelete" or (value and updated >= bound)
    why = f" ({strategy if strategy == 'OnDelete' else f'{key} {value}'})" if on_purpose else ""
    says = f"old version serving: {wants - updated} of {wants} {what} are of the revision before{why}"
    severity: Severity = "warning" if on_purpose else "error"
    return Why("cluster.rollout.old_version_serving", says, severity=severity)


def _replicas(promised: ClusterTarget, kind: str) -> Callable[[Cluster, Object], Why | None]:
    counts: Mapping[str, int | str] = {"deployment": promised.deployments, "statefulset": promised.statefulsets}.get(
        kind, {}
    )

    def look(_: Cluster, workload: Object) -> Why | None:
        wants = counts.get(name_of(workload))
        limit = grammar.comparison(f"== {wants}" if isinstance(wants, int) else wants or "")
        available = number(workload, "status", "availableReplicas")
        if limit is None or limit.holds(available):
            return None
        data = {"promised": str(wants), "available": available}
        if not limit.holds(wanted(workload)):
            says = f"{name_of(workload)} wants {wanted(workload)} pods, promised are {wants}"
            return Why("cluster.rollout.replicas_differ", says, data=data)
        return Why(
            "cluster.rollout.too_few_replicas",
            f"{available} pods of {name_of(workload)} are available, promised are {wants}",
            data=data,
        )

    return look


_JUDGES: Mapping[str, Callable[[Cluster, Object], Why | None]] = {
    "deployment": _deployment,
    "statefulset": _statefulset,
    "daemonset": _daemonset,
}
