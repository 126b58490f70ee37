"""What RBAC does not let us see is not judged: blocked, with the rule that is missing (R22); nor is what every server
should serve, and this one does not."""

from __future__ import annotations

from pytest_prodcheck.observe.cluster import Cluster
from pytest_prodcheck.observe.cluster_needs import RESOURCES
from pytest_prodcheck.observe.cluster_rules import rule
from pytest_prodcheck.observe.finding import Finding

FORBIDDEN = "cluster.rbac.forbidden"
NOT_SERVED = "cluster.api.not_found"


def refused(cluster: Cluster, resource: str, criterion: str, target: str, subject: str = "") -> list[Finding]:
    """The finding that a criterion could not look, where the resource was refused, or is of Kubernetes' own and not
    served; else none."""
    refusal = cluster.refused.get(resource)
    if refusal is None:
        return _not_served(cluster, resource, criterion, target, subject)
    names = (refusal.name,) if refusal.name else ()
    thing = f"{refusal.verb} {resource}" + (f"/{refusal.name}" if refusal.name else "")
    place = refusal.namespace or cluster.namespace
    missing = rule(resource, refusal.verb, names)
    return [
        Finding(
            criterion,
            target,
            f"the runner may not {thing} in the namespace {place}: not judged",
            FORBIDDEN,
            "blocked",
            seen=refusal.message,
            subject=subject,
            remedy=f"add to a Role of {place}: {missing} (prodcheck rbac ENV prints all)",
            next=f"{cluster.kubectl.rpartition(' -n ')[0]} -n {place} auth can-i {thing}",
            data={"resource": resource, "verb": refusal.verb, "namespace": place, "rule": missing},
        )
    ]


def _not_served(cluster: Cluster, resource: str, criterion: str, target: str, subject: str) -> list[Finding]:
    kind = RESOURCES.get(resource)
    if kind is None or kind.installed or resource not in cluster.absent:
        return []
    version = f"{kind.group}/{kind.version}".lstrip("/")
    message = f"the API server does not serve {resource} in {version}: not judged"
    return [
        Finding(
            criterion, target, message, NOT_SERVED, "blocked", seen="404", promised=version, subject=subject,
            remedy=f"update the cluster to a Kubernetes that has {version}, or leave out what needs {resource}",
            next=f"{cluster.kubectl.rpartition(' -n ')[0]} api-versions",
            data={"resource": resource, "namespace": cluster.namespace},
        )
    ]  # fmt: skip
