"""`prodcheck rbac ENV`: the least rights that an environment's cluster checks need, as YAML for `kubectl apply`."""

from __future__ import annotations

import os

from pytest_prodcheck.config.models import ClusterTarget, Environment
from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.observe.cluster_needs import WATCHED, needs, on_demand
from pytest_prodcheck.observe.cluster_rules import roles


def lines(environment: Environment) -> list[str]:
    """The Roles, one a namespace, of each cluster of the environment; nothing is sent. Raises UsageProblem where there
    is none, or where its namespace is only in a kubeconfig that cannot be read."""
    found: list[str] = []
    watched = WATCHED if environment.of_kind("load") else ()
    for target, table in environment.targets.items():
        if isinstance(table, ClusterTarget):
            namespace = table.namespace or _namespace(target, table)
            found += [
                f"# {environment.name}: {target}",
                *roles([*needs(table), *on_demand(table, namespace), *watched], namespace),
            ]
    if not found:
        raise UsageProblem(f"{environment.name} has no cluster; declare [env.{environment.name}.cluster]")
    return found


def _namespace(target: str, table: ClusterTarget) -> str:
    from pytest_prodcheck.targets.kubernetes.kubeconfig import access
    from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

    try:
        return access(target, table, os.environ).namespace
    except ApiProblem as problem:
        raise UsageProblem(f"{problem}; or say namespace in [env.X.{target}]") from None
