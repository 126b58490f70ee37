"""Which pod, or what else, keeps a rollout from its end; and what serves meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pytest_prodcheck.criteria.cluster import events
from pytest_prodcheck.criteria.cluster import pod as pods_own
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import Cluster, Object, at, condition, labels, name_of, text
from pytest_prodcheck.observe.observation import Json

_REVISION = "deployment.kubernetes.io/revision"


def replica_sets(cluster: Cluster, deployment: Object) -> list[tuple[Mapping[str, Json], Object]]:
    """Rows and metadata of its ReplicaSets, the newest revision first."""
    table, uid = cluster.tables.get("replicasets.apps"), text(deployment, "metadata", "uid")
    if table is None:
        return []
    rows = zip(table.dicts(), table.metadata, strict=False)
    mine = [(row, thing) for row, thing in rows if any(text(one, "uid") == uid for one in _owners(thing))]
    return sorted(mine, key=lambda pair: -_revision(pair[1]))


def _owners(thing: Object) -> list[Object]:
    found = at(thing, "metadata", "ownerReferences")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _revision(thing: Object) -> int:
    said = labels(thing, "metadata", "annotations").get(_REVISION, "0")
    return int(said) if said.isdigit() else 0


def old_version(cluster: Cluster, deployment: Object) -> Why:
    """What still serves of an earlier revision, as a part of a sentence; empty where nothing does."""
    sets = replica_sets(cluster, deployment)
    old = [(row, thing) for row, thing in sets[1:] if isinstance(row.get("Ready"), int) and row["Ready"]]
    if not old:
        return Why("cluster.rollout.old_version_serving", "")
    row, _ = old[0]
    image, new = str(row.get("Images", "")), str(sets[0][0].get("Images", ""))
    which = f" ({image})" if image and image != new else ""
    data = {"old_replicaset": str(row.get("Name", "")), "serving": image, "old_pods": row["Ready"]}
    return Why("cluster.rollout.old_version_serving", f"old version serving{which}", data=data)


def of_deployment(cluster: Cluster, deployment: Object) -> Why | None:
    """Why its newest ReplicaSet is not ready: a pod of it, or that no pod can be made."""
    sets = replica_sets(cluster, deployment)
    if not sets:
        return of_pods(cluster, name_of(deployment))
    newest = str(sets[0][0].get("Name", ""))
    if made := _not_made(cluster, "ReplicaSet", newest, name_of(deployment)):
        return made
    found = next(_bad(cluster, lambda pod: name_of(pod).startswith(f"{newest}-")), None)
    return found or of_quota(deployment)


def of_pods(cluster: Cluster, workload: str) -> Why | None:
    """Why pods of a workload are not well."""
    for kind in ("StatefulSet", "DaemonSet", "Job"):
        if made := _not_made(cluster, kind, workload, workload):
            return made
    return next(_bad(cluster, lambda pod: pods_own.workload_of(pod) == workload), None)


def _bad(cluster: Cluster, mine: Callable[[Object], bool]) -> Iterator[Why]:
    for pod in cluster.objects.get("pods", ()):
        if mine(pod) and (found := pods_own.why(cluster, pod)):
            data = {"pod": name_of(pod), "node": text(pod, "spec", "nodeName"), **found.data}
            yield Why(found.code, found.of_pod(name_of(pod)), found.next, data)


def _not_made(cluster: Cluster, kind: str, name: str, workload: str) -> Why | None:
    """A controller that cannot create its pods: by a quota, or for another reason."""
    told = events.last(events.of(cluster, kind, name), "FailedCreate")
    if not told:
        return None
    quota = "quota" in told
    code = "cluster.quota.exceeded" if quota else "cluster.pod.failed"
    what = "no quota is left for" if quota else "nobody can create"
    order = "describe resourcequota" if quota else f"describe {kind.lower()} {name}"
    return Why(code, f"{what} pods of {workload}: {told}", order, {"text": told})


def of_quota(deployment: Object) -> Why | None:
    """What the deployment itself says of pods that could not be made (ReplicaFailure)."""
    failed = condition(deployment, "ReplicaFailure")
    if text(failed, "status") != "True":
        return None
    told, name = text(failed, "message"), name_of(deployment)
    code = "cluster.quota.exceeded" if "quota" in told else "cluster.pod.failed"
    return Why(code, f"pods of {name} cannot be created: {told}", "describe resourcequota", {"text": told})
