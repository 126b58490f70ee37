"""The checks of logs."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import Environment, GraphqlTarget, HttpTarget, LogsTarget
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder


def checks(environment: Environment, target: str, table: LogsTarget) -> Iterator[Check]:
    """What must not be in the lines of the window, and that the window was seen."""
    build = Builder(environment, target, table)
    functions = ["test_ready", "test_coverage", "test_server_errors", "test_errors", "test_private"]
    functions += ["test_forbidden"] if table.forbid else []
    functions += ["test_slow"] if table.slow is not None else []
    functions += ["test_retries"] if table.retries else []
    functions += ["test_refused_logins"] if table.auth_failures is not None else []
    functions += ["test_structured"] if table.structured is not None else []
    functions += ["test_startup"] if table.ready is not None else []
    asks = table.traces and any(isinstance(one, HttpTarget | GraphqlTarget) for one in environment.targets.values())
    functions += ["test_traces"] if asks else []
    yield from (build.check(function) for function in functions)
