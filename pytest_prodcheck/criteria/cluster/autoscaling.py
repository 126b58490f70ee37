"""HorizontalPodAutoscalers at their ceiling or without metrics, and budgets that block every drain (B19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_prodcheck.criteria.cluster.scene import Scene, reason
from pytest_prodcheck.observe.cluster import Object, name_of, number, text
from pytest_prodcheck.observe.cluster_parts import condition, count, selects, table
from pytest_prodcheck.observe.finding import Finding

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
BUDGETS = "poddisruptionbudgets.policy"
_NO_METRICS = ("FailedGet", "InvalidMetric")
"""Prefixes of the reasons with which ScalingActive is False for want of metrics: `FailedGetResourceMetric`, …"""


def judge(scene: Scene) -> list[Finding]:
    """What each autoscaler and each budget says of itself."""
    scalers = [finding for one in scene.listed(AUTOSCALERS) for finding in _scaler(scene, one)]
    return [*scalers, *(finding for one in scene.listed(BUDGETS) for finding in _budget(scene, one))]


def _scaler(scene: Scene, scaler: Object) -> Iterator[Finding]:
    name = name_of(scaler)
    kind, scaled = text(scaler, "spec", "scaleTargetRef", "kind"), text(scaler, "spec", "scaleTargetRef", "name")
    facts = {"hpa": name, "workload": f"{kind.lower()}/{scaled}"}
    able, active = condition(scaler, "AbleToScale"), condition(scaler, "ScalingActive")
    if text(able, "status") == "False":
        yield scene.found(
            "cluster.hpa.unable_to_scale", f"HPA {name} cannot scale {kind} {scaled}: {reason(able)}", f"hpa/{name}",
            seen="AbleToScale=False", promised="AbleToScale=True", next=scene.kubectl("describe hpa", name),
            remedy=f"see that {kind} {scaled} exists and that HPA {name} may scale it", data=facts,
        )  # fmt: skip
    elif text(active, "status") == "False" and text(active, "reason") != "ScalingDisabled":
        starved = text(active, "reason").startswith(_NO_METRICS)
        remedy = "see that the metrics server answers, and set requests on every container" if starved else ""
        yield scene.found(
            "cluster.hpa.no_metrics" if starved else "cluster.hpa.unable_to_scale",
            f"HPA {name} does not scale {kind} {scaled}: {reason(active)}", f"hpa/{name}",
            seen="ScalingActive=False", promised="ScalingActive=True", next=scene.kubectl("describe hpa", name),
            remedy=remedy or f"see what HPA {name} is told to scale", data=facts,
        )  # fmt: skip
    yield from _ceiling(scene, scaler, facts)


def _ceiling(scene: Scene, scaler: Object, facts: Mapping[str, str]) -> Iterator[Finding]:
    name, most = name_of(scaler), number(scaler, "spec", "maxReplicas")
    least = count(scaler, "spec", "minReplicas", default=1)
    limited, wanted = condition(scaler, "ScalingLimited"), number(scaler, "status", "desiredReplicas")
    above = text(limited, "reason") == "TooManyReplicas" and text(limited, "status") == "True"
    if above or (most and wanted >= most > least):
        more = f" since {text(limited, 'lastTransitionTime')}: load asks for more" if above else ""
        yield scene.found(
            "cluster.hpa.at_maximum", f"HPA {name} is at maxReplicas {most}{more}", f"hpa/{name}",
            seen=f"{wanted} replicas", promised=f"< {most} replicas", severity="warning",
            remedy=f"raise maxReplicas of HPA {name}, or find out where the load comes from",
            next=scene.kubectl("describe hpa", name), data=facts,
        )  # fmt: skip


def _budget(scene: Scene, budget: Object) -> Iterator[Finding]:
    name = name_of(budget)
    expected, healthy = number(budget, "status", "expectedPods"), number(budget, "status", "currentHealthy")
    wanted, allowed = number(budget, "status", "desiredHealthy"), number(budget, "status", "disruptionsAllowed")
    unseen = number(budget, "status", "observedGeneration") < number(budget, "metadata", "generation")
    if unseen or not expected or allowed > 0:
        return
    always = wanted >= expected
    why = f"{healthy} of {wanted} needed pods are healthy"
    if always:
        why = f"it needs all {expected} pods, so no node with one of them can be drained"
    yield scene.found(
        "cluster.pdb.blocks", f"PodDisruptionBudget {name} allows no disruption: {why}", f"poddisruptionbudget/{name}",
        seen=f"{healthy} of {expected} healthy", promised="at least one disruption allowed", severity="warning",
        remedy=(f"lower minAvailable of {name}, or run more replicas" if always else
                f"see why pods of PodDisruptionBudget {name} are not healthy"),
        next=scene.kubectl("describe pdb", name),
        data={"workload": _protected(scene, budget), "healthy": healthy, "wanted": wanted, "expected": expected},
    )  # fmt: skip


def _protected(scene: Scene, budget: Object) -> str:
    """The workload that a budget is for; empty for none."""
    selector = table(budget, "spec", "selector")
    return next((one.shown for one in scene.templates() if one.serves and selects(selector, one.labels)), "")
