"""What a Redis says of itself, as plain data: readings of nodes, keys that were sampled, a write that was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_prodcheck.observe.observation import Observation


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica, as its primary sees it."""

    address: str
    state: str
    """`online`; anything else is on its way to it."""
    lag: int | None
    """Seconds since it last acknowledged."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node's INFO. What a server does not say is None."""

    address: str
    software: str = "redis"
    """`redis` or `valkey`."""
    version: str = ""
    run_id: str = ""
    """Another one after a restart."""
    role: str = ""
    """`primary` or `replica`."""
    link_up: bool | None = None
    """Of a replica: whether it is connected to its primary."""
    link_down: int | None = None
    """Seconds that it is not."""
    behind: int | None = None
    """Of a replica: seconds since it last heard of its primary."""
    syncing: bool = False
    replicas: tuple[Replica, ...] = ()
    used: int | None = None
    """Bytes."""
    most: int | None = None
    """maxmemory in bytes; 0 is no limit."""
    policy: str = ""
    refused: int | None = None
    """Writes that were refused for lack of memory (OOM), since the start."""
    evicted: int | None = None
    expired: int | None = None
    hits: int | None = None
    misses: int | None = None
    clients: int | None = None
    most_clients: int | None = None
    rejected: int | None = None
    """Connections that were refused for maxclients, since the start."""
    saves: bool | None = None
    """Whether the last RDB snapshot succeeded."""
    appends: bool | None = None
    """Whether the last writes to the AOF succeeded; None where there is no AOF."""
    databases: Mapping[int, int] = field(default_factory=dict)
    """Number of each database that holds keys → how many."""
    expiring: int | None = None
    """How many keys of all databases have a time to live."""
    commands: int | None = None
    """Commands that were processed since the counters were set back, or the start."""
    rewrites: bool | None = None
    """Whether the last rewrite of the AOF succeeded; None where there is no AOF."""
    mode: str = ""
    """`standalone`, `cluster`, or `sentinel`."""


@dataclass(frozen=True, slots=True)
class Slots:
    """A cluster as one of its nodes sees it."""

    state: str
    """`ok`, or `fail`."""
    covered: int
    """Hash slots that are served, of 16384."""
    failed: tuple[str, ...] = ()
    """Addresses of the nodes that are marked as failed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at all nodes."""

    nodes: tuple[Node, ...] = ()
    slots: Slots | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    """Address → why its INFO did not come: a code word (`NOPERM`) or an error class, and the words."""

    @property
    def primaries(self) -> tuple[Node, ...]:
        """The nodes that take writes."""
        return tuple(node for node in self.nodes if node.role == "primary")


@dataclass(frozen=True, slots=True)
class Keys:
    """What a bounded SCAN saw of one pattern. Names of keys are data, and are not kept."""

    pattern: str
    matched: int = 0
    """Keys that match, as far as it went."""
    whole: bool = True
    """Whether it went through all keys."""
    looked: int = 0
    """How many keys were asked for their time to live."""
    without_end: int = 0
    """Of those, how many have none."""
    shortest: int | None = None
    """Seconds: the smallest time to live that was seen."""
    database: int = 0
    databases: Mapping[int, int] = field(default_factory=dict)
    """Database → how many keys it holds."""
    asked: tuple[int, int] = (0, 0)
    """EXISTS of ours that found a key; and lookups that found none, TTL of a key that had ended among them."""
    unasked: int = 0
    """Keys that match and were not asked for their time to live: their names have control characters."""


@dataclass(frozen=True, slots=True)
class Slow:
    """One entry of the slow log: the command's name, never its arguments."""

    command: str
    seconds: float
    age: float
    """Seconds since, by the server's clock."""


@dataclass(frozen=True, slots=True)
class SlowLog:
    """The slow log's newest entries."""

    entries: tuple[Slow, ...] = ()
    logs_from: float | None = None
    """Seconds from which a command is logged; None where we may not know."""
    whole: bool = True
    """Whether these are all entries that there were: none had to make room for a newer one."""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """A service as a sentinel sees it."""

    sentinel: str
    flags: tuple[str, ...]
    """`master`, and `s_down`, `o_down` where it is."""
    sentinels: int
    quorum: int
    replicas: int
    no_quorum: str = ""
    """The sentinel's words where too few others are reachable for a failover."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the declared write."""

    command: str
    answer: str
    """What came: `OK`, a number, an error; never the value."""
    right: bool


@dataclass(frozen=True, slots=True)
class Trip:
    """The declared write and its clean-up."""

    steps: tuple[Step, ...] = ()
    written: bool = False
    gone: bool = True
    """Whether nothing of it is there any more, proven by asking."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Two requests to an endpoint, with the cache's counters before, between and after."""

    answers: tuple[Observation, ...] = ()
    hits: tuple[int, ...] = ()
    misses: tuple[int, ...] = ()
    expired: tuple[int, ...] = ()
    unread: str = ""
    """Why the counters did not come."""
