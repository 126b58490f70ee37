"""Can the limits be proven at all, with the requests and the time that a run has? What cannot is exit 4."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import Environment, HttpTarget, Target
from pytest_prodcheck.criteria import sampling
from pytest_prodcheck.gate.plan import Check, Plan

_ONE_REQUEST = ("test_endpoint", "test_operation", "test_denied", "test_subscription", "test_step", "test_stable")
"""Checks that send a request of their own, whether they have a limit or not."""


def problems(environment: Environment, plan: Plan, deadline_s: float) -> list[str]:
    """Limits whose smallest sample exceeds `requests.at_most` or cannot be sent within the deadline, one line each;
    and hosts whose smallest samples do so together."""
    single = [text for check in plan.checks.values() for text in _of_check(environment, check, deadline_s)]
    single += _of_holds(environment, plan, deadline_s)
    return single or list(_of_hosts(environment, plan, deadline_s))


def _of_check(environment: Environment, check: Check, deadline_s: float) -> Iterator[str]:
    cap, rate = environment.requests.at_most, environment.requests.per_second
    for text in check.limits:
        least = _least(environment, text)
        if least > cap:
            yield (
                f"{check.id}: '{text}' needs {least} requests at confidence {environment.confidence:.4g}, "
                f"requests.at_most is {cap}; raise at_most, or promise less"
            )
        elif least / rate > deadline_s:
            yield (
                f"{check.id}: '{text}' needs {least} requests, {least / rate:.0f} s at {rate} per second; "
                f"the deadline is {deadline_s:.0f} s"
            )


def _of_holds(environment: Environment, plan: Plan, deadline_s: float) -> Iterator[str]:
    """Connections that would have to stand longer than the run may take."""
    for check in plan.checks.values():
        hold = getattr(environment.targets[check.target], "hold", 0.0) if check.function == "test_stable" else 0.0
        if hold and hold + min(hold / 2, 5.0) >= deadline_s:
            yield (
                f"{check.id}: a hold of {hold:.0f} s, its connections opened one after another, does not fit into the "
                f"deadline of {deadline_s:.0f} s; raise the deadline, or hold for less"
            )


def _of_hosts(environment: Environment, plan: Plan, deadline_s: float) -> Iterator[str]:
    cap, rate = environment.requests.at_most, environment.requests.per_second
    needed: dict[str, int] = {}
    for target, table in environment.targets.items():
        if target.partition(".")[0] not in ("database", "cache"):
            host = _host(table)
            needed[host] = needed.get(host, 0) + _of_target(environment, plan, target)
    for host, least in needed.items():
        if least > cap:
            yield (
                f"{host}: its checks and limits need {least} requests together, requests.at_most is {cap} for a host; "
                "raise at_most, promise less, or promise it once for the whole target"
            )
        elif least / rate > deadline_s:
            yield (
                f"{host}: its checks and limits need {least} requests together, {least / rate:.0f} s at {rate} per "
                f"second; the deadline is {deadline_s:.0f} s"
            )


def _of_target(environment: Environment, plan: Plan, target: str) -> int:
    """A limit of the whole target counts what its checks send, too; a limit of a check counts its own alone."""
    checks = [check for check in plan.checks.values() if check.target == target]
    own = sum(_of_limits(environment, check) for check in checks if not check.last)
    return max([own, *(_of_limits(environment, check) for check in checks if check.last)])


def _of_limits(environment: Environment, check: Check) -> int:
    return max((_least(environment, text) for text in check.limits), default=_own(environment, check))


def _own(environment: Environment, check: Check) -> int:
    """The requests of a check without a limit, at the least: of refusals, the good token's and one for each name."""
    if check.function != "test_refuses":
        return int(check.function in _ONE_REQUEST)
    table = environment.targets[check.target]
    promised = table.endpoints[check.subject] if isinstance(table, HttpTarget) else table
    return 1 + len(getattr(promised, "refuses", ()))


def _least(environment: Environment, text: str) -> int:
    limit = grammar.comparison(text)
    return sampling.minimum(limit, environment.confidence) if limit else 1


def _host(table: Target) -> str:
    """Scheme, host and port of a target's address; a reference stands for itself, as nothing is resolved yet."""
    address = str(getattr(table, "url", "") or getattr(table, "issuer", ""))
    parts = urlsplit(address)
    return (
        f"{parts.scheme}://{parts.hostname}:{parts.port}"
        if parts.hostname and parts.port
        else (f"{parts.scheme}://{parts.hostname}" if parts.hostname else address)
    )
