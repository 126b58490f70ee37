"""The checks of `suites/cluster.py` about what connects the workloads, and who deploys them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.models.cluster import Area
from pytest_prodcheck.criteria.cluster import areas, argocd, helm, standards, usage
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.criteria.cluster.scene import Scene
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.observe.cluster_needs import WORKLOADS
from pytest_prodcheck.observe.finding import Finding


def wiring(case: Case) -> list[Finding]:
    """One area of the wiring."""
    table = case.table(ClusterTarget)
    return areas.judge(case.evidence.facts["cluster"], table, case.check.target, cast("Area", case.check.subject))


def _over(
    criterion: str, resources: tuple[str, ...], judged: Callable[[Scene], list[Finding]], verb: str = ""
) -> Judge:
    """The judge of a criterion that needs these resources (by `verb`, where it says one); one that was refused is said
    in place of it."""

    def judge(case: Case) -> list[Finding]:
        scene = Scene(case.evidence.facts["cluster"], case.table(ClusterTarget), case.check.target, criterion)
        unseen = [one for name in resources for one in refused(scene.cluster, name, criterion, scene.target, verb=verb)]
        return unseen or judged(scene)

    return judge


def application(case: Case) -> list[Finding]:
    """The Argo CD Application, at the revision that is being deployed, where Argo CD is the one to say it."""
    wanted = case.environment.revision
    asked = wanted is not None and wanted.source == "argocd" and wanted.target == case.check.target
    expected = wanted.expected if wanted and asked else ""
    return _over("argocd", (argocd.APPLICATIONS,), lambda scene: argocd.judge(scene, expected))(case)


JUDGES: Mapping[str, Judge] = {
    "test_wiring": wiring,
    "test_probes": _over("probes", WORKLOADS, standards.probes),
    "test_resources": _over("resources", WORKLOADS, standards.resources),
    "test_usage": _over("usage", (usage.METRICS, *WORKLOADS), usage.judge),
    "test_argocd": application,
    "test_helm": _over("helm", ("secrets",), helm.judge, verb="list"),
}
