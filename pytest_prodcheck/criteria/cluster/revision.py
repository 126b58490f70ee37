"""Which revision is rolled out, by the images of the workloads or by Argo CD; and whether it alone serves (R18)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import ClusterTarget, Revision
from pytest_prodcheck.criteria.cluster import argocd, blame, rollouts
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.observe.cluster import Cluster, Object, items, name_of, text
from pytest_prodcheck.observe.cluster_parts import texts
from pytest_prodcheck.observe.finding import Finding

CRITERION = "revision"
_COMMIT = compiled(r"[0-9a-f]{7,64}", re.IGNORECASE)
_NOT_DEPLOYED = "cluster.revision.not_deployed"


def judge(cluster: Cluster, promised: ClusterTarget, revision: Revision, target: str) -> list[Finding]:
    """A finding where the wanted revision is not what was rolled out, where its rollout is not complete, and where,
    whatever is wanted, two revisions serve."""
    if revision.source == "argocd":
        return _of_argocd(cluster, promised, revision, target)
    for resource in (resource for resource in rollouts.RESOURCES.values() if promised.workloads[resource]):
        if blocked := refused(cluster, resource, CRITERION, target):
            return blocked
    carrying = [one for one in _workloads(cluster, promised) if carries(one[2], revision.expected)]
    if revision.expected and not carrying:
        return [_not_deployed(cluster, promised, revision, target)]
    chosen = carrying if revision.expected else list(_workloads(cluster, promised))
    found = [one for subject, _, _ in chosen for one in rollouts.rollout(cluster, promised, target, subject)]
    return found or _mixed(cluster, promised, revision, target)


def serving(cluster: Cluster, promised: ClusterTarget, revision: Revision) -> list[str]:
    """The revisions that serve, each once: by the images of ReplicaSets with ready pods, or by Argo CD."""
    if revision.source == "argocd":
        return _synced(_application(cluster, promised))[:1]
    images: list[str] = []
    for _, workload, declared in _workloads(cluster, promised):
        sets = [row for row, _ in blame.replica_sets(cluster, workload) if row.get("Ready")]
        running = tuple(image for row in sets for image in str(row.get("Images", "")).split(",")) or declared
        if carries((*declared, *running), revision.expected) or _is_asked(cluster, promised, workload, revision):
            images += running
    return list(dict.fromkeys(_said(image, revision.expected) for image in images if image))


def carries(images: tuple[str, ...], revision: str) -> bool:
    """Whether one of the images is of the revision: its tag is it, or has it as a part; commits may be abbreviated."""
    return any(_said(image, revision) == revision for image in images) if revision else True


def _said(image: str, revision: str) -> str:
    """The revision that an image's reference says: the wanted one where its tag or digest means it, else its tag."""
    name, _, digest = image.partition("@")
    tag = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""
    if revision and (digest == revision or tag.removeprefix("v") == revision.removeprefix("v")):
        return revision
    parts = [tag, *re.split(r"[-_.+]", tag)]
    if revision and any(_same_commit(part, revision) for part in parts):
        return revision
    return tag or digest or "latest"


def _same_commit(one: str, other: str) -> bool:
    short, long = sorted((one.lower(), other.lower()), key=len)
    hashes = _COMMIT.fullmatch(short) and _COMMIT.fullmatch(long)
    return bool(hashes) and long.startswith(short) and not (short.isdigit() and len(long) < 40)


def _workloads(cluster: Cluster, promised: ClusterTarget) -> Iterator[tuple[str, Object, tuple[str, ...]]]:
    """Subject, object and declared images of each workload; only of those that `images` names, where it names some."""
    asked = {name.partition("/")[0] for name in promised.images}
    for kind, resource in rollouts.RESOURCES.items():
        for name in promised.workloads[resource]:
            workload = cluster.named(resource, name) if not asked or name in asked else None
            if workload is not None:
                containers = items(workload, "spec", "template", "spec", "containers")
                yield f"{kind}/{name}", workload, tuple(text(one, "image") for one in containers)


def _is_asked(cluster: Cluster, promised: ClusterTarget, workload: Object, revision: Revision) -> bool:
    """Whether a workload without the wanted revision should have it: `images` names it, or nobody else has it."""
    if any(name.partition("/")[0] == name_of(workload) for name in promised.images):
        return True
    return not any(carries(images, revision.expected) for _, _, images in _workloads(cluster, promised))


def _not_deployed(cluster: Cluster, promised: ClusterTarget, revision: Revision, target: str) -> Finding:
    have = "; ".join(f"{subject} has {', '.join(images)}" for subject, _, images in _workloads(cluster, promised))
    message = f"{revision.expected} is not deployed: {have or 'no declared workload is there'}"
    if not promised.images and have.count("; "):
        message += " (where they differ, images names those that carry the revision)"
    seen = ", ".join(serving(cluster, promised, revision))
    order = f"{cluster.kubectl} get deployments,statefulsets,daemonsets -o wide"
    data = {"namespace": cluster.namespace, "expected": revision.expected, "serving": seen}
    return Finding(
        CRITERION, target, message, _NOT_DEPLOYED, seen=seen, promised=revision.expected, next=order, data=data
    )


def _mixed(cluster: Cluster, promised: ClusterTarget, revision: Revision, target: str) -> list[Finding]:
    """Two revisions of one workload with ready pods, although its rollout calls itself complete."""
    for subject, workload, _ in _workloads(cluster, promised):
        if old := blame.old_version(cluster, workload).says:
            message = f"{old}: {subject} has ready pods of an earlier revision beside the new ones"
            data = {"namespace": cluster.namespace, "workload": name_of(workload), "serving": old}
            code, order = "cluster.rollout.old_version_serving", f"{cluster.kubectl} get replicasets -o wide"
            return [
                Finding(
                    CRITERION,
                    target,
                    message,
                    code,
                    promised=revision.expected or "one revision",
                    next=order,
                    data=data,
                )
            ]
    return []


def _application(cluster: Cluster, promised: ClusterTarget) -> Object | None:
    return cluster.named(argocd.APPLICATIONS, promised.argocd.application) if promised.argocd else None


def _synced(application: Object | None) -> list[str]:
    """The revisions that the Application has synced, one a source. Out of sync, it names what the repository has; what
    runs is then that of its last sync."""
    if text(application, "status", "sync", "status") == "OutOfSync":
        last = text(application, "status", "operationState", "syncResult", "revision")
        return texts(application, "status", "operationState", "syncResult", "revisions") or [last] * bool(last)
    return argocd.revisions(application)


def _of_argocd(cluster: Cluster, promised: ClusterTarget, revision: Revision, target: str) -> list[Finding]:
    if blocked := refused(cluster, argocd.APPLICATIONS, CRITERION, target):
        return blocked
    name = promised.argocd.application if promised.argocd else ""
    application = _application(cluster, promised)
    synced = _synced(application)
    named = [one for one in synced if one == revision.expected or _same_commit(one, revision.expected)]
    seen = (named or synced or [""])[0]
    health, phase, sync = (
        text(application, "status", *path)
        for path in (("health", "status"), ("operationState", "phase"), ("sync", "status"))
    )
    if application is None:
        code, message = _NOT_DEPLOYED, f"there is no Application {name}"
    elif revision.expected and not named:
        code, message = _NOT_DEPLOYED, f"Application {name} is at {seen or 'no revision'}, not at {revision.expected}"
    elif phase not in ("Succeeded", "") or health not in ("Healthy", "Suspended") or sync in ("OutOfSync", "Unknown"):
        code = "cluster.rollout.in_progress"
        state = ", ".join(filter(None, [health or "no health", f"sync {phase or 'not begun'}", sync]))
        message = f"Application {name} is at {seen}, and not done: {state}"
    else:
        return []
    where = promised.argocd.namespace if promised.argocd else ""
    order = f"{cluster.kubectl.rpartition(' -n ')[0]} -n {where} get application {name} -o jsonpath='{{.status.sync}}'"
    data = {"namespace": where, "expected": revision.expected, "serving": seen, "workload": name}
    return [
        Finding(
            CRITERION, target, message, code, seen=seen, promised=revision.expected or "synced", next=order, data=data
        )
    ]
