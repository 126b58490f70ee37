"""Throwaway environments: containers up, set up, their addresses known; before anything is asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pytest_prodcheck.config import references
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.criteria.containers.case import telling
from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.targets.throwaway.stack import Stack

Remember = Callable[[str, str], object]
_LOGIN_SECONDS = 5.0
_EVIDENCE = 3


@contextlib.contextmanager
def started(environment: Environment, run: str, deadline: float, remember: Remember) -> Iterator[Stack]:
    """The containers of an environment whose own references are resolved, after `setup`. `deadline` is on the monotonic
    clock. Raises UsageProblem."""
    with Stack(environment.containers, run, _log_in, deadline - time.monotonic()) as stack:
        for name, address in stack.addresses.items():
            for secret in _passwords(address):
                remember(secret, f"container:{name}")
        for command in environment.setup:
            stack.set_up(command, Path(environment.base), deadline - time.monotonic())
        yield stack


def with_logs(result: RunResult, environment: Environment, stack: Stack, clean: Callable[[str, int], str]) -> RunResult:
    """The result, its causes with what the container behind their target said last. `environment` has its references
    as they are written."""
    behind = _behind(environment)
    causes = tuple(_with_log(cause, behind.get(cause.target, ()), stack, clean) for cause in result.causes)
    return replace(result, causes=causes)


def _with_log(cause: Cause, names: tuple[str, ...], stack: Stack, clean: Callable[[str, int], str]) -> Cause:
    said = [f"container {name} {state}: {line}" for name in names for state, line in [_last(stack, name)] if state]
    if not said:
        return cause
    return replace(cause, evidence=(*cause.evidence[: _EVIDENCE - 1], clean(said[0], 200)))


def _last(stack: Stack, name: str) -> tuple[str, str]:
    state, lines = stack.log(name)
    return state, telling(lines) or "it has said nothing"


def _behind(environment: Environment) -> Mapping[str, tuple[str, ...]]:
    """Target → the containers that its addresses lead to."""
    found: dict[str, dict[str, None]] = {}
    for reference, path in references.places(environment):
        joined = ".".join(map(str, path))
        target = max((one for one in environment.targets if joined.startswith(f"{one}.")), key=len, default="")
        if reference.startswith("container:") and target:
            found.setdefault(target, {})[reference.partition(":")[2]] = None
    return {target: tuple(names) for target, names in found.items()}


def _log_in(dsn: str) -> str:
    from pytest_prodcheck.targets.database.connect import login

    seen = login(dsn, name="setup", timeout=_LOGIN_SECONDS, application_name="prodcheck/setup")
    return "" if seen.expected else seen.message or seen.error or seen.code


def _passwords(address: str) -> tuple[str, ...]:
    from pytest_prodcheck.config import address as addresses

    return tuple(addresses.passwords(address))
