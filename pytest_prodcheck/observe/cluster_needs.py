"""What must be read of a cluster to keep a configuration's promises: one list, for the reader and for RBAC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_prodcheck.config.models import ClusterTarget

Form = Literal["table", "metadata", "objects", "keys", "object", "log"]
"""A Table, a Table with its objects' metadata, full objects, the keys of named ones, named objects, logs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the API serves a resource."""

    group: str
    version: str
    namespaced: bool = True


RESOURCES: Mapping[str, Kind] = {
    "namespaces": Kind("", "v1", namespaced=False),
    "nodes": Kind("", "v1", namespaced=False),
    "pods": Kind("", "v1"),
    "events": Kind("", "v1"),
    "secrets": Kind("", "v1"),
    "configmaps": Kind("", "v1"),
    "deployments.apps": Kind("apps", "v1"),
    "replicasets.apps": Kind("apps", "v1"),
    "statefulsets.apps": Kind("apps", "v1"),
    "daemonsets.apps": Kind("apps", "v1"),
    "controllerrevisions.apps": Kind("apps", "v1"),
    "jobs.batch": Kind("batch", "v1"),
    "cronjobs.batch": Kind("batch", "v1"),
}
"""Resource, as `kubectl api-resources` names it → where it is served. Nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Need:
    """One reading: a LIST, or a GET of each of `names`."""

    resource: str
    form: Form
    why: str
    """The key whose promise needs it."""
    names: tuple[str, ...] = ()
    namespace: str = ""
    """Where, if not in the target's own namespace."""
    labels: str = ""
    """Label selector of a LIST."""

    @property
    def verb(self) -> str:
        """The verb that RBAC knows it by."""
        return "get" if self.form in ("keys", "object", "log") else "list"


def needs(table: ClusterTarget) -> tuple[Need, ...]:
    """All readings that the target's promises need, in the order in which they are asked for."""
    return tuple(_needs(table))


def _needs(table: ClusterTarget) -> Iterator[Need]:
    yield Need("pods", "table", "pods", labels=table.selector)
    yield Need("events", "objects", "evidence of what is wrong")
    for resource, names in table.workloads.items():
        if names or (resource == "deployments.apps" and table.selector):
            yield Need(resource, "objects", resource.partition(".")[0])
    if table.deployments:
        yield Need("replicasets.apps", "metadata", "deployments")
    if table.secrets:
        yield Need("secrets", "keys", "secrets", names=tuple(table.secrets))
    if table.configmaps:
        yield Need("configmaps", "keys", "configmaps", names=tuple(table.configmaps))


def on_demand(table: ClusterTarget, namespace: str) -> tuple[Need, ...]:
    """What is read only of what looks bad: single pods and their logs; and the namespace itself, by its name."""
    return (
        Need("namespaces", "object", "namespace", (namespace,)),
        Need("pods", "object", "evidence of what is wrong"),
        Need("pods/log", "log", "evidence of what is wrong"),
        *((Need("pods", "objects", "images"),) if table.images else ()),
    )


def merged(found: Iterable[Need]) -> dict[tuple[str, str], dict[str, tuple[str, ...]]]:
    """(namespace, resource) → verb → names; no names stand for all objects."""
    rules: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for need in found:
        verbs = rules.setdefault((need.namespace, need.resource), {})
        known = verbs.get(need.verb)
        everything = not need.names or known == ()
        verbs[need.verb] = () if everything else tuple(dict.fromkeys([*(known or ()), *need.names]))
    return rules
