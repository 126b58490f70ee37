"""What a pod template needs from other objects before its containers can start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_prodcheck.observe.cluster import Object, items, text
from pytest_prodcheck.observe.cluster_parts import table
from pytest_prodcheck.observe.cluster_templates import Template

Kind = Literal["Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim"]
_KEYS: tuple[tuple[str, Kind], ...] = (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap"))
_ALL: tuple[tuple[str, Kind], ...] = (("secretRef", "Secret"), ("configMapRef", "ConfigMap"))


@dataclass(frozen=True, slots=True)
class Reference:
    """One thing that must be there."""

    kind: Kind
    name: str
    key: str = ""
    """The key that is read; empty where the whole object is taken."""
    optional: bool = False
    by: str = ""
    """Who reads it, in words: `env DATABASE_PASSWORD of plan-app`, `volume config`."""
    variable: str = ""
    """The environment variable that it becomes."""
    container: str = ""
    fixed: bool = False
    """Whether a running container keeps what it read at its start: variables and `subPath` mounts. Other volumes are
    refreshed by the kubelet."""


def of(template: Template) -> list[Reference]:
    """All references of a template, each once."""
    found = [*_of_pod(template.spec)]
    fixed = _never_refreshed(template)
    for volume in items(template.spec, "volumes"):
        found += _of_volume(volume, fixed)
    for container, spec in template.containers():
        found += _of_container(container, spec)
    return list(dict.fromkeys(one for one in found if one.name))


def _of_pod(spec: Object) -> Iterator[Reference]:
    for one in items(spec, "imagePullSecrets"):
        yield Reference("Secret", text(one, "name"), by="imagePullSecrets")
    account = text(spec, "serviceAccountName") or text(spec, "serviceAccount")
    if account and account != "default":
        yield Reference("ServiceAccount", account, by="serviceAccountName")


def _of_container(container: str, spec: Object) -> Iterator[Reference]:
    for one in items(spec, "env"):
        variable = text(one, "name")
        for field, kind in _KEYS:
            wanted = table(one, "valueFrom", field)
            if wanted:
                yield Reference(
                    kind, text(wanted, "name"), text(wanted, "key"), wanted.get("optional") is True,
                    f"env {variable} of {container}", variable, container, fixed=True,
                )  # fmt: skip
    for one in items(spec, "envFrom"):
        for field, kind in _ALL:
            wanted = table(one, field)
            if wanted:
                optional = wanted.get("optional") is True
                by = f"envFrom of {container}"
                yield Reference(kind, text(wanted, "name"), "", optional, by, "", container, fixed=True)


def _of_volume(volume: Object, fixed: frozenset[str]) -> Iterator[Reference]:
    named = text(volume, "name")
    by, stays = f"volume {named}", named in fixed
    yield from _of_source("Secret", table(volume, "secret"), "secretName", by, stays)
    yield from _of_source("ConfigMap", table(volume, "configMap"), "name", by, stays)
    for source in items(volume, "projected", "sources"):
        yield from _of_source("Secret", table(source, "secret"), "name", by, stays)
        yield from _of_source("ConfigMap", table(source, "configMap"), "name", by, stays)
    claim = text(volume, "persistentVolumeClaim", "claimName")
    if claim:
        yield Reference("PersistentVolumeClaim", claim, by=by)


def _of_source(kind: Kind, source: Object, named: str, by: str, fixed: bool) -> Iterator[Reference]:
    if not source:
        return
    name, optional = text(source, named), source.get("optional") is True
    keys = [text(item, "key") for item in items(source, "items")]
    for key in keys or [""]:
        yield Reference(kind, name, key, optional, by, fixed=fixed)


def _never_refreshed(template: Template) -> frozenset[str]:
    """Volumes that every container mounts by `subPath`: the kubelet does not refresh those."""
    mounts = [mount for _, spec in template.containers() for mount in items(spec, "volumeMounts")]
    pinned = {text(one, "name") for one in mounts if one.get("subPath") or one.get("subPathExpr")}
    return frozenset(pinned - {text(one, "name") for one in mounts if not one.get("subPath")
                               and not one.get("subPathExpr")})  # fmt: skip
