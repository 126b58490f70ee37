"""The checks of a compose project."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import ClusterTarget, Environment
from pytest_prodcheck.gate import compose_file
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder


def checks(environment: Environment, target: str, table: ClusterTarget) -> Iterator[Check]:
    """What its services and its file promise, and what they may use. Raises ConfigError."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
    for service in compose_file.judged(environment, table):
        yield build.check("test_compose_service", service.name)
    yield build.check("test_compose_file")
    if table.memory or table.cpu or table.disk:
        yield build.check("test_compose_usage")
