"""What the keys of a cache mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import OWNED, TARGET, Words

KEYS: Mapping[str, Words] = {
    "RoundTrip": OWNED
    | {
        "name": ("The write's name, as `writes` permits it.", 'name = "cache_round_trip"'),
        "key": ("The key that is written, with the run's tag in it.", 'key = "prodcheck:{run}"'),
        "ttl": ("How long it lives where we cannot remove it. Default `60s`.", 'ttl = "60s"'),
    },
    "Serves": OWNED
    | {
        "endpoint": ("A declared read, asked twice in a row.", 'endpoint = "tasks"'),
        "target": ("Its http target, where there are several.", 'target = "http.app"'),
        "hit": ("Header by which an answer says that the cache gave it.", 'hit = { X-Cache = "HIT" }'),
    },
    "CacheTarget": TARGET
    | {
        "url": ("Our reader; `rediss://` is TLS. Of sentinels: several hosts.", 'url = "env:REDIS_READER_URL"'),
        "tls": ("How far the certificate of `rediss://` is trusted.", 'tls = { ca = "certs/redis.pem" }'),
        "logins": ("Further credentials that must work.", 'logins = { app = "env:REDIS_URL" }'),
        "cluster": ("Whether it is a Redis Cluster: every node is read.", "cluster = true"),
        "service": ("What the sentinels at `url` call the service.", 'service = "mymaster"'),
        "sentinel_password": ("The sentinels' own password.", 'sentinel_password = "env:SENTINEL_PASSWORD"'),
        "latency": ("Limits of PING.", 'latency = "p95 < 50ms"'),
        "role": ("What the server is: `primary` or `replica`.", 'role = "primary"'),
        "replicas": ("Connected replicas, of each primary.", 'replicas = ">= 1"'),
        "replication_lag": (
            "How far a replica is behind; `false` judges nothing. Default `< 10s`.",
            'replication_lag = "< 2s"',
        ),
        "policy": ("`maxmemory-policy`.", 'policy = "allkeys-lru"'),
        "memory": (
            "Used memory of `maxmemory`; `false` judges nothing. Default `< 90%`, where nothing is evicted.",
            'memory = "< 80%"',
        ),
        "clients": ("Connections of `maxclients`; `false` judges nothing. Default `< 90%`.", 'clients = "< 80%"'),
        "keys": ("Patterns of which a key must exist; bounded SCAN, never KEYS.", 'keys = ["config:*"]'),
        "expires": ("Patterns whose sampled keys have a TTL.", 'expires = ["sess:*"]'),
        "hit_ratio": ("Share of lookups that find their key, over the run.", 'hit_ratio = "> 50%"'),
        "evicted": ("Keys that may be evicted during the run.", "evicted = 0"),
        "slow_log": ("How long a command may take, of the slow log's last hour.", 'slow_log = "< 100ms"'),
        "version": ("Version of the server.", 'version = ">= 7.2"'),
        "round_trip": (
            "A write: SET, GET, TTL, DEL of one key; permitted by `writes`.",
            'round_trip = { name = "cache_round_trip", key = "prodcheck:{run}", ttl = "60s" }',
        ),
        "serves": (
            "An endpoint whose second answer comes out of the cache.",
            'serves = { endpoint = "tasks", hit = { X-Cache = "HIT" } }',
        ),
    },
}
