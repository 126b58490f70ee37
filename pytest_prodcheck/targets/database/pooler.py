"""PgBouncer's console (its manual, "Admin console"): SHOW statements by the simple protocol; nothing else is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.pools import Pool, Pools
from pytest_prodcheck.targets.database.connect import attempt

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

Row = Mapping[str, Any]
_CONSOLE = "pgbouncer"
"""The console's own database, which has a pool of itself."""


def console(dsn: str, *, timeout: float, application_name: str, target: str) -> tuple[Observation, Pools | None]:
    """The pools, and how the console was reached; None where it was not, or does not answer as PgBouncer."""
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Expired

    session, observation = attempt(dsn, timeout=timeout, application_name=application_name, target=target)
    observation = replace(observation, operation="pooler", kind="declared")
    if session is None:
        return observation, None
    session.bound(timeout)
    started = time.perf_counter()
    try:
        answers = [_show(session, what) for what in ("pools", "databases", "config")]
    except Expired:
        return replace(observation, error="timeout", message="no answer of the console", expected=False), None
    except Error as error:
        text = str(error).partition("\n")[0]
        failed = replace(observation, code=error.sqlstate or "", message=text, expected=False)
        return (failed if error.sqlstate else replace(failed, error="protocol")), None
    finally:
        session.hang_up()
    return replace(observation, phases={**observation.phases, "body": time.perf_counter() - started}), _pools(*answers)


def _show(session: Session, what: str) -> list[Row]:
    cursor = session.execute(f"show {what}".encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _pools(pools: list[Row], databases: list[Row], config: list[Row]) -> Pools:
    usual = next((str(row.get("value", "")) for row in config if row.get("key") == "pool_mode"), "")
    own = {str(row["name"]): row for row in databases if row.get("name") != _CONSOLE}
    return Pools(
        tuple(_pool(row, own.get(str(row["database"]), {})) for row in pools if row["database"] != _CONSOLE),
        tuple((name, str(row.get("pool_mode") or usual)) for name, row in own.items()),
        tuple(name for name, row in own.items() if _number(row, "paused") or _number(row, "disabled")),
    )


def _pool(row: Row, database: Row) -> Pool:
    servers = sum(_number(row, name) for name in ("sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"))
    longest = _number(row, "maxwait") + _number(row, "maxwait_us") / 1e6
    return Pool(
        str(row["database"]), str(row["user"]), str(row.get("pool_mode", "")), _number(row, "cl_active"),
        _number(row, "cl_waiting"), longest, servers, _number(database, "pool_size") or None,
    )  # fmt: skip


def _number(row: Row, name: str) -> int:
    value = row.get(name)
    return int(value) if value not in (None, "") else 0
