"""How a plan is made: the checks that an environment promises, known from its configuration alone."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config import models
from pytest_prodcheck.config.models import Environment, HttpTarget, Target
from pytest_prodcheck.gate.plan import Check, Plan


def make(environment: Environment, only: frozenset[str] = frozenset()) -> Plan:
    """The plan of an environment; `only` narrows it to these targets (`http`, `http.app`, `database`)."""
    checks: dict[str, Check] = {}
    left_out: dict[str, str] = {}
    for target, table in environment.targets.items():
        if only and not only & {target, target.split(".")[0]}:
            left_out[target] = "--prodcheck-only"
            continue
        for check in _of_target(environment, target, table):
            if only and check.function == "test_serves" and not _takes_part(check.needs[1], only):
                left_out[check.id] = f"--prodcheck-only leaves {check.needs[1]} out, which it asks"
            else:
                checks[check.id] = check
        left_out.update(_unsent(environment, target, table))
    return Plan(checks, left_out, bool(only))


def _takes_part(target: str, only: frozenset[str]) -> bool:
    return bool(only & {target, target.split(".")[0]})


def _of_target(environment: Environment, target: str, table: Target) -> Iterator[Check]:
    """The checks of a target; the modules of a kind that is not declared are not loaded."""
    if isinstance(table, HttpTarget):
        from pytest_prodcheck.gate.planning import http

        yield from http.checks(environment, target, table)
    elif isinstance(table, models.AuthTarget):
        from pytest_prodcheck.gate.planning import auth

        yield from auth.checks(environment, target, table)
    elif isinstance(table, models.GraphqlTarget):
        from pytest_prodcheck.gate.planning import graphql

        yield from graphql.checks(environment, target, table)
    elif isinstance(table, models.DatabaseTarget):
        from pytest_prodcheck.gate.planning import database

        yield from database.checks(environment, target, table)
    elif isinstance(table, models.CacheTarget):
        from pytest_prodcheck.gate.planning import cache

        yield from cache.checks(environment, target, table)
    elif isinstance(table, models.ClusterTarget):
        from pytest_prodcheck.gate.planning import cluster, compose

        yield from (compose if table.compose else cluster).checks(environment, target, table)
    elif isinstance(table, models.LogsTarget):
        from pytest_prodcheck.gate.planning import logs

        yield from logs.checks(environment, target, table)
    elif isinstance(table, models.LoadTarget):
        from pytest_prodcheck.gate.planning import load

        yield from load.checks(environment, target, table)
    elif isinstance(table, models.WebsocketTarget):
        from pytest_prodcheck.gate.planning import websocket

        yield from websocket.checks(environment, target, table)


def _unsent(environment: Environment, target: str, table: Target) -> Iterator[tuple[str, str]]:
    """What is declared and will not be sent, with the reason."""
    if isinstance(table, HttpTarget):
        for name, endpoint in table.endpoints.items():
            if not environment.permits(target, name, endpoint):
                yield f"{target}.{name}", "a write that `writes` does not permit here"
    elif isinstance(table, models.LoadTarget):
        from pytest_prodcheck.gate.planning import load

        for name in table.scenarios:
            if not load.permits(environment, name, table):
                yield f"{target}.{name}", "a write that `writes` does not permit here"
    elif isinstance(table, models.CacheTarget):
        trip = table.round_trip
        if trip and not environment.permits_write(target, trip.name):
            yield f"{target}.{trip.name}", "a write that `writes` does not permit here"
    elif isinstance(table, models.WebsocketTarget):
        from pytest_prodcheck.gate.planning import websocket

        yield from websocket.unsent(environment, target, table)
    elif isinstance(table, models.GraphqlTarget):
        from pytest_prodcheck.gate import documents

        found = documents.of(environment, table)
        for name in found.operations:
            if name not in table.subscriptions and (reason := found.why_not(name)):
                yield f"{target}.{name}", reason
