"""Declared Secrets and ConfigMaps exist with their keys; none of them is empty or malformed (A11, A13, B5, R3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.scene import ALIKE, keys_of
from pytest_prodcheck.observe.cluster import Cluster, Keys
from pytest_prodcheck.observe.finding import Finding, Severity


def keys(cluster: Cluster, resource: str, promised: Mapping[str, tuple[str, ...]], target: str) -> list[Finding]:
    """The findings about all declared objects of a kind: `secrets` or `configmaps`."""
    blocked = refused(cluster, resource, resource, target, verb="get", names=tuple(promised))
    known = cluster.secrets if resource == "secrets" else cluster.configmaps
    judged = [
        finding
        for name, wanted in promised.items()
        if name in known or not blocked
        for finding in _of_object(cluster, resource, name, known.get(name), wanted, target)
    ]
    return [*judged, *blocked]


def _of_object(
    cluster: Cluster, resource: str, name: str, found: Keys | None, wanted: tuple[str, ...], target: str
) -> Iterator[Finding]:
    kind = "Secret" if resource == "secrets" else "ConfigMap"
    if found is None:
        says = f"{kind} {name} does not exist in namespace {cluster.namespace}"
        yield _finding(cluster, resource, name, "", "cluster.config.secret_missing", says, target, seen="absent")
        return
    for key in wanted:
        facts = found.keys.get(key)
        if facts is None:
            says = f"{kind} {name} lacks the key {key}{nearest(key, found.keys, ALIKE)}"
            yield _finding(
                cluster, resource, name, key, "cluster.config.key_missing", says, target, seen=keys_of(found.keys)
            )
        elif facts.empty:
            says = f"{key} of {kind} {name} is empty"
            yield _finding(cluster, resource, name, key, "cluster.config.key_empty", says, target, seen="empty")
        elif facts.flaws:
            flaws = " and ".join(facts.flaws)
            says = f"{key} of {kind} {name} {flaws}"
            yield _finding(
                cluster, resource, name, key, "cluster.config.bad_value", says, target, "warning", seen=flaws
            )


def _finding(
    cluster: Cluster,
    resource: str,
    name: str,
    key: str,
    code: str,
    says: str,
    target: str,
    severity: Severity = "error",
    *,
    seen: str,
) -> Finding:
    kind = "Secret" if resource == "secrets" else "ConfigMap"
    data = {"object": name, "kind": kind, "key": key, "namespace": cluster.namespace, "operation": f"{kind} {name}"}
    order = f"get {resource}" if code == "cluster.config.secret_missing" else f"describe {kind.lower()} {name}"
    return Finding(resource, target, says, code, severity, seen=seen, promised=key or name,
                   subject=name, next=f"{cluster.kubectl} {order}", data=data)  # fmt: skip
