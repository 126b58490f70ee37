"""The containers that carry a revision in their images' tags, and which of them are asked for it (R18)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.criteria.cluster import blame, images, rollouts
from pytest_prodcheck.observe.cluster import Cluster, Object, items, text

_COMMIT = compiled(r"[0-9a-f]{7,64}", re.IGNORECASE)
_BARE = compiled(r"[A-Za-z0-9_-]+")
"""A key of TOML that needs no quotes."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A container that may carry the revision."""

    subject: str
    """`deployment/plan-app`."""
    workload: Object | None
    """None where the namespace has none of that name."""
    container: str
    image: str
    """As it is declared; empty where there is no such container."""
    of_several: bool = False
    """Whether its workload has other containers beside it."""

    @property
    def key(self) -> str:
        """How `images` names it."""
        name = self.subject.rpartition("/")[2]
        key = f"{name}/{self.container}" if self.of_several else name
        return key if _BARE.fullmatch(key) else f'"{key}"'

    @property
    def says(self) -> str:
        """What it has, in words."""
        if self.workload is None:
            return f"{self.subject} is not there"
        of = f" in {self.container}" if self.of_several else ""
        return f"{self.subject} has {self.image}{of}" if self.image else f"{self.subject} has no {self.container}"

    def has(self, revision: str) -> bool:
        """Whether it is declared with that revision."""
        return bool(self.image) and carries((self.image,), revision)


def named(promised: ClusterTarget) -> tuple[str, ...]:
    """The keys of `images` that name what is rolled out: those carry the revision. A job's image is no rollout."""
    known = {name for resource in rollouts.RESOURCES.values() for name in promised.workloads[resource]}
    return tuple(name for name in promised.images if name.partition("/")[0] in known)


def asked(cluster: Cluster, promised: ClusterTarget) -> Iterator[Carrier]:
    """The containers that `images` names, where it names some; else those of all declared workloads."""
    keys_named = named(promised)
    for kind, resource in rollouts.RESOURCES.items():
        for name in promised.workloads[resource]:
            keys = [one for one in keys_named if one.partition("/")[0] == name]
            if keys or not keys_named:
                yield from _of_workload(cluster.named(resource, name), f"{kind}/{name}", keys, promised)


def _of_workload(
    workload: Object | None, subject: str, keys: Sequence[str], promised: ClusterTarget
) -> Iterator[Carrier]:
    containers = list(items(workload, "spec", "template", "spec", "containers"))
    chosen = [
        text(one, "name")
        for key in keys
        for one in images.chosen(containers, key.partition("/")[2], promised.images[key])
    ]
    several = len(containers) > 1
    for one in containers:
        if not keys or text(one, "name") in chosen:
            yield Carrier(subject, workload, text(one, "name"), text(one, "image"), several)
    if not containers or (keys and not chosen):
        container = next((key.partition("/")[2] for key in keys if "/" in key), "")
        yield Carrier(subject, workload, container or "container", "", several)


def running(cluster: Cluster, carrier: Carrier) -> list[str]:
    """The images of that container in ReplicaSets with ready pods."""
    if carrier.workload is None:
        return []
    found = []
    for row, _ in blame.replica_sets(cluster, carrier.workload):
        of_set = str(row.get("Images", "")).split(",") if row.get("Ready") else []
        names = str(row.get("Containers", "")).split(",")
        known = dict(zip(names, of_set, strict=False)) if len(names) == len(of_set) else {}
        found += [known[carrier.container]] if carrier.container in known else of_set
    return found


def carries(images: tuple[str, ...], revision: str) -> bool:
    """Whether one of the images is of the revision: its tag is it, or has it as a part; commits may be abbreviated."""
    return any(said(image, revision) == revision for image in images) if revision else True


def said(image: str, revision: str) -> str:
    """The revision that an image's reference says: the wanted one where its tag or digest means it, else its tag."""
    name, _, digest = image.partition("@")
    tag = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""
    if revision and (digest == revision or tag.removeprefix("v") == revision.removeprefix("v")):
        return revision
    parts = [tag, *re.split(r"[-_.+]", tag)]
    if revision and any(same_commit(part, revision) for part in parts):
        return revision
    return tag or digest or "latest"


def same_commit(one: str, other: str) -> bool:
    """Whether two hashes are of one commit, one of them perhaps abbreviated; a short number is none."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    hashes = _COMMIT.fullmatch(short) and _COMMIT.fullmatch(long)
    return bool(hashes) and long.startswith(short) and not (short.isdigit() and len(long) < 40)
