"""The frozen models of `prodcheck.toml` (interface.md §2): what one environment promises.

Strings may be references (`env:NAME`, `file:path`, `cmd:…`) until `config.references` resolves them;
a `Secret` must be one.
"""

from __future__ import annotations

from pytest_prodcheck.config.models.auth import AuthTarget, HasuraClaims, HasuraMapped, Specimens
from pytest_prodcheck.config.models.base import ClientCertificate, Model, Owned, Target, Tls, WebTarget
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
from pytest_prodcheck.config.models.environment import (
    ADDRESS_KEYS,
    TARGET_MODELS,
    Accepted,
    Environment,
    Requests,
    Revision,
)
from pytest_prodcheck.config.models.graphql import GraphqlExpectation, GraphqlSubscription, GraphqlTarget
from pytest_prodcheck.config.models.http import METHODS_THAT_READ, Cleanup, Endpoint, HttpTarget
from pytest_prodcheck.config.models.users import Login, User

__all__ = [
    "ADDRESS_KEYS",
    "METHODS_THAT_READ",
    "TARGET_MODELS",
    "Accepted",
    "ArgoCd",
    "AuthTarget",
    "Cleanup",
    "ClientCertificate",
    "ClusterTarget",
    "DatabaseTarget",
    "Endpoint",
    "Environment",
    "Explain",
    "GraphqlExpectation",
    "GraphqlSubscription",
    "GraphqlTarget",
    "HasuraClaims",
    "HasuraMapped",
    "Health",
    "Helm",
    "HttpTarget",
    "Lint",
    "Login",
    "Migrations",
    "Model",
    "Owned",
    "Pooler",
    "Query",
    "Requests",
    "Revision",
    "Rls",
    "Specimens",
    "Target",
    "Tls",
    "User",
    "WebTarget",
]
