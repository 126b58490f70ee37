"""What shipped load scenarios send: the declared reads of an environment, as requests that are ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_prodcheck.config.models import METHODS_THAT_READ, Endpoint, Environment, HttpTarget

if TYPE_CHECKING:
    from pytest_prodcheck.config.models import LoadScenario
    from pytest_prodcheck.gate.probers import Probers
    from pytest_prodcheck.load.order import Read, Session


def posts(environment: Environment) -> tuple[str, ...]:
    """`METHOD path` of declared reads beyond GET, HEAD and OPTIONS."""
    return tuple(
        f"{endpoint.method.upper()} {(urlsplit(table.url).path.rstrip('/') + endpoint.path).partition('?')[0]}"
        for table in environment.targets.values()
        if isinstance(table, HttpTarget)
        for name in table.repeatable
        if (endpoint := table.endpoints[name]).method.upper() not in METHODS_THAT_READ
    )


def reads(environment: Environment, probers: Probers, scenario: LoadScenario) -> tuple[Read, ...]:
    """The requests of `browse` or `graphql`, with the weights of the scenario."""
    if scenario.file == "graphql":
        return tuple(_operations(environment, scenario))
    return tuple(_endpoints(environment, probers, scenario)) if scenario.file == "browse" else ()


def _endpoints(environment: Environment, probers: Probers, scenario: LoadScenario) -> Iterator[Read]:
    from pytest_prodcheck.load.order import Read
    from pytest_prodcheck.targets.http import HttpProber

    for target, table in environment.of_kind("http").items():
        prober = HttpProber(probers.wire, target, table, probers.credentials, 1)
        for name in table.repeatable:
            endpoint = table.endpoints[name]
            request = prober.request(name, endpoint, kind="sample")
            own = {key.lower() for key in probers.credentials(endpoint.as_)} if endpoint.as_ else set()
            headers = {
                key: value for key, value in {**table.headers, **request.headers}.items() if key.lower() not in own
            }
            yield Read(
                endpoint.path, request.method, request.url, headers, request.body.decode("utf-8", "replace"),
                _expected(endpoint), scenario.weights.get(name, 1), endpoint.as_ or scenario.as_,
            )  # fmt: skip


def _expected(endpoint: Endpoint) -> tuple[int, ...]:
    """Statuses that are no error: what is declared, and a redirect that the gate would follow."""
    return tuple(endpoint.status) or (tuple(range(200, 400)) if endpoint.follow else ())


def _operations(environment: Environment, scenario: LoadScenario) -> Iterator[Read]:
    from pytest_prodcheck.gate import documents
    from pytest_prodcheck.load.order import Read

    for table in environment.of_kind("graphql").values():
        found = documents.of(environment, table)
        for name, operation in found.operations.items():
            if found.why_not(name) or operation.kind != "query":
                continue
            payload: dict[str, Any] = {"query": operation.document, "operationName": operation.operation_name}
            payload |= {"variables": dict(found.variables[name])} if found.variables.get(name) else {}
            expected = table.expect.get(name)
            user = scenario.as_ or (expected.as_ if expected else "") or next(iter(table.as_), "")
            yield Read(
                f"query {name}", "POST", table.url, {"Content-Type": "application/json", **table.headers},
                json.dumps(payload), (), scenario.weights.get(name, 1), user, graphql=True,
            )  # fmt: skip


def sessions(environment: Environment, probers: Probers, scenario: LoadScenario) -> tuple[Session, ...]:
    """The declared WebSockets."""
    from pytest_prodcheck.load.order import Session

    return tuple(
        Session(
            target,
            table.url,
            {**table.headers, **probers.credentials(getattr(table, "as_", "") or scenario.as_)},
            str(getattr(table, "subprotocol", "") or ""),
            min(float(getattr(table, "hold", 0.0) or 1.0), 5.0),
            scenario.weights.get(target, 1),
        )
        for target, table in environment.of_kind("websocket").items()
    )
