"""How the pods of a namespace are while load runs: restarts by the server's Table, CPU and memory by metrics.k8s.io."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pytest_prodcheck.observe.cluster import at, items, name_of, text
from pytest_prodcheck.observe.cluster_needs import WATCHED
from pytest_prodcheck.observe.cluster_parts import quantity
from pytest_prodcheck.observe.watch import Glance
from pytest_prodcheck.targets.cluster.reader import Reader
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

_METRICS = "pods.metrics.k8s.io"
_RESTARTS = re.compile(r"\d{1,9}")
_MOST_PODS = 50
_MOST_READ = 5
"""Pods that were restarted and are read in full, to see why, in one glance."""


class Watcher:
    """Looks again and again; it knows how often each pod had been restarted before."""

    def __init__(self, reader: Callable[[], Reader], target: str) -> None:
        self._reader, self.target = reader, target
        self._before: dict[str, int] = {}
        self._first = True

    def glance(self) -> Glance:
        """One look; where it cannot look, why."""
        now = time.time()
        try:
            reader = self._reader()
            for need in WATCHED:
                reader.one(replace(need, labels=reader.table.selector))
            restarts = _restarts(reader)
            killed = self._killed(reader, restarts)
        except ApiProblem as problem:
            return Glance(self.target, now, problem=problem.code)
        used = _used(reader)
        restarted = {pod: count - self._before.get(pod, 0) for pod, count in restarts.items()}
        values = {"restarts": float(sum(number for number in restarted.values() if number > 0))}
        values |= {name: sum(one.get(name, 0.0) for pod in used.values() for one in pod.values())
                   for name in ("memory", "cpu") if used}  # fmt: skip
        shown = sorted(used, key=lambda pod: -sum(one.get("memory", 0.0) for one in used[pod].values()))[:_MOST_PODS]
        facts = {"pods": {pod: used[pod] for pod in shown}, "killed": killed,
                 "restarted": {pod: number for pod, number in restarted.items() if number > 0}}  # fmt: skip
        return Glance(self.target, now, values, facts)

    def close(self) -> None:
        """Nothing is kept open."""

    def _killed(self, reader: Reader, restarts: Mapping[str, int]) -> list[dict[str, Any]]:
        """Containers that were ended since the first glance, with the reason that the kubelet gives."""
        if self._first:
            self._before, self._first = dict(restarts), False
        rose = [pod for pod, count in restarts.items() if count > self._before.get(pod, 0)][:_MOST_READ]
        for pod in rose:
            reader.read_pod(pod)
        return [
            {"pod": name_of(pod), "container": text(status, "name"), "namespace": reader.namespace,
             "reason": str(at(status, "lastState", "terminated", "reason") or "")}
            for pod in reader.objects.get("pods", ())
            for status in items(pod, "status", "containerStatuses")
            if at(status, "lastState", "terminated", "reason")
        ]  # fmt: skip


def _restarts(reader: Reader) -> dict[str, int]:
    table = reader.tables.get("pods")
    rows = (
        [(str(row.get("Name")), _RESTARTS.match(str(row.get("Restarts", "")))) for row in table.dicts()]
        if table
        else []
    )
    return {name: int(found[0]) if found else 0 for name, found in rows}


def _used(reader: Reader) -> dict[str, dict[str, dict[str, float]]]:
    """Pod → container → bytes of memory and cores of CPU."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for pod in reader.objects.get(_METRICS, ()):
        for container in items(pod, "containers"):
            numbers = {name: quantity(at(container, "usage", name)) for name in ("memory", "cpu")}
            known = {name: number for name, number in numbers.items() if number is not None}
            found.setdefault(name_of(pod), {})[text(container, "name")] = known
    return found
