"""Where a connection string leads: its hosts, each with its addresses (libpq manual, 32.1.1 "Connection Strings")."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_prodcheck.config.address import dsn_problem, passwords
from pytest_prodcheck.errors import ConfigError

_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")
_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")
_DEFAULT_PORT = "5432"
_SOCKETS = "/tmp"  # libpq's DEFAULT_PGSOCKET_DIR
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class Place:
    """One address to try: host as it was written, IP address (empty for a socket directory), port."""

    host: str
    address: str
    port: int

    def __str__(self) -> str:
        if self.host.startswith(("/", "@")):
            return f"{self.host}/.s.PGSQL.{self.port}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Server:
    """What a connection string says, parsed. `parameters` and `secrets` hold the password and stay out of the repr."""

    user: str
    database: str
    hosts: tuple[Place, ...]
    """The hosts as written; `address` is set where `hostaddr` gives it."""
    sslmode: str
    parameters: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def places(self, end: float) -> Iterator[tuple[Place, OSError | None, float]]:
        """Every address of every host in order, with the look-up's error in its place and the seconds it took."""
        for host in self.hosts:
            started = time.perf_counter()
            addresses, error = _look_up(host, end - started)
            took = time.perf_counter() - started
            for address in addresses:
                yield Place(host.host, address, host.port), error, took


def parse(dsn: str) -> Server:
    """The server that `dsn` names: a URI (a driver as in `postgresql+psycopg2` is dropped) or keywords, completed by
    libpq's environment variables. Raises `errors.ConfigError`, which says what is wrong and repeats nothing of it."""
    problem = dsn_problem(dsn)
    given = None if problem else _parameters(_DRIVER.sub(r"\1://", dsn))
    if given is None:
        problem = problem or "unknown keyword, or special characters must be percent-encoded"
        raise ConfigError(f"the connection string is not valid: {problem}")
    defaults = _defaults()
    hosts = ((Place("", "", 0),)) if "service" in given else _hosts({**defaults, **given})
    if not hosts:
        raise ConfigError("the connection string is not valid: host or port; percent-encode special characters")
    user = given.get("user") or defaults.get("user", "")
    database = given.get("dbname") or defaults.get("dbname") or user
    secrets = (*passwords(dsn), *(named.get(name, "") for named in (given, defaults) for name in _SECRETS))
    mode = given.get("sslmode") or defaults.get("sslmode", "prefer")
    return Server(user, database, hosts, mode, given, tuple(dict.fromkeys(filter(None, secrets))))


def _parameters(dsn: str) -> dict[str, str] | None:
    """What libpq reads in `dsn`; None where it refuses."""
    from psycopg import OperationalError
    from psycopg.pq import Conninfo

    try:
        options = Conninfo.parse(dsn.encode())
    except OperationalError:
        return None
    return {row.keyword.decode(): row.val.decode() for row in options if row.val}


def _defaults() -> dict[str, str]:
    """What libpq takes where a connection string says nothing: PGHOST, PGUSER, …, the name of the OS user."""
    from psycopg.pq import Conninfo

    return {row.keyword.decode(): row.val.decode() for row in Conninfo.get_defaults() if row.val}


def _hosts(given: Mapping[str, str]) -> tuple[Place, ...]:
    """The hosts in order; one port serves all. Empty where a piece cannot be a host or a port."""
    addresses = given.get("hostaddr", "").split(",")
    hosts = (given.get("host") or given.get("hostaddr") or _SOCKETS).split(",")
    ports = given.get("port", _DEFAULT_PORT).split(",")
    fitting = len(ports) in (1, len(hosts)) and len(addresses) in (1, len(hosts))
    if not fitting or not all(port.isdecimal() for port in ports if port):
        return ()
    if not all(host.startswith(("/", "@")) or _HOST.fullmatch(host) for host in hosts):
        return ()
    spread = ports * len(hosts) if len(ports) == 1 else ports
    known = addresses if len(addresses) == len(hosts) else [""] * len(hosts)
    return tuple(
        Place(host, ip, int(port or _DEFAULT_PORT)) for host, ip, port in zip(hosts, known, spread, strict=True)
    )


def _look_up(place: Place, timeout: float) -> tuple[Sequence[str], OSError | None]:
    from pytest_prodcheck.targets.connection import Resolver

    if place.address or not place.host or place.host.startswith(("/", "@")):
        return [place.address], None
    try:
        return [ip for _, ip, _ in Resolver().look_up(place.host, place.port, max(0.05, timeout))], None
    except OSError as error:
        return [""], error
