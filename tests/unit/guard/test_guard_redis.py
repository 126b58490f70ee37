"""The Redis guard on the corpus, and on what else could be made of bytes (B17)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.guard import redis
from pytest_prodcheck.targets.guard.redis import Licence

CASES: list[dict[str, Any]] = [
    case
    for case in yaml.safe_load(Path(__file__).with_name("read_only_attacks.yaml").read_text("utf-8"))
    if case["surface"] == "redis"
]
ATTACKS = [case for case in CASES if case["expected"] != "allowed_readonly"]
READS = [case for case in CASES if case["expected"] == "allowed_readonly"]
OTHERS = (
    ("MULTI",), ("EXEC",), ("EVAL", "return 1", 0), ("EVALSHA", "a", 0), ("EVAL_RO", "return 1", 0), ("FCALL", "f", 0),
    ("FCALL_RO", "f", 0), ("CONFIG", "REWRITE"), ("CONFIG", "RESETSTAT"), ("CONFIG", "GET", "*"), ("CONFIG",),
    ("CONFIG", "GET", "requirepass"), ("CONFIG", "GET", "maxmemory", "requirepass"), ("CONFIG", "GET", "maxmemory*"),
    ("DEBUG", "RELOAD"), ("SHUTDOWN", "NOSAVE"), ("FLUSHDB",), ("SAVE",), ("BGSAVE",), ("REPLICAOF", "NO", "ONE"),
    ("CLIENT", "PAUSE", 1000), ("CLIENT", "LIST"), ("CLIENT", "SETNAME", "x"),
    ("ACL", "LIST"), ("ACL", "SETUSER", "x"),
    ("SLOWLOG", "RESET"), ("SLOWLOG", "GET", -1), ("CLUSTER", "FAILOVER"), ("CLUSTER", "RESET"),
    ("SENTINEL", "FAILOVER", "m"), ("SENTINEL", "RESET", "*"), ("LATENCY", "RESET"), ("MEMORY", "PURGE"),
    ("WAIT", 1, 0), ("SWAPDB", 0, 1), ("SORT", "l"), ("SORT", "l", "by", "x", "store", "m"),
    ("BITFIELD", "k", "SET", "u8", 0, 1),
    ("GETSET", "k", "v"), ("GEORADIUS", "k", 1, 1, 1, "m", "STORE", "d"), ("PFCOUNT", "k"), ("SMEMBERS", "k"),
    ("HGETALL", "k"), ("LRANGE", "k", 0, -1), ("XREAD", "BLOCK", 0, "STREAMS", "s", "$"), ("BLPOP", "k", 0),
    ("SCAN", 0, "COUNT", 100000), ("SCAN", 0, "COUNT"), ("SCAN",), ("HSCAN", "k"), ("PSUBSCRIBE", "*"), ("RESET",),
    ("AUTH", "x"), ("SELECT", 3), ("HELLO", 3), ("RESTORE", "k", 0, "x"), ("MIGRATE", "h"), ("OBJECT", "HELP"),
    ("SET", "prodcheck:r1", "v", "NX", "EX", 60), ("DEL", "prodcheck:r1"), ("UNLINK", "k"), ("COPY", "a", "b"),
    ("", "x"), (), (b"GET", b"a\x00"), ("GET", "a\x7f"), ("get\r\nFLUSHALL",), ("INFO", "a\nFLUSHALL"),
    ("EXPIRE", "k", 1),
    ("SCAN", 0, "COUNT", 10, "COUNT", 99999999), ("HSCAN", "k", 0, "COUNT", 10, "COUNT", 99999999),
    ("SCAN", 0, "MATCH", "COUNT", "COUNT", 99999999), ("SCAN", 0, "LATER", 1),
    ("MEMORY", "USAGE", "k", "SAMPLES", 0), ("MEMORY", "USAGE", "k", "SAMPLES", 5, "SAMPLES", 0),
)  # fmt: skip
"""Scripts, transactions, settings, passwords, other clients, blocking, unbounded and writing commands, and bytes that
begin another command."""


@pytest.mark.parametrize("case", ATTACKS, ids=lambda case: case["id"])
def test_attacks_of_the_corpus_are_refused(case: dict[str, Any]) -> None:
    """Each with the words that the corpus asks for; as bytes, too."""
    with pytest.raises(Refused) as refusal:
        redis.check(case["payload"])
    assert case["message"].partition(";")[0] in str(refusal.value)
    with pytest.raises(Refused):
        redis.check_sent(packed(*case["payload"]))


@pytest.mark.parametrize("case", READS, ids=lambda case: case["id"])
def test_reads_of_the_corpus_pass(case: dict[str, Any]) -> None:
    """Dangerous words in a pattern are no commands."""
    assert redis.check(case["payload"]) is None
    assert redis.check_sent(packed(*case["payload"])) is None


@pytest.mark.parametrize("command", OTHERS, ids=repr)
def test_whatever_is_no_proven_read_is_refused(command: tuple[str | bytes | int, ...]) -> None:
    """In any spelling; the refusal repeats no argument."""
    for spelt in (command, tuple(word.lower() if isinstance(word, str) else word for word in command)):
        with pytest.raises(Refused) as refusal:
            redis.check(spelt)
        assert "prodcheck:r1" not in str(refusal.value)


@pytest.mark.parametrize(
    "data",
    [
        b"FLUSHALL\r\n", b"PING\r\n", b"*1\r\n$4\r\nPING\r\nFLUSHALL\r\n",
        b"*1\r\n$8\r\nFLUSHALL\r\n*1\r\n$4\r\nPING\r\n",
        b"*2\r\n$4\r\nPING\r\n", b"*1\r\n$9\r\nPING\r\n\r\n", b"*0\r\n", b"*-1\r\n", b"*1\r\n$-1\r\n", b"*1\r\n:1\r\n",
        b"\r\n*1\r\n$4\r\nPING\r\n", b"*1\r\n$4\r\nPING\r\n*1\r\n$7\r\nFLUSHDB\r\n", b"*1\r\n+PING\r\n",
        b"*1\n$4\nPING\n",
    ],
    ids=repr,
)  # fmt: skip
def test_bytes_that_hold_more_than_reads_do_not_leave(data: bytes) -> None:
    """Inline commands, a second command behind a first, and what is not whole."""
    with pytest.raises(Refused):
        redis.check_sent(data)


@pytest.mark.parametrize(
    "command",
    [
        ("SCAN", 0), ("SCAN", 0, "MATCH", "COUNT", "COUNT", 1000), ("scan", 0, "match", "a*", "type", "hash"),
        ("HSCAN", "k", 0, "NOVALUES", "COUNT", 10), ("MEMORY", "USAGE", "k"), ("MEMORY", "USAGE", "k", "SAMPLES", 5),
    ],
    ids=repr,
)  # fmt: skip
def test_bounded_looks_pass(command: tuple[str | int, ...]) -> None:
    """Options in any order; what stands behind MATCH is no option."""
    assert redis.check(command) is None


def test_several_reads_may_leave_together() -> None:
    """A pipeline of reads is reads."""
    assert redis.check_sent(packed("PING") + packed("TTL", "a")) is None


def test_a_log_in_leaves_only_from_inside() -> None:
    """AUTH with any password (a line break in it too), SELECT and our name pass as bytes, and not as a command."""
    for step in (("AUTH", "p\n"), ("AUTH", "u", "p"), ("SELECT", "3"), ("CLIENT", "SETNAME", "prodcheck/1f")):
        assert redis.check_sent(packed(*step)) is None
        with pytest.raises(Refused):
            redis.check(step)


@pytest.mark.parametrize(
    "command",
    [
        ("SET", "other", "v", "NX", "EX", "60"), ("SET", "k", "v"), ("SET", "k", "v", "EX", "60"),
        ("SET", "k", "v", "XX", "EX", "60"), ("SET", "k", "v", "NX", "EX", "999"), ("DEL", "k", "other"),
        ("DEL", "other"), ("UNLINK", "k"), ("SET", "k", "v", "NX", "EX", "60", "GET"), ("EXPIRE", "k", "1"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_licence_is_for_its_own_key_alone(command: tuple[str, ...]) -> None:
    """Never over somebody's key, never without an end, nothing beside it."""
    licence = Licence("k", 60)
    assert redis.check_sent(packed("SET", "k", "v", "NX", "EX", "60") + packed("DEL", "k"), licence) is None
    with pytest.raises(Refused):
        redis.check_sent(packed(*command), licence)


def packed(*words: str | bytes | int) -> bytes:
    """A RESP command."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
