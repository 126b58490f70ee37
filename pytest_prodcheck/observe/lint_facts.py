"""What only the lint asks of a database: indexes, foreign keys, functions, extensions, statistics. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Index:
    """One index; its table as `schema.name`."""

    table: str
    name: str
    columns: tuple[str, ...]
    """Its key columns in order; empty text for an expression."""
    constraint: bool
    """Whether a primary, unique or exclusion constraint rests on it, or it is unique."""
    partial: bool
    valid: bool
    definition: str
    """Without its name: equal for indexes that do the same."""
    scans: int
    """Since the statistics began."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key; tables as `schema.name`."""

    table: str
    name: str
    columns: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Routine:
    """One function or procedure that no extension brought."""

    schema: str
    name: str
    arguments: str
    definer: bool
    pinned: bool
    """Whether it sets its own `search_path`."""
    trigger: bool
    owner: str
    acl: tuple[str, ...]
    """Grants as aclitem text; empty means the default: everybody may execute it."""

    @property
    def qualified(self) -> str:
        """`schema.name(arguments)`."""
        return f"{self.schema}.{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True)
class Extension:
    """One installed extension."""

    name: str
    schema: str
    installed: str
    available: str
    """The version that the server's files would install now; empty where they are gone."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the statistics say of a table (`pg_stat_user_tables`)."""

    table: str
    live: int
    dead: int


@dataclass(frozen=True, slots=True)
class LintFacts:
    """All of it."""

    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    routines: tuple[Routine, ...] = ()
    extensions: tuple[Extension, ...] = ()
    rows: tuple[Rows, ...] = ()
    column_acl: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """Table (`schema.name`) and column → grants on that column, as aclitem text."""
    counted_for_s: float = 0.0
    """Seconds since the statistics were reset or the server was started."""
