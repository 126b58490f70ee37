"""What is read of real Redis servers, and judged: role, memory, hits, keys, the slow log, a write (B17, B24)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from postgres_peers import full_backlog, serving
from redis_servers import Redis, asking, cluster, free_port, until

from pytest_prodcheck.config.models import CacheTarget
from pytest_prodcheck.criteria import readiness
from pytest_prodcheck.criteria.cache import contents, hits, login, memory, server
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.cache import Reading, Slow, SlowLog
from pytest_prodcheck.targets.cache import info
from pytest_prodcheck.targets.cache.prober import CacheProber
from pytest_prodcheck.targets.guard.redis import Licence


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    """A server with some keys, of which one has no end."""
    with Redis("slowlog-log-slower-than 1000") as one:
        for number in range(40):
            one.ask("SET", f"sess:{number}", "x", "EX", 600)
        one.ask("SET", "forever:1", "x")
        one.ask("SET", "mixed:1", "x", "EX", 600)
        one.ask("SET", "mixed:2", "x")
        yield one


def reading(prober: CacheProber) -> Reading:
    """The first reading."""
    found = prober.ready().facts["reading"]
    assert isinstance(found, Reading)
    return found


def table(**keys: Any) -> CacheTarget:
    """A target whose limits are judged."""
    return CacheTarget.model_validate({"url": "redis://x", **keys})


def test_a_healthy_server_keeps_every_default(redis: Redis) -> None:
    """Nothing is found of a server with nothing wrong."""
    with asking(redis.url()) as prober:
        seen = reading(prober)
    promised = table(role="primary", policy="noeviction", version=">= 5")
    judges = (server.role, server.replication, server.clients, server.persistence, server.version, memory.memory)
    assert [found for judge in judges for found in judge(seen, promised, "cache")] == []


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"role": "replica"}, "cache.server.not_a_replica"), ({"replicas": ">= 1"}, "cache.replication.too_few"),
        ({"policy": "allkeys-lru"}, "cache.memory.policy"), ({"version": ">= 99"}, "cache.server.version"),
        ({"memory": "< 80%"}, "cache.memory.over_limit"), ({"clients": "< 1"}, "cache.clients.over_limit"),
    ],
)  # fmt: skip
def test_what_is_promised_and_not_so(redis: Redis, keys: dict[str, Any], code: str) -> None:
    """Each has its cause; a share of a maxmemory that is not set is no promise kept."""
    with asking(redis.url()) as prober:
        seen = reading(prober)
    judges = (server.role, server.replication, server.clients, server.version, memory.memory)
    assert [one.code for judge in judges for one in judge(seen, table(**keys), "cache")] == [code]


def test_a_full_server_that_evicts_nothing() -> None:
    """PING is answered, and every write fails (OOM); no write of ours finds that out."""
    with Redis("maxmemory 2mb", "maxmemory-policy noeviction") as full:
        until(lambda: full.ask("SET", time.monotonic_ns(), "x" * 60_000)[0].startswith(b"-OOM"), "the full server")
        with asking(full.url()) as prober:
            seen = reading(prober)
    assert [one.code for one in memory.memory(seen, table(), "cache")] == ["cache.memory.full"]


def test_a_full_server_with_nothing_to_evict() -> None:
    """`volatile-lru` evicts keys that have a time to live: where none has, writes fail as by `noeviction`."""
    with Redis("maxmemory 2mb", "maxmemory-policy volatile-lru") as full:
        until(lambda: full.ask("SET", time.monotonic_ns(), "x" * 60_000)[0].startswith(b"-OOM"), "the full server")
        with asking(full.url()) as prober:
            stuck = memory.memory(reading(prober), table(), "cache")
    with Redis("maxmemory 2mb", "maxmemory-policy volatile-lru") as busy:
        for number in range(60):
            busy.ask("SET", number, "x" * 60_000, "EX", 600)
        with asking(busy.url()) as prober:
            assert memory.memory(reading(prober), table(), "cache") == []
    assert [one.code for one in stuck] == ["cache.memory.full"]
    assert "volatile-lru, and no key has a time to live" in stuck[0].message


def test_counters_that_were_set_back_prove_nothing() -> None:
    """CONFIG RESETSTAT between the readings: what was evicted before it is in no counter."""
    with Redis("maxmemory 2mb", "maxmemory-policy allkeys-lru") as small, asking(small.url()) as prober:
        for _ in range(100):
            small.ask("PING")
        prober.ready()
        for number in range(60):
            small.ask("SET", f"more:{number}", "x" * 60_000)
        small.ask("CONFIG", "RESETSTAT")
        facts = prober.probe("test_evicted", "", "", 1).facts
    for found in (
        memory.evicted(facts["before"], facts["reading"], table(evicted=0), "cache"),
        hits.hit_ratio(facts["before"], facts["reading"], (0, 0, 0), table(hit_ratio="> 50%"), "cache", 0.95),
    ):
        assert [(one.code, one.severity) for one in found] == [("cache.stats.unread", "insufficient")]


def test_what_sentinels_name_takes_writes() -> None:
    """They may not have noticed yet who the primary is: no role has to be declared for that to be red."""
    seen = Reading((info.node(b"role:slave", "x"),))
    assert [one.code for one in server.role(seen, table(service="mine"), "cache")] == ["cache.server.read_only_replica"]
    assert server.role(seen, table(), "cache") == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"aof_last_bgrewrite_status:err", "rewrite of the AOF"), (b"aof_last_write_status:err", "write to the AOF"),
        (b"rdb_last_bgsave_status:err", "RDB snapshot"), (b"", ""),
    ],
)  # fmt: skip
def test_each_kind_of_persistence_that_failed(said: bytes, words: str) -> None:
    """A log that is never rewritten grows until the disk is full; without a log its fields say nothing."""
    well = b"aof_enabled:1\r\naof_last_write_status:ok\r\naof_last_bgrewrite_status:ok\r\nrdb_last_bgsave_status:ok"
    found = server.persistence(Reading((info.node(well + b"\r\n" + said, "x"),)), table(), "cache")
    assert [one.code for one in found] == (["cache.persistence.failed"] if words else [])
    assert all(f"the last {words} of x failed" in one.message for one in found)
    off = b"aof_enabled:0\r\nrdb_last_bgsave_status:ok\r\naof_last_bgrewrite_status:err"
    assert server.persistence(Reading((info.node(off, "x"),)), table(), "cache") == []


def test_evictions_of_the_run_and_none_before_it() -> None:
    """What was evicted before the run is not its business; what is evicted during it is counted."""
    with Redis("maxmemory 2mb", "maxmemory-policy allkeys-lru") as small, asking(small.url()) as prober:
        for number in range(60):
            small.ask("SET", f"first:{number}", "x" * 60_000)
        small.ask("CONFIG", "SET", "maxmemory", "100mb")
        prober.ready()
        quiet = prober.probe("test_evicted", "", "", 1).facts
        small.ask("CONFIG", "SET", "maxmemory", "2mb")
        for number in range(60):
            small.ask("SET", f"more:{number}", "x" * 60_000)
        facts = prober.probe("test_evicted", "", "", 2).facts
    assert memory.evicted(quiet["before"], quiet["reading"], table(evicted=0), "cache") == []
    (found,) = memory.evicted(facts["before"], facts["reading"], table(evicted=0), "cache")
    assert found.code == "cache.memory.evicting"


def test_a_restart_during_the_run_is_no_small_number() -> None:
    """Counters that begin anew would say that nothing happened."""
    port = free_port()
    with Redis(port=port) as first, asking(first.url()) as prober:
        prober.ready()
        first.stop()
        with Redis(port=port):
            facts = prober.probe("test_evicted", "", "", 1).facts
    for found in (
        memory.evicted(facts["before"], facts["reading"], table(evicted=0), "cache"),
        hits.hit_ratio(facts["before"], facts["reading"], (0, 0, 0), table(hit_ratio="> 50%"), "cache", 0.95),
    ):
        assert [one.code for one in found] == ["cache.server.restarted"]


def test_our_own_lookups_are_not_the_applications() -> None:
    """SCAN, TTL, GET and EXISTS of ours leave the ratio as it was; the application's lookups make it."""
    with (
        Redis() as one,
        asking(one.url(), expires=["sess:*"], round_trip={"name": "w", "key": "prodcheck:1", "ttl": 60.0}) as prober,
    ):
        for number in range(30):
            one.ask("SET", f"sess:{number}", "x", "EX", 600)
        prober.ready()
        prober.probe("test_expires", "sess:*", "", 1)
        prober.probe("test_round_trip", "w", "", 1)
        assert prober.command(("TTL", "nothing"))[1] == -2
        promised = table(hit_ratio="> 50%")

        def ratio(attempt: int) -> list[str]:
            facts = prober.probe("test_hit_ratio", "", "", attempt).facts
            return [
                one.seen
                for one in hits.hit_ratio(facts["before"], facts["reading"], facts["own"], promised, "cache", 0.95)
            ]

        assert ratio(1) == ["0% (0 of 0 lookups)"]
        for _ in range(8):
            one.ask("GET", "sess:1")
        assert ratio(2) == []
        for _ in range(40):
            one.ask("GET", "nothing")
        assert ratio(3) == ["17% (8 of 48 lookups)"]


@pytest.mark.parametrize(
    ("command", "counted"),
    [
        (("GET", "text"), (1, 0, 0)), (("GET", "none"), (0, 1, 0)), (("GET", "map"), (0, 0, 1)),
        (("GET", "empty"), (1, 0, 0)), (("STRLEN", "text"), (1, 0, 0)), (("STRLEN", "none"), (0, 0, 1)),
        (("MGET", "text", "none"), (1, 0, 1)), (("EXISTS", "text", "map", "none"), (2, 1, 0)),
        (("TTL", "text"), (1, 0, 0)), (("PTTL", "none"), (0, 1, 0)), (("TYPE", "map"), (1, 0, 0)),
        (("type", "none"), (0, 1, 0)), ((b"TYPE", "none"), (0, 1, 0)), (("HGET", "map", "field"), (1, 0, 0)),
        (("HGET", "map", "other"), (0, 0, 1)), (("HLEN", "none"), (0, 1, 0)), (("HLEN", "map"), (1, 0, 0)),
        (("HMGET", "map", "field"), (0, 0, 1)), (("OBJECT", "ENCODING", "text"), (0, 0, 1)), (("DBSIZE",), (0, 0, 0)),
    ],
    ids=repr,
)  # fmt: skip
def test_each_lookup_of_a_test_is_ours(command: tuple[str | bytes, ...], counted: tuple[int, int, int]) -> None:
    """As the server counts it; where an answer does not say whether a key was there, both may be."""
    with Redis() as one, asking(one.url()) as prober:
        one.ask("SET", "text", "x")
        one.ask("SET", "empty", "")
        one.ask("HSET", "map", "field", "x")
        before = reading(prober).nodes[0]
        prober.command(command)
        facts = prober.probe("test_hit_ratio", "", "", 1).facts
    after = facts["reading"].nodes[0]
    found, missed = (after.hits or 0) - (before.hits or 0), (after.misses or 0) - (before.misses or 0)
    assert facts["own"] == counted
    assert counted[0] <= found <= counted[0] + counted[2]
    assert counted[1] <= missed <= counted[1] + counted[2]


def test_lookups_of_ours_prove_no_ratio() -> None:
    """A hundred fields that a test of ours reads are nobody's hits, nor are a hundred that are missing his misses."""
    before = Reading((info.node(b"run_id:1\r\nkeyspace_hits:0\r\nkeyspace_misses:0", "x"),))
    promised = table(hit_ratio="> 50%")

    def judged(found: int, missed: int, own: tuple[int, int, int]) -> list[str]:
        after = Reading((info.node(b"run_id:1\r\nkeyspace_hits:%d\r\nkeyspace_misses:%d" % (found, missed), "x"),))
        return [one.code for one in hits.hit_ratio(before, after, own, promised, "cache", 0.95)]

    assert judged(100, 0, (0, 0, 0)) == []
    assert judged(0, 100, (0, 0, 0)) == ["cache.hits.low"]
    assert judged(100, 0, (0, 0, 100)) == judged(0, 100, (0, 0, 100)) == ["sampling.insufficient"]
    assert judged(200, 3, (0, 0, 100)) == []


def test_names_that_are_not_asked_for_are_no_proof(redis: Redis) -> None:
    """Serialized names have control characters: they exist, and whether they end is not known."""
    with Redis() as one:
        one.ask("SET", "\x05t\x07sess:1", "x")
        one.ask("SET", "sess:2", "x", "EX", 600)
        with asking(one.url()) as prober:
            there = prober.probe("test_keys", "*sess:1", "", 1).facts["keys"]
            ends = prober.probe("test_expires", "*sess:*", "", 1).facts["keys"]
    assert contents.exist(there, "cache") == []
    assert [one.severity for one in contents.end(ends, "cache")] == ["insufficient"]


def test_keys_that_exist_and_keys_that_end(redis: Redis) -> None:
    """By a bounded SCAN; names of keys are in no finding."""
    with asking(redis.url()) as prober:
        seen = {name: prober.probe("test_keys", name, "", 1).facts["keys"] for name in ("sess:*", "nothing:*")}
        ends = {
            name: prober.probe("test_expires", name, "", 1).facts["keys"]
            for name in ("sess:*", "forever:*", "mixed:*", "nothing:*")
        }
    assert contents.exist(seen["sess:*"], "cache") == []
    assert [one.code for one in contents.exist(seen["nothing:*"], "cache")] == ["cache.keys.missing"]
    assert contents.end(ends["sess:*"], "cache") == []
    found = {name: contents.end(keys, "cache") for name, keys in ends.items()}
    assert [one.severity for one in found["nothing:*"]] == ["insufficient"]
    assert [one.code for one in (*found["forever:*"], *found["mixed:*"])] == ["cache.keys.no_expiry"] * 2
    assert "forever:1" not in repr(found) + repr(seen)


def test_a_number_of_the_database_that_holds_nothing(redis: Redis) -> None:
    """The keys are there, and in another database: that is the cause, not that they are missing."""
    with asking(redis.url(database=3)) as prober:
        found = contents.exist(prober.probe("test_keys", "sess:*", "", 1).facts["keys"], "cache")
    assert [one.code for one in found] == ["cache.database_index.wrong"]


def test_a_scan_that_does_not_get_through(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bounds nothing is said to be missing."""
    monkeypatch.setattr("pytest_prodcheck.targets.cache.looks._PAGE", 1)
    monkeypatch.setattr("pytest_prodcheck.targets.cache.looks._MOST_PAGES", 2)
    with asking(redis.url()) as prober:
        keys = prober.probe("test_keys", "nothing:*", "", 1).facts["keys"]
    assert [one.severity for one in contents.exist(keys, "cache")] == ["insufficient"]


def test_the_slow_log_names_commands_and_no_arguments(redis: Redis) -> None:
    """A slow command is red; a log that begins above the limit proves nothing."""
    with asking(redis.url()) as prober:
        quiet = prober.probe("test_slow_log", "", "", 1).facts["slow_log"]
        redis.ask("EVAL", "local i = 0; while i < 3e6 do i = i + 1 end", 0)
        slow = prober.probe("test_slow_log", "", "", 1).facts["slow_log"]
    assert [one.severity for one in contents.slow(quiet, "< 500ms", "cache")] == []
    assert [one.severity for one in contents.slow(quiet, "< 0.5ms", "cache")] == ["insufficient"]
    (found,) = contents.slow(slow, "< 2ms", "cache")
    assert (found.code, found.subject) == ("cache.command.slow", "EVAL")
    assert "local i" not in repr(slow)


@pytest.mark.parametrize("kept", [0, 3])
def test_a_slow_log_that_drops_its_entries_proves_nothing(kept: int) -> None:
    """A command that took seconds is pushed out by a handful of quick ones."""
    with Redis("slowlog-log-slower-than 0", f"slowlog-max-len {kept}") as one, asking(one.url()) as prober:
        one.ask("EVAL", "local i = 0; while i < 3e6 do i = i + 1 end", 0)
        for _ in range(5):
            one.ask("PING")
        log = prober.probe("test_slow_log", "", "", 1).facts["slow_log"]
    assert [one.severity for one in contents.slow(log, "< 2ms", "cache")] == ["insufficient"]


def test_what_the_acl_forbids_is_blocked() -> None:
    """A reader that may only PING: nothing is green for it."""
    alone = Redis("user reader on >dummy-pass ~* +ping", "user default off")
    with alone as strict, asking(strict.url("reader:dummy-pass@")) as prober:
        ready = prober.ready()
        facts = [prober.probe(f"test_{name}", "sess:*", "", 1).facts for name in ("slow_log", "keys", "expires")]
        seen = ready.facts["reading"]
    assert login.ready("cache", ready) == []
    judges = (server.role, server.clients, server.persistence, memory.memory)
    found = [one for judge in judges for one in judge(seen, table(), "cache")]
    assert [(one.code, one.severity) for one in found] == [("cache.stats.not_visible", "blocked")] * 4
    assert facts[0]["slow_log"].refused.startswith("NOPERM")
    assert all(one["refused"].startswith("NOPERM") for one in facts[1:])


def test_the_round_trip_proves_its_clean_up(redis: Redis) -> None:
    """SET, GET, TTL, DEL, and the look that it is gone; the key of somebody else is never touched."""
    trip = {"name": "w", "key": "prodcheck:r1", "ttl": 60.0}
    with asking(redis.url(), round_trip=trip) as prober:
        first = prober.probe("test_round_trip", "w", "", 1).facts["trip"]
        redis.ask("SET", "prodcheck:r1", "somebody's")
        second = prober.probe("test_round_trip", "w", "", 1).facts["trip"]
        promised = prober.table.round_trip
        sent = dict(prober.sent)
    assert promised is not None
    assert [(step.command, step.right) for step in first.steps] == [
        (name, True) for name in ("SET", "GET", "TTL", "DEL", "EXISTS")
    ]
    assert contents.round_trip(first, promised, "cache") == []
    assert [one.code for one in contents.round_trip(second, promised, "cache")] == ["cache.write.failed"]
    assert b"somebody's" in redis.ask("GET", "prodcheck:r1")
    assert sent["writes"] == 1
    redis.ask("DEL", "prodcheck:r1")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (("maxmemory 1", "maxmemory-policy noeviction"), ["cache.memory.full"]),
        (("replicaof 127.0.0.1 1",), ["cache.server.read_only_replica"]),
        (("rename-command DEL nothing",), ["cache.auth.not_permitted", "cache.cleanup.failed"]),
    ],
)  # fmt: skip
def test_a_write_that_fails_has_its_cause(settings: tuple[str, ...], code: list[str]) -> None:
    """OOM and READONLY by a real server; and what cannot be removed is said, with the time until it ends."""
    with Redis(*settings) as one, asking(one.url(), round_trip={"name": "w", "key": "p:1", "ttl": 60.0}) as prober:
        trip = prober.probe("test_round_trip", "w", "", 1).facts["trip"]
        assert prober.table.round_trip is not None
        assert [found.code for found in contents.round_trip(trip, prober.table.round_trip, "cache")] == code


def test_no_write_leaves_a_session_without_a_licence(redis: Redis) -> None:
    """Also where our own code asks for it: the seam is the socket."""
    with asking(redis.url()) as prober, prober._asking() as session:
        with pytest.raises(Refused):
            session.step("SET", "a", "b")
        with pytest.raises(Refused):
            session.stream.sendall(b"*1\r\n$8\r\nFLUSHALL\r\n")
        assert session.ask("DBSIZE") == 43


def test_a_replica_pair() -> None:
    """The primary has one replica, in time; the replica is one, and read-only by name."""
    with Redis("repl-diskless-sync-delay 0") as first, Redis(f"replicaof 127.0.0.1 {first.port}") as second:
        until(lambda: b"master_link_status:up" in second.ask("INFO", "replication"), "the replication")
        until(lambda: any(b"state=online" in line for line in first.ask("INFO", "replication")), "the replica")
        with asking(first.url()) as one, asking(second.url()) as other:
            primary, replica = reading(one), reading(other)
    promised = table(role="primary", replicas=">= 1")
    assert server.role(primary, promised, "cache") + server.replication(primary, promised, "cache") == []
    assert [found.code for found in server.role(replica, promised, "cache")] == ["cache.server.read_only_replica"]


def test_a_replica_whose_primary_went_away() -> None:
    """Its link is down, and what it serves is old."""
    with Redis("repl-diskless-sync-delay 0") as first, Redis(f"replicaof 127.0.0.1 {first.port}") as second:
        until(lambda: b"master_link_status:up" in second.ask("INFO", "replication"), "the replication")
        first.stop()
        until(lambda: b"master_link_status:down" in second.ask("INFO", "replication"), "the loss")
        with asking(second.url()) as prober:
            found = server.replication(reading(prober), table(), "cache")
    assert [one.code for one in found] == ["cache.server.primary_down"]


def test_a_cluster_is_read_whole() -> None:
    """Every node, every slot; keys of all primaries; the write goes to the key's own node; a failed node is named."""
    keys = {"cluster": True, "round_trip": {"name": "w", "key": "prodcheck:r1", "ttl": 60.0}}
    with cluster() as nodes, asking(nodes[0].url(), **keys) as prober:
        seen = reading(prober)
        assert len(seen.primaries) == 3
        assert server.cluster(seen, prober.table, "cache") == []
        home = next(one for one in nodes if one.ask("SET", "sess:1", "x")[0] == b"+OK")
        ends = prober.probe("test_expires", "sess:*", "", 1).facts["keys"]
        assert [one.code for one in contents.end(ends, "cache")] == ["cache.keys.no_expiry"]
        trips = [prober.probe("test_round_trip", "w", "", 1).facts["trip"]]
        assert all(step.right for trip in trips for step in trip.steps)
        nodes[2].ask("EVAL", "local i = 0; while i < 3e6 do i = i + 1 end", 0)
        slow = prober.probe("test_slow_log", "", "", 1).facts["slow_log"]
        assert [one.code for one in contents.slow(slow, "< 2ms", "cache")] == ["cache.command.slow"]
        with asking(nodes[0].url()) as alone:
            (undeclared,) = readiness.target("cache", alone.table, alone.ready())
        assert undeclared.code == "cache.cluster.not_declared"
        dead = nodes[1] if home is not nodes[1] else nodes[2]
        dead.stop()
        until(lambda: b"cluster_state:fail" in nodes[0].ask("CLUSTER", "INFO"), "the failure")
        late = prober.probe("test_cluster", "", "", 2).facts["reading"]
    assert [one.code for one in server.cluster(late, prober.table, "cache")] == ["cache.cluster.down"]


def test_sentinels_name_the_primary() -> None:
    """The service's primary is reached through them; an unknown service, and one that they could not move, are said."""
    with Redis() as primary:
        watch = (f"sentinel monitor mine 127.0.0.1 {primary.port} 2", "sentinel down-after-milliseconds mine 500")
        with Redis(*watch, sentinel=True) as one:
            url = f"redis://127.0.0.1:1,127.0.0.1:{one.port}/0"
            with asking(url, service="mine") as prober:
                ready = prober.ready()
                lonely = prober.probe("test_sentinel", "", "", 1).facts
            with asking(one.url()) as alone:
                (mistaken,) = readiness.target("cache", alone.table, alone.ready())
            with asking(url, service="other") as prober:
                unknown = login.ready("cache", prober.ready())
    assert login.ready("cache", ready) == []
    assert ready.observations[0].data["port"] == primary.port
    promised = table(service="mine")
    assert [found.code for found in server.sentinel(lonely["watch"], "", promised, "cache")] == [
        "cache.sentinel.no_quorum"
    ]
    assert (mistaken.code, mistaken.data["speaks"]) == ("cache.port.wrong_service", "Redis Sentinel")
    assert [found.code for found in unknown] == ["cache.sentinel.unknown_service"]


def test_sentinels_that_could_move_it() -> None:
    """A quorum of one needs no other."""
    with (
        Redis() as primary,
        Redis(f"sentinel monitor mine 127.0.0.1 {primary.port} 1", sentinel=True) as one,
        asking(one.url(), service="mine") as prober,
    ):
        until(lambda: b"127.0.0.1" in one.ask("SENTINEL", "MASTER", "mine"), "the sentinel")
        facts = prober.probe("test_sentinel", "", "", 1).facts
    assert list(server.sentinel(facts["watch"], "", table(service="mine"), "cache")) == []


def test_a_plain_name_is_asked_for_in_one_step(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a key that is written out there is no scan, so that no number of others hides it; nor does it count."""
    monkeypatch.setattr("pytest_prodcheck.targets.cache.looks._MOST_PAGES", 0)
    with asking(redis.url()) as prober:
        there = prober.probe("test_keys", "sess:7", "", 1).facts["keys"]
        missing = prober.probe("test_keys", "sess:7777", "", 1).facts["keys"]
        assert prober._own == [1, 1, 0]
    assert contents.exist(there, "cache") == []
    assert [one.code for one in contents.exist(missing, "cache")] == ["cache.keys.missing"]


def test_a_write_whose_answer_is_lost_is_removed_all_the_same() -> None:
    """The connection dies between SET and DEL: another session removes what has our value, and only that."""
    with Redis() as one:
        trip = {"name": "w", "key": "p:1", "ttl": 60.0}
        for held, left in (("prodcheck test", b":0"), ("somebody's", b":1")):
            one.ask("SET", "p:1", held, "EX", 60)
            with asking(one.url(), round_trip=trip) as prober:
                assert prober._undone(Licence("p:1", 60)) is (left == b":0")
            assert one.ask("EXISTS", "p:1")[0] == left


def test_a_cluster_that_names_many_dead_nodes_is_left_in_time() -> None:
    """A hostile list of nodes takes two timeouts, not two hundred; what was not read is not green."""
    rows = bytearray()

    def answer(client: socket.socket) -> None:
        while data := client.recv(4096):
            body = bytes(rows) if b"NODES" in data else b"cluster_state:ok\r\ncluster_slots_ok:16384\r\nrole:master\r\n"
            client.sendall(b"+PONG\r\n" if b"PING" in data else b"$%d\r\n%b\r\n" % (len(body), body))

    with (
        full_backlog() as silent,
        serving(answer) as port,
        asking(f"redis://127.0.0.1:{port}", cluster=True, timeout=1.0) as prober,
    ):
        for number in range(150):
            rows += b"%040d 127.0.0.%d:%d@1 master - 0 0 1 connected 0-1\n" % (number, number % 250 + 1, silent)
            rows += b"%040d 127.0.0.1:%d@1 master - 0 0 1 connected 0-1\n" % (number + 1000, silent)
        began = time.monotonic()
        seen = reading(prober)
        took = time.monotonic() - began
    assert took < 30
    assert any("not read in time" in why for why in seen.unread.values())
    assert {one.severity for one in server.cluster(seen, prober.table, "cache")} == {"insufficient"}


@pytest.mark.parametrize(
    "said", [b"", b"role:slave\r\n", b"role:slave\r\nmaster_link_status:up\r\n", b"\xff\xfe:\x00\r\n"]
)
def test_a_server_that_says_little_is_not_green(said: bytes) -> None:
    """Whatever INFO leaves out cannot be judged, and no default makes it well."""
    seen = Reading((info.node(said, "x"),))
    judges = (server.role, server.replication, server.clients, server.persistence, memory.memory)
    found = {judge.__name__: judge(seen, table(role="replica", version=">= 5"), "cache") for judge in judges}
    assert {name for name, some in found.items() if not some} <= ({"role"} if b"slave" in said else set())
    assert [one.code for one in server.version(seen, table(version=">= 5"), "cache")] == ["cache.stats.not_visible"]


def test_more_slow_entries_than_are_read_prove_nothing() -> None:
    """128 entries of the last hour may hide a slower one behind them."""
    entries = tuple(Slow("GET", 0.02, 5.0) for _ in range(128))
    (found,) = contents.slow(SlowLog(entries, 0.01, whole=False), "< 100ms", "cache")
    assert found.severity == "insufficient"


def test_a_connection_that_dies_behind_the_write() -> None:
    """SET was done, and nothing more could be asked: the key is removed over another connection, and that is proven."""
    with Redis() as one:

        def relay(client: socket.socket) -> None:
            with socket.create_connection(("127.0.0.1", one.port)) as real:
                while data := client.recv(4096):
                    real.sendall(data)
                    answer = real.recv(4096)
                    if b"SET" in data and b"CLIENT" not in data:
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    client.sendall(answer)

        trip = {"name": "w", "key": "p:1", "ttl": 60.0}
        with serving(relay) as port, asking(f"redis://127.0.0.1:{port}/0", round_trip=trip) as prober:
            done = prober.probe("test_round_trip", "w", "", 1).facts["trip"]
            assert prober.table.round_trip is not None
            found = contents.round_trip(done, prober.table.round_trip, "cache")
        assert one.ask("EXISTS", "p:1")[0] == b":0"
    assert [step.command for step in done.steps] == ["SET"]
    assert [one.code for one in found] == ["cache.write.failed"]
