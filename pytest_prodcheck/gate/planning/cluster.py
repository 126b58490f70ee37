"""The checks of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.loader import slug
from pytest_prodcheck.config.models import ClusterTarget, Environment
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder


def checks(environment: Environment, target: str, table: ClusterTarget) -> Iterator[Check]:
    """What its workloads, pods, images and configuration promise."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
    if environment.revision and environment.revision.of_cluster and environment.revision.target == target:
        yield build.check("test_revision")
    yield build.check("test_pods")
    of_kind = {"deployment": table.deployments, "statefulset": table.statefulsets, "daemonset": table.daemonsets}
    for kind, names in of_kind.items():
        for name in names:
            yield build.check("test_rollout", f"{kind}/{name}", parameter=f"{kind}-{slug(name)}")
    for name in table.jobs:
        yield build.check("test_job", name)
    for name in table.cronjobs:
        yield build.check("test_cronjob", name)
    for name in table.images:
        yield build.check("test_image", name)
    for key in ("restarts", "secrets", "configmaps"):
        if getattr(table, key) not in (None, {}):
            yield build.check(f"test_{key}")
    yield from _wiring(build, table)


def _wiring(build: Builder, table: ClusterTarget) -> Iterator[Check]:
    """What connects the workloads, and who deploys them."""
    for area in table.wiring or ():
        yield build.check("test_wiring", area)
    for function, promised in (
        ("test_probes", table.probes), ("test_resources", table.resources), ("test_usage", table.usage),
        ("test_argocd", table.argocd), ("test_helm", table.helm),
    ):  # fmt: skip
        if promised:
            yield build.check(function)
    operated = table.certificates or table.external_secrets
    if operated and "certificates" not in (table.wiring or ()):
        yield build.check("test_wiring", "certificates")
