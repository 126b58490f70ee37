"""What must hold between the keys of a cache."""

from __future__ import annotations

from pytest_prodcheck.config import address, grammar
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import CacheTarget, HttpTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.config.rules.checked import Checked, refuse_blank, refuse_empty, refuse_unjudgeable
from pytest_prodcheck.config.secrecy import REFERENCE

_SHORTEST = 1.0
"""Seconds: Redis expires by whole ones in EX."""


def check(checked: Checked, path: KeyPath, target: CacheTarget) -> None:
    """Adds a problem for each key that promises nothing, that another one excludes, or that could not be judged."""
    add = checked.problems.add
    for key, value in [(("url",), target.url), *((("logins", name), url) for name, url in target.logins.items())]:
        if not REFERENCE.fullmatch(value) and (problem := address.redis_problem(value)):
            add((*path, *key), problem, f'{key[-1]} = "env:REDIS_URL"')
    refuse_blank(path, target, "service", "service names none", checked.problems)
    if target.cluster and target.service:
        add((*path, "service"), "sentinels watch no cluster: leave out cluster, or service", "cluster = true")
    if target.cluster and target.role:
        add((*path, "role"), "a cluster has nodes of both roles: leave out role", 'replicas = ">= 1"')
    if target.service and target.role == "replica":
        add((*path, "role"), "sentinels name the primary: leave out role, or service", 'role = "primary"')
    if target.sentinel_password is not None and not target.service:
        add((*path, "sentinel_password"), "sentinel_password needs service", 'service = "mymaster"')
    if "tls" in target.model_fields_set and target.url.startswith(("redis://", "valkey://")):
        add((*path, "tls"), "tls needs rediss://: this URL speaks none", 'url = "rediss://cache.example:6379"')
    for name, patterns in (("keys", target.keys), ("expires", target.expires)):
        for position, pattern in enumerate(patterns):
            if pattern.strip("*") == "" or any(ord(letter) < 32 for letter in pattern):
                add((*path, name, position), "a pattern names keys, not all of them", f'{name} = ["sess:*"]')
    limit = grammar.comparison(target.hit_ratio or "")
    if limit is not None and limit.value >= 1:
        add((*path, "hit_ratio"), "no number of lookups proves a ratio of 100 %", 'hit_ratio = "> 99%"')
    _round_trip(checked, path, target)
    _serves(checked, path, target)


def _round_trip(checked: Checked, path: KeyPath, target: CacheTarget) -> None:
    trip = target.round_trip
    if trip is None:
        return
    if "{run}" not in trip.key:
        text = "the key has no {run}: it could be somebody's"
        checked.problems.add((*path, "round_trip", "key"), text, 'key = "prodcheck:{run}"')
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in trip.key):
        checked.problems.add((*path, "round_trip", "key"), "a key has no control characters", 'key = "prodcheck:{run}"')
    if trip.ttl < _SHORTEST:
        checked.problems.add((*path, "round_trip", "ttl"), "a key lives for a second at least", 'ttl = "60s"')


def _serves(checked: Checked, path: KeyPath, target: CacheTarget) -> None:
    serves = target.serves
    if serves is None:
        return
    here = (*path, "serves")
    refuse_empty(here, serves, checked.problems)
    refuse_unjudgeable((*here, "hit"), dict(serves.hit), checked.problems)
    checked.http_target(here, serves.target, "serves")
    host = checked.environment.http_target(serves.target)
    table = checked.environment.targets.get(host)
    if not isinstance(table, HttpTarget):
        return
    if serves.endpoint not in table.endpoints:
        text = f"{host} has no endpoint {serves.endpoint}{nearest(serves.endpoint, table.endpoints)}"
        checked.problems.add((*here, "endpoint"), text)
    elif serves.endpoint not in table.repeatable:
        checked.problems.add((*here, "endpoint"), f"{serves.endpoint} is no read: it may not be asked twice")
