"""Who holds a lock that keeps readers waiting: asked when a query or the catalog did not come in time (R15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_prodcheck.observe.observation import Json

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

WAITING = ("timeout", "55P03", "57014")
"""Codes and error classes of a statement that a lock may have kept waiting."""

_HOLDERS = """select l.pid, coalesce(nullif(a.application_name, ''), a.usename::text, ''), coalesce(a.state, ''),
 n.nspname || '.' || c.relname, coalesce(extract(epoch from now() - a.xact_start)::int, 0)
 from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
 left join pg_stat_activity a on a.pid = l.pid
 where l.granted and l.mode = 'AccessExclusiveLock' and l.pid <> pg_backend_pid()
  and l.database = (select oid from pg_database where datname = current_database())
  and c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_' order by 5 desc, 4 limit 5"""
"""AccessExclusiveLock is the only mode that a plain SELECT waits for (PostgreSQL manual, 13.3.1)."""


def holders(session: Session, timeout: float) -> list[Json]:
    """The sessions that hold such a lock: `pid`, `application`, `state`, `table`, `seconds` (of its transaction); empty
    where there is none or nothing came within `timeout` seconds."""
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Expired

    names = ("pid", "application", "state", "table", "seconds")
    session.bound(timeout)
    try:
        rows = session.execute(_HOLDERS.encode()).fetchall()
    except (Error, Expired):
        return []
    finally:
        session.hang_up()
    return [dict(zip(names, row, strict=True)) for row in rows]
