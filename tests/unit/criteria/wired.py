"""A small namespace that is wired rightly, as an API server gives it, and what it becomes when something is changed."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.models.cluster import Area
from pytest_prodcheck.criteria.cluster import areas
from pytest_prodcheck.observe.cluster import Cluster, Keys, Refusal, Table, moment, name_of
from pytest_prodcheck.observe.cluster_objects import keys, pruned
from pytest_prodcheck.observe.finding import Finding

NOW = moment("2026-11-29T12:00:00Z")
NAMESPACE = "plan-prod"
PROMISED = ClusterTarget(context="lab", namespace=NAMESPACE)
Objects = dict[str, list[dict[str, Any]]]


BY_NAME = ("secrets", "configmaps")
"""Resources that are never listed for what refers to them."""


def meta(name: str, **more: Any) -> dict[str, Any]:
    """The metadata of an object of the namespace."""
    return {"name": name, "namespace": NAMESPACE, "labels": {"app": name}, **more}


def secret_env(variable: str, key: str, name: str = "plan-secrets") -> dict[str, Any]:
    """A variable that takes a key of a Secret."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


def workload(name: str, port: int, env: list[dict[str, Any]], **container: Any) -> dict[str, Any]:
    """A Deployment or StatefulSet with one container."""
    main = {"name": name, "image": f"images.test/{name}:1", "ports": [{"name": "main", "containerPort": port}],
            "env": env, **container}  # fmt: skip
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [main]}}
    return {"metadata": meta(name), "spec": {"replicas": 2, "template": template}}


def service(name: str, port: int) -> dict[str, Any]:
    """A Service that leads to the port `main` of the pods of that name."""
    ports = [{"name": "http", "port": port, "targetPort": "main"}]
    return {"metadata": meta(name), "spec": {"selector": {"app": name}, "ports": ports}}


def slices(name: str, *ready: bool) -> dict[str, Any]:
    """The EndpointSlice of a Service: one address a pod."""
    endpoints = [{"addresses": [f"10.0.0.{at}"], "conditions": {"ready": one}} for at, one in enumerate(ready)]
    return {"metadata": meta(f"{name}-x", labels={"kubernetes.io/service-name": name}), "endpoints": endpoints}


def held(name: str, values: Mapping[str, str], *, at: str = "2026-11-01T00:00:00Z", **fields: Any) -> dict[str, Any]:
    """A ConfigMap that somebody wrote then."""
    owned = {"f:data": {f"f:{key}": {} for key in values}, **fields}
    return {
        "metadata": meta(
            name, creationTimestamp="2026-10-01T00:00:00Z", managedFields=[{"time": at, "fieldsV1": owned}]
        ),
        "data": dict(values),
    }


def secret(name: str, values: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """A Secret that somebody wrote."""
    plain = held(name, values, **more)
    return {**plain, "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}


def pod(name: str, owner: tuple[str, str], started: str, containers: list[dict[str, Any]]) -> dict[str, Any]:
    """A pod whose first container runs since then."""
    owners = [{"kind": owner[0], "name": owner[1], "controller": True, "uid": "u"}]
    status = {"name": containers[0]["name"], "state": {"running": {"startedAt": started}}}
    return {"metadata": meta(name, ownerReferences=owners), "spec": {"containers": containers},
            "status": {"phase": "Running", "containerStatuses": [status]}}  # fmt: skip


HEALTHY: Objects = {
    "deployments.apps": [
        workload("app", 3000, [
            secret_env("DATABASE_PASSWORD", "DATABASE_PASSWORD"),
            secret_env("NUXT_SESSION_PASSWORD", "SESSION_PASSWORD"),
            {"name": "DATABASE_URL", "value": "postgres://app:$(DATABASE_PASSWORD)@postgres:5432/plan"},
            {"name": "OPTIONAL", "valueFrom": {"secretKeyRef": {"name": "none", "key": "K", "optional": True}}},
        ], envFrom=[{"configMapRef": {"name": "plan-config"}}]),
    ],
    "statefulsets.apps": [workload("postgres", 5432, [])],
    "services": [service("app", 80), service("postgres", 5432)],
    "endpointslices.discovery.k8s.io": [slices("app", True, False), slices("postgres", True)],
    "serviceaccounts": [{"metadata": meta("runner")}],
    "persistentvolumeclaims": [{"metadata": meta("data"), "spec": {}, "status": {"phase": "Bound"}}],
    "secrets": [secret("plan-secrets", {"DATABASE_PASSWORD": "canary-password", "SESSION_PASSWORD": "canary-" * 6})],
    "configmaps": [held("plan-config", {"GQL_HOST": "https://hasura.plan.example/v1/graphql"})],
}  # fmt: skip


def objects(**changed: list[dict[str, Any]]) -> Objects:
    """The healthy objects, to be changed; a keyword puts other ones in the place of a resource's."""
    found = copy.deepcopy(HEALTHY)
    found.update({name.replace("__", "."): copy.deepcopy(many) for name, many in changed.items()})
    return found


def cluster(found: Objects, *, refused: tuple[str, ...] = (), rows: tuple[tuple[str, ...], ...] = ()) -> Cluster:
    """The snapshot of these objects, as the reader keeps them. `rows` are those of the Table of pods."""
    services = [name_of(one) for one in found["services"]]
    table = Table(("Name", "Status", "Age", "Node"), rows)
    return Cluster(
        NAMESPACE, "v1.34.4", NOW, "kubectl --context lab -n plan-prod", tables={"pods": table},
        objects={
            name: tuple(pruned(one, services) for one in many)
            for name, many in found.items() if name not in ("secrets", "configmaps")
        },
        secrets=_kept(found, "secrets", services), configmaps=_kept(found, "configmaps", services),
        refused={
            name: (Refusal(name, "get" if name in BY_NAME else "list", f"{name} is forbidden", NAMESPACE),)
            for name in refused
        },
    )  # fmt: skip


def judged(area: Area, found: Objects | Cluster, promised: ClusterTarget = PROMISED) -> list[Finding]:
    """What is found in an area."""
    seen = found if isinstance(found, Cluster) else cluster(found)
    return areas.judge(seen, promised, "cluster", area)


def _kept(found: Objects, resource: str, services: list[str]) -> dict[str, Keys | None]:
    kept: dict[str, Keys | None] = {"none": None, "missing": None}
    for one in found[resource]:
        known = keys(one, encoded=resource == "secrets", services=services)
        kept[known.name] = replace(known, certificate=one.get("certificate"))
    return kept
