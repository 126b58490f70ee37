"""What the objects of a namespace refer to: the Secrets and ConfigMaps that are named, and pods older than those."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_prodcheck.observe import cluster_references, cluster_templates
from pytest_prodcheck.observe.cluster import items, text
from pytest_prodcheck.observe.cluster_needs import HELD, Need
from pytest_prodcheck.observe.cluster_references import Reference
from pytest_prodcheck.observe.cluster_templates import Template

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cluster.reader import Reader

_RESOURCES = {"Secret": "secrets", "ConfigMap": "configmaps"}
_AGE = re.compile(r"(\d+)([ydhms])")
_SECONDS = {"y": 31_536_000, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_OLDEST, _NEWEST = 4, 2
"""Pods of a workload that are read in full to see what they started with; the others are taken to be like them."""


def read(reader: Reader) -> None:
    """Adds keys of what is referred to, and pods that may run with what it held before. Raises ApiProblem."""
    areas = reader.table.wiring or ()
    held = {resource for area in areas for resource in HELD.get(area, ())}
    templates = cluster_templates.of(reader.objects)
    references = [one for template in templates for one in cluster_references.of(template)]
    for kind, resource in _RESOURCES.items():
        if resource in held:
            names = {one.name for one in references if one.kind == kind}
            names |= set(_served(reader)) if kind == "Secret" and "certificates" in areas else set()
            reader.read_keys(Need(resource, "keys", "wiring", tuple(sorted(names - reader.known[resource].keys()))))
    if "stale" in areas:
        for name in _candidates(reader, templates):
            reader.read_pod(name)


def _served(reader: Reader) -> Iterator[str]:
    """Secrets whose certificates are served."""
    for ingress in reader.objects.get("ingresses.networking.k8s.io", ()):
        yield from filter(None, (text(one, "secretName") for one in items(ingress, "spec", "tls")))
    for gateway in reader.objects.get("gateways.gateway.networking.k8s.io", ()):
        for listener in items(gateway, "spec", "listeners"):
            for one in items(listener, "tls", "certificateRefs"):
                if text(one, "namespace") in ("", reader.namespace) and text(one, "name"):
                    yield text(one, "name")


def _candidates(reader: Reader, templates: Sequence[Template]) -> Iterator[str]:
    """The oldest pods of each workload, and some of its newest, where something that they read changed after the oldest
    may have started. Mostly nothing did, and then no row is looked at twice."""
    changes = {
        template: max((_changed(reader, one) for one in cluster_references.of(template) if one.fixed), default=0.0)
        for template in templates
        if template.serves
    }
    newest = max(changes.values(), default=0.0)
    running = _running(reader) if newest else {}
    if newest <= reader.api.now - max(running.values(), default=0.0):
        return
    for template, changed in changes.items():
        ages = {name: old for name, old in running.items() if cluster_templates.made(template, name)}
        if ages and changed > reader.api.now - max(ages.values()):
            ordered = sorted(ages, key=lambda name: -ages[name])
            yield from dict.fromkeys([*ordered[:_OLDEST], *ordered[-_NEWEST:]])


def _changed(reader: Reader, reference: Reference) -> float:
    held = reader.known[_RESOURCES[reference.kind]].get(reference.name) if reference.kind in _RESOURCES else None
    return max(held.changed_at, held.created_at) if held else 0.0


def _running(reader: Reader) -> Mapping[str, float]:
    """Running pod → the greatest age in seconds that its row allows."""
    listed = reader.tables.get("pods")
    if listed is None or not {"Name", "Status", "Age"} <= set(listed.columns):
        return {}
    name, status, old = (listed.columns.index(column) for column in ("Name", "Status", "Age"))
    known = lru_cache(age)
    return {str(row[name]): known(str(row[old])) for row in listed.rows if row[status] == "Running"}


def age(shown: str) -> float:
    """Seconds that an age as kubectl shows it stands for at most: `5m30s` is less than 331."""
    parts = _AGE.findall(shown)
    return sum(int(number) * _SECONDS[unit] for number, unit in parts) + (_SECONDS[parts[-1][1]] if parts else 0.0)
