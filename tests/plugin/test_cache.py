"""A cache end to end: a real Redis beside a small system, gated (B17, B24)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_system import Answer

sys.path.append(str(Path(__file__).parents[1] / "targets"))
from redis_servers import Redis

PASSWORD = "dummy-R3dis-8tZ"
HOST = '[env.staging.http]\nurl = "URL"\nendpoints.tasks = "/api/tasks"\n'
CACHE = '[env.staging.cache]\nurl = "env:READER"\n'
WRITE = 'round_trip = { name = "cache_round_trip", key = "prodcheck:{run}", ttl = "60s" }\n'


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A server with a password; `env:READER` is its URL."""
    with Redis(f"requirepass {PASSWORD}") as one:
        monkeypatch.setenv("READER", one.url(f":{PASSWORD}@"))
        monkeypatch.setenv("APP", one.url(f":{PASSWORD}@"))
        yield one


def test_a_healthy_cache_is_green(gate, redis):
    """With every promise kept; a write that nobody permits is left out, and said to be."""
    redis.ask("SET", "sess:1", "x", "EX", 600, password=PASSWORD)
    promised = 'logins = { app = "env:APP" }\nrole = "primary"\nexpires = ["sess:*"]\nkeys = ["sess:*"]\nevicted = 0\n'
    gate.config(HOST + CACHE + promised + 'latency = "p95 < 2s"\nslow_log = "< 5s"\nversion = ">= 5"\n' + WRITE)
    gate.system.on("/api/tasks", [])
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert {name for name in outcome.words if "cache" in name or "login" in name} >= {"test_login[app]"}
    assert outcome.left_out["cache.cache_round_trip"] == "a write that `writes` does not permit here"
    assert redis.ask("DBSIZE", password=PASSWORD)[0] == b":1"
    assert PASSWORD not in outcome.text


def test_a_permitted_write_is_done_and_undone(gate, redis):
    """It is counted, and nothing of it is left."""
    gate.config('[env.staging]\nwrites = ["cache_round_trip"]\n' + HOST + CACHE + WRITE)
    gate.system.on("/api/tasks", [])
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert outcome.words["test_round_trip"] == "pass"
    assert outcome.verdict["sent"]["writes"] == 1
    assert redis.ask("DBSIZE", password=PASSWORD)[0] == b":0"


def test_a_wrong_password_blocks_and_is_the_one_cause(gate, redis, monkeypatch):
    """Its API answers 500 for it; the password is nowhere."""
    monkeypatch.setenv("READER", redis.url(":another-dummy-secret@"))
    gate.config(HOST + CACHE + 'role = "primary"\n')
    gate.system.on("/api/tasks", Answer(500, {"error": "internal server error"}))
    outcome = gate.run()
    outcome.assert_is(1, "fail")
    assert [cause["code"] for cause in outcome.verdict["causes"]] == ["cache.auth.rejected"]
    assert outcome.words["test_role"] == "blocked"
    assert outcome.words["test_endpoint[tasks]"] == "fail"
    assert "another-dummy" not in outcome.text + repr(outcome.verdict)


def test_a_reader_that_alone_is_refused_breaks_no_request(gate, redis, monkeypatch):
    """Where the application's own log-in works, our reader's password explains no 500."""
    monkeypatch.setenv("READER", redis.url(":another-dummy-secret@"))
    gate.config(HOST + CACHE + 'logins = { app = "env:APP" }\n')
    gate.system.on("/api/tasks", Answer(500, {"error": "internal server error"}))
    outcome = gate.run()
    assert {cause["code"] for cause in outcome.verdict["causes"]} == {
        "cache.auth.rejected", "http.application.unhandled_exception",
    }  # fmt: skip


def test_a_figure_of_the_cache_explains_no_500(gate, redis):
    """A key without a time to live is one cause, the API's exception another."""
    redis.ask("SET", "sess:1", "x", password=PASSWORD)
    gate.config(HOST + CACHE + 'expires = ["sess:*"]\n')
    gate.system.on("/api/tasks", Answer(500, {"error": "internal server error"}))
    outcome = gate.run()
    assert {cause["code"] for cause in outcome.verdict["causes"]} == {
        "cache.keys.no_expiry", "http.application.unhandled_exception",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("uses", "header", "verdict"),
    [
        (True, "HIT", "pass"), (True, "", "insufficient"), (True, "MISS", "fail"), (False, "HIT", "fail"),
        (False, "", "fail"),
    ],
)  # fmt: skip
def test_an_endpoint_is_served_from_it_or_not(gate, redis, uses, header, verdict):
    """Only where the cache was asked and found it; a header alone proves nothing, and hits alone may be of a session
    that each request reads (B24)."""
    redis.ask("SET", "tasks", "[]", "EX", 600, password=PASSWORD)

    def answer(_: object) -> Answer:
        time.sleep(0.1)  # so that no noise makes the second one twice as fast
        if uses:
            redis.ask("GET", "tasks", password=PASSWORD)
        return Answer(200, [], {"X-Cache": header} if header else {})

    gate.config(HOST + CACHE + 'serves = { endpoint = "tasks" }\n')
    gate.system.on("/api/tasks", answer)
    outcome = gate.run()
    assert outcome.words["test_serves"] == verdict
    if verdict == "fail":
        assert [cause["code"] for cause in outcome.verdict["causes"]] == ["cache.hits.none"]


@pytest.mark.parametrize(("fills", "verdict"), [(True, "pass"), (False, "insufficient")])
def test_a_miss_that_becomes_a_hit_proves_the_cache(gate, redis, fills, verdict):
    """Each request reads its session, which is a hit: only one more, for the miss of the first, is the answer's own."""
    redis.ask("SET", "sess:1", "x", "EX", 600, password=PASSWORD)

    def answer(_: object) -> Answer:
        time.sleep(0.1)
        redis.ask("GET", "sess:1", password=PASSWORD)
        if redis.ask("GET", "tasks", password=PASSWORD)[0] == b"$-1" and fills:
            redis.ask("SET", "tasks", "[]", "EX", 600, password=PASSWORD)
        return Answer(200, [], {})

    gate.config(HOST + 'endpoints.cached = "/api/cached"\n' + CACHE + 'serves = { endpoint = "cached" }\n')
    gate.system.on("/api/tasks", [])
    gate.system.on("/api/cached", answer)
    outcome = gate.run("-k", "test_serves")
    assert outcome.words["test_serves"] == verdict


def test_an_endpoint_that_fails_is_no_finding_of_the_cache(gate, redis):
    """What is wrong with its answer is said of the host."""
    gate.config(HOST + CACHE + 'serves = { endpoint = "tasks" }\n')
    gate.system.on("/api/tasks", Answer(404, "no"))
    outcome = gate.run()
    assert outcome.words["test_serves"] == "fail"
    assert len(outcome.verdict["causes"]) == 1
    assert not outcome.verdict["causes"][0]["code"].startswith("cache.")


def test_a_test_asks_what_it_may(gate, redis):
    """The fixture reads; a write is refused before it is sent, and the server's own refusal is an error of the test."""
    redis.ask("SET", "flags", "on", "EX", 600, password=PASSWORD)
    gate.config(HOST + CACHE)
    gate.system.on("/api/tasks", [])
    gate.file(
        "test_mine.py",
        "import pytest\n"
        "from pytest_prodcheck.errors import Refused, TargetError\n"
        "def test_mine(prodcheck_cache):\n"
        "    assert prodcheck_cache.get('flags') == b'on'\n"
        "    assert 0 < prodcheck_cache.ttl('flags') <= 600\n"
        "    assert prodcheck_cache.reading.nodes[0].role == 'primary'\n"
        "    with pytest.raises(Refused):\n"
        "        prodcheck_cache.command('DEL', 'flags')\n"
        "    with pytest.raises(TargetError):\n"
        "        prodcheck_cache.command('HGET', 'flags', 'x')\n",
    )
    outcome = gate.run("test_mine.py")
    outcome.assert_is(0, "pass")
    assert outcome.verdict["sent"]["refused"] == 1
    assert redis.ask("EXISTS", "flags", password=PASSWORD)[0] == b":1"


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('url = "http://cache.test"', "the scheme is not redis or rediss"),
        ('url = "redis://:dummy/R3dis@cache.test"', "secrets are references"),
        ('url = "redis://cache.test/x"', "no number of a database"),
        (CACHE + 'round_trip = { name = "w", key = "mine" }', "has no .run."),
        (CACHE + 'keys = ["*"]', "a pattern names keys"),
        (CACHE + "cluster = true\nservice = \"m\"", "sentinels watch no cluster"),
        (CACHE + 'serves = { endpoint = "nothing" }', "has no endpoint nothing"),
        (CACHE + 'hit_ratio = "< 50%"', "lower limit of a share"),
        (CACHE + 'policy = "lru"', "must be one of"),
        (CACHE + 'version = "7"', "not a comparison with a version"),
        (CACHE + "expires = []", "expires names no pattern"),
    ],
)  # fmt: skip
def test_what_promises_nothing_is_refused(gate, table, says):
    """Before anything is sent, with its line."""
    own = table if table.startswith("[") else f"[env.staging.cache]\n{table}\n"
    gate.config(HOST + own)
    outcome = gate.run()
    assert outcome.status == 4
    outcome.assert_says(says)
    assert "R3dis" not in outcome.text


def test_half_a_password_is_in_no_message(gate, monkeypatch):
    """A slash that is not encoded cuts the URL in two; redis-py would print the first half (leak-dsn-port-parse)."""
    monkeypatch.setenv("READER", f"rediss://:{PASSWORD[:6]}/{PASSWORD[6:]}@cache.test:6380/0")
    gate.config(HOST + CACHE)
    outcome = gate.run()
    assert outcome.status == 4
    outcome.assert_says("special characters must be percent-encoded", "env:READER")
    assert PASSWORD[:6] not in outcome.text
    assert PASSWORD[6:] not in outcome.text


def test_without_its_host_an_endpoint_is_not_asked(gate, redis):
    """`--prodcheck-only=cache` leaves out what would ask another target, and says so."""
    gate.config(HOST + CACHE + 'serves = { endpoint = "tasks" }\n')
    outcome = gate.run("--prodcheck-only=cache")
    outcome.assert_is(0, "pass")
    assert "test_serves" not in outcome.words
    assert "which it asks" in outcome.left_out["prodcheck.toml::cache::test_serves"]
    assert gate.sent() == 0


def test_workers_see_what_the_owner_saw(gate, redis):
    """Readings, keys and counters travel to xdist's workers; the end of the run is waited for without a deadlock."""
    redis.ask("SET", "sess:1", "x", "EX", 600, password=PASSWORD)
    promised = 'expires = ["sess:*"]\nevicted = 0\nhit_ratio = "> 50%"\nlatency = "p95 < 2s"\n'
    gate.config('[env.staging]\nwrites = ["cache_round_trip"]\n' + HOST + CACHE + promised + WRITE)
    gate.system.on("/api/tasks", lambda _: Answer(200, str(redis.ask("GET", "sess:1", password=PASSWORD))))
    outcome = gate.run("-n", "2")
    outcome.assert_is(6, "insufficient", "0 lookups|1 lookups|of 1 lookups|lookups during the run")
    assert {word for name, word in outcome.words.items() if name != "test_hit_ratio"} == {"pass"}
    assert outcome.verdict["sent"]["writes"] == 1


def test_the_doctor_says_why(gate, redis, monkeypatch):
    """`prodcheck doctor` tries the cache as the gate does."""
    monkeypatch.setenv("READER", redis.url(":another-dummy-secret@"))
    gate.config(CACHE)
    said = gate.pytester.run(sys.executable, "-m", "pytest_prodcheck.cli", "doctor", "staging")
    text = f"{said.stdout}{said.stderr}"
    assert said.ret == 1
    assert "NOT READY  cache: cache.auth.rejected" in text
    assert "another-dummy" not in text


def test_an_empty_cache_is_no_reason_for_a_health_page(gate, redis):
    """A figure is no outage: nothing is said of what a health page tests."""
    redis.ask("SET", "sess:1", "x", password=PASSWORD)
    gate.config(HOST + 'endpoints.health = "/health"\n' + CACHE + 'expires = ["sess:*"]\n')
    gate.system.on("/api/tasks", Answer(500, {"error": "x"}))
    gate.system.on("/health", {"status": "ok"})
    outcome = gate.run()
    evidence = [line for cause in outcome.verdict["causes"] for line in cause["evidence"]]
    assert not [line for line in evidence if "health does not test" in line]


def test_through_sentinels_the_role_is_judged(gate):
    """Whether it takes writes is asked without being declared: what sentinels name is the primary."""
    gate.config('[env.staging.cache]\nurl = "redis://cache.example:26379"\nservice = "mine"\n')
    gate.run("--prodcheck-plan").assert_says("test_role")
