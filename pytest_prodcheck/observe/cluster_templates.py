"""The templates from which workloads make their pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.observe.cluster import Object, items, labels, name_of, number, text
from pytest_prodcheck.observe.cluster_parts import condition, count, table

KINDS: Mapping[str, str] = {
    "deployments.apps": "deployment", "statefulsets.apps": "statefulset", "daemonsets.apps": "daemonset",
    "jobs.batch": "job", "cronjobs.batch": "cronjob",
}  # fmt: skip
"""Resource of a workload → its word in messages and commands."""


_MADE = {
    "deployment": compiled(r"-[a-z0-9]{1,10}-[a-z0-9]{5}"),
    "statefulset": compiled(r"-\d+"),
    "daemonset": compiled(r"-[a-z0-9]{5}"),
    "job": compiled(r"(-\d+)?-[a-z0-9]{5}"),
    "cronjob": compiled(r"-\d+(-\d+)?-[a-z0-9]{5}"),
}
"""What a controller puts behind the name of its workload."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The pod template of one workload."""

    kind: str
    name: str
    workload: Object
    labels: Mapping[str, str]
    spec: Object

    @property
    def shown(self) -> str:
        """`deployment/plan-app`."""
        return f"{self.kind}/{self.name}"

    @property
    def serves(self) -> bool:
        """Whether it is meant to run all the time."""
        return self.kind in ("deployment", "statefulset", "daemonset")

    @property
    def replicas(self) -> int:
        """How many pods are wanted; 1 where the API fills in the default."""
        return count(self.workload, "spec", "replicas", default=1)

    def containers(self) -> list[tuple[str, Object]]:
        """Name and spec of every container, init containers first."""
        listed = [*items(self.spec, "initContainers"), *items(self.spec, "containers")]
        return [(text(one, "name"), one) for one in listed]

    def running(self) -> list[tuple[str, Object]]:
        """Those that run beside each other: no init containers, but sidecars (which restart always)."""
        sidecars = [one for one in items(self.spec, "initContainers") if text(one, "restartPolicy") == "Always"]
        return [(text(one, "name"), one) for one in (*sidecars, *items(self.spec, "containers"))]

    def ports(self) -> list[tuple[str, str, int, str]]:
        """Container, name, number and protocol of every port that a container declares."""
        return [
            (container, text(port, "name"), number(port, "containerPort"),
             text(port, "protocol") or "TCP")
            for container, spec in self.running()
            for port in items(spec, "ports")
        ]  # fmt: skip


def of(listed: Mapping[str, tuple[Object, ...]]) -> list[Template]:
    """The templates of all workloads of a snapshot; a Job that a CronJob made, or that is over, is none of its own."""
    return [template for kind, word in KINDS.items() for one in listed.get(kind, ()) for template in _of(word, one)]


def made(template: Template, pod: str) -> bool:
    """Whether a pod of that name is one that the workload's controller made."""
    return pod.startswith(template.name) and bool(_MADE[template.kind].fullmatch(pod[len(template.name) :]))


def _of(kind: str, workload: Object) -> Iterator[Template]:
    if kind == "job" and (items(workload, "metadata", "ownerReferences") or _over(workload)):
        return
    inside = ("spec", "jobTemplate", "spec", "template") if kind == "cronjob" else ("spec", "template")
    template = table(workload, *inside)
    yield Template(kind, name_of(workload), workload, labels(template, "metadata", "labels"), table(template, "spec"))


def _over(job: Object) -> bool:
    ended = ("Complete", "Failed")
    return any(text(condition(job, kind), "status") == "True" for kind in ended)
