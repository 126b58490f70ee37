"""Redis and Valkey: a server, a cluster, or what sentinels name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from pytest_prodcheck.config.models.base import Owned, Target, Tls
from pytest_prodcheck.config.scalars import (
    AgeLimit,
    Flag,
    Hidden,
    HiddenSecret,
    Limits,
    Name,
    Names,
    NotJudged,
    NumberLimit,
    Seconds,
    ShareLimit,
    UsageLimit,
    VersionLimit,
)

Policy = Literal[
    "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random",
    "volatile-ttl",
]  # fmt: skip
"""redis.conf, `maxmemory-policy`."""


class RoundTrip(Owned):
    """A declared write: SET of one key that nobody has, GET, TTL, DEL, and the proof that it is gone."""

    name: Name
    """The write's name, as `writes` permits it."""
    key: Name
    """Has the run's tag, `{run}`."""
    ttl: Seconds = 60.0
    """After which the server removes the key where we could not."""


class Serves(Owned):
    """An endpoint whose second answer must come out of the cache."""

    endpoint: Name
    target: str = ""
    """Id of its http target; needed only where several are declared."""
    hit: Mapping[Name, str] = Field(default_factory=dict)
    """Header → the value by which it marks an answer out of the cache, as an expectation of documents."""


class CacheTarget(Target):
    """A Redis or Valkey, seen by our reader."""

    url: Annotated[str, Hidden]
    """redis:// or rediss:// (valkey:// and valkeys:// too); of sentinels: several hosts, separated by commas."""
    tls: Tls = Field(default_factory=Tls)
    logins: Mapping[Name, str] = Field(default_factory=dict, repr=False)
    cluster: Flag = False
    """Whether it is a Redis Cluster: all its nodes are read."""
    service: str = ""
    """Name of the service that the sentinels at `url` watch."""
    sentinel_password: HiddenSecret = None
    latency: Limits = ()
    role: Literal["primary", "replica"] | None = None
    replicas: NumberLimit | None = None
    """How many replicas are connected, of each primary."""
    replication_lag: AgeLimit | NotJudged = "< 10s"
    policy: Policy | None = None
    memory: UsageLimit | NotJudged = "< 90%"
    """Of maxmemory; a server that evicts keys is judged by it only where it is declared."""
    clients: UsageLimit | NotJudged = "< 90%"
    """Of maxclients."""
    keys: Names = ()
    """Patterns of which a key must exist."""
    expires: Names = ()
    """Patterns whose keys have a time to live."""
    hit_ratio: ShareLimit | None = None
    """Over the run."""
    evicted: Annotated[int, Field(strict=True, ge=0)] | None = None
    """How many keys may be evicted during the run."""
    slow_log: AgeLimit | None = None
    """How long a command may have taken, within the last hour."""
    version: VersionLimit | None = None
    round_trip: RoundTrip | None = None
    serves: Serves | None = None

    @property
    def meant_role(self) -> Literal["primary", "replica"] | None:
        """The declared role; through sentinels, that of who takes the writes."""
        return self.role or ("primary" if self.service else None)
