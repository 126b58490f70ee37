"""Nodes that are lost, under pressure or cordoned, with the pods that are on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_prodcheck.criteria.cluster.scene import Scene, reason, some, when
from pytest_prodcheck.observe.cluster import Object, at, moment, name_of, text
from pytest_prodcheck.observe.cluster_parts import condition
from pytest_prodcheck.observe.finding import Finding, Severity

_PRESSURE = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def judge(scene: Scene) -> list[Finding]:
    """A node is an error where pods of the namespace are on it, a warning elsewhere."""
    on = pods_by_node(scene)
    return [finding for node in scene.listed("nodes") for finding in _node(scene, node, on.get(name_of(node), ()))]


def pods_by_node(scene: Scene) -> Mapping[str, Sequence[str]]:
    """Node → the pods on it that are not over, from the wide Table of pods."""
    found: dict[str, list[str]] = {}
    listed = scene.cluster.tables.get("pods")
    for row in listed.dicts() if listed else ():
        if str(row.get("Status")) not in ("Completed", "Evicted", "Failed"):
            found.setdefault(str(row.get("Node")), []).append(str(row.get("Name")))
    return found


def _node(scene: Scene, node: Object, pods: Sequence[str]) -> Iterator[Finding]:
    name, ready = name_of(node), condition(node, "Ready")
    status, grave = text(ready, "status"), "error" if pods else "warning"
    if status != "True":
        since = moment(ready.get("lastTransitionTime"))
        words = "does not report" if status == "Unknown" else f"is not ready: {reason(ready) or 'no condition Ready'}"
        code = "cluster.node.lost" if status == "Unknown" else "cluster.node.not_ready"
        words += f" since {when(since)}" if since else ""
        remedy = f"see the kubelet and the machine of {name}; its pods move when their toleration ends"
        yield _found(scene, name, code, words, f"Ready={status or 'missing'}", "Ready=True", remedy, pods, grave)
        return
    for kind in _PRESSURE:
        one = condition(node, kind)
        if text(one, "status") == "True":
            remedy = f"free what {name} lacks, or move pods away before they are evicted"
            words = f"reports {kind}: {reason(one)}"
            yield _found(
                scene, name, "cluster.node.pressure", words, f"{kind}=True", f"{kind}=False", remedy, pods, grave
            )
    if at(node, "spec", "unschedulable") is True:
        remedy = f"kubectl uncordon {name} is yours to run, when its maintenance is over"
        words = "is cordoned: it takes no new pod"
        yield _found(scene, name, "cluster.node.cordoned", words, "cordoned", "schedulable", remedy, pods, "warning")


def _found(
    scene: Scene,
    name: str,
    code: str,
    words: str,
    seen: str,
    promised: str,
    remedy: str,
    pods: Sequence[str],
    grave: str,
) -> Finding:
    severity: Severity = "error" if grave == "error" else "warning"
    on_it = f"; on it: {some(pods)}" if pods else ""
    data: dict[str, Any] = {"node": name, "pods": list(pods), "pod": next(iter(pods), "")}
    return scene.found(
        code, f"node {name} {words}{on_it}", f"node/{name}", seen=seen, promised=promised, remedy=remedy,
        next=scene.kubectl("describe node", name), severity=severity, data=data,
    )  # fmt: skip
