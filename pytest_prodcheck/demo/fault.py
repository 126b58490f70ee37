"""What is known about one fault of the demo; standard library only, because `prodcheck faults` lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Layer = Literal["cluster", "database", "cache", "auth", "graphql", "http", "websocket", "logs", "load"]

ROLLOUT = ("cluster::test_rollout",)
CLUSTER = ("cluster::test_pods", *ROLLOUT, "cluster::test_wiring", "cluster::test_job", "cluster::test_cronjob",
           "cluster::test_secrets", "cluster::test_configmaps", "cluster::test_argocd")  # fmt: skip
LOGS = ("logs::test_coverage", "logs::test_server_errors", "logs::test_errors", "logs::test_private",
        "logs::test_retries")  # fmt: skip
CACHE_READY = ("cache::test_ready",)
CACHE = ("cache::test_login", "cache::test_role", "cache::test_replication", "cache::test_memory",
         "cache::test_clients", "cache::test_persistence", "cache::test_keys", "cache::test_expires",
         "cache::test_evicted", "cache::test_round_trip", "cache::test_serves")  # fmt: skip
READY = ("database::test_ready",)
PROOF = ("database::test_rls_proof",)
LINT = ("database::test_lint",)
CONTRACT = ("database::test_contract",)
HEALTH = ("database::test_health",)
MIGRATIONS = ("database::test_migrations",)
UPKEEP = HEALTH + MIGRATIONS
DATABASE = ("database::test_login", "database::test_tables", "database::test_rls", "database::test_query", *PROOF,
            *LINT, *UPKEEP, *CONTRACT)  # fmt: skip
LOGIN = ("database::test_login",)
TABLES = ("database::test_tables",)
RLS = ("database::test_rls",)
QUERY = ("database::test_query",)
AUTH = ("auth::test_discovery", "auth::test_jwks", "auth::test_token", "auth::test_signature", "auth::test_claims")
SIGNATURE = ("auth::test_signature",)
TOKEN = ("auth::test_token",)
CLAIMS = ("auth::test_claims",)
JWKS = ("auth::test_jwks",)
DISCOVERY = ("auth::test_discovery",)
REFUSES_API = ("http::test_refuses",)
REFUSES_ENGINE = ("graphql::test_refuses",)
ENDPOINT = ("http::test_endpoint",)
OPERATION = ("graphql::test_operation",)
SERVICES = ENDPOINT + OPERATION
HTTP = ("http::test_endpoint", "http::test_latency", "http::test_error_rate", "http::test_revision")
GRAPHQL = ("graphql::test_health", "graphql::test_schema", "graphql::test_operation", "graphql::test_introspection",
           "graphql::test_latency")  # fmt: skip
READY_LIVE = ("websocket::test_ready",)
STEP = ("websocket::test_step",)
STABLE = ("websocket::test_stable",)
WEBSOCKET = (*STEP, *STABLE, "websocket::test_close", "websocket::test_reconnects", "websocket::test_foreign_origin",
             "websocket::test_refuses", "websocket::test_latency")  # fmt: skip
LIMITS = ("http::test_latency", "http::test_error_rate", "graphql::test_latency", "graphql::test_error_rate",
          "http::test_broken_token_refused", "graphql::test_broken_token_refused", "http::test_refuses",
          "graphql::test_refuses", "graphql::test_subscription", "graphql::test_denied", "graphql::test_metadata",
          "graphql::test_suggestions", "cache::test_serves", "cache::test_latency", *READY_LIVE,
          *WEBSOCKET)  # fmt: skip
"""Limits over all requests of a target, what compares with a good answer, and what the engine shows beside its answers:
red where enough of them fail."""


@dataclass(frozen=True)
class Fault:
    """One way to break the demo: `pytest --prodcheck=demo:NAME`.

    `explains`, `blocked` and `touches` are families of checks, `TARGET::test_NAME`, without the part in brackets.
    """

    name: str
    layer: Layer
    summary: str
    """One line: what was really changed."""
    causes: tuple[str, ...]
    """The cause codes that the gate must name, the first on top; several are several roots."""
    explains: tuple[str, ...] = ()
    """Red because of it."""
    blocked: tuple[str, ...] = ()
    """Not looked at because of it (in a family, those that need what is down)."""
    touches: tuple[str, ...] = LIMITS
    """May be red, blocked or insufficient because of it as well."""
    accept: tuple[str, ...] = ()
    """Codes that are also right in the place of the first cause."""
    mark: str = ""
    """The -m expression without which it does not show: load is opt-in."""
