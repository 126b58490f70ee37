"""Is this Redis command a read? Judged twice: on the words that are asked for, and on the bytes that would leave.

Sources: redis.io/commands (flags `readonly`, `fast`, `admin`, `dangerous`), valkey.io/commands; corpus
`read_only_attacks.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.guard.words import words

Word = str | bytes | int
_SHOWN = 40
_MOST_COUNT = 1000
_READS = words(
    """PING INFO ROLE DBSIZE TIME LASTSAVE EXISTS TYPE TTL PTTL EXPIRETIME PEXPIRETIME GET MGET STRLEN GETRANGE GETBIT
    BITCOUNT HGET HMGET HEXISTS HLEN HSTRLEN LLEN LINDEX SCARD SISMEMBER SMISMEMBER ZCARD ZSCORE ZMSCORE ZRANK ZREVRANK
    ZCOUNT XLEN"""
)
"""Commands that can only read, whatever their arguments. What is O(n) over all that is stored (KEYS, SMEMBERS, HGETALL,
LRANGE) is none of them, nor is PFCOUNT, which may write its cached count."""
_SUBCOMMANDS: Mapping[str, frozenset[str]] = {
    "CONFIG": words("GET"),
    "SLOWLOG": words("GET LEN"),
    "CLUSTER": words("INFO NODES SLOTS SHARDS MYID KEYSLOT"),
    "SENTINEL": words("GET-MASTER-ADDR-BY-NAME MASTER REPLICAS CKQUORUM"),
    "ACL": words("WHOAMI"),
    "CLIENT": words("ID GETNAME"),
    "OBJECT": words("ENCODING FREQ IDLETIME REFCOUNT"),
    "MEMORY": words("USAGE"),
}
"""Commands of which only these subcommands read."""
_SCANS = words("SCAN HSCAN SSCAN ZSCAN")
_SETTINGS = words(
    """maxmemory maxmemory-policy maxclients slowlog-log-slower-than slowlog-max-len save appendonly databases timeout
    stop-writes-on-bgsave-error replica-read-only replica-serve-stale-data"""
)
"""What CONFIG GET may be asked for, each by its whole name: a pattern could show requirepass or masterauth."""
_REMEDIES = {
    "KEYS": "use SCAN with COUNT", "SMEMBERS": "use SSCAN", "HGETALL": "use HSCAN", "LRANGE": "use LINDEX, or LLEN",
    "GETDEL": "use GET", "GETEX": "use GET", "SORT": "sort what was read",
}  # fmt: skip
_COMMAND = re.compile(rb"\*(\d{1,4})\r\n")
_BULK = re.compile(rb"\$(\d{1,7})\r\n")


@dataclass(frozen=True, slots=True)
class Licence:
    """What the one declared write may do: set one key that nobody has, with an end, and remove it again."""

    key: str
    seconds: int

    def covers(self, command: Sequence[bytes]) -> bool:
        """Whether this command is exactly such a SET or DEL."""
        key, end = self.key.encode(), str(self.seconds).encode()
        if len(command) == 2:
            return command[0].upper() == b"DEL" and command[1] == key
        return (
            len(command) == 6
            and (command[0].upper(), command[1]) == (b"SET", key)
            and [part.upper() for part in command[3:5]] == [b"NX", b"EX"]
            and command[5] == end
        )


def check(command: Sequence[Word]) -> None:
    """Passes a command that can only read; raises `errors.Refused` for everything else."""
    parts = [_bytes(word) for word in command]
    if not parts or not parts[0]:
        raise Refused("Redis command", "no command", 'write one, such as ("TTL", "sess:1")')
    what = f"Redis {_shown(parts)}"
    if any(byte < 32 or byte == 127 for part in parts for byte in part):
        raise Refused(what, "control character in argument", "sent inline, it would begin another command")
    name = _text(parts[0]).upper()
    if name in _READS:
        return
    judge = _JUDGES.get(name)
    if judge is not None:
        judge(what, name, parts)
        return
    if name in _SUBCOMMANDS:
        _family(what, name, parts)
        return
    raise Refused(what, f"command {name} is denied", _REMEDIES.get(name, ""))


def check_sent(data: bytes, licence: Licence | None = None) -> None:
    """Passes bytes that are whole RESP commands, each a read, a step of a log-in, or what `licence` covers.

    The last look before the socket: whoever made the bytes, a library's own handshake included. Raises `Refused`.
    """
    for command in _commands(data):
        if _logs_in(command) or (licence is not None and licence.covers(command)):
            continue
        check(command)


def _commands(data: bytes) -> list[list[bytes]]:
    """The commands of packed bytes; nothing but arrays of bulk strings (RESP), so that nothing is read inline."""
    found, at = [], 0
    while at < len(data):
        head = _COMMAND.match(data, at)
        if head is None or not int(head[1]):
            raise Refused("Redis bytes", "no RESP command", "commands are sent as arrays of bulk strings")
        at, command = head.end(), list[bytes]()
        for _ in range(int(head[1])):
            bulk = _BULK.match(data, at)
            end = bulk.end() + int(bulk[1]) if bulk else 0
            if bulk is None or data[end : end + 2] != b"\r\n":
                raise Refused("Redis bytes", "no whole RESP command", "commands are sent as arrays of bulk strings")
            command.append(data[bulk.end() : end])
            at = end + 2
        found.append(command)
    return found


def _logs_in(command: Sequence[bytes]) -> bool:
    """AUTH, the database, and our name: they change nothing but this connection."""
    name = command[0].upper()
    if name == b"AUTH":
        return len(command) in (2, 3)
    if name == b"SELECT":
        return len(command) == 2 and command[1].isdigit()
    named = [part.upper() for part in command[:2]] == [b"CLIENT", b"SETNAME"]
    return named and len(command) == 3 and re.fullmatch(rb"[\w/.-]+", command[2]) is not None


def _family(what: str, name: str, parts: Sequence[bytes]) -> None:
    subcommand = _text(parts[1]).upper() if len(parts) > 1 else ""
    if subcommand not in _SUBCOMMANDS[name]:
        raise Refused(what, f"command {name} {subcommand} is denied".replace("  ", " "))
    if name == "CONFIG":
        settings = [_text(part).lower() for part in parts[2:]]
        if not settings or any(setting not in _SETTINGS for setting in settings):
            raise Refused(what, "CONFIG GET of this is denied: it could show a password", "name one harmless setting")
    if (name, subcommand) == ("SLOWLOG", "GET") and len(parts) > 2:
        _bounded(what, parts[2])
    if (name, subcommand) == ("MEMORY", "USAGE"):
        _options(what, parts[3:], {b"SAMPLES": "SAMPLES"})


def _scan(what: str, name: str, parts: Sequence[bytes]) -> None:
    cursor = 1 if name == "SCAN" else 2
    if len(parts) <= cursor:
        raise Refused(what, f"{name} names no cursor")
    _options(what, parts[cursor + 1 :], {b"COUNT": "COUNT", b"MATCH": "", b"TYPE": ""}, (b"NOVALUES",))


def _options(what: str, parts: Sequence[bytes], known: Mapping[bytes, str], alone: Sequence[bytes] = ()) -> None:
    """Passes options that are known, each number of them bounded: of one that is said twice the server takes the last.
    `known` has the options that take a value, and what a number is called that must be bounded."""
    left = list(parts)
    while left:
        option = left.pop(0).upper()
        if option in alone:
            continue
        if option not in known or not left:
            raise Refused(what, "an option that is not known to read is denied")
        value = left.pop(0)
        if known[option]:
            _bounded(what, value, known[option])


def _bounded(what: str, count: bytes, called: str = "COUNT") -> None:
    if not count.isdigit() or not 0 < int(count) <= _MOST_COUNT:
        raise Refused(what, f"a {called} beyond {_MOST_COUNT} is denied", "ask again with the cursor that comes back")


def _sort(what: str, name: str, parts: Sequence[bytes]) -> None:
    stores = any(part.upper() == b"STORE" for part in parts[2:])
    raise Refused(what, "SORT with STORE is denied" if stores else f"command {name} is denied", _REMEDIES["SORT"])


_JUDGES: Mapping[str, Callable[[str, str, Sequence[bytes]], None]] = {**dict.fromkeys(_SCANS, _scan), "SORT": _sort}


def _bytes(word: Word) -> bytes:
    if isinstance(word, bytes):
        return word
    return str(word).encode("utf-8", "surrogateescape")


def _text(word: bytes) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in word[:_SHOWN].decode("utf-8", "replace"))


def _shown(parts: Sequence[bytes]) -> str:
    """The command's name, and its subcommand: what else is in it may be somebody's data."""
    name = _text(parts[0]).upper()
    more = f" {_text(parts[1]).upper()}" if name in _SUBCOMMANDS and len(parts) > 1 else ""
    return f"{name}{more}"
