"""Why one pod is not well, from its object, its events and its last words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.criteria.cluster import events, exits, waiting
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import (
    Cluster,
    Object,
    at,
    items,
    labels,
    moment,
    name_of,
    number,
    owner_kind,
    text,
)

_GONE = 60.0
"""Seconds that a pod may be late in its end."""
_WRONG_PATH = compiled(r"statuscode: (404|405)|stopped after \d+ redirects", re.IGNORECASE)
_PROBES = ("Readiness probe failed", "Startup probe failed")


def why(cluster: Cluster, pod: Object) -> Why | None:
    """The reason, the deepest first: its end, its node, its place, its containers, its probes; None for none."""
    known = events.of(cluster, "Pod", name_of(pod))
    for look in (_ending, _failed, _unplaced):
        if found := look(cluster, pod, known):
            return found
    found = next(_of_containers(cluster, pod, known), None)
    return found or _unready(cluster, pod, known)


def workload_of(pod: Object) -> str:
    """Name of the workload that the pod belongs to, without the hash that a ReplicaSet puts behind it."""
    kind, owner = owner_kind(pod)
    template = labels(pod, "metadata", "labels").get("pod-template-hash", "")
    if kind == "ReplicaSet" and template:
        return owner.removesuffix(f"-{template}")
    return owner or name_of(pod)


def _ending(cluster: Cluster, pod: Object, known: list[Object]) -> Why | None:
    ends = moment(at(pod, "metadata", "deletionTimestamp"))
    lost = text(pod, "status", "reason") == "NodeLost" or events.last(known, "NodeNotReady")
    node = text(pod, "spec", "nodeName")
    if lost and (ends or text(pod, "status", "phase") != "Succeeded"):
        says = f"its node {node} does not report" + (": it is being replaced" if ends else "")
        return Why("cluster.node.lost", says, data={"node": node, "text": events.last(known, "NodeNotReady")})
    if ends and cluster.now > ends + _GONE:
        late = (cluster.now - ends) / 60
        return Why(
            "cluster.pod.terminating", f"should have ended {late:.0f} min ago, and is still there", data={"node": node}
        )
    return None


def _failed(_: Cluster, pod: Object, known: list[Object]) -> Why | None:
    reason, message = text(pod, "status", "reason"), text(pod, "status", "message")
    if reason == "Evicted":
        said = message or events.last(known, "Evicted")
        node = text(pod, "spec", "nodeName")
        return Why(
            "cluster.pod.evicted", f"was evicted from {node or 'its node'}: {said}", data={"node": node, "text": said}
        )
    if text(pod, "status", "phase") == "Failed" and reason:
        return Why("cluster.pod.failed", f"has failed: {reason}: {message}", data={"reason": reason, "text": message})
    return None


def _unplaced(_: Cluster, pod: Object, known: list[Object]) -> Why | None:
    for condition in items(pod, "status", "conditions"):
        if condition.get("type") != "PodScheduled" or condition.get("status") != "False":
            continue
        said = text(condition, "message") or events.last(known, "FailedScheduling")
        if condition.get("reason") == "SchedulingGated":
            return Why("cluster.pod.gated", f"waits behind a scheduling gate: {said}", data={"text": said})
        return Why("cluster.pod.unschedulable", f"fits no node: {said}", f"describe pod {name_of(pod)}", {"text": said})
    return None


def _of_containers(cluster: Cluster, pod: Object, known: list[Object]) -> Iterator[Why]:
    for part, states in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
        written = {text(one, "name"): one for one in items(pod, "spec", part)}
        for status in items(pod, "status", states):
            container = written.get(text(status, "name"), status)
            found = _of_container(cluster, pod, container, status, known)
            if found:
                yield Why(found.code, found.says, found.next, {"container": text(status, "name"), **found.data})
    pending = text(pod, "status", "phase") == "Pending" and not items(pod, "status", "containerStatuses")
    if pending and (found := waiting.of_start(pod, "it", known, cluster.now)):
        yield found


def _of_container(cluster: Cluster, pod: Object, container: Object, status: Object, known: list[Object]) -> Why | None:
    tail = cluster.tails.get((name_of(pod), text(status, "name")), "")
    if isinstance(at(status, "state", "waiting"), dict):
        if found := waiting.why(pod, container, status, known, cluster.now):
            reason = text(status, "state", "waiting", "reason")
            return Why(found.code, found.says, found.next, {"reason": reason, **found.data})
        if isinstance(ended := at(status, "lastState", "terminated"), dict):
            return exits.why(pod, container, ended, known, tail)
        return None
    if isinstance(ended := at(status, "state", "terminated"), dict) and number(ended, "exitCode"):
        return exits.why(pod, container, ended, known, tail)
    return None


def restarted(cluster: Cluster, pod: Object, status: Object) -> Why | None:
    """Why a container that runs was restarted: how its last instance ended."""
    ended = at(status, "lastState", "terminated")
    if not isinstance(ended, dict):
        return None
    name = text(status, "name")
    written = {
        text(one, "name"): one for one in (*items(pod, "spec", "initContainers"), *items(pod, "spec", "containers"))
    }
    known, tail = events.of(cluster, "Pod", name_of(pod)), cluster.tails.get((name_of(pod), name), "")
    found = exits.why(pod, written.get(name, status), ended, known, tail)
    return Why(found.code, found.says, found.next, {"container": name, **found.data})


def _unready(cluster: Cluster, pod: Object, known: list[Object]) -> Why | None:
    """A pod that runs and is not ready: what its probes say."""
    conditions = {text(one, "type"): one for one in items(pod, "status", "conditions")}
    ready = conditions.get("Ready", {})
    if text(pod, "status", "phase") != "Running" or ready.get("status") != "False":
        return None
    said = next((told for words in _PROBES if (told := events.last(known, "Unhealthy", saying=words))), "")
    name = next((text(one, "name") for one in items(pod, "status", "containerStatuses") if not one.get("ready")), "")
    if not said and cluster.now - moment(at(pod, "status", "startTime")) < waiting.SLOW:
        return None  # its first probe may still be on its way
    data = {"container": name, "text": said or text(ready, "message")}
    if _WRONG_PATH.search(said) or _elsewhere(pod, name):
        return Why(
            "cluster.probe.misconfigured",
            f"a probe of {name} asks what is not served: {said}",
            f"describe pod {name_of(pod)}",
            data,
        )
    says = f"{name or 'it'} runs and is not ready: {said or text(ready, 'message')}"
    return Why("cluster.pod.not_ready", says, f"logs {name_of(pod)} --all-containers --tail=50", data)


def _elsewhere(pod: Object, name: str) -> bool:
    """Whether a probe asks a named port that its container does not have."""
    container = next((one for one in items(pod, "spec", "containers") if text(one, "name") == name), None)
    names = {text(port, "name") for port in items(container, "ports")}
    for probe in ("readinessProbe", "startupProbe"):
        for way in ("httpGet", "tcpSocket"):
            port = text(container, probe, way, "port")
            if port and not re.fullmatch(r"\d+", port) and port not in names:
                return True
    return False
