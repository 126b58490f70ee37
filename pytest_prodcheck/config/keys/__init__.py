"""What each key of `prodcheck.toml` means, with an example: the words of messages, editors and documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from pytest_prodcheck.config.keys import (
    accepted,
    auth,
    cache,
    cluster,
    database,
    environment,
    graphql,
    http,
    load,
    logs,
    throwaway,
    users,
    websocket,
)
from pytest_prodcheck.config.keys.words import Words

KEYS: Mapping[str, Words] = {
    name: words
    for table in (
        environment,
        users,
        http,
        auth,
        graphql,
        websocket,
        database,
        cache,
        cluster,
        throwaway,
        logs,
        load,
        accepted,
    )
    for name, words in table.KEYS.items()
}
"""Model → its keys, in the order of docs/configuration.md."""


def example(model: type[BaseModel], key: str) -> str:
    """An example line of a key; empty where the model has no such key."""
    return KEYS.get(model.__name__, {}).get(key, ("", ""))[1]


_NAMED = frozenset({"containers", "endpoints", "users", "queries", "logins", "expect", "claims", "headers", "json",
                     "form", "env", "rows", "relations", "allowed", "subscriptions", "deployments", "statefulsets",
                     "images", "secrets", "configmaps", "forward", "hit", "scenarios", "names", "weights"})  # fmt: skip
"""Tables whose keys are names or documents, not keys of ours."""


_OUTER = {
    "http": "HttpTarget",
    "auth": "AuthTarget",
    "graphql": "GraphqlTarget",
    "database": "DatabaseTarget",
    "cache": "CacheTarget",
    "cluster": "ClusterTarget",
    "logs": "LogsTarget",
    "load": "LoadTarget",
    "websocket": "WebsocketTarget",
    "users": "User",
    "containers": "Throwaway",
    "accepted": "Accepted",
    "requests": "Requests",
    "revision": "Revision",
}
_INNER = {
    "endpoints": "Endpoint",
    "cleanup": "Cleanup",
    "expect": "GraphqlExpectation",
    "subscriptions": "GraphqlSubscription",
    "login": "Login",
    "hasura": "HasuraClaims",
    "specimens": "Specimens",
    "queries": "Query",
    "rls": "Rls",
    "lint": "Lint",
    "tls": "Tls",
    "migrations": "Migrations",
    "health": "Health",
    "pooler": "Pooler",
    "explain": "Explain",
    "argocd": "ArgoCd",
    "helm": "Helm",
    "loki": "Loki",
    "google": "Google",
    "ready": "Ready",
    "scenarios": "LoadScenario",
    "stages": "LoadStage",
    "caps": "LoadCaps",
    "round_trip": "RoundTrip",
    "serves": "Serves",
    "steps": "WebsocketStep",
}


def example_at(path: Sequence[str | int]) -> str:
    """An example line of the key at the end of a path below the environment; empty where it is no key of ours."""
    names = [part for part in path if isinstance(part, str)]
    if not names or (len(names) > 1 and names[-2] in _NAMED):
        return ""
    models = (*_models_of(names), "Environment", "Tls", "ClientCertificate")
    return next((KEYS[model][names[-1]][1] for model in models if names[-1] in KEYS[model]), "")


def _models_of(names: Sequence[str]) -> tuple[str, ...]:
    """The models of the tables that a path goes through, the innermost first."""
    outer = [_OUTER[names[0]]] if names[0] in _OUTER and len(names) > 1 else []
    return (*(_INNER[name] for name in reversed(names[1:-1]) if name in _INNER), *outer)
