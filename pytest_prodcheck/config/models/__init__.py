"""The frozen models of `prodcheck.toml` (interface.md §2): what one environment promises.

Strings may be references (`env:NAME`, `file:path`, `cmd:…`) until `config.references` resolves them;
a `Secret` must be one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pytest_prodcheck.config.models.base import ClientCertificate, Model, Owned, Target, Tls, WebTarget
from pytest_prodcheck.config.models.environment import (
    ADDRESS_KEYS,
    TARGET_MODELS,
    Accepted,
    Environment,
    Requests,
    Revision,
)
from pytest_prodcheck.config.models.http import METHODS_THAT_READ, Cleanup, Endpoint, HttpTarget
from pytest_prodcheck.config.models.throwaway import Throwaway
from pytest_prodcheck.config.models.users import Login, User

if TYPE_CHECKING:
    from pytest_prodcheck.config.models.auth import AuthTarget, HasuraClaims, HasuraMapped, Specimens
    from pytest_prodcheck.config.models.cache import CacheTarget, RoundTrip, Serves
    from pytest_prodcheck.config.models.cluster import ArgoCd, ClusterTarget, Helm
    from pytest_prodcheck.config.models.database import (
        DatabaseTarget,
        Explain,
        Health,
        Lint,
        Migrations,
        Pooler,
        Query,
        Rls,
    )
    from pytest_prodcheck.config.models.graphql import GraphqlExpectation, GraphqlSubscription, GraphqlTarget
    from pytest_prodcheck.config.models.load import LoadCaps, LoadScenario, LoadStage, LoadTarget
    from pytest_prodcheck.config.models.logs import Google, LogsTarget, Loki, Ready
    from pytest_prodcheck.config.models.websocket import WebsocketStep, WebsocketTarget
else:
    _HOMES = {
        name: home
        for home, names in {
            "cluster": "ArgoCd ClusterTarget Helm",
            "cache": "CacheTarget RoundTrip Serves",
            "auth": "AuthTarget HasuraClaims HasuraMapped Specimens",
            "database": "DatabaseTarget Explain Health Lint Migrations Pooler Query Rls",
            "graphql": "GraphqlExpectation GraphqlSubscription GraphqlTarget",
            "load": "LoadCaps LoadScenario LoadStage LoadTarget",
            "logs": "Google LogsTarget Loki Ready",
            "websocket": "WebsocketStep WebsocketTarget",
        }.items()
        for name in names.split()
    }

    def __getattr__(name: str) -> object:
        """The models of a kind that no environment declares are not loaded: making them takes as long as judging an
        endpoint, each."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__} has no attribute {name}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "ADDRESS_KEYS",
    "METHODS_THAT_READ",
    "TARGET_MODELS",
    "Accepted",
    "ArgoCd",
    "AuthTarget",
    "CacheTarget",
    "Cleanup",
    "ClientCertificate",
    "ClusterTarget",
    "DatabaseTarget",
    "Endpoint",
    "Environment",
    "Explain",
    "Google",
    "GraphqlExpectation",
    "GraphqlSubscription",
    "GraphqlTarget",
    "HasuraClaims",
    "HasuraMapped",
    "Health",
    "Helm",
    "HttpTarget",
    "Lint",
    "LoadCaps",
    "LoadScenario",
    "LoadStage",
    "LoadTarget",
    "Login",
    "LogsTarget",
    "Loki",
    "Migrations",
    "Model",
    "Owned",
    "Pooler",
    "Query",
    "Ready",
    "Requests",
    "Revision",
    "Rls",
    "RoundTrip",
    "Serves",
    "Specimens",
    "Target",
    "Throwaway",
    "Tls",
    "User",
    "WebTarget",
    "WebsocketStep",
    "WebsocketTarget",
]
