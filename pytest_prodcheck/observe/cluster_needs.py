"""What must be read of a cluster to keep a configuration's promises: one list, for the reader and for RBAC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.models.cluster import Area

Form = Literal["table", "metadata", "objects", "keys", "object", "log", "forward"]
"""A Table, a Table with its objects' metadata, full objects, the keys of named ones, named objects, logs; a port that
kubectl forwards, which is the one thing that is no reading of ours."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the API serves a resource."""

    group: str
    version: str
    namespaced: bool = True
    installed: bool = False
    """Whether somebody must have installed it: its group, and its version, are asked for first."""


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
    "services": Kind("", "v1"),
    "serviceaccounts": Kind("", "v1"),
    "persistentvolumeclaims": Kind("", "v1"),
    "resourcequotas": Kind("", "v1"),
    "endpointslices.discovery.k8s.io": Kind("discovery.k8s.io", "v1"),
    "ingresses.networking.k8s.io": Kind("networking.k8s.io", "v1"),
    "networkpolicies.networking.k8s.io": Kind("networking.k8s.io", "v1"),
    "horizontalpodautoscalers.autoscaling": Kind("autoscaling", "v2"),
    "poddisruptionbudgets.policy": Kind("policy", "v1"),
    "pods.metrics.k8s.io": Kind("metrics.k8s.io", "v1beta1", installed=True),
    "httproutes.gateway.networking.k8s.io": Kind("gateway.networking.k8s.io", "v1", installed=True),
    "gateways.gateway.networking.k8s.io": Kind("gateway.networking.k8s.io", "v1", installed=True),
    "certificates.cert-manager.io": Kind("cert-manager.io", "v1", installed=True),
    "externalsecrets.external-secrets.io": Kind("external-secrets.io", "v1", installed=True),
    "applications.argoproj.io": Kind("argoproj.io", "v1alpha1", installed=True),
}
"""Resource, as `kubectl api-resources` names it → where it is served. Nothing else is asked for."""


ROLLOUTS = ("deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "applications.argoproj.io")
"""What says how far a rollout is."""


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
        if self.form == "forward":
            return "create"
        return "get" if self.form in ("keys", "object", "log") else "list"


WORKLOADS = ("deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch")
_ROUTES = ("ingresses.networking.k8s.io", "httproutes.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io")
AREAS: Mapping[Area, tuple[str, ...]] = {
    "references": ("serviceaccounts", "persistentvolumeclaims", *WORKLOADS),
    "values": WORKLOADS,
    "stale": WORKLOADS,
    "services": ("services", "endpointslices.discovery.k8s.io", *WORKLOADS),
    "routes": ("services", *_ROUTES),
    "certificates": (*_ROUTES, "certificates.cert-manager.io", "externalsecrets.external-secrets.io"),
    "network": ("services", "networkpolicies.networking.k8s.io", *WORKLOADS),
    "scaling": ("horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy"),
    "quotas": ("resourcequotas", *WORKLOADS),
    "releases": WORKLOADS,
    "nodes": ("nodes",),
}
"""Area of the wiring → what must be listed to judge it."""
HELD: Mapping[Area, tuple[str, ...]] = {
    "references": ("secrets", "configmaps"),
    "values": ("secrets", "configmaps"),
    "stale": ("secrets", "configmaps", "pods"),
    "certificates": ("secrets",),
    "network": ("configmaps",),
}
"""Area → what is read of it by name, where a listed object refers to it."""


def needs(table: ClusterTarget) -> tuple[Need, ...]:
    """All readings that the target's promises need, in the order in which they are asked for, each once."""
    once: dict[Need, Need] = {}
    for need in _needs(table):
        once.setdefault(replace(need, why=""), need)
    return tuple(once.values())


def _needs(table: ClusterTarget) -> Iterator[Need]:
    yield Need("pods", "table", "pods", labels=table.selector)
    yield Need("events", "objects", "evidence of what is wrong")
    for area in table.wiring or ():  # services first: what is kept of a value is which of them it names
        for resource in sorted(AREAS[area], key=lambda one: one != "services"):
            yield Need(resource, "objects", "wiring")
        if area == "releases":
            yield Need("replicasets.apps", "metadata", "wiring")
    for resource, names in table.workloads.items():
        if names or (resource == "deployments.apps" and table.selector):
            yield Need(resource, "objects", resource.partition(".")[0])
    if table.deployments:
        yield Need("replicasets.apps", "metadata", "deployments")
    if table.secrets:
        yield Need("secrets", "keys", "secrets", names=tuple(table.secrets))
    if table.configmaps:
        yield Need("configmaps", "keys", "configmaps", names=tuple(table.configmaps))
    yield from _of_deployers(table)
    if table.probes or table.resources or table.usage:
        yield from (Need(resource, "objects", "wiring") for resource in WORKLOADS)
    if table.usage:
        yield Need("pods.metrics.k8s.io", "objects", "usage")


def _of_deployers(table: ClusterTarget) -> Iterator[Need]:
    """Argo CD, Helm, and the operators whose objects are promised."""
    if table.argocd:
        names = (table.argocd.application,)
        yield Need("applications.argoproj.io", "object", "argocd", names, table.argocd.namespace)
    if table.helm:
        labels = f"owner=helm,name={table.helm.release}"
        yield Need("secrets", "metadata", "helm", namespace=table.helm.namespace, labels=labels)
    if table.certificates:
        yield Need("certificates.cert-manager.io", "objects", "wiring")
    if table.external_secrets:
        yield Need("externalsecrets.external-secrets.io", "objects", "wiring")


WATCHED = (Need("pods", "table", "watch"), Need("pods.metrics.k8s.io", "objects", "watch"))
"""What is read again and again while load runs."""


def on_demand(table: ClusterTarget, namespace: str) -> tuple[Need, ...]:
    """What is read only of what looks bad: single pods and their logs; and the namespace itself, by its name."""
    return (
        Need("namespaces", "object", "namespace", (namespace,)),
        Need("pods", "object", "evidence of what is wrong"),
        Need("pods/log", "log", "evidence of what is wrong"),
        *((Need("pods", "objects", "images"),) if table.images else ()),
        *(Need(one, "keys", "wiring") for area in table.wiring or () for one in HELD.get(area, ()) if one != "pods"),
        *(
            (Need("pods/portforward", "forward", "forward"), Need("services", "object", "forward"))
            if table.forward
            else ()
        ),
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
