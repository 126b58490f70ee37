"""Containers that run with what a Secret or ConfigMap held before it changed (A15, R4, R19)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_prodcheck.criteria.cluster import wiring
from pytest_prodcheck.criteria.cluster.scene import Scene, when
from pytest_prodcheck.observe import cluster_references as references
from pytest_prodcheck.observe.cluster import Keys, Object, Write, at, items, labels, moment, name_of, owner_kind, text
from pytest_prodcheck.observe.cluster_parts import table
from pytest_prodcheck.observe.cluster_references import Reference
from pytest_prodcheck.observe.cluster_templates import Template
from pytest_prodcheck.observe.finding import Finding

_ROUNDING = 1.0
"""Seconds: the API writes whole ones."""
_APPLIED_TOGETHER = 120.0
"""Seconds by which an object may be younger than a container that was deployed with it: a node's clock may be late."""

_TIMES = (
    "custom-columns=KIND:.kind,NAME:.metadata.name,STARTED:.status.containerStatuses[*].state.running.startedAt,"
    "WRITTEN:.metadata.managedFields[*].time"
)


@dataclass
class _Use:
    """One workload's pods and what they read."""

    write: Write
    reference: Reference
    old: dict[str, float] = field(default_factory=dict)
    """Pod → when its container started."""
    new: set[str] = field(default_factory=set)
    made_anew: bool = False
    """Whether the object itself is younger than the container, which started with another one of that name."""


def judge(scene: Scene) -> list[Finding]:
    """Variables and `subPath` files are read once, when the container starts; other volumes refresh themselves."""
    uses: dict[tuple[str, str, str], _Use] = {}
    for pod in scene.listed("pods"):
        workload = _workload(scene, pod)
        template = Template("pod", name_of(pod), pod, labels(pod, "metadata", "labels"), table(pod, "spec"))
        for reference in references.of(template) if workload else ():
            holder = wiring.held(scene, reference)
            if holder is not None and reference.fixed:
                _note(uses, workload, pod, reference, holder)
    return [_stale(scene, workload, use) for (workload, _, _), use in uses.items() if use.old]


def last_write(holder: Keys, key: str = "") -> Write | None:
    """The last time that a manager changed `key` (any key where it is empty); None where the API does not say. That it
    was made is no change of it."""
    changes = [one for one in holder.writes if one.at > holder.created_at + _ROUNDING]
    mine = [one for one in changes if not key or not one.keys or key in one.keys]
    return max(mine, key=lambda one: one.at, default=None)


def _note(
    uses: dict[tuple[str, str, str], _Use], workload: str, pod: Object, reference: Reference, holder: Keys
) -> None:
    started, name = _started(pod, reference.container), name_of(pod)
    write = last_write(holder, reference.key)
    anew = (write is None or write.at <= started + _ROUNDING) and _made_anew(holder, reference, started)
    if anew:
        write = Write(holder.created_at, only_data=False)
    if write is None or not started:
        return
    use = uses.setdefault((workload, reference.kind, reference.name), _Use(write, reference, made_anew=anew))
    if write.at > use.write.at:
        use.write, use.reference, use.made_anew = write, reference, anew
    if write.at > started + _ROUNDING:
        use.old[name] = min(started, use.old.get(name, started))
        use.new.discard(name)
    elif name not in use.old:
        use.new.add(name)


def _made_anew(holder: Keys, reference: Reference, started: float) -> bool:
    """Whether the container needed the object to start, and this one was not there: it was deleted and made anew."""
    return bool(started) and not reference.optional and holder.created_at > started + _APPLIED_TOGETHER


def _stale(scene: Scene, workload: str, use: _Use) -> Finding:
    kind, name, key = use.reference.kind, use.reference.name, use.reference.key
    what, changed, started = f"{kind} {name}", when(use.write.at), min(use.old.values())
    did = "was made anew" if use.made_anew else "changed"
    message = f"{what} {did} {changed}, {workload} runs since {when(started)}: restart needed"
    if use.new:
        message = (
            f"{what} {did} {changed}: {len(use.old)} of {len(use.old) + len(use.new)} pods of {workload} still run "
        )
        message += "with what it held before; its replicas disagree"
    if use.made_anew:
        message += " (if it holds something else than the one before, which is gone)"
    elif not use.write.only_data:
        message += " (if its data changed, and not only its labels)"
    pods = sorted(use.old)
    return scene.found(
        "cluster.config.changed_not_restarted", message, f"{kind.lower()}/{name}", seen=when(started),
        promised=f"started after {changed}", severity="error" if use.write.only_data else "warning",
        remedy=f"kubectl rollout restart {workload} is yours to run", next=_times(scene, pods, kind, name),
        data={"workload": workload, "pods": pods, "pod": pods[0], "variable": use.reference.variable, "key": key,
              "kind": kind, "name": name, "replicas_disagree": bool(use.new), "changed": use.write.at,
              "started": started},
    )  # fmt: skip


def _times(scene: Scene, pods: list[str], kind: str, name: str) -> str:
    """A command that shows when containers started, and when the object was written; no value of it is printed."""
    return scene.kubectl("get", *(f"pod/{one}" for one in pods[:3]), f"{kind.lower()}/{name}", "-o", _TIMES)


def _started(pod: Object, container: str) -> float:
    """When the container that runs now started; 0 where none does, which will read the new value."""
    for one in items(pod, "status", "containerStatuses"):
        if not container or text(one, "name") == container:
            return moment(at(one, "state", "running", "startedAt"))
    return 0.0


def _workload(scene: Scene, pod: Object) -> str:
    """`deployment/plan-app`, by the controllers that own the pod; empty where that is over or a Job's."""
    if text(pod, "metadata", "deletionTimestamp") or text(pod, "status", "phase") != "Running":
        return ""
    kind, name = owner_kind(pod)
    if kind == "ReplicaSet":
        above = owner_kind(scene.cluster.named("replicasets.apps", name) or {})[1]
        return f"deployment/{above or name.rpartition('-')[0]}"
    return f"{kind.lower()}/{name}" if kind in ("StatefulSet", "DaemonSet") else ""
