"""What a command of ours adds to the server's `keyspace_hits` and `keyspace_misses` (redis `src/db.c`, lookupKey)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.targets.guard.words import words

if TYPE_CHECKING:
    from pytest_prodcheck.targets.guard.redis import Word

_NONE = words("PING INFO ROLE DBSIZE TIME LASTSAVE SCAN CONFIG SLOWLOG CLUSTER SENTINEL ACL CLIENT")
"""Commands that look up no key."""
_TIMES = words("TTL PTTL EXPIRETIME PEXPIRETIME")
_SIZES = words("HLEN LLEN SCARD ZCARD")
_NOTHING = {"GET": None, "TYPE": b"none", **dict.fromkeys(_TIMES, -2), **dict.fromkeys(_SIZES, 0)}
"""Commands that answer so where there is no such key, and only then: what is empty, Redis removes."""


def counted(command: Sequence[Word], answer: Any, *, answered: bool) -> tuple[int, int, int]:
    """Keys that it found, that it did not find, and of which the answer does not tell it."""
    said = command[0]
    name = (said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)).upper()
    number = len(command) - 1 if name in ("MGET", "EXISTS") else 1
    if name in _NONE:
        return 0, 0, 0
    if not answered:
        return 0, 0, number  # one of another type was found; one that an ACL forbids was not looked up
    if name == "EXISTS" and isinstance(answer, int):
        return answer, number - answer, 0
    if name == "MGET" and isinstance(answer, list):
        found = sum(one is not None for one in answer)
        return found, 0, number - found
    if name in _NOTHING:
        return (0, 1, 0) if answer == _NOTHING[name] else (1, 0, 0)
    shows = isinstance(answer, bytes | int) and bool(answer) and name not in ("OBJECT", "MEMORY")
    return (1, 0, 0) if shows else (0, 0, 1)
