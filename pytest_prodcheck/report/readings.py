"""What would be read of a cluster, and of logs: for the plan, from the configuration alone."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import ClusterTarget, Environment, LogsTarget
from pytest_prodcheck.observe.cluster_needs import HELD, RESOURCES, Need, needs


def of(table: object, environment: Environment) -> Iterator[str]:
    """A line for each place and verb; none for targets whose checks say what they ask."""
    if isinstance(table, ClusterTarget):
        yield from _of_compose(table) if table.compose else _of_cluster(table)
    elif isinstance(table, LogsTarget):
        yield from _of_logs(table, environment)


def place(table: object) -> str:
    """Where a cluster is, as it is declared; empty for other targets."""
    if not isinstance(table, ClusterTarget):
        return ""
    if table.compose:
        return f"compose project of {', '.join(table.compose)}"
    way = "in this cluster" if table.in_cluster else f"context {table.context}" if table.context else table.kubeconfig
    return f"{way}, {_namespace(table)}"


def _namespace(table: ClusterTarget) -> str:
    return f"namespace {table.namespace}" if table.namespace else "the context's namespace"


def _of_cluster(table: ClusterTarget) -> Iterator[str]:
    asked: dict[tuple[str, str], list[str]] = {}
    for need in needs(table):
        where = f"namespace {need.namespace}" if need.namespace else _namespace(table)
        where = where if RESOURCES[need.resource].namespaced else "the cluster"
        asked.setdefault((need.verb.upper(), where), []).append(_thing(need))
    for (verb, where), things in asked.items():
        yield f"{verb} in {where}: {', '.join(dict.fromkeys(things))}"
    held = {one for area in table.wiring or () for one in HELD.get(area, ())}
    named = " and ".join(one for one in ("secrets", "configmaps") if one in held)
    if named:
        yield f"GET in {_namespace(table)}: {named} that its workloads name; no value is kept"
    yield f"GET in {_namespace(table)}: pods that look bad, and the last lines of what crashed"


def _thing(need: Need) -> str:
    selected = f" ({need.labels})" if need.labels else ""
    return " ".join([need.resource, *need.names]) + selected


def _of_compose(table: ClusterTarget) -> Iterator[str]:
    yield f"GET of the Docker daemon: containers of {', '.join(table.compose)}, their images and usage"


def _of_logs(table: LogsTarget, environment: Environment) -> Iterator[str]:
    for source in _sources(table, environment):
        yield f"{source}; since {table.since or ('rollout' if table.platform else '10m')}, {table.at_most} in all"


def _sources(table: LogsTarget, environment: Environment) -> Iterator[str]:
    if table.file:
        yield f"lines of {', '.join(table.file)}"
    if table.loki:
        yield f"GET {table.loki.url}/loki/api/v1/query_range, {table.loki.query}"
    if table.google:
        yield f"POST {table.google.url}/v2/entries:list, project {table.google.project} {table.google.filter}".rstrip()
    cluster = next(iter(environment.of_kind("cluster").values()), None)
    if table.platform and isinstance(cluster, ClusterTarget):
        only = f" ({', '.join(table.containers)})" if table.containers else ""
        if cluster.compose:
            yield f"lines of the containers of {', '.join(cluster.compose)}"
        else:
            selected = f" ({cluster.selector})" if cluster.selector else ""
            yield f"LIST pods{selected} in {_namespace(cluster)}, GET pods/log of all their containers{only}"
