"""The checks of `suites/websocket.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import WebsocketTarget
from pytest_prodcheck.criteria import websocket_stability, websocket_steps
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.gate.judges.http import refuses
from pytest_prodcheck.gate.judges.tls import certificate
from pytest_prodcheck.observe.finding import Finding


def step(case: Case) -> list[Finding]:
    """What came of one step, of all clients."""
    table = case.table(WebsocketTarget)
    declared = next(one for one in table.steps if one.name == case.check.subject)
    return websocket_steps.judge(case.evidence, table, declared, case.check.target)


def close(case: Case) -> list[Finding]:
    """How the server answers our goodbye."""
    return websocket_steps.close(case.evidence, case.table(WebsocketTarget), case.check.target)


def stable(case: Case) -> list[Finding]:
    """What became of the connections that were held."""
    return websocket_stability.judge(case.evidence.observations[0], case.table(WebsocketTarget))


def reconnects(case: Case) -> list[Finding]:
    """A second connection after the first."""
    return websocket_steps.reconnects(case.evidence, case.table(WebsocketTarget))


def foreign_origin(case: Case) -> list[Finding]:
    """A connection from a page of another site."""
    return websocket_steps.foreign_origin(case.evidence.observations[0])


JUDGES: Mapping[str, Judge] = {
    "test_certificate": certificate,
    "test_step": step,
    "test_close": close,
    "test_stable": stable,
    "test_reconnects": reconnects,
    "test_foreign_origin": foreign_origin,
    "test_refuses": refuses,
}
