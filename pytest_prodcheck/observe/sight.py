"""What a user sees of tables, as counts: what the proof of row-level security asks, and what it got. Never a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_prodcheck.observe.observation import Observation

BOUND = 10_000
"""No count goes further: a leak of ten thousand rows is proven by them."""


@dataclass(frozen=True, slots=True)
class Look:
    """One table to be counted."""

    table: str
    """`schema.name`, as the catalog has it."""
    condition: str
    """SQL that holds for the rows that the user is meant to see; `true` for all, `false` for none."""
    owner: str = ""
    """The column that the condition reads; empty where it is none of `owner`'s."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Other user → SQL that holds for that user's rows."""
    foreign: bool = False
    """Whether the condition was written by somebody else, in the configuration."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one table in somebody's eyes, each number at most `BOUND`."""

    inside: int
    """Rows for which the condition holds."""
    outside: int
    """Rows for which it does not."""
    others: Mapping[str, int] = field(default_factory=dict)
    """Other user → rows of that user's."""

    @property
    def rows(self) -> int:
        """All of them, at most `BOUND`."""
        return min(BOUND, self.inside + self.outside)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a table could not be counted."""

    code: str
    """SQLSTATE; `refused` by the guard; `timeout`, `tcp.reset` where no answer came."""
    message: str = ""
    """The server's words where they can hold no row's data; else empty."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one table shows: to our reader, before it becomes the user, and to the user."""

    table: str
    exists: bool = True
    granted: bool = True
    """Whether the user's role may SELECT from it at all."""
    owner_granted: bool = True
    """Whether it may read the column that says whose a row is."""
    reader: Counts | Failure | None = None
    """None where our reader may not read it."""
    user: Counts | Failure | None = None
    """None where it was not asked."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One user's proof: one read-only transaction, rolled back."""

    user: str
    role: str
    """SET LOCAL ROLE; empty stays with our reader."""
    observation: Observation
    sights: Mapping[str, Sight] = field(default_factory=dict)
    """`schema.name` → what was seen of it; empty where nothing could be asked."""
    role_exists: bool = True
    may_become: bool = True
    """Whether our reader may SET ROLE to it."""
    claims_missing: tuple[str, ...] = ()
    """Claims that the context or the owner columns take and that the user's token does not have."""
