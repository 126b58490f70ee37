"""Indexes, constraints and tables by the server's statistics; what may be chance is a warning, or not said (T7)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import Health as Limits
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.health import Health

CRITERION = "health"
_DAY = 86400.0
_MANY_SCANS = 100
_SEQUENTIAL = 0.5
_READS = 100_000
"""Blocks that must have been asked for before their ratio says anything."""


def indexes(seen: Health, limits: Limits, target: str) -> Iterator[Finding]:
    """Indexes that cannot be used (B34), constraints that nobody validated (B33), foreign keys without index (B23)."""
    for index in seen.indexes:
        if not index.building:
            message = (
                f"index {index.name} of {index.table} is invalid: it is maintained and never used (a CREATE INDEX "
            )
            message += "CONCURRENTLY that failed)"
            remedy = f"REINDEX INDEX CONCURRENTLY {index.name}, or DROP it, is yours to run"
            yield _found(
                target, "database.index.invalid", message, index.name, "invalid", "valid", remedy, table=index.table
            )
    for key in seen.constraints:
        message = f"{key.kind} {key.name} of {key.table} is NOT VALID: rows that were there before it may break it"
        remedy = f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {key.name} is yours to run; it names the first bad row"
        yield _found(
            target, "database.constraint.not_validated", message, key.name, "not validated", "validated", remedy,
            table=key.table,
        )  # fmt: skip
    yield from _missing(seen, limits, target)


def tables(seen: Health, limits: Limits, target: str) -> Iterator[Finding]:
    """Dead rows, tables that were never analysed, and reads that miss the memory: warnings."""
    dead = grammar.comparison(limits.dead_rows) if limits.dead_rows else None
    for one in seen.tables:
        share = one.dead / max(1, one.live + one.dead)
        if dead and one.dead >= limits.large and not dead.holds(share):
            message = (
                f"{share:.0%} of the rows of {one.table} are dead ({one.dead:,} of {one.live + one.dead:,}), promised"
            )
            remedy = f"let autovacuum run on {one.table}; look for transactions that stay open"
            shown, message = f"{share:.0%}", f"{message} {limits.dead_rows}"
            yield _warning(target, "database.table.dead_rows", message, one.table, shown, limits.dead_rows, remedy)
        if not one.analysed and one.live >= limits.large:
            message = f"{one.table} was never analysed ({one.live:,} rows): its plans are guesses"
            remedy = f"ANALYZE {one.table} is yours to run; see whether autovacuum is on"
            yield _warning(target, "database.table.never_analysed", message, one.table, "never", "analysed", remedy)
    hits = grammar.comparison(limits.cache_hits) if limits.cache_hits else None
    asked = seen.cache_hits + seen.cache_reads
    if hits and asked >= _READS and seen.reset_age >= _DAY and not hits.holds(seen.cache_hits / asked):
        share_text = f"{seen.cache_hits / asked:.1%}"
        message = f"{share_text} of {asked:,} reads came from memory, promised {limits.cache_hits}"
        yield _warning(target, "database.cache.low_hit_ratio", message, "", share_text, limits.cache_hits,
                       "look at the largest sequential scans, then at shared_buffers")  # fmt: skip


def shown_size(size: float) -> str:
    """A size as PostgreSQL's pg_size_pretty counts: 1 GB is 1024 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 10 * 1024 or unit == "GB":
            return f"{size:.0f} {unit}"
        size /= 1024
    return ""


def _missing(seen: Health, limits: Limits, target: str) -> Iterator[Finding]:
    """Foreign keys without an index, only where it shows: many rows, mostly sequential, a day's statistics (T7)."""
    if seen.reset_age < _DAY:
        return
    for key in seen.unindexed:
        scans = key.sequential + key.by_index
        if key.live >= limits.large and key.sequential >= _MANY_SCANS and key.sequential / scans >= _SEQUENTIAL:
            share = f"{key.sequential / scans:.0%}"
            message = (
                f"{key.table}.{key.columns} has no index: {key.live:,} rows, {share} of {scans:,} scans sequential"
            )
            remedy = f"CREATE INDEX CONCURRENTLY ON {key.table} ({key.columns}) is yours to run"
            yield _warning(target, "database.index.missing", message, key.table, "no index", "an index", remedy)


def _warning(target: str, code: str, message: str, subject: str, seen: str, promised: object, remedy: str) -> Finding:
    data = {"table": subject} if subject else {}
    return Finding(CRITERION, target, message, code, "warning", seen, str(promised), subject, remedy, data=data)


def _found(
    target: str, code: str, message: str, subject: str, seen: str, promised: str, remedy: str, **data: object
) -> Finding:
    return Finding(
        CRITERION, target, message, code, seen=seen, promised=promised, subject=subject, remedy=remedy, data=data
    )
