"""What another credential can say about a login that was refused: it tells causes apart that have one text."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_prodcheck.observe.observation import Json

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

Facts = dict[str, Json]

_ROLE = """select rolcanlogin, rolconnlimit, isfinite(rolvaliduntil) and rolvaliduntil < now(),
 case when isfinite(rolvaliduntil) then to_char(rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end,
 array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
       where m.member = r.oid order by 1),
 (select count(*)::int from pg_stat_activity a where a.usesysid = r.oid)
 from pg_roles r where rolname = %s"""
_CONNECTIONS = """select coalesce(application_name, ''), count(*)::int, current_setting('max_connections')::int
 from pg_stat_activity where datid is not null and pid <> pg_backend_pid()
 group by 1 order by 2 desc, 1"""
_DATABASES = "select datname::text from pg_database where datallowconn order by 1"


def role_facts(connection: Session, role: str) -> Facts:
    """Facts about `role` for 28P01, 28000 and 53300: `role_exists`, and where it does `can_login`, `valid_until` (ISO
    8601 or None), `expired` (by the server's clock), `connection_limit`, `connections`, `member_of`."""
    row = connection.execute(_ROLE, (role,)).fetchone()
    if row is None:
        return {"role": role, "role_exists": False}
    login, limit, expired, until, groups, connections = row
    return {
        "role": role,
        "role_exists": True,
        "can_login": login,
        "valid_until": until,
        "expired": bool(expired),
        "connection_limit": limit,
        "connections": connections,
        "member_of": groups,
    }


def connection_facts(connection: Session) -> Facts:
    """Facts for 53300: `max_connections`, `server_connections`, and the counts by `application_names`, most first."""
    rows = connection.execute(_CONNECTIONS).fetchall()
    names: dict[str, Json] = {name: number for name, number, _ in rows}
    return {
        "max_connections": rows[0][2] if rows else None,
        "server_connections": sum(number for _, number, _ in rows),
        "application_names": names,
    }


def database_facts(connection: Session, database: str) -> Facts:
    """Facts for 3D000: `similar`, the names of databases that look like the missing one."""
    names = [name for (name,) in connection.execute(_DATABASES).fetchall()]
    similar: list[Json] = [*difflib.get_close_matches(database, names, n=3, cutoff=0.6)]
    return {"database": database, "similar": similar}


def facts(connection: Session, sqlstate: str, role: str, database: str, timeout: float = 5.0) -> Facts:
    """What `connection`, logged in by another credential, knows about the SQLSTATE of a refused login, within `timeout`
    seconds. `asked_as` says who was asked; empty where this SQLSTATE needs no asking or nothing came."""
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Expired

    questions: dict[str, list[Callable[[], Facts]]] = {
        "28P01": [lambda: role_facts(connection, role)],
        "28000": [lambda: role_facts(connection, role)],
        "53300": [lambda: role_facts(connection, role), lambda: connection_facts(connection)],
        "3D000": [lambda: database_facts(connection, database)],
    }
    connection.bound(timeout)
    found: Facts = {}
    try:
        for ask in questions.get(sqlstate, ()):
            found |= ask()
    except (Error, Expired):
        return {}
    return {**found, "asked_as": connection.info.user} if found else {}
