"""The criterion `no_server_errors`: on for every test of a run, also where the test asserts nothing."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_prodcheck.criteria import exchange
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

CRITERION = "no_server_errors"
_NOT_SENT = ("refused", "stopped")


def no_server_errors(observations: Iterable[Observation], allowed_reason: str | None = None) -> list[Finding]:
    """A finding for each 5xx, and for each request of a test that got no answer, whether or not the test looked.

    A 5xx that the endpoint declares as its answer is right. Extra samples (kind `sample`) are judged by their limit
    alone. With `allowed_reason` (`allows_server_errors`) the findings are warnings that quote it.
    """
    return [_finding(observation, allowed_reason) for observation in observations if _is_wrong(observation)]


def _is_wrong(observation: Observation) -> bool:
    if observation.kind == "sample" or (observation.kind == "declared" and observation.expected):
        return False
    if observation.error:
        return observation.kind == "fixture" and observation.error not in _NOT_SENT
    return observation.server_error


def _finding(observation: Observation, allowed_reason: str | None) -> Finding:
    said = exchange.failure(observation) if observation.error else exchange.answered(observation)
    promised = "an answer" if observation.error else "no 5xx"
    return Finding(
        criterion=CRITERION,
        target=observation.target,
        message=f"{said}; allowed: {allowed_reason}" if allowed_reason else said,
        code=exchange.code(observation),
        severity="warning" if allowed_reason else "error",
        seen=observation.error or str(observation.status),
        promised=promised,
        subject=observation.subject,
        data=exchange.facts(observation) | {"excerpt": observation.excerpt[:200]},
    )
