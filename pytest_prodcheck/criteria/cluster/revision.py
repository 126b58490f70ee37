"""Which revision is rolled out, by the images of the workloads or by Argo CD; and whether it alone serves (R18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_prodcheck.config.models import ClusterTarget, Revision
from pytest_prodcheck.criteria.cluster import argocd, blame, carriers, rollouts
from pytest_prodcheck.criteria.cluster.carriers import Carrier
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.observe.cluster import Cluster, Object, name_of, text
from pytest_prodcheck.observe.cluster_parts import texts
from pytest_prodcheck.observe.finding import Finding

CRITERION = "revision"
_NOT_DEPLOYED = "cluster.revision.not_deployed"
_NOT_TOLD = "cluster.revision.not_told"


def judge(cluster: Cluster, promised: ClusterTarget, revision: Revision, target: str) -> list[Finding]:
    """A finding where the wanted revision is not what was rolled out, where its rollout is not complete (also where
    OnDelete or a partition keeps it back on purpose), and where, whatever is wanted, two revisions serve."""
    if revision.source == "argocd":
        return _of_argocd(cluster, promised, revision, target)
    for resource in (resource for resource in rollouts.RESOURCES.values() if promised.workloads[resource]):
        if blocked := refused(cluster, resource, CRITERION, target):
            return blocked
    asked = list(carriers.asked(cluster, promised))
    absent = [one.subject for one in asked if one.workload is None]
    if revision.expected and absent:
        return [one for subject in absent for one in rollouts.rollout(cluster, promised, target, subject)]
    lacking = [one for one in asked if not one.has(revision.expected)] if revision.expected else []
    unsure = bool(lacking) and len(lacking) < len(asked) and not carriers.named(promised)
    if revision.expected and (not asked or (lacking and not unsure)):
        return [_not_deployed(cluster, promised, revision, target, lacking)]
    chosen = [one for one in asked if one not in lacking and one.workload is not None]
    subjects = dict.fromkeys(one.subject for one in chosen)
    found = [one for subject in subjects for one in rollouts.rollout(cluster, promised, target, subject)]
    if revision.expected:  # what a strategy keeps back on purpose is all the same not the revision that was asked for
        found = [replace(one, severity="error") if one.severity == "warning" else one for one in found]
    found = found or _mixed(cluster, chosen, revision, target)
    return found or ([_not_told(cluster, revision, target, lacking, chosen)] if unsure else [])


def serving(cluster: Cluster, promised: ClusterTarget, revision: Revision) -> list[str]:
    """The revisions that serve, each once: by the images of ReplicaSets with ready pods, or by Argo CD; of
    a stateful or daemon set with pods of the revision before it is not known which that is."""
    if revision.source == "argocd":
        return _synced(_application(cluster, promised))[:1]
    served: list[str] = []
    nobody = not any(one.has(revision.expected) for one in carriers.asked(cluster, promised))
    for one in carriers.asked(cluster, promised):
        running = carriers.running(cluster, one)
        if carriers.named(promised) or carriers.carries((one.image, *running), revision.expected) or nobody:
            served += running or ([one.image] if rollouts.updated(one.workload) else [])
    return list(dict.fromkeys(carriers.said(image, revision.expected) for image in served if image))


def _not_deployed(
    cluster: Cluster, promised: ClusterTarget, revision: Revision, target: str, lacking: Sequence[Carrier]
) -> Finding:
    have = "; ".join(one.says for one in lacking)
    message = f"{revision.expected} is not deployed: {have or 'no declared workload is there'}"
    if not carriers.named(promised) and len(lacking) > 1:
        message += " (where they differ, images names those that carry the revision)"
    seen = ", ".join(serving(cluster, promised, revision))
    order = f"{cluster.kubectl} get deployments,statefulsets,daemonsets -o wide"
    data = {"namespace": cluster.namespace, "expected": revision.expected, "serving": seen}
    return Finding(
        CRITERION, target, message, _NOT_DEPLOYED, seen=seen, promised=revision.expected, next=order, data=data
    )


def _not_told(
    cluster: Cluster, revision: Revision, target: str, lacking: Sequence[Carrier], carrying: Sequence[Carrier]
) -> Finding:
    """Some carry it and others do not, and nothing says whether those are other programs, or old ones."""
    line = ", ".join(f'{one.key} = "env:IMAGE"' for one in carrying)
    message = (
        f"{revision.expected} is rolled out in {', '.join(dict.fromkeys(one.subject for one in carrying))}; whether it "
        f"should be elsewhere, too, is not known: {'; '.join(one.says for one in lacking)}"
    )
    remedy = f"name in images what carries the revision: images = {{ {line} }}"
    data = {"namespace": cluster.namespace, "expected": revision.expected, "lacking": [one.key for one in lacking]}
    order = f"{cluster.kubectl} get deployments,statefulsets,daemonsets -o wide"
    return Finding(
        CRITERION, target, message, _NOT_TOLD, "insufficient", seen="; ".join(one.says for one in lacking),
        promised=revision.expected, remedy=remedy, next=order, data=data,
    )  # fmt: skip


def _mixed(cluster: Cluster, asked: Sequence[Carrier], revision: Revision, target: str) -> list[Finding]:
    """Two revisions of one workload with ready pods, although its rollout calls itself complete."""
    workloads = {one.subject: one.workload for one in asked if one.workload is not None}
    for subject, workload in workloads.items():
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
    named = [one for one in synced if one == revision.expected or carriers.same_commit(one, revision.expected)]
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
