"""What a connection pooler says of itself, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool of PgBouncer: a database and the user that connects."""

    database: str
    user: str
    mode: str
    active: int
    """Clients that are linked to a server connection."""
    waiting: int
    """Clients that wait for one."""
    longest: float
    """Seconds that the first of them has waited."""
    servers: int
    """Server connections that are open."""
    size: int | None
    """How many there may be; None where the console does not say."""


@dataclass(frozen=True, slots=True)
class Pools:
    """All pools, and the databases that are paused or disabled."""

    pools: tuple[Pool, ...] = ()
    modes: tuple[tuple[str, str], ...] = ()
    """Database → pool mode, for those without a pool now too."""
    paused: tuple[str, ...] = ()
