"""What a database says of its migrations, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["applied", "failed", "dirty", "reverted", "baseline"]
"""`failed`: began and did not finish; `dirty`: marked so by its tool; `reverted`: taken back; `baseline`: it and all
before it count as applied."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the tool's table."""

    id: str
    checksum: str = ""
    state: State = "applied"
    detail: str = ""
    """An SQLSTATE, or how far it came; never a log's text, which may quote rows."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The tool's table, in the order in which the rows were written."""

    table: str = ""
    """`schema.name`; empty where there is none."""
    entries: tuple[Entry, ...] = ()
    locks: tuple[str, ...] = ()
    """Who holds the tool's lock, in words: `app-7d5 since 2026-08-11 12:00`."""
    problem: str = ""
    """Why it could not be read, in words; empty where it was."""
    remedy: str = ""
    """What lets us read it."""
    lacks: str = ""
    """Of our reader, where that is why: `USAGE` on the schema, `SELECT` on the table; `row_security` where that setting
    refuses it."""
    reader: str = ""
    """Who lacks it."""
    empty: bool = False
    """Whether the database holds no table at all."""
