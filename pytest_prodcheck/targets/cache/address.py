"""A Redis URL, taken apart: hosts, TLS, user, password, database. Nothing of it is ever in an error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from pytest_prodcheck.config import address
from pytest_prodcheck.errors import ConfigError

PORT, SENTINEL_PORT = 6379, 26379


@dataclass(frozen=True, slots=True)
class Place:
    """Host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Redis is, and who we are there."""

    places: tuple[Place, ...]
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    database: int = 0

    def at(self, place: Place) -> Server:
        """The same credentials at another place: a node of the cluster, the primary that sentinels name."""
        return replace(self, places=(place,))


def parse(url: str, port: int = PORT) -> Server:
    """The server of a URL; `port` is the usual one where it names none. Raises ConfigError without any part of it."""
    if problem := address.redis_problem(url):
        raise ConfigError(f"Redis URL: {problem}")
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("#")[0].partition("?")[0].partition("/")
    credentials, _, hosts = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    query = dict(pair.partition("=")[::2] for pair in rest.partition("?")[2].partition("#")[0].split("&"))
    database = path or query.get("db", "")
    return Server(
        tuple(_place(host, port) for host in hosts.split(",")),
        scheme.lower() in ("rediss", "valkeys"),
        unquote(user),
        unquote(password),
        int(database) if database.isdigit() else 0,
    )


def _place(text: str, port: int) -> Place:
    host, colon, number = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, number = text, ""
    return Place(host.strip("[]"), int(number) if number else port)
