"""Bounded looks into what is stored: keys by SCAN, their time to live, the slow log. Never KEYS, never a value."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_prodcheck.observe.cache import Keys, Slow, SlowLog
from pytest_prodcheck.targets.cache import info

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cache.session import Session

SAMPLE = 100
"""Keys of a pattern that are asked for their time to live."""
_PAGE, _MOST_PAGES = 500, 400
"""Keys that a step of SCAN looks at, and steps: 200,000 keys of one server."""
_SHARE = 0.8
"""Of the timeout, for one pattern."""
_ENTRIES = 128
_GLOB = re.compile(r"[*?\[\\]")


def keys(
    sessions: Iterable[Session], pattern: str, *, lives: bool, cluster: bool, database: int, timeout: float
) -> Keys:
    """What each session's server holds of a pattern, as far as the bounds reach: until one key is found, or with
    `lives` until a sample is full. In a `cluster` a name has a node of its own.
    Raises what `Session.ask` raises."""
    end = time.perf_counter() + timeout * _SHARE
    wanted = SAMPLE if lives else 1
    names: list[tuple[Session, bytes]] = []
    whole, looked, endless, shortest = True, 0, 0, None
    databases: dict[int, int] = {}
    asked = [0, 0]
    for session in sessions:
        session.stream.bound(timeout)
        if not lives and not cluster and not _GLOB.search(pattern):
            there = session.ask("EXISTS", pattern) == 1  # of any number of keys, in one step
            asked[not there] += 1
            found, complete = [pattern.encode()] if there else [], True
        else:
            found, complete = _scanned(session, pattern, wanted - len(names), end)
        whole = whole and complete
        for name in found if lives else ():
            left = session.ask("TTL", name)
            if not isinstance(left, int) or left == -2:
                continue  # it is gone already, and so has an end
            looked, endless = looked + 1, endless + (left == -1)
            shortest = left if left >= 0 and (shortest is None or left < shortest) else shortest
        names += [(session, name) for name in found]
        if not names:
            for number, held in info.node(_bytes(session.ask("INFO", "keyspace")), "").databases.items():
                databases[number] = databases.get(number, 0) + held
        if len(names) >= wanted:
            break
    return Keys(pattern, len(names), whole, looked, endless, shortest, database, databases, (asked[0], asked[1]))


def _scanned(session: Session, pattern: str, wanted: int, end: float) -> tuple[list[bytes], bool]:
    """Up to `wanted` keys, and whether SCAN went through all."""
    names: dict[bytes, None] = {}
    cursor = b"0"
    for _ in range(_MOST_PAGES):
        answer = session.ask("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE)
        if not (isinstance(answer, list) and len(answer) == 2 and isinstance(answer[1], list)):
            return list(names), False
        cursor = _bytes(answer[0])
        names.update(dict.fromkeys(name for name in answer[1] if isinstance(name, bytes) and _plain(name)))
        if cursor == b"0":
            return list(names)[:wanted], True
        if len(names) >= wanted or time.perf_counter() > end or not cursor.isdigit():
            break
    return list(names)[:wanted], len(names) >= wanted


def slow_log(session: Session) -> SlowLog:
    """The newest entries, and from which time on a command is logged. Raises what `Session.ask` raises, but for an
    answer of the server that it may not be asked."""
    from pytest_prodcheck.targets.cache.session import Said

    try:
        now = _seconds(session.ask("TIME"))
        rows = session.ask("SLOWLOG", "GET", _ENTRIES)
    except Said as refusal:
        return SlowLog(refused=refusal.text)
    entries = tuple(entry for row in rows if (entry := _slow(row, now))) if isinstance(rows, list) else ()
    whole = not isinstance(rows, list) or len(rows) < _ENTRIES
    return SlowLog(entries, _logged_from(session), whole)


def _logged_from(session: Session) -> float | None:
    from pytest_prodcheck.targets.cache.session import Said

    try:
        answer = session.ask("CONFIG", "GET", "slowlog-log-slower-than")
    except Said:
        return None  # a managed server shows no settings
    value = _bytes(answer[1]) if isinstance(answer, list) and len(answer) == 2 else b""
    if value.startswith(b"-"):
        return float("inf")  # nothing is logged
    return int(value) / 1e6 if value.isdigit() else None


def _slow(row: object, now: float) -> Slow | None:
    if not (isinstance(row, list) and len(row) > 3):
        return None
    at, took, words = row[1], row[2], row[3]
    name = _bytes(words[0])[:40].decode("ascii", "replace") if isinstance(words, list) and words else ""
    if not isinstance(at, int) or not isinstance(took, int):
        return None
    return Slow(name if name.replace(".", "").isalnum() else "?", took / 1e6, max(0.0, now - at))


def _seconds(answer: object) -> float:
    first = answer[0] if isinstance(answer, list) and answer else b""
    return float(first) if isinstance(first, bytes) and first.isdigit() else time.time()


def _plain(name: bytes) -> bool:
    """Whether the guard lets the name back out; one with control characters is no name that we ask for."""
    return not any(byte < 32 or byte == 127 for byte in name)


def _bytes(answer: object) -> bytes:
    return answer if isinstance(answer, bytes) else b""
