"""One environment: its targets, its users, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import Field, PrivateAttr

from pytest_prodcheck.config.models.base import Model, Target
from pytest_prodcheck.config.models.http import HttpTarget
from pytest_prodcheck.config.models.throwaway import Throwaway
from pytest_prodcheck.config.models.users import User
from pytest_prodcheck.config.scalars import Count, Flag, Name, Names, Seconds, Share
from pytest_prodcheck.config.source import Source

if TYPE_CHECKING:
    from pytest_prodcheck.config.models.auth import AuthTarget
    from pytest_prodcheck.config.models.cache import CacheTarget
    from pytest_prodcheck.config.models.cluster import ClusterTarget
    from pytest_prodcheck.config.models.database import DatabaseTarget
    from pytest_prodcheck.config.models.graphql import GraphqlTarget
    from pytest_prodcheck.config.models.load import LoadTarget
    from pytest_prodcheck.config.models.logs import LogsTarget
    from pytest_prodcheck.config.models.websocket import WebsocketTarget

    AnyTarget = (
        HttpTarget
        | AuthTarget
        | GraphqlTarget
        | DatabaseTarget
        | CacheTarget
        | ClusterTarget
        | LogsTarget
        | LoadTarget
        | WebsocketTarget
    )
else:
    AnyTarget = Target  # so that no kind is loaded that is not declared; each table was validated as its own kind


class Requests(Model):
    """Caps per host; never exceeded."""

    per_second: Count = 100
    in_flight: Annotated[int, Field(strict=True, ge=1, le=500)] = 20
    at_most: Count = 1000


class Revision(Model):
    """Where the deployed system says which revision it is: over HTTP, or in its cluster."""

    source: Literal["http", "image", "argocd"] = "http"
    """`image`: the tags that the declared workloads of a cluster run; `argocd`: what its Application has synced."""
    path: str = "/"
    at: str = ""
    """Key of a JSON answer, nested by dots; empty means the whole text body, unless `header` is given."""
    header: str = ""
    expected: str = ""
    target: str = ""
    """Id of the http target, or of the cluster, that is asked; needed only where several are declared."""

    @property
    def of_cluster(self) -> bool:
        """Whether a cluster says it."""
        return self.source != "http"


class Accepted(Model):
    """A known finding, with an end."""

    code: str
    on: str = ""
    reason: Name
    owner: str = ""
    until: date


class Effectful(Protocol):
    """What is declared to change something or not: an endpoint, a step."""

    @property
    def writes(self) -> bool:
        """Whether it is declared to change something."""
        ...


class _Models(Mapping[str, type[Target]]):
    """Each model is loaded when it is asked for."""

    def __init__(self, **names: str) -> None:
        self._names = names

    def __getitem__(self, kind: str) -> type[Target]:
        model: type[Target] = getattr(import_module(f"pytest_prodcheck.config.models.{kind}"), self._names[kind])
        return model

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


TARGET_MODELS: Mapping[str, type[Target]] = _Models(
    cluster="ClusterTarget",
    http="HttpTarget",
    auth="AuthTarget",
    graphql="GraphqlTarget",
    database="DatabaseTarget",
    cache="CacheTarget",
    websocket="WebsocketTarget",
    logs="LogsTarget",
    load="LoadTarget",
)
"""Kind of target → its model. A family (`http.app`, `http.hasura`) has one entry a member in `Environment.targets`."""

ADDRESS_KEYS: Mapping[str, tuple[str, ...]] = {
    "cluster": ("context", "kubeconfig", "in_cluster", "compose"),
    "http": ("url",),
    "auth": ("issuer", "secret"),
    "graphql": ("url",),
    "database": ("dsn",),
    "cache": ("url",),
    "websocket": ("url",),
    "logs": ("file", "loki", "google"),
    "load": ("scenarios", "consent"),
}
"""The keys whose presence makes a table a target and not a family."""


class Environment(Model):
    """One `[env.NAME]`, merged with what it extends, defaults filled in."""

    name: str
    kind: Literal["production", "staging", "local", "demo"] = "staging"
    insufficient: Literal["fail", "warn"] = "fail"
    degraded: Literal["warn", "fail"] = "warn"
    confidence: Annotated[Share, Field(ge=0.5, le=0.9999)] = 0.95
    deadline: Seconds = 300.0
    requests: Requests = Field(default_factory=Requests)
    revision: Revision | None = None
    settle: Seconds = 0.0
    writes: Names = ()
    users: Mapping[Name, User] = Field(default_factory=dict)
    targets: Mapping[str, AnyTarget] = Field(default_factory=dict)
    """Target id (`http`, `http.app`, `database`) → its table."""
    containers: Mapping[Name, Throwaway] = Field(default_factory=dict)
    """Throwaway containers by name, in the order of the file."""
    setup: Names = ()
    """`[env.X.containers] setup`: commands that are run once, when the containers are ready."""
    accepted: tuple[Accepted, ...] = ()
    suites: Names = ()
    """`[prodcheck] suites`: the team's own tests."""

    def of_kind(self, kind: str) -> dict[str, Any]:
        """The targets of one kind, by id, in the file's order."""
        return {target: table for target, table in self.targets.items() if target.split(".")[0] == kind}

    commands: Flag = False
    """`[prodcheck] commands`: whether `cmd:` references may run."""
    base: str = ""
    """Absolute directory of `prodcheck.toml`: what `operations`, `suites` and `file:` are relative to."""

    _source: Source | None = PrivateAttr(None)

    def where(self, *path: str) -> str:
        """`prodcheck.toml:31` for a key path below the environment (`"users", "member", "token"`); the nearest ancestor
        where the key itself is not written; the environment's name where it was not loaded from a file."""
        return self._source.where(path) if self._source else self.name

    def permits(self, target: str, name: str, endpoint: Effectful) -> bool:
        """Whether the endpoint, or step, called `name` of `target` may be sent here: every read, and the writes that
        `writes` names (`create_order`, or `http.app.create_order`). Interface §2, "a write's name is its key"."""
        return not endpoint.writes or name in self.writes or f"{target}.{name}" in self.writes

    def http_target(self, named: str) -> str:
        """The id of the http target that is `named`, or of the first one; empty where there is none."""
        return named or next(iter(self.of_kind("http")), "")

    def permits_write(self, target: str, name: str) -> bool:
        """Whether a declared write that is no endpoint (`cache_round_trip`, or `cache.cache_round_trip`) may be done
        here."""
        return name in self.writes or f"{target}.{name}" in self.writes

    def permits_login(self, user: str) -> bool:
        """Whether the declared write `login` of a user may be done here (`login`, or `users.NAME.login`)."""
        return "login" in self.writes or f"users.{user}.login" in self.writes
