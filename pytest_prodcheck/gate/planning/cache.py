"""The checks of a cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_prodcheck.config.models import CacheTarget, Environment, HttpTarget
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder, limits


def checks(environment: Environment, target: str, table: CacheTarget) -> Iterator[Check]:
    """What its logins, its server, its keys and its use promise."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
    if table.tls.valid_for:
        yield build.check("test_certificate")
    for name in table.logins:
        yield build.check("test_login", name)
    yield from (build.check(function) for function in _of_server(table))
    for pattern in table.keys:
        yield build.check("test_keys", pattern)
    for pattern in table.expires:
        yield build.check("test_expires", pattern)
    trip = table.round_trip
    if trip and environment.permits_write(target, trip.name):
        yield build.check("test_round_trip", trip.name, declared=trip, parameter="-")
    if table.serves:
        yield _serves(environment, build, table)
    yield from limits(build)


def _of_server(table: CacheTarget) -> list[str]:
    judged = {
        "test_role": table.meant_role, "test_replication": table.replicas or table.replication_lag,
        "test_memory": table.memory or table.policy, "test_clients": table.clients, "test_persistence": True,
        "test_version": table.version, "test_cluster": table.cluster, "test_sentinel": table.service,
        "test_slow_log": table.slow_log, "test_evicted": table.evicted is not None, "test_hit_ratio": table.hit_ratio,
    }  # fmt: skip
    return [function for function, promised in judged.items() if promised]


def _serves(environment: Environment, build: Builder, table: CacheTarget) -> Check:
    """It needs the endpoint's host, and the user as whom that is asked."""
    promised = table.serves
    host = environment.http_target(promised.target if promised else "")
    http = environment.targets[host]
    endpoint = http.endpoints[promised.endpoint] if promised and isinstance(http, HttpTarget) else None
    user = endpoint.as_ if endpoint else ""
    check = build.check("test_serves", promised.endpoint if promised else "", declared=promised, parameter="-")
    return replace(check, needs=(build.target, host, *([f"user:{user}"] if user else [])))
