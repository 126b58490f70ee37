"""Every pod of the namespace is well; a namespace or a selector without any is not (A1, B1, B4, B9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.criteria.cluster import events, restarts
from pytest_prodcheck.criteria.cluster import pod as pods_own
from pytest_prodcheck.criteria.cluster.about import about_pod
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import (
    Cluster,
    Object,
    at,
    condition,
    items,
    labels,
    moment,
    name_of,
    owner_kind,
    text,
)
from pytest_prodcheck.observe.cluster_rows import unwell
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Json

CRITERION = "pods"
_WELL = ("Completed", "Succeeded")
_FRESH = ("ContainerCreating", "PodInitializing", "Pending", "Terminating", "Running")
"""What a pod is in passing; only its object can say that it has been so for too long."""
_INITIALIZING = compiled(r"Init:\d+/\d+")
"""Init containers run: a migration, a wait for the database."""
_OF_STATUS: Mapping[str, str] = {
    "OOMKilled": "cluster.container.oom_killed",
    "CrashLoopBackOff": "cluster.container.crash_loop",
    "Error": "cluster.container.crash_loop",
    "ImagePullBackOff": "cluster.image.pull_failed",
    "ErrImagePull": "cluster.image.pull_failed",
    "Evicted": "cluster.pod.evicted",
    "CreateContainerConfigError": "cluster.container.create_failed",
}


def pods(cluster: Cluster, promised: ClusterTarget, target: str) -> list[Finding]:
    """A finding for each pod that is not well, with its cause where its object, or one that fails alike, tells it."""
    if blocked := refused(cluster, "pods", CRITERION, target):
        return blocked
    table = cluster.tables.get("pods")
    if table is None or not table.rows:
        return [_none(cluster, promised, target)]
    rows = list(unwell(table))
    alike = _alike(cluster, rows)
    return [finding for row in rows for finding in _of_row(cluster, row, alike, target)]


def _none(cluster: Cluster, promised: ClusterTarget, target: str) -> Finding:
    """No pod at all: nothing is unhealthy, because nothing runs."""
    what = f"0 pods match {promised.selector}" if promised.selector else "there is no pod"
    known = [
        f"{kind} {name_of(one)} selects {','.join(f'{key}={value}' for key, value in chosen.items())}"
        for resource, kind in (("deployments.apps", "deployment"), ("statefulsets.apps", "stateful set"))
        for one in cluster.objects.get(resource, ())
        if (chosen := labels(one, "spec", "selector", "matchLabels"))
    ]
    message = "; ".join([f"{what} in namespace {cluster.namespace}", *known[:3]])
    order = f"{cluster.kubectl} get pods --show-labels"
    data = {"selector": promised.selector, "namespace": cluster.namespace}
    return Finding(CRITERION, target, message, "cluster.workload.no_pods", seen="0 pods", next=order, data=data)


def _of_row(
    cluster: Cluster, row: Mapping[str, Json], alike: Mapping[tuple[str, str], Object], target: str
) -> Iterator[Finding]:
    name, status, ready = (str(row.get(column, "")) for column in ("Name", "Status", "Ready"))
    had, _, wanted = ready.partition("/")
    own = cluster.named("pods", name)
    if status in _WELL:
        return
    if status == "Running" and had == wanted:
        yield from restarts.recent(cluster, row, own, target)
        return
    kin = own or alike.get((name.rpartition("-")[0], status))
    if kin is not None and _superseded(cluster, kin):
        return
    found = pods_own.why(cluster, kin) if kin is not None else None
    if found is None and (status in _FRESH or _INITIALIZING.fullmatch(status)):
        yield _in_passing(cluster, name, status, ready, target)
        return
    found = found or Why(_OF_STATUS.get(status, "cluster.pod.not_ready"), f"is {status}")
    about = about_pod(cluster, name, kin, found, target, CRITERION, status=status)
    yield replace(about, severity="warning") if _long_ago(cluster, name, kin, found) else about


def _in_passing(cluster: Cluster, name: str, status: str, ready: str, target: str) -> Finding:
    message = f"pod {name} is {status} ({ready} ready): too early to tell"
    order = f"{cluster.kubectl} get pod {name} -w"
    own = cluster.named("pods", name)
    workload = pods_own.workload_of(own) if own is not None else name.rpartition("-")[0]
    data = {"pod": name, "status_text": status, "namespace": cluster.namespace, "workload": workload}
    return Finding(CRITERION, target, message, "cluster.pod.starting", "insufficient", seen=status, subject=name,
                   next=order, data=data)  # fmt: skip


def _alike(cluster: Cluster, rows: list[dict[str, Json]]) -> dict[tuple[str, str], Object]:
    """(owner, status) → a pod that was read in full, which stands for those that fail alike."""
    read = {name_of(pod): pod for pod in cluster.objects.get("pods", ())}
    names = ((str(row.get("Name")), str(row.get("Status"))) for row in rows)
    return {(name.rpartition("-")[0], status): read[name] for name, status in names if name in read}


def _long_ago(cluster: Cluster, name: str, pod: Object | None, found: Why) -> bool:
    """What is listed is a dead pod of the past: an eviction of which no event is left (they are kept for an hour), or
    one that ended more than an hour ago and was a job's, or was replaced by its ReplicaSet (a node that was shut down
    leaves such pods behind); whether a promised workload is whole says a check of its own."""
    if found.code == "cluster.pod.evicted":
        return not events.of(cluster, "Pod", name)
    kind = owner_kind(pod)[0] if pod is not None else ""
    replaced = kind == "ReplicaSet" and text(pod, "status", "phase") == "Failed"
    if kind != "Job" and not replaced:
        return False
    ended = [moment(at(one, "state", "terminated", "finishedAt")) for one in items(pod, "status", "containerStatuses")]
    refused = moment(at(pod, "status", "startTime")) if replaced else 0.0  # by the kubelet: no container ever was
    last = max(ended, default=0.0) or refused
    return bool(last) and cluster.now - last > restarts.RECENT


def _superseded(cluster: Cluster, pod: Object) -> bool:
    """A failed pod of a job that succeeded in another attempt."""
    kind, owner = owner_kind(pod)
    job = cluster.named("jobs.batch", owner) if kind == "Job" else None
    return job is not None and text(condition(job, "Complete"), "status") == "True"
