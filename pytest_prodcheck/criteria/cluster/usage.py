"""What containers use against their limits, by metrics.k8s.io (A49, B18, B22, B49)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import Comparison
from pytest_prodcheck.config.models.cluster import Resource
from pytest_prodcheck.criteria.cluster.scene import Scene
from pytest_prodcheck.observe.cluster import Object, items, name_of, text
from pytest_prodcheck.observe.cluster_parts import quantity, table
from pytest_prodcheck.observe.cluster_templates import Template, made
from pytest_prodcheck.observe.finding import Finding

METRICS = "pods.metrics.k8s.io"


def judge(scene: Scene) -> list[Finding]:
    """The promised share (`memory`, `cpu`) of each container's limit; without the metrics API nothing was seen."""
    if METRICS not in scene.cluster.objects:
        return [_unseen(scene, "the API server has no metrics.k8s.io: how much is used is not known")]
    measured = {name_of(pod): pod for pod in scene.listed(METRICS)}
    if not measured:
        return [_unseen(scene, "metrics.k8s.io knows no pod of the namespace: how much is used is not known")]
    limits = {resource: grammar.comparison(text) for resource, text in scene.promised.usage.items()}
    found: list[Finding] = []
    for name, pod in measured.items():
        template = next((one for one in scene.templates() if made(one, name)), None)
        if template is not None:
            found += _pod(scene, name, template, pod, limits)
    return found


def _pod(
    scene: Scene, pod: str, template: Template, measured: Object, limits: Mapping[Resource, Comparison | None]
) -> Iterator[Finding]:
    used = {text(one, "name"): table(one, "usage") for one in items(measured, "containers")}
    for name, container in template.running():
        given = table(container, "resources", "limits")
        for resource, limit in limits.items():
            now, most = quantity(used.get(name, {}).get(resource)), quantity(given.get(resource))
            if limit is None or now is None or not most or limit.holds(now / most):
                continue
            shown = f"{now / most:.0%} of its {resource} limit ({given.get(resource)})"
            effect = "what is above is throttled" if resource == "cpu" else "at 100% the kernel kills it"
            yield scene.found(
                "cluster.resources.near_limit",
                f"{name} of pod {pod} uses {shown}, promised {limit.text}: {effect}", f"pod/{pod}",
                seen=f"{now / most:.0%}", promised=limit.text,
                remedy=f"raise the {resource} limit of {name}, or find what uses it",
                next=scene.kubectl("top pod --containers", pod),
                data={"pod": pod, "container": name, "resource": resource, "workload": template.shown},
            )  # fmt: skip


def _unseen(scene: Scene, message: str) -> Finding:
    return scene.found(
        "cluster.resources.no_metrics", message, scene.cluster.namespace, seen="no metrics",
        promised="usage of every container", severity="insufficient",
        remedy="install metrics-server, or leave `usage` out", next=scene.kubectl("top pods"),
    )  # fmt: skip
