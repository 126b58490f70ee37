"""The snapshot of a namespace: what `observe.cluster_needs` lists, and the details of what looks bad."""

from __future__ import annotations

from pytest_prodcheck.observe.cluster import Cluster
from pytest_prodcheck.observe.cluster_needs import ROLLOUTS, needs
from pytest_prodcheck.targets.cluster import details, wires
from pytest_prodcheck.targets.cluster.reader import Reader


def read(reader: Reader) -> Cluster:
    """All of it. Raises ApiProblem."""
    version = reader.api.version()
    reader.exists()
    for need in needs(reader.table):
        reader.one(need)
    wires.read(reader)
    details.read(reader)
    return _snapshot(reader, version)


def rolling(reader: Reader) -> Cluster:
    """No more of it than says how far the rollouts are. Raises ApiProblem."""
    for need in needs(reader.table):
        if need.resource in ROLLOUTS and reader.table.workloads.get(need.resource, ("a kind beside",)):
            reader.one(need)
    return _snapshot(reader, "")


def _snapshot(reader: Reader, version: str) -> Cluster:
    return Cluster(
        reader.namespace,
        version,
        reader.api.now,
        reader.api.way.kubectl,
        reader.tables,
        reader.objects,
        reader.known["secrets"],
        reader.known["configmaps"],
        reader.tails,
        reader.refused,
        frozenset(reader.absent),
    )
