"""The faults of the cache."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import CACHE, CACHE_READY, ENDPOINT, LIMITS, Fault

_LOGIN = ("cache::test_login",)


def _down(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """Neither the gate nor the API gets an answer."""
    return Fault(name, "cache", summary, (cause,), CACHE_READY + ENDPOINT, CACHE, accept=accept)


def _wrong(name: str, summary: str, cause: str, explains: tuple[str, ...], *accept: str) -> Fault:
    """It answers, and not as promised."""
    return Fault(name, "cache", summary, (cause,), explains, (), LIMITS + CACHE + ENDPOINT, accept)


FAULTS = (
    _down("cache-down", "nothing listens on the cache's port", "cache.tcp.refused"),
    _down("cache-password", "the passwords of app and reader are changed", "cache.auth.rejected"),
    _wrong("cache-app-password", "the password of app is changed", "cache.auth.rejected", _LOGIN + ENDPOINT),
    Fault("cache-no-password", "cache", "the reader's URL has no password", ("cache.auth.required",), CACHE_READY,
          CACHE, ("cache::test_latency",)),
    _down("cache-loading", "the cache is loading its data set", "cache.server.loading"),
    _down("cache-hangs", "the cache accepts and never answers", "cache.server.hangs"),
    _wrong("cache-full", "maxmemory is reached, and nothing is evicted", "cache.memory.full",
           ("cache::test_memory", *ENDPOINT)),
    _wrong("cache-evicting", "keys are evicted during the run", "cache.memory.evicting", ("cache::test_evicted",)),
    _wrong("cache-replica", "the cache is a replica", "cache.server.read_only_replica",
           ("cache::test_role", *ENDPOINT)),
    _wrong("cache-no-ttl", "sessions have no time to live", "cache.keys.no_expiry", ("cache::test_expires",)),
    _wrong("cache-expires-at-once", "the API sets its time to live in the wrong unit", "cache.keys.expire_at_once",
           ("cache::test_serves",)),
    _wrong("cache-wrong-database", "the reader's URL ends in the number of an empty database",
           "cache.database_index.wrong", ("cache::test_keys",)),
    _wrong("cache-not-used", "the API does not ask the cache any more", "cache.hits.none", ("cache::test_serves",)),
)  # fmt: skip
