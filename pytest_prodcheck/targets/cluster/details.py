"""The full objects of pods that look bad in their Table, and the last words of what crashed: a few of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_prodcheck.observe.cluster import Object, items, labels, name_of, number, text
from pytest_prodcheck.observe.cluster_needs import Need
from pytest_prodcheck.observe.cluster_rows import unwell
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cluster.reader import Reader

_OF_A_KIND, _AT_MOST = 2, 16
"""Pods that fail alike are read in full up to here; the others are named with what their rows say."""
_LINES = 20
_FEW = 50
"""Pods of a namespace that is read in full."""


def read(reader: Reader) -> None:
    """Adds to the reader's objects and tails. Raises ApiProblem."""
    table = reader.tables.get("pods")
    if table is not None and len(table.rows) <= _FEW:
        _all_pods(reader)
    else:
        _some_pods(reader)
    bad = set(_chosen(reader))
    for pod in reader.objects.get("pods", ()):
        for container, previous in _crashed(pod) if name_of(pod) in bad else ():
            _tail(reader, name_of(pod), container, previous=previous)


def _all_pods(reader: Reader) -> None:
    """Of a small namespace all pods at once: one LIST instead of several GETs."""
    need = Need("pods", "objects", "evidence of what is wrong", labels=reader.table.selector)
    found = reader.allowed(
        need, reader.namespace, lambda: reader.api.list("pods", reader.namespace, labels=need.labels)
    )
    if found is not None:
        reader.keep("pods", found.items)


def _some_pods(reader: Reader) -> None:
    for name in _chosen(reader):
        reader.read_pod(name)
    for resource, names in reader.table.workloads.items():
        for workload in reader.objects.get(resource, ()):
            if name_of(workload) in names and _has_image(reader, name_of(workload)):
                _pods_of(reader, workload)


def _chosen(reader: Reader) -> list[str]:
    table = reader.tables.get("pods")
    groups: dict[tuple[str, str], list[str]] = {}
    for row in unwell(table) if table else ():
        name = str(row.get("Name"))
        kin = groups.setdefault((name.rpartition("-")[0], str(row.get("Status"))), [])
        if len(kin) < _OF_A_KIND:
            kin.append(name)
    return [name for kin in groups.values() for name in kin][:_AT_MOST]


def _has_image(reader: Reader, name: str) -> bool:
    return any(promised.partition("/")[0] == name for promised in reader.table.images)


def _pods_of(reader: Reader, workload: Object) -> None:
    """All pods of a workload whose image is promised: only they say which digest runs."""
    selector = ",".join(f"{key}={value}" for key, value in labels(workload, "spec", "selector", "matchLabels").items())
    need = Need("pods", "objects", "images", labels=selector)
    if selector and (found := reader.allowed(need, reader.namespace, lambda: reader.api.list(
        "pods", reader.namespace, labels=selector))) is not None:  # fmt: skip
        reader.keep("pods", found.items)


def _crashed(pod: Object) -> Iterator[tuple[str, bool]]:
    """Containers that ended badly, and whether it was the instance before the one that is there now."""
    for key in ("initContainerStatuses", "containerStatuses"):
        for status in items(pod, "status", key):
            if number(status, "lastState", "terminated", "exitCode"):
                yield text(status, "name"), True
            elif number(status, "state", "terminated", "exitCode"):
                yield text(status, "name"), False


def _tail(reader: Reader, pod: str, container: str, *, previous: bool) -> None:
    need = Need("pods/log", "log", "")
    try:
        said = reader.allowed(need, reader.namespace, lambda: reader.api.log(
            pod, container, reader.namespace, previous=previous, lines=_LINES))  # fmt: skip
    except ApiProblem as problem:
        if problem.status not in (400, 404):  # the container runtime has thrown it away, or the pod is gone
            raise
        return
    if said:
        reader.tails[(pod, container)] = reader.clean(said)
