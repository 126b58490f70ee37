"""Resource quotas that are used up, or nearly."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria.cluster.scene import Scene
from pytest_prodcheck.observe.cluster import Object, name_of, text
from pytest_prodcheck.observe.cluster_parts import condition, quantity, table
from pytest_prodcheck.observe.finding import Finding

QUOTAS = "resourcequotas"
_NEAR = 0.9
"""Share of a quota from which it is said: a rollout needs some of it for its surge."""


def judge(scene: Scene) -> list[Finding]:
    """What the namespace has used up: an error where a workload could not make its pods for it."""
    return [finding for quota in scene.listed(QUOTAS) for finding in _quota(scene, quota)]


def _quota(scene: Scene, quota: Object) -> Iterator[Finding]:
    name, used, refused = name_of(quota), table(quota, "status", "used"), _refused(scene)
    for resource, hard in table(quota, "status", "hard").items():
        most, now = quantity(hard), quantity(used.get(resource))
        if not most or now is None or now / most < _NEAR:
            continue  # a quota of 0 allows none of it, on purpose
        full = now >= most
        stopped = next((one for one, words in refused.items() if full and f"exceeded quota: {name}" in words), "")
        message = f"quota {name}: {used.get(resource)} of {hard} {resource} used" + (", none is left" if full else "")
        message += f"; it keeps {stopped} from making pods" if stopped else ""
        yield scene.found(
            "cluster.quota.exceeded" if full else "cluster.quota.nearly_used", message, f"resourcequota/{name}",
            seen=f"{used.get(resource)} of {hard}", promised=f"< {_NEAR:.0%} of {hard}",
            severity="error" if stopped else "warning",
            remedy=f"raise {resource} in quota {name}, or free some of it in {scene.cluster.namespace}",
            next=scene.kubectl("describe quota", name),
            data={"resource": resource, "quota": name, "workload": stopped},
        )  # fmt: skip


def _refused(scene: Scene) -> dict[str, str]:
    """Workloads whose pods the API server refused to make, with its words (`ReplicaFailure`, FailedCreate)."""
    failed = {one.shown: condition(one.workload, "ReplicaFailure") for one in scene.templates()}
    return {shown: text(one, "message") for shown, one in failed.items() if text(one, "status") == "True"}
