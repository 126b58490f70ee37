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
    asked, unasked = [0, 0], 0
    for session in sessions:
        session.stream.bound(timeout)
        if not lives and not cluster and not _GLOB.search(pattern):
            there = session.ask("EXISTS", pattern) == 1  # of any number of keys, in one step
            asked[not there] += 1
            found, hidden, complete = [pattern.encode()] if there else [], 0, True
        else:
            found, hidden, complete = _scanned(session, pattern, wanted - len(names), end)
        unasked += hidden
        whole = whole and complete
        for name in found if lives else ():
            left = session.ask("TTL", name)
            if not isinstance(left, int) or left == -2:
                asked[1] += 1
                continue  # it is gone already, and so has an end
            looked, endless = looked + 1, endless + (left == -1)
            shortest = left if left >= 0 and (shortest is None or left < shortest) else shortest
        names += [(session, name) for name in found]
        if not names:
            for number, held in info.node(_bytes(session.ask("INFO", "keyspace")), "").databases.items():
                databases[number] = databases.get(number, 0) + held
        if len(names) >= wanted:
            break
    return Keys(
        pattern, len(names), whole, looked, endless, shortest, database, databases, (asked[0], asked[1]), unasked
    )


def _scanned(session: Session, pattern: str, wanted: int, end: float) -> tuple[list[bytes], int, bool]:
    """Up to `wanted` keys, how many have names that the guard does not let out, and whether SCAN went through all."""
    names: dict[bytes, None] = {}
    hidden: set[bytes] = set()
    cursor = b"0"
    for _ in range(_MOST_PAGES):
        answer = session.ask("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE)
        if not (isinstance(answer, list) and len(answer) == 2 and isinstance(answer[1], list)):
            return list(names), len(hidden), False
        cursor = _bytes(answer[0])
        found = [name for name in answer[1] if isinstance(name, bytes)]
        names.update(dict.fromkeys(name for name in found if _plain(name)))
        hidden.update(name for name in found if not _plain(name))
        if cursor == b"0":
            return list(names)[:wanted], len(hidden), True
        if len(names) >= wanted or time.perf_counter() > end or not cursor.isdigit():
            break
    return list(names)[:wanted], len(hidden), len(names) >= wanted


def slow_log(sessions: Iterable[Session]) -> SlowLog:
    """The newest entries of all servers, and from which time on each of them logs a command. Raises what `Session.ask`
    raises, but for an answer of a server that it may not be asked."""
    logs = [_slow_log(session) for session in sessions]
    begins = [log.logs_from for log in logs if log.logs_from is not None]
    return SlowLog(
        tuple(entry for log in logs for entry in log.entries),
        max(begins) if begins and len(begins) == len(logs) else None,
        all(log.whole for log in logs),
        next((log.refused for log in logs if log.refused), ""),
    )


def _slow_log(session: Session) -> SlowLog:
    from pytest_prodcheck.targets.cache.session import Said

    try:
        now = _seconds(session.ask("TIME"))
        rows = session.ask("SLOWLOG", "GET", _ENTRIES)
    except Said as refusal:
        return SlowLog(refused=refusal.text)
    rows = rows if isinstance(rows, list) else [rows]
    entries = tuple(entry for row in rows if (entry := _slow(row, now)))
    longest = _setting(session, "slowlog-max-len")
    room = longest.isdigit() and len(rows) < min(int(longest), _ENTRIES)
    return SlowLog(entries, _logged_from(session), room and len(entries) == len(rows))


def _logged_from(session: Session) -> float | None:
    value = _setting(session, "slowlog-log-slower-than")
    if value.startswith(b"-"):
        return float("inf")  # nothing is logged
    return int(value) / 1e6 if value.isdigit() else None


def _setting(session: Session, name: str) -> bytes:
    """A setting of the server; empty where it shows none, as managed servers do."""
    from pytest_prodcheck.targets.cache.session import Said

    try:
        answer = session.ask("CONFIG", "GET", name)
    except Said:
        return b""
    return _bytes(answer[1]) if isinstance(answer, list) and len(answer) == 2 else b""


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
