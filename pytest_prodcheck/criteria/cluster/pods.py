"""Every pod of the namespace is well; a namespace or a selector without any is not (A1, B1, B4, B9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.criteria.cluster import events, restarts
from pytest_prodcheck.criteria.cluster import pod as pods_own
from pytest_prodcheck.criteria.cluster.about import about_pod
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import Cluster, Object, condition, labels, name_of, owner_kind, text
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Json

CRITERION = "pods"
_WELL = ("Completed", "Succeeded")
_FRESH = ("ContainerCreating", "PodInitializing", "Pending", "Terminating", "Running")
"""What a pod is in passing; only its object can say that it has been so for too long."""
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
    return [finding for row in table.dicts() for finding in _of_row(cluster, row, target)]


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


def _of_row(cluster: Cluster, row: Mapping[str, Json], target: str) -> Iterator[Finding]:
    name, status, ready = (str(row.get(column, "")) for column in ("Name", "Status", "Ready"))
    had, _, wanted = ready.partition("/")
    own = cluster.named("pods", name)
    if status in _WELL:
        return
    if status == "Running" and had == wanted:
        yield from restarts.recent(cluster, row, own, target)
        return
    kin = own or _kin(cluster, name, status)
    if kin is not None and _superseded(cluster, kin):
        return
    found = pods_own.why(cluster, kin) if kin is not None else None
    if found is None and status in _FRESH:
        yield _in_passing(cluster, name, status, ready, target)
        return
    found = found or Why(_OF_STATUS.get(status, "cluster.pod.not_ready"), f"is {status}")
    about = about_pod(cluster, name, kin, found, target, CRITERION, status=status)
    yield replace(about, severity="warning") if _long_ago(cluster, name, found) else about


def _in_passing(cluster: Cluster, name: str, status: str, ready: str, target: str) -> Finding:
    message = f"pod {name} is {status} ({ready} ready): too early to tell"
    order = f"{cluster.kubectl} get pod {name} -w"
    own = cluster.named("pods", name)
    workload = pods_own.workload_of(own) if own is not None else name.rpartition("-")[0]
    data = {"pod": name, "status_text": status, "namespace": cluster.namespace, "workload": workload}
    return Finding(CRITERION, target, message, "cluster.pod.starting", "insufficient", seen=status, subject=name,
                   next=order, data=data)  # fmt: skip


def _kin(cluster: Cluster, name: str, status: str) -> Object | None:
    """A pod of the same owner that was read in full and fails alike."""
    prefix = name.rpartition("-")[0]
    table = cluster.tables["pods"]
    alike = {str(row["Name"]) for row in table.dicts() if row.get("Status") == status}
    for pod in cluster.objects.get("pods", ()):
        if name_of(pod) in alike and name_of(pod).rpartition("-")[0] == prefix:
            return pod
    return None


def _long_ago(cluster: Cluster, name: str, found: Why) -> bool:
    """An eviction of which no event is left (they are kept for an hour): what is listed is a dead pod."""
    return found.code == "cluster.pod.evicted" and not events.of(cluster, "Pod", name)


def _superseded(cluster: Cluster, pod: Object) -> bool:
    """A failed pod of a job that succeeded in another attempt."""
    kind, owner = owner_kind(pod)
    job = cluster.named("jobs.batch", owner) if kind == "Job" else None
    return job is not None and text(condition(job, "Complete"), "status") == "True"
