"""The wiring of a namespace, area by area: what may not be read blocks its area alone (R22)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.models.cluster import Area
from pytest_prodcheck.criteria.cluster import (
    autoscaling,
    network_policies,
    nodes,
    operators,
    quotas,
    routes,
    services,
    staleness,
    standards,
    tls_secrets,
    values,
    wiring,
)
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.scene import Scene
from pytest_prodcheck.observe.cluster import Cluster
from pytest_prodcheck.observe.cluster_needs import AREAS, HELD
from pytest_prodcheck.observe.finding import Finding

CRITERION = "wiring"
_JUDGES: Mapping[Area, tuple[Callable[[Scene], list[Finding]], ...]] = {
    "references": (wiring.judge,),
    "values": (values.judge,),
    "stale": (staleness.judge,),
    "services": (services.judge,),
    "routes": (routes.judge,),
    "certificates": (tls_secrets.judge, operators.certificates, operators.external_secrets),
    "network": (network_policies.judge,),
    "scaling": (autoscaling.judge,),
    "quotas": (quotas.judge,),
    "releases": (standards.releases,),
    "nodes": (nodes.judge,),
}


def judge(cluster: Cluster, promised: ClusterTarget, target: str, area: Area) -> list[Finding]:
    """What is wrong in one area, and what of it we may not read."""
    scene = Scene(cluster, promised, target, CRITERION)
    listed = [one for name in AREAS[area] for one in refused(cluster, name, CRITERION, target)]
    verbs = {"secrets": "get", "configmaps": "get"}  # a release's secrets are listed for another promise
    held = [
        one
        for name in HELD.get(area, ())
        for one in refused(cluster, name, CRITERION, target, verb=verbs.get(name, ""))
    ]
    unseen = [*listed, *held]
    return [*(finding for judged in _JUDGES[area] for finding in judged(scene)), *unseen]
