"""What RBAC does not let us see is not judged: blocked, with the rule that is missing (R22); nor is what every server
should serve, and this one does not."""

from __future__ import annotations

from collections.abc import Collection

from pytest_prodcheck.criteria.cluster.scene import some
from pytest_prodcheck.observe.cluster import Cluster, Refusal
from pytest_prodcheck.observe.cluster_needs import RESOURCES
from pytest_prodcheck.observe.cluster_rules import rule
from pytest_prodcheck.observe.finding import Finding

_EVIDENCE = ("namespaces", "events", "pods/log")
"""What says why something is wrong; that it is, is seen without it."""
FORBIDDEN = "cluster.rbac.forbidden"
NOT_SERVED = "cluster.api.not_found"


def refused(
    cluster: Cluster,
    resource: str,
    criterion: str,
    target: str,
    subject: str = "",
    *,
    verb: str = "",
    names: Collection[str] = (),
) -> list[Finding]:
    """The findings that a criterion could not look, where the resource was refused, or is of Kubernetes' own and not
    served; else none. With `verb` only what needs that one counts, with `names` what is about one of those objects, or
    about all."""
    found = [
        one
        for one in cluster.refused.get(resource, ())
        if verb in ("", one.verb) and (not names or not one.names or set(names) & set(one.names))
    ]
    if not found:
        return _not_served(cluster, resource, criterion, target, subject)
    return [of(cluster, one, criterion, target, subject) for one in found]


def needed(cluster: Cluster, target: str) -> list[Finding]:
    """All refusals that block a check; without the others only evidence is missing, of what is found all the same."""
    return [
        of(cluster, one, "ready", target)
        for resource, refusals in cluster.refused.items()
        if resource not in _EVIDENCE
        for one in refusals
    ]


def of(cluster: Cluster, refusal: Refusal, criterion: str, target: str, subject: str = "") -> Finding:
    """The finding that one refusal is, with the rule that would permit it."""
    thing = f"{refusal.verb} {refusal.resource}" + (f"/{some(refusal.names)}" if refusal.names else "")
    place = refusal.namespace or cluster.namespace
    missing = rule(refusal.resource, refusal.verb, refusal.names)
    first = f"/{refusal.names[0]}" if refusal.names else ""
    return Finding(
        criterion,
        target,
        f"the runner may not {thing} in the namespace {place}: not judged",
        FORBIDDEN,
        "blocked",
        seen=refusal.message,
        subject=subject,
        remedy=f"add to a Role of {place}: {missing} (prodcheck rbac ENV prints all)",
        next=f"{cluster.kubectl.rpartition(' -n ')[0]} -n {place} auth can-i {refusal.verb} {refusal.resource}{first}",
        data={"resource": refusal.resource, "verb": refusal.verb, "namespace": place, "rule": missing},
    )


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
