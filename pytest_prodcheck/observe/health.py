"""The server's own statistics as plain data: one reading, in one round trip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """One client session of this database that has a transaction open. Ages in seconds; None where our role may not
    see them."""

    pid: int
    role: str
    application: str
    state: str
    transaction: float | None
    """Since its transaction began."""
    idle: float | None
    """Since it does nothing in it; None where it works."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One session that waits for a lock, and who blocks it."""

    pid: int
    application: str
    seconds: float | None
    lock: str
    """Mode and object: `AccessShareLock on public.tasks`."""
    blockers: tuple[int, ...]
    blocker: str
    """The first blocker in words: `pid 12 (nightly-export), idle in transaction`."""
    blocker_seconds: float | None
    """Age of the first blocker's transaction."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One standby that streams from this server."""

    application: str
    state: str
    lag: float | None
    """Seconds of replay; None where it has none, or our role may not see it."""
    behind: int | None
    """Bytes of WAL that it has not replayed."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One replication slot."""

    name: str
    active: bool
    retained: int
    """Bytes of WAL that are kept for it."""


@dataclass(frozen=True, slots=True)
class Index:
    """One index that cannot be used, or a foreign key that has none."""

    name: str
    table: str
    building: bool = False
    """Whether CREATE INDEX CONCURRENTLY is at work on it right now."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint that was added NOT VALID and never validated."""

    name: str
    table: str
    kind: str


@dataclass(frozen=True, slots=True)
class TableUse:
    """Statistics of one table of some size."""

    table: str
    live: int
    dead: int
    sequential: int
    """Sequential scans since the statistics were reset."""
    by_index: int
    analysed: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class Unindexed:
    """One foreign key whose columns begin no index of its table."""

    name: str
    table: str
    columns: str
    live: int
    sequential: int
    by_index: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One row of pg_stat_statements, without its text."""

    id: str
    calls: int
    mean: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Health:
    """One reading."""

    role: str
    privileged: bool
    """Whether our role sees the statistics of all sessions (pg_read_all_stats)."""
    in_recovery: bool
    read_only: bool
    replay_lag: float | None
    """Of a replica: seconds behind; 0 where it is connected and all that was received is replayed; None where it is
    not, and has replayed nothing since its start."""
    size: int
    cache_hits: int
    cache_reads: int
    checksum_failures: int
    reset_age: float
    """Seconds since the statistics of this database were reset, or since the server started."""
    wraparound: tuple[str, int]
    """Database with the oldest transaction id, and its age."""
    hidden: int
    """Sessions of others whose state our role may not see."""
    clients: tuple[Client, ...] = ()
    waits: tuple[Wait, ...] = ()
    replicas: tuple[Replica, ...] = ()
    slots: tuple[Slot, ...] = ()
    indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    tables: tuple[TableUse, ...] = ()
    unindexed: tuple[Unindexed, ...] = ()
    statements: tuple[Statement, ...] | None = None
    """Slowest first; None where pg_stat_statements is not there."""
    statements_hidden: int = 0
    """Statements of others that our role may not see."""
    statements_denied: bool = False
    """Whether the extension is there and our role may not read its view."""
    receives: bool = True
    """Of a replica: whether it is connected to the server that it follows."""
