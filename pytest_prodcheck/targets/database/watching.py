"""How a database is while load runs: one session of our own, one round trip a glance, in a read-only transaction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.observe.watch import Glance
from pytest_prodcheck.targets.database import catalog_sql, health_sql

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

_TOP = 5
_TIMEOUT = 2.0
"""Seconds: a database that takes longer to say who is connected is told as silent."""

CONNECTIONS = """select count(*)::int, count(*) filter (where a.state = 'active')::int,
 current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
 from pg_stat_activity a where a.datid is not null and coalesce(a.backend_type, 'client backend') = 'client backend'"""


class Watcher:
    """Looks again and again; a session that was lost is opened anew at the next glance."""

    def __init__(self, dsn: str, timeout: float, application_name: str, target: str) -> None:
        self._dsn, self._timeout, self.target = dsn, min(timeout, _TIMEOUT), target
        self._application_name = application_name
        self._session: Session | None = None

    def glance(self) -> Glance:
        """One look; where it cannot look, why: `53300` says as much as numbers do."""
        from pytest_prodcheck.targets.database.bundle import Unanswered, ask
        from pytest_prodcheck.targets.database.connect import attempt

        now = time.time()
        if self._session is None:
            self._session, observation = attempt(
                self._dsn, timeout=self._timeout, application_name=self._application_name, target=self.target
            )
            if self._session is None:
                problem = observation.code or observation.error or "unknown"
                return Glance(self.target, now, facts={"message": observation.message[:300]}, problem=problem)
        statements = (CONNECTIONS, catalog_sql.CONNECTIONS, health_sql.WAITS)
        try:
            counted, by_application, waits = ask(self._session, statements, timeout=self._timeout)
        except Unanswered as failed:
            self._session = None
            return Glance(self.target, now, problem=failed.code)
        return _seen(self.target, now, counted[0], by_application, waits)

    def close(self) -> None:
        """Ends the session."""
        if self._session is not None:
            self._session.hang_up()
            self._session = None


def _seen(target: str, now: float, counted: Any, by_application: list[Any], waits: list[Any]) -> Glance:
    connections, active, limit = counted
    by_name: dict[str, int] = {}
    for application, role, number in by_application:
        name = str(application or role or "unknown")[:100]
        if not name.startswith("prodcheck/"):
            by_name[name] = by_name.get(name, 0) + number
    top = sorted(by_name.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP]
    longest = max((float(row[2] or 0.0) for row in waits), default=0.0)
    values = {
        "connections": connections,
        "limit": limit,
        "active": active,
        "waiting": len(waits),
        "longest_wait": longest,
    }
    told = [
        {"pid": pid, "seconds": seconds, "lock": str(lock)[:200], "blockers": list(blockers or ())[:5],
         "blocker": str(blocker)[:200], "blocker_seconds": age}
        for pid, _, seconds, lock, blockers, blocker, age in waits[:_TOP]
    ]  # fmt: skip
    return Glance(target, now, values, {"top": [list(pair) for pair in top], "waits": told})
