"""What RBAC does not let us see is not judged: blocked, with the rule that is missing (R22)."""

from __future__ import annotations

from pytest_prodcheck.observe.cluster import Cluster
from pytest_prodcheck.observe.cluster_rules import rule
from pytest_prodcheck.observe.finding import Finding

FORBIDDEN = "cluster.rbac.forbidden"


def refused(cluster: Cluster, resource: str, criterion: str, target: str, subject: str = "") -> list[Finding]:
    """The finding that a criterion could not look, where the resource was refused; else none."""
    refusal = cluster.refused.get(resource)
    if refusal is None:
        return []
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
