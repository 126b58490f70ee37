"""The cause table: every code with its meaning, its remedy and the next command."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.diagnosis.kind import CauseKind
from pytest_prodcheck.diagnosis.tables import (
    auth,
    cache,
    cluster,
    cluster_access,
    cluster_pods,
    cluster_wiring,
    containers,
    database_connection,
    database_data,
    database_health,
    database_lint,
    database_migration,
    database_rls,
    database_schema,
    database_server,
    graphql,
    graphql_exposure,
    http_answer,
    http_headers,
    http_transport,
    load,
    load_judged,
    logs,
    promises,
    run,
    websocket,
)

LAYERS = (
    "config", "runner", "cluster", "database", "cache", "auth", "http", "graphql", "websocket", "logs", "load",
    "baseline", "sampling", "gate", "unknown",
)  # fmt: skip
"""Layers of causes, deepest first: a cause explains symptoms of its own layer and of later ones."""

_TABLES = (
    run.KINDS, cluster_access.KINDS, cluster.KINDS, cluster_pods.KINDS, cluster_wiring.KINDS, containers.KINDS,
    database_connection.KINDS, database_server.KINDS, database_migration.KINDS,
    database_schema.KINDS, database_rls.KINDS, database_data.KINDS,
    database_health.KINDS, database_lint.KINDS, cache.KINDS, auth.KINDS, http_transport.KINDS,
    http_answer.KINDS, http_headers.KINDS, graphql.KINDS, graphql_exposure.KINDS, websocket.KINDS, logs.KINDS,
    load.KINDS, load_judged.KINDS, promises.KINDS,
)  # fmt: skip

CAUSES: Mapping[str, CauseKind] = {kind.code: kind for table in _TABLES for kind in table}
"""Code → what is known of it. Codes are stable (interface.md §5)."""


def kind_of(code: str) -> CauseKind:
    """The row of `code`; an unlisted code gets the row of `unknown`."""
    return CAUSES.get(code, CAUSES["unknown"])


def depth(code: str) -> int:
    """Position of the code's layer: smaller is deeper."""
    return LAYERS.index(kind_of(code).layer)
