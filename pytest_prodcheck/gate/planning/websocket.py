"""The checks of a WebSocket."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config import steps
from pytest_prodcheck.config.models import Environment, WebsocketTarget
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder, limits


def checks(environment: Environment, target: str, table: WebsocketTarget) -> Iterator[Check]:
    """What the handshake, the steps and the connections promise."""
    build, users = Builder(environment, target, table), steps.acting(table)
    yield build.check("test_ready")
    if table.url.startswith("wss:") or table.tls.valid_for:
        yield build.check("test_certificate")
    if not table.refusing:
        yield from _of_connections(build, table, users)


def unsent(environment: Environment, target: str, table: WebsocketTarget) -> Iterator[tuple[str, str]]:
    """The steps that are not taken here, with the reason."""
    taken = len(steps.permitted(environment, target, table))
    for position, step in enumerate(table.steps[taken:]):
        reason = "a write that `writes` does not permit here"
        yield f"{target}.{step.name}", reason if not position else f"it comes after {table.steps[taken].name}, {reason}"


def _of_connections(build: Builder, table: WebsocketTarget, users: tuple[str, ...]) -> Iterator[Check]:
    taken = steps.permitted(build.environment, build.target, table)
    # one session takes all steps: whoever listens in one of them has to be logged in, also where another is selected
    present = tuple(dict.fromkeys([*users, *(name for step in taken for name in step.unheard_by)]))
    for step in taken:
        yield build.check("test_step", step.name, users=present, declared=step, latency=step.latency)
    if table.close:
        yield build.check("test_close", users=users)
    yield build.check("test_reconnects", users=users)
    if table.hold:
        yield build.check("test_stable", users=users)
    if table.foreign_origin:
        yield build.check("test_foreign_origin", users=users)
    if table.refuses:
        yield build.check("test_refuses", users=users)
    yield from limits(build)
