"""Whether everything that the pods' templates refer to exists, key by key (A11, A12, B5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from pytest_prodcheck.criteria.cluster.scene import ALIKE, Scene, keys_of, some
from pytest_prodcheck.observe import cluster_references as references
from pytest_prodcheck.observe.cluster import Keys, name_of, text
from pytest_prodcheck.observe.cluster_references import Kind, Reference
from pytest_prodcheck.observe.finding import Finding

_LISTED: Mapping[Kind, str] = {"ServiceAccount": "serviceaccounts", "PersistentVolumeClaim": "persistentvolumeclaims"}
_MISSING: Mapping[Kind, str] = {
    "Secret": "cluster.config.secret_missing",
    "ConfigMap": "cluster.config.secret_missing",
    "ServiceAccount": "cluster.config.account_missing",
    "PersistentVolumeClaim": "cluster.volume.claim_missing",
}


def judge(scene: Scene) -> list[Finding]:
    """What pods need to start and is not there. Of what may not be read nothing is said here."""
    found: list[Finding] = []
    for reference, workloads in wanted(scene).items():
        if reference.optional:
            continue
        if reference.kind in _LISTED:
            found += _by_name(scene, reference, workloads)
        elif known(scene, reference, missing=True):
            found += _by_key(scene, reference, workloads)
    return [*found, *_claims(scene)]


def wanted(scene: Scene) -> dict[Reference, tuple[str, ...]]:
    """Every reference of every template, with the workloads that have it."""
    by: dict[Reference, list[str]] = {}
    for template in scene.templates():
        for reference in references.of(template):
            by.setdefault(reference, []).append(template.shown)
    return {reference: tuple(workloads) for reference, workloads in by.items()}


def held(scene: Scene, reference: Reference) -> Keys | None:
    """The Secret or ConfigMap that is referred to; None where it is not there, or was not read."""
    store = scene.cluster.secrets if reference.kind == "Secret" else scene.cluster.configmaps
    return store.get(reference.name) if reference.kind in ("Secret", "ConfigMap") else None


def known(scene: Scene, reference: Reference, *, missing: bool = False) -> bool:
    """Whether the Secret or ConfigMap was read, or, with `missing`, is known not to be there."""
    store = scene.cluster.secrets if reference.kind == "Secret" else scene.cluster.configmaps
    return store.get(reference.name) is not None or (missing and reference.name in store)


def _by_name(scene: Scene, reference: Reference, workloads: tuple[str, ...]) -> Iterator[Finding]:
    resource = _LISTED[reference.kind]
    if resource in scene.cluster.objects and reference.name not in scene.named(resource):
        yield _absent(scene, reference, workloads, scene.named(resource))


def _by_key(scene: Scene, reference: Reference, workloads: tuple[str, ...]) -> Iterator[Finding]:
    kind, name, key, holder = reference.kind, reference.name, reference.key, held(scene, reference)
    if holder is None:
        store = scene.cluster.secrets if kind == "Secret" else scene.cluster.configmaps
        yield _absent(scene, reference, workloads, [one for one, value in store.items() if value is not None])
    elif key and key not in holder.keys:
        yield scene.found(
            "cluster.config.key_missing",
            f"{kind} {name} lacks key {key}, used by {_used(reference, workloads)}{_similar(key, holder.keys)}",
            f"{kind.lower()}/{name}", seen=keys_of(holder.keys), promised=key,
            remedy=f"add key {key} to {kind} {name}, then let the pods start again",
            next=scene.kubectl(f"describe {kind.lower()}", name), data=_facts(reference, workloads),
        )  # fmt: skip
    elif not key and reference.container and not holder.keys:
        yield scene.found(
            "cluster.config.key_missing", f"{kind} {name} is empty, used by {_used(reference, workloads)}",
            f"{kind.lower()}/{name}", seen=keys_of(()), promised="at least one key", severity="warning",
            remedy=f"fill {kind} {name}, or take the reference away",
            next=scene.kubectl(f"describe {kind.lower()}", name), data=_facts(reference, workloads),
        )  # fmt: skip


def _absent(scene: Scene, reference: Reference, workloads: tuple[str, ...], there: Iterable[str]) -> Finding:
    kind, name = reference.kind, reference.name
    return scene.found(
        _MISSING[kind],
        f"{kind} {name} does not exist, wanted by {_used(reference, workloads)}{_similar(name, there)}",
        f"{kind.lower()}/{name}", seen="missing", promised="exists",
        remedy=f"create {kind} {name} in {scene.cluster.namespace}, or correct its name in {workloads[0]}",
        next=scene.kubectl(f"get {kind.lower()}s"), data=_facts(reference, workloads),
    )  # fmt: skip


def _used(reference: Reference, workloads: tuple[str, ...]) -> str:
    return f"{reference.by} ({some(workloads)})"


def _facts(reference: Reference, workloads: tuple[str, ...]) -> dict[str, object]:
    return {
        "workload": workloads[0], "workloads": list(workloads), "kind": reference.kind, "name": reference.name,
        "key": reference.key, "variable": reference.variable, "container": reference.container,
    }  # fmt: skip


def _similar(name: str, there: Iterable[str]) -> str:
    near = get_close_matches(name, list(there), n=2, cutoff=ALIKE)
    return f"; similar: {', '.join(near)}" if near else ""


def _claims(scene: Scene) -> Iterator[Finding]:
    """Claims that are bound to no volume, or have lost it."""
    used = {one.name: workloads for one, workloads in wanted(scene).items() if one.kind == "PersistentVolumeClaim"}
    for claim in scene.listed("persistentvolumeclaims"):
        name, phase = name_of(claim), text(claim, "status", "phase")
        if phase not in ("Pending", "Lost"):
            continue
        storage = text(claim, "spec", "storageClassName") or "the default storage class"
        yield scene.found(
            "cluster.volume.claim_unbound", f"PersistentVolumeClaim {name} is {phase} ({storage})",
            f"persistentvolumeclaim/{name}", seen=phase, promised="Bound",
            severity="error" if phase == "Lost" or name in used else "warning",
            remedy=f"see why {storage} gives no volume to {name}", next=scene.kubectl("describe pvc", name),
            data={"workload": next(iter(used.get(name, ())), ""), "name": name},
        )  # fmt: skip
