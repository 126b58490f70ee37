"""Readiness: is a target there? What is not ready blocks the checks that need it.

What judges a kind of target is loaded where one of that kind takes part.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config import models
from pytest_prodcheck.config.models import HttpTarget, Target
from pytest_prodcheck.diagnosis import transport
from pytest_prodcheck.observe.evidence import READY, Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation


def target(name: str, table: Target, evidence: Evidence) -> list[Finding]:
    """What is wrong with a target's readiness; empty where checks can look."""
    if isinstance(table, HttpTarget):
        return http(name, evidence)
    if isinstance(table, models.AuthTarget):
        from pytest_prodcheck.criteria import identity_readiness

        return identity_readiness.provider(name, table, evidence)
    if isinstance(table, models.GraphqlTarget):
        from pytest_prodcheck.criteria import graphql

        return graphql.ready(evidence.observations[0])
    if isinstance(table, models.DatabaseTarget):
        from pytest_prodcheck.criteria import database_login

        return database_login.readiness(name, evidence)
    if isinstance(table, models.CacheTarget):
        from pytest_prodcheck.criteria.cache import login

        return login.ready(name, evidence) or login.mode(name, table, evidence)
    if isinstance(table, models.ClusterTarget) and table.compose:
        from pytest_prodcheck.criteria.containers import daemon

        return daemon.ready(name, evidence)
    if isinstance(table, models.ClusterTarget):
        from pytest_prodcheck.criteria.cluster import readiness

        return readiness.ready(name, evidence)
    if isinstance(table, models.LogsTarget):
        from pytest_prodcheck.criteria.logs import source_readiness

        return source_readiness.ready(name, evidence)
    if isinstance(table, models.LoadTarget):
        return []
    if isinstance(table, models.WebsocketTarget):
        from pytest_prodcheck.criteria import websocket_opening

        return websocket_opening.ready(evidence, table)
    raise TypeError(f"no readiness for {type(table).__name__}")


def http(name: str, evidence: Evidence) -> list[Finding]:
    """The host answers from behind its gateway, on every address (A6, B25, B60, B61)."""
    last = evidence.observations[-1]
    if last.error:
        return [_no_answer(name, last, transport.HTTP.get(last.error, "unknown"))]
    if last.status in (502, 503) and "json" not in last.headers.get("content-type", ""):
        count = len(evidence.observations)
        code = "http.upstream.wrong_port" if last.status == 502 else "http.upstream.none"
        what = "on every route asked" if count > 1 else f"to {last.operation}"
        message = f"the gateway answers {last.status} {what}: no application behind it answers"
        return [Finding(READY, name, message, code, seen=str(last.status), data={"status": last.status})]
    return _partly_down(name, evidence)


def _partly_down(name: str, evidence: Evidence) -> list[Finding]:
    refusing: Mapping[str, str] = evidence.facts.get("addresses", {})
    if not refusing:
        return []
    count = len(refusing)
    what = ", ".join(f"{address}: {ERROR_CLASSES.get(error, error)}" for address, error in sorted(refusing.items()))
    message = f"{count} of the host's addresses give{'s' if count == 1 else ''} no connection ({what})"
    return [Finding(READY, name, message, "http.address.partly_down", data={"addresses": dict(refusing)})]


def _no_answer(name: str, observation: Observation, code: str) -> Finding:
    what = ERROR_CLASSES.get(observation.error, observation.error)
    message = f"{observation.operation} got no answer: {what}" + (
        f" ({observation.message})" if observation.message else ""
    )
    data = {**observation.data, "error": observation.error, "operation": observation.operation}
    return Finding(READY, name, message, code, seen=observation.message, data=data)
