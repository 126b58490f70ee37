"""What the objects of a namespace refer to: the Secrets and ConfigMaps that are named, and pods older than those."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from pytest_prodcheck.observe import cluster_references, cluster_templates
from pytest_prodcheck.observe.cluster import items, text
from pytest_prodcheck.observe.cluster_needs import HELD, Need
from pytest_prodcheck.observe.cluster_references import Reference
from pytest_prodcheck.observe.cluster_templates import Template
from pytest_prodcheck.observe.observation import Json

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cluster.snapshot import Reader

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
        for template in templates:
            for name in _candidates(reader, template):
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


def _candidates(reader: Reader, template: Template) -> list[str]:
    """The oldest pods of a workload, and some of its newest, where something that they read changed after the oldest
    may have started."""
    ages = _ages(reader, template)
    changed = max((_changed(reader, one) for one in cluster_references.of(template) if one.fixed), default=0.0)
    if not ages or not template.serves or changed <= reader.api.now - max(ages.values()):
        return []
    ordered = sorted(ages, key=lambda name: -ages[name])
    return list(dict.fromkeys([*ordered[:_OLDEST], *ordered[-_NEWEST:]]))


def _changed(reader: Reader, reference: Reference) -> float:
    held = reader.known[_RESOURCES[reference.kind]].get(reference.name) if reference.kind in _RESOURCES else None
    return held.changed_at if held else 0.0


def _ages(reader: Reader, template: Template) -> Mapping[str, float]:
    """Running pod of a workload → the greatest age in seconds that its row allows."""
    listed = reader.tables.get("pods")
    rows: Collection[dict[str, Json]] = list(listed.dicts()) if listed else ()
    return {
        str(row.get("Name")): age(str(row.get("Age")))
        for row in rows
        if str(row.get("Status")) == "Running" and cluster_templates.made(template, str(row.get("Name")))
    }


def age(shown: str) -> float:
    """Seconds that an age as kubectl shows it stands for at most: `5m30s` is less than 331."""
    parts = _AGE.findall(shown)
    return sum(int(number) * _SECONDS[unit] for number, unit in parts) + (_SECONDS[parts[-1][1]] if parts else 0.0)
