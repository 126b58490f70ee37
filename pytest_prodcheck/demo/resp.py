"""The demo's cache: a stand-in for Redis that speaks RESP 2, with as many commands as the demo needs.

No Redis comes with pip, and the demo is the same wherever it runs; INFO says that it is a stand-in. The tests of the
cache target run on a real server.
"""

from __future__ import annotations

import asyncio
import fnmatch
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

USERS = ("app", "reader")
_LARGEST = 1 << 20
_WRITES = ("SET", "DEL")
_BASE = 900_000
"""Bytes that an empty server says that it uses."""


class Said(Exception):
    """An error as the server says it."""


@dataclass
class Store:
    """What the server holds and how it is set up; a fault changes it before it serves."""

    passwords: dict[str, str] = field(default_factory=lambda: {user: secrets.token_urlsafe(18) for user in USERS})
    keys: dict[str, tuple[str, float | None]] = field(default_factory=dict)
    """Key → value, and when it ends on the clock of `time.monotonic`."""
    role: str = "master"
    policy: str = "allkeys-lru"
    most: int = 64 << 20
    used: int | None = None
    loading: bool = False
    silent: bool = False
    evicting: bool = False
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("hits", "misses", "evicted", "expired"), 0))
    run_id: str = field(default_factory=lambda: secrets.token_hex(20))
    clients: int = 0

    def look_up(self, key: str) -> str | None:
        """The value of a key that has not ended; counted as a hit or a miss."""
        found = self.keys.get(key)
        if found is not None and found[1] is not None and found[1] <= time.monotonic():
            del self.keys[key]
            self.counts["expired"] += 1
            found = None
        self.counts["misses" if found is None else "hits"] += 1
        return None if found is None else found[0]

    def info(self) -> str:
        """What INFO says, in Redis' own fields."""
        used = self.used if self.used is not None else _BASE + sum(len(value) for value, _ in self.keys.values())
        facts: Mapping[str, object] = {
            "redis_version": "7.4.0", "server_name": "prodcheck-demo-stand-in", "run_id": self.run_id,
            "connected_clients": self.clients, "maxclients": 1000, "used_memory": used, "maxmemory": self.most,
            "maxmemory_policy": self.policy, "rdb_last_bgsave_status": "ok", "aof_enabled": 0,
            "keyspace_hits": self.counts["hits"], "keyspace_misses": self.counts["misses"],
            "evicted_keys": self.counts["evicted"], "expired_keys": self.counts["expired"], "role": self.role,
            **({"master_link_status": "up", "master_last_io_seconds_ago": 0} if self.role == "slave" else {}),
            "connected_slaves": 0, "db0": f"keys={len(self.keys)},expires=0,avg_ttl=0",
        }  # fmt: skip
        return "".join(f"{name}:{value}\r\n" for name, value in facts.items())


@dataclass
class Client:
    """One connection."""

    store: Store
    user: str = ""
    database: int = 0

    def answer(self, command: Sequence[str]) -> object:
        """The answer to one command: text is a bulk string, `Said` is raised for an error."""
        name, arguments = command[0].upper(), command[1:]
        if name == "AUTH":
            return self._log_in(*arguments)
        if not self.user:
            raise Said("NOAUTH Authentication required.")
        if self.store.loading:
            raise Said("LOADING Redis is loading the dataset in memory")
        if name in _WRITES:
            self._may_write(name)
        handler = _COMMANDS.get(name)
        if handler is None:
            raise Said(f"ERR unknown command '{name}'")
        if self.store.evicting:
            self.store.counts["evicted"] += 1
        return handler(self, arguments)

    def _log_in(self, *credentials: str) -> object:
        user, password = credentials if len(credentials) == 2 else ("default", *credentials)
        if self.store.passwords.get(user) != password:
            raise Said("WRONGPASS invalid username-password pair or user is disabled.")
        self.user = user
        return b"OK"

    def _may_write(self, name: str) -> None:
        if self.store.role == "slave":
            raise Said("READONLY You can't write against a read only replica.")
        if self.store.policy == "noeviction" and name == "SET" and (self.store.used or 0) >= self.store.most:
            raise Said("OOM command not allowed when used memory > 'maxmemory'.")

    def get(self, arguments: Sequence[str]) -> object:
        """GET."""
        return self.store.look_up(self._name(arguments[0]))

    def put(self, arguments: Sequence[str]) -> object:
        """SET key value [NX] [EX seconds | PX milliseconds]."""
        key, value, *options = self._name(arguments[0]), *arguments[1:]
        upper = [option.upper() for option in options]
        if "NX" in upper and key in self.store.keys:
            return None
        units = {"EX": 1.0, "PX": 0.001}
        end = next((float(options[at + 1]) * units[one] for at, one in enumerate(upper) if one in units), None)
        self.store.keys[key] = (value, None if end is None else time.monotonic() + end)
        return b"OK"

    def delete(self, arguments: Sequence[str]) -> object:
        """DEL."""
        return sum(self.store.keys.pop(self._name(key), None) is not None for key in arguments)

    def exists(self, arguments: Sequence[str]) -> object:
        """EXISTS."""
        return sum(self.store.look_up(self._name(key)) is not None for key in arguments)

    def ttl(self, arguments: Sequence[str]) -> object:
        """TTL."""
        name = self._name(arguments[0])
        if self.store.look_up(name) is None:
            return -2
        end = self.store.keys[name][1]
        return -1 if end is None else max(0, round(end - time.monotonic()))

    def scan(self, arguments: Sequence[str]) -> object:
        """SCAN, all in one step."""
        upper = [word.upper() for word in arguments]
        pattern = arguments[upper.index("MATCH") + 1] if "MATCH" in upper else "*"
        begins = self._name("")
        mine = [key for key in self.store.keys if key.startswith(begins) and (begins or "\0" not in key)]
        mine = [key.removeprefix(begins) for key in mine]
        return ["0", [key for key in mine if fnmatch.fnmatchcase(key, pattern)]]

    def select(self, arguments: Sequence[str]) -> object:
        """SELECT."""
        self.database = int(arguments[0])
        return b"OK"

    def _name(self, key: str) -> str:
        """The key as the store has it: those of another database than 0 have its number before them."""
        return f"{self.database}\0{key}" if self.database else key


_SETTINGS = {"slowlog-log-slower-than": "10000", "slowlog-max-len": "128"}
_COMMANDS: Mapping[str, Callable[[Client, Sequence[str]], object]] = {
    "PING": lambda _, __: b"PONG",
    "CLIENT": lambda _, __: b"OK",
    "INFO": lambda client, _: client.store.info(),
    "TIME": lambda _, __: [str(int(time.time())), "0"],
    "SLOWLOG": lambda _, __: [],
    "CONFIG": lambda _, arguments: [arguments[1], _SETTINGS[arguments[1]]] if arguments[1] in _SETTINGS else [],
    "GET": Client.get, "SET": Client.put, "DEL": Client.delete, "EXISTS": Client.exists, "TTL": Client.ttl,
    "SCAN": Client.scan, "SELECT": Client.select,
}  # fmt: skip


def packed(answer: object) -> bytes:
    """An answer in RESP 2."""
    if isinstance(answer, bytes):
        return b"+%b\r\n" % answer
    if isinstance(answer, int):
        return b":%d\r\n" % answer
    if isinstance(answer, str):
        raw = answer.encode()
        return b"$%d\r\n%b\r\n" % (len(raw), raw)
    if isinstance(answer, list):
        return b"*%d\r\n" % len(answer) + b"".join(map(packed, answer))
    return b"$-1\r\n"


async def serve(store: Store, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, until the client goes or says what is no RESP."""
    client = Client(store)
    store.clients += 1
    try:
        while command := await read(reader):
            if store.silent:
                continue
            try:
                writer.write(packed(client.answer(command)))
            except Said as error:
                writer.write(f"-{error}\r\n".encode())
            except (ValueError, IndexError, TypeError):
                writer.write(b"-ERR syntax error\r\n")
            await writer.drain()
    except (OSError, ValueError, asyncio.IncompleteReadError):
        pass  # the client is gone, or is none
    finally:
        store.clients -= 1
        writer.close()


async def read(reader: asyncio.StreamReader) -> list[str]:
    """One command; none where the client closed. Raises ValueError for what is none."""
    head = await reader.readline()
    if not head:
        return []
    if head[:1] != b"*":
        raise ValueError("inline commands are not spoken here")
    words = []
    for _ in range(int(head[1:])):
        size = int((await reader.readline())[1:])
        if not 0 <= size <= _LARGEST:
            raise ValueError("too large")
        words.append((await reader.readexactly(size + 2))[:-2].decode("utf-8", "replace"))
    return words
