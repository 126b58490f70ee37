"""Connect to PostgreSQL within a deadline; every failure is an observation with its class, and none holds a secret."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_prodcheck.errors import ConfigError, TargetError
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.database.address import Place, Server, parse
from pytest_prodcheck.targets.database.connect_errors import error_class, readable, sqlstate
from pytest_prodcheck.targets.database.handshake import Handshake, shake

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

_TARGET = "database"
_NEXT_HOST = ("57P03",)
"""After an answer of the server libpq tries no further host, unless it says that it cannot take connections now."""
_SAYINGS = {
    "tcp.timeout": "no answer to the TCP connection",
    "protocol": "the port takes TCP connections and says nothing: not PostgreSQL, or frozen",
    "timeout": "the server stopped answering while it logged us in",
    "dns.timeout": "the resolver did not answer",
}


class ConnectFailed(TargetError):
    """No session came about; `observation` says why."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        super().__init__(observation.target, observation.message, observation.code or observation.error or "unknown")


def connect(dsn: str, *, timeout: float, application_name: str, target: str = _TARGET) -> Session:
    """A session on the first address that gives one, within `timeout` seconds for all addresses together.

    Raises `ConnectFailed`, whose `observation` has error class or SQLSTATE.
    """
    session, observation = attempt(dsn, timeout=timeout, application_name=application_name, target=target)
    del dsn
    if session is None:
        raise ConnectFailed(observation)
    return session


def try_connect(dsn: str, *, timeout: float, application_name: str, target: str = _TARGET) -> Observation:
    """Connects, closes, and says how it went: operation `connect`; `error` a class, or `code` the server's SQLSTATE;
    `data` has host, port, user, database and every address that was tried."""
    session, observation = attempt(dsn, timeout=timeout, application_name=application_name, target=target)
    if session is not None:
        session.close()
    return observation


def login(dsn: str, *, name: str, timeout: float, application_name: str, target: str = _TARGET) -> Observation:
    """Logs in once as the declared login `name`, asks `select 1`, and closes."""
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Expired

    session, observation = attempt(dsn, timeout=timeout, application_name=application_name, target=target)
    observation = replace(observation, operation=f"login {name}", subject=name, kind="declared")
    if session is None:
        return observation
    session.bound(timeout - observation.wall)
    started = time.perf_counter()
    try:
        session.execute("select 1").fetchone()
    except Expired:
        return replace(observation, error="timeout", message="no answer to select 1", expected=False)
    except Error as error:
        code, text = error.sqlstate or "", str(error).partition("\n")[0]
        kind = "" if code else "tcp.reset"
        return replace(observation, code=code, error=kind, message=f"select 1: {text}", expected=False)
    finally:
        session.hang_up()
    return replace(observation, phases={**observation.phases, "body": time.perf_counter() - started})


def attempt(
    dsn: str, *, timeout: float, application_name: str, target: str = _TARGET
) -> tuple[Session | None, Observation]:
    """A session, or None, and the observation of how it came about. Nothing is raised: a frame here knows the password.

    A string that cannot be parsed is `error = "refused"`: nothing was sent.
    """
    try:
        server = parse(dsn)
    except ConfigError as problem:
        return None, Observation(target, "connect", "readiness", error="refused", message=str(problem), expected=False)
    started_at, started = time.time(), time.perf_counter()
    end = started + timeout
    tried: list[dict[str, str]] = []
    handshake, place, error = Handshake(), Place("", "", 0), "tcp.timeout"
    phases: dict[str, float] = {}
    candidates = list(server.places(end))
    for number, (candidate, unresolved, took) in enumerate(candidates):
        place, phases = candidate, {"dns": took}
        handshake, error = _one(server, place, unresolved, _share(end, len(candidates) - number), application_name)
        phases.update(handshake.phases)
        tried.append({"address": place.address or place.host, "port": str(place.port), "error": error})
        if handshake.pgconn is not None or (not error and sqlstate(handshake.text) not in _NEXT_HOST):
            break
    observation = Observation(
        target,
        "connect",
        kind="readiness",
        started_at=started_at,
        phases=phases,
        wall=time.perf_counter() - started,
        code=sqlstate(handshake.text),
        error=error,
        message="" if handshake.pgconn else _message(server, place, handshake, error),
        expected=handshake.pgconn is not None,
        data=_facts(server, place, tried),
    )
    return _session(handshake), observation


def _share(end: float, attempts_left: int) -> float:
    now = time.perf_counter()
    return now + max(0.05, end - now) / attempts_left


def _one(server: Server, place: Place, unresolved: OSError | None, end: float, name: str) -> tuple[Handshake, str]:
    from psycopg.conninfo import make_conninfo

    if unresolved is not None:
        from pytest_prodcheck.targets.transport_errors import classify

        return Handshake(text=f'failed to resolve host "{place.host}"'), classify(unresolved, connected=False)
    where = {"host": place.host, "hostaddr": place.address, "port": str(place.port or "")}
    parameters = {**server.parameters, "user": server.user, "dbname": server.database, "application_name": name}
    parameters |= {keyword: value for keyword, value in where.items() if value}
    seconds = max(2, round(end - time.perf_counter()) + 1)
    parameters |= {"connect_timeout": str(seconds), "client_encoding": "UTF8"}
    handshake = shake(make_conninfo("", **parameters), end)
    return handshake, "" if handshake.pgconn else error_class(handshake)


def _message(server: Server, place: Place, handshake: Handshake, error: str) -> str:
    text = readable(handshake.text) or f"{place}: {_SAYINGS.get(error, error)}"
    for secret in server.secrets:
        text = text.replace(secret, "[redacted]")
    return text[:1000]


def _facts(server: Server, place: Place, tried: list[dict[str, str]]) -> Mapping[str, object]:
    return {
        "host": place.host,
        "port": place.port,
        "user": server.user,
        "database": server.database,
        "sslmode": server.sslmode,
        "tried": tried,
    }


def _session(handshake: Handshake) -> Session | None:
    if handshake.pgconn is None:
        return None
    from pytest_prodcheck.targets.database.session import Session

    handshake.pgconn.nonblocking = 1
    return Session(handshake.pgconn)
