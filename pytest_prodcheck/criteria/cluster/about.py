"""A finding about one pod, with what diagnosis joins it by."""

from __future__ import annotations

from typing import Any

from pytest_prodcheck.criteria.cluster import pod as pods_own
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import Cluster, Object, at, number, owner_kind, text
from pytest_prodcheck.observe.finding import Finding


def about_pod(
    cluster: Cluster, name: str, pod: Object | None, why: Why, target: str, criterion: str, *, status: str = ""
) -> Finding:
    """What is wrong with the pod called `name`; `pod` is its object, or that of one which fails alike."""
    workload = pods_own.workload_of(pod) if pod is not None else name.rpartition("-")[0]
    of_job = pod is not None and owner_kind(pod)[0] == "Job" and why.code == "cluster.container.crash_loop"
    data: dict[str, Any] = {"pod": name, "workload": workload, "namespace": cluster.namespace, "status_text": status}
    data |= _counted(cluster, workload)
    data |= {"node": text(pod, "spec", "nodeName"), "operation": f"pod {name}", **why.data}
    return Finding(
        criterion,
        target,
        why.of_pod(name),
        "cluster.job.failed" if of_job else why.code,
        seen=status or why.code,
        promised="well",
        subject=name,
        next=f"{cluster.kubectl} {why.next}" if why.next else "",
        data={key: value for key, value in data.items() if value not in ("", None)},
    )


def _counted(cluster: Cluster, workload: str) -> dict[str, Any]:
    """How many pods its workload has to serve with, and wants, where that was read."""
    for resource in ("deployments.apps", "statefulsets.apps"):
        if (found := cluster.named(resource, workload)) is not None:
            wanted = at(found, "spec", "replicas")
            available = number(found, "status", "availableReplicas")
            return {"available": available, "wanted": wanted if isinstance(wanted, int) else 1}
    return {}
