"""What a template should have before anything goes wrong: probes, limits, a way back (A46, A55, A57, B51)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_prodcheck.criteria.cluster.scene import Scene, some
from pytest_prodcheck.observe.cluster import Object, owner_kind, text
from pytest_prodcheck.observe.cluster_parts import count, table
from pytest_prodcheck.observe.cluster_templates import Template
from pytest_prodcheck.observe.finding import Finding

_PROBES = {"readiness": "readinessProbe", "liveness": "livenessProbe", "startup": "startupProbe"}
_DIGEST = "@sha256:"


def probes(scene: Scene) -> list[Finding]:
    """The promised probes of every container that serves on a port."""
    return [
        finding
        for template in scene.templates()
        if template.serves
        for container, spec in template.running()
        if spec.get("ports")
        for finding in _probes(scene, template, container, spec)
    ]


def resources(scene: Scene) -> list[Finding]:
    """The promised requests and limits (`requests.memory`) of every container."""
    wanted = [tuple(one.split(".")) for one in scene.promised.resources]
    found: list[Finding] = []
    for template in scene.templates():
        for container, spec in template.containers():
            lacks = [".".join(path) for path in wanted if not table(spec, "resources").get(path[0])
                     or table(spec, "resources", path[0]).get(path[1]) is None]  # fmt: skip
            if lacks:
                found.append(_lacking(scene, template, container, lacks))
    return found


def releases(scene: Scene) -> list[Finding]:
    """How each workload is replaced: a tag that says what runs, no gap, a version to go back to."""
    return [finding for one in scene.templates() if one.serves for finding in _release(scene, one)]


def _probes(scene: Scene, template: Template, container: str, spec: Object) -> Iterator[Finding]:
    missing = [one for one in scene.promised.probes if not table(spec, _PROBES[one])]
    if missing:
        yield scene.found(
            "cluster.probe.missing", f"{container} of {template.shown} has no {' and no '.join(missing)} probe",
            template.shown, seen=some([one for one in _PROBES if table(spec, _PROBES[one])]) or "none",
            promised=", ".join(scene.promised.probes), remedy=f"give {container} a {missing[0]} probe",
            next=scene.kubectl("describe", template.shown), data={"workload": template.shown, "container": container},
        )  # fmt: skip
    ports = {port for _, named, number, _ in template.ports() for port in (named, number)}
    for name, key in _PROBES.items():
        port = table(spec, key, "httpGet").get("port") or table(spec, key, "tcpSocket").get("port")
        asked = int(port) if isinstance(port, str) and port.isdecimal() and len(port) < 6 else port
        if asked is not None and asked not in ports:
            yield scene.found(
                "cluster.probe.misconfigured",
                f"the {name} probe of {container} ({template.shown}) asks port {port}, which no container declares",
                template.shown, seen=str(port), promised=some([str(one) for one in ports if one], 5),
                severity="error" if isinstance(asked, str) else "warning",
                remedy=f"set the port of the {name} probe to one that {container} listens on",
                next=scene.kubectl("describe", template.shown),
                data={"workload": template.shown, "container": container, "probe": name},
            )  # fmt: skip


def _lacking(scene: Scene, template: Template, container: str, lacks: Sequence[str]) -> Finding:
    return scene.found(
        "cluster.resources.missing", f"{container} of {template.shown} has no {', no '.join(lacks)}", template.shown,
        seen="none", promised=", ".join(scene.promised.resources),
        remedy=f"give {container} resources: {', '.join(lacks)}",
        next=scene.kubectl("describe", template.shown), data={"workload": template.shown, "container": container},
    )  # fmt: skip


def _release(scene: Scene, template: Template) -> Iterator[Finding]:
    for container, spec in template.containers():
        image = text(spec, "image")
        if image and _DIGEST not in image and image.rpartition("/")[2].partition(":")[2] in ("", "latest"):
            yield _warned(
                scene, template, "cluster.image.latest",
                f"{container} of {template.shown} runs {image}: a restart may bring another version", image,
                "a tag or digest that stays", f"name a version of {image}",
            )  # fmt: skip
    if template.kind == "deployment":
        yield from _deployment(scene, template)


def _deployment(scene: Scene, template: Template) -> Iterator[Finding]:
    workload, name = template.workload, template.name
    kept = count(workload, "spec", "revisionHistoryLimit", default=10)
    sets = scene.cluster.tables.get("replicasets.apps")
    earlier = [one for one in sets.metadata if owner_kind(one) == ("Deployment", name)] if sets else []
    if kept == 0:
        yield _warned(
            scene, template, "cluster.rollout.no_earlier_revision",
            f"{template.shown} keeps no earlier ReplicaSet (revisionHistoryLimit 0): it cannot be rolled back", "0",
            ">= 1", f"set revisionHistoryLimit of {name} to 1 or more",
        )  # fmt: skip
    elif sets and len(earlier) < 2 and _revision(workload) > 1:
        yield _warned(
            scene, template, "cluster.rollout.no_earlier_revision",
            f"{template.shown} is at revision {_revision(workload)} and no earlier ReplicaSet is left to go back to",
            f"{len(earlier)} ReplicaSet", ">= 2", f"keep the ReplicaSets of {name} that are scaled to zero",
        )  # fmt: skip
    strategy = table(workload, "spec", "strategy")
    whole = table(strategy, "rollingUpdate").get("maxUnavailable") in ("100%", template.replicas)
    if text(strategy, "type") == "Recreate" or (whole and template.replicas):
        how = "Recreate" if not whole else f"maxUnavailable {table(strategy, 'rollingUpdate').get('maxUnavailable')}"
        yield _warned(
            scene, template, "cluster.rollout.recreate",
            f"strategy of {template.shown} is {how}: each deploy has downtime", how, "RollingUpdate",
            f"use RollingUpdate with maxUnavailable 0 for {name}, if two versions may run beside each other",
        )  # fmt: skip


def _revision(workload: Object) -> int:
    said = table(workload, "metadata", "annotations").get("deployment.kubernetes.io/revision")
    return int(said) if isinstance(said, str) and said.isdecimal() and len(said) < 10 else 0


def _warned(
    scene: Scene, template: Template, code: str, message: str, seen: str, promised: str, remedy: str
) -> Finding:
    command = "rollout history" if template.kind == "deployment" else "describe"
    return scene.found(
        code, message, template.shown, seen=seen, promised=promised, severity="warning", remedy=remedy,
        next=scene.kubectl(command, template.shown), data={"workload": template.shown},
    )  # fmt: skip
