"""What Argo CD says of the Application that deploys the system (A47; facts §5)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.criteria.cluster.scene import Scene, some
from pytest_prodcheck.observe.cluster import Cluster, Object, items, text
from pytest_prodcheck.observe.cluster_parts import texts
from pytest_prodcheck.observe.finding import Finding, Severity

APPLICATIONS = "applications.argoproj.io"
_ERRORS = ("Error",)
"""End of the condition types that are errors; the others are warnings (gitops-engine, ApplicationConditionType)."""
_PASSING = ("Progressing", "Running", "Terminating")
"""A sync or a rollout that is under way is neither good nor bad yet."""


def judge(scene: Scene, revision: str = "") -> list[Finding]:
    """Sync, health, the last operation, the revision (what `argocd.revision` names, else the `revision` that is being
    deployed), conditions, and the resources that are not well, by name."""
    declared = scene.promised.argocd
    if declared is None:
        return []
    application = scene.cluster.named(APPLICATIONS, declared.application)
    if application is None:
        return [_missing(scene, declared.application)]
    return [
        *_operation(scene, application),
        *_sync(scene, application),
        *_health(scene, application),
        *_revision(scene, application, declared.revision or revision),
        *_conditions(scene, application),
    ]


def revisions(application: Object | None) -> list[str]:
    """What the live state was compared with, one revision a source: it is what runs where `status.sync.status` says
    Synced (Argo CD, `SyncStatus.revision`: the revision that the comparison has been performed to)."""
    several = texts(application, "status", "sync", "revisions")
    return several or [one for one in [text(application, "status", "sync", "revision")] if one]


def mentions(cluster: Cluster, promised: ClusterTarget) -> list[str]:
    """That the repository has moved on since the last sync, where what it says now is what runs all the same: a commit
    that nobody asked for is no fault of what was deployed."""
    name = promised.argocd.application if promised.argocd else ""
    application = cluster.named(APPLICATIONS, name) if name else None
    moved = _moved(application) if text(application, "status", "sync", "status") == "Synced" else ""
    return [f"Argo CD, application {name}: {moved}, and nothing of it differs from what runs"] if moved else []


def _moved(application: Object | None) -> str:
    """That the repository has another revision than the last sync, in words; empty where it has not, or several."""
    last, now = text(application, "status", "operationState", "syncResult", "revision"), revisions(application)
    other = last and len(now) == 1 and last != now[0]
    return f"the repository is at {now[0]}, the last sync was of {last}" if other else ""


def _missing(scene: Scene, name: str) -> Finding:
    absent = APPLICATIONS in scene.cluster.absent
    where = scene.promised.argocd.namespace if scene.promised.argocd else ""
    words = (
        "the API server does not know the kind Application"
        if absent
        else f"namespace {where} has no Application {name}"
    )
    return _found(
        scene, "cluster.argocd.missing", f"{words}, which argocd.application promises", "none", f"Application {name}",
        "install Argo CD's CRDs, or leave argocd out" if absent else f"correct the name, or the namespace {where}",
    )  # fmt: skip


def _operation(scene: Scene, application: Object) -> Iterator[Finding]:
    phase, message = text(application, "status", "operationState", "phase"), text(
        application, "status", "operationState", "message"
    )  # fmt: skip
    if phase in ("Failed", "Error"):
        failed = [
            f"{text(one, 'kind')} {text(one, 'name')}: {text(one, 'message')}"
            for one in items(application, "status", "operationState", "syncResult", "resources")
            if text(one, "status") == "SyncFailed" or text(one, "hookPhase") in ("Failed", "Error")
        ]
        yield _found(
            scene, "cluster.argocd.sync_failed", f"the last sync ended as {phase}: {message or some(failed)}", phase,
            "Succeeded", "correct what the sync stumbled over, then sync again", data={"resources": failed[:5]},
        )  # fmt: skip
    elif phase in _PASSING:
        yield _undecided(scene, f"a sync is {phase.lower()}: its end was not seen", phase, "Succeeded")


def _sync(scene: Scene, application: Object) -> Iterator[Finding]:
    status = text(application, "status", "sync", "status")
    if status == "Synced":
        return
    differ = [_named(one) for one in items(application, "status", "resources") if text(one, "status") == "OutOfSync"]
    what = f" on {some(differ)}" if differ else ""
    newer = f" ({moved})" if (moved := _moved(application)) else ""
    words = f"{status or 'its sync is unknown'}{what}: what runs is not what the repository says{newer}"
    yield _found(
        scene, "cluster.argocd.out_of_sync", words, status or "none", "Synced",
        "sync the Application, or take the difference back", data={"resources": differ},
    )  # fmt: skip


def _health(scene: Scene, application: Object) -> Iterator[Finding]:
    status = text(application, "status", "health", "status")
    if status in ("Healthy", "Suspended"):
        return
    if status == "Progressing":
        yield _undecided(scene, "its health is Progressing: the rollout is not over", status, "Healthy")
        return
    ill = [
        f"{_named(one)} ({text(one, 'health', 'status')})"
        for one in items(application, "status", "resources")
        if text(one, "health", "status") in ("Degraded", "Missing", "Unknown")
    ]
    words = f"its health is {status or 'not known'}" + (f": {some(ill)}" if ill else "")
    yield _found(
        scene, "cluster.argocd.degraded", words, status or "none", "Healthy",
        f"see {ill[0].partition(' (')[0]}" if ill else "see the resources of the Application",
        data={"resources": ill, "workload": next((one for one in map(_workload, ill) if one), "")},
    )  # fmt: skip


def _revision(scene: Scene, application: Object, expected: str) -> Iterator[Finding]:
    synced = revisions(application)
    if expected and not any(one == expected or (len(expected) > 6 and one.startswith(expected)) for one in synced):
        yield _found(
            scene, "cluster.argocd.wrong_revision",
            f"synced to {some(synced) or 'no revision'}, {expected} is deployed", some(synced), expected,
            f"sync the Application to {expected}",
        )  # fmt: skip


def _conditions(scene: Scene, application: Object) -> Iterator[Finding]:
    for one in items(application, "status", "conditions"):
        kind, message = text(one, "type"), text(one, "message")
        yield _found(
            scene, "cluster.argocd.condition", f"{kind}: {message}", kind, "no condition",
            "see the Application's conditions; they stay until their reason is gone",
            severity="error" if kind.endswith(_ERRORS) else "warning",
        )  # fmt: skip


def _named(resource: Object) -> str:
    return f"{text(resource, 'kind')} {text(resource, 'name')}"


def _workload(named: str) -> str:
    kind, _, rest = named.partition(" ")
    return f"{kind.lower()}/{rest.partition(' ')[0]}" if kind in ("Deployment", "StatefulSet", "DaemonSet") else ""


def _undecided(scene: Scene, words: str, seen: str, promised: str) -> Finding:
    remedy = "run the gate again when it is over, or give it time with settle"
    return _found(scene, "cluster.argocd.degraded", words, seen, promised, remedy, severity="insufficient")


def _found(
    scene: Scene,
    code: str,
    words: str,
    seen: str,
    promised: str,
    remedy: str,
    *,
    severity: Severity = "error",
    data: dict[str, object] | None = None,
) -> Finding:
    declared = scene.promised.argocd
    name, where = (declared.application, declared.namespace) if declared else ("", "")
    return scene.found(
        code, f"Argo CD, application {name}: {words}", f"application/{name}", seen=seen, promised=promised,
        remedy=remedy, next=scene.kubectl(f"describe {APPLICATIONS}", name, "-n", where), severity=severity,
        data={"application": name, **(data or {})},
    )  # fmt: skip
