"""`pooler`: PgBouncer pools as promised, and no client waits for a server connection (C21, C22, C45, R14)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import Pooler
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation
from pytest_prodcheck.observe.pools import Pools

CRITERION = "pooler"


def pooler(pools: Pools | None, promised: Pooler, seen: Observation, target: str) -> list[Finding]:
    """Findings where the console cannot be read, a database is paused or has another mode, or clients wait."""
    if pools is None:
        why = seen.message or ERROR_CLASSES.get(seen.error, seen.error)
        remedy = "correct pooler.dsn: the console's database is `pgbouncer`, its user one of `stats_users`"
        message = f"PgBouncer's console cannot be read: {why}"
        data = {"host": seen.data.get("host", ""), "port": seen.data.get("port", ""), "sqlstate": seen.code}
        code, severity = "database.pooler.console_unreachable", promised.severity
        return [Finding(CRITERION, target, message, code, severity, why, "an answer", "", remedy, data=data)]
    return [*_paused(pools, promised, target), *_modes(pools, promised, target), *_waiting(pools, promised, target)]


def _paused(pools: Pools, promised: Pooler, target: str) -> Iterator[Finding]:
    for name in pools.paused:
        message = f"PgBouncer holds back all clients of {name}: it is paused or disabled"
        yield Finding(
            CRITERION, target, message, "database.pooler.paused", promised.severity, "paused", "running", name,
            f"RESUME {name} (or ENABLE) on the console is yours to run", data={"pool": name},
        )  # fmt: skip


def _modes(pools: Pools, promised: Pooler, target: str) -> Iterator[Finding]:
    for name, mode in pools.modes:
        if promised.mode and mode != promised.mode:
            message = f"PgBouncer pools {name} by {mode}, promised {promised.mode}"
            yield Finding(
                CRITERION, target, message, "database.pooler.wrong_mode", promised.severity, mode, promised.mode, name,
                data={"pool": name},
            )  # fmt: skip


def _waiting(pools: Pools, promised: Pooler, target: str) -> Iterator[Finding]:
    waiting = sum(pool.waiting for pool in pools.pools)
    if promised.waiting is None or waiting <= promised.waiting:
        return
    worst = max(pools.pools, key=lambda pool: (pool.waiting, pool.longest))
    of = f"{worst.servers} of {worst.size}" if worst.size else str(worst.servers)
    message = (
        f"{waiting} clients wait for a server connection, promised {promised.waiting} at most: {worst.waiting} of "
        f"{worst.database} as {worst.user}, the first for {show_duration(worst.longest)}, with {of} connections open"
    )
    data = {"pool": worst.database, "user": worst.user, "waiting": waiting}
    yield Finding(
        CRITERION, target, message, "database.pool.exhausted", promised.severity, str(waiting), str(promised.waiting),
        worst.database, "look for clients that keep their transaction open; then at default_pool_size", data=data,
    )  # fmt: skip
