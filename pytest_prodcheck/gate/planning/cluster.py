"""The checks of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import ClusterTarget, Environment
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder


def checks(environment: Environment, target: str, table: ClusterTarget) -> Iterator[Check]:
    """What its workloads, pods, images and configuration promise."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
