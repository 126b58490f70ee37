"""A subscription is acknowledged and sends an event, or completes, in time (A41; graphql-transport-ws)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_prodcheck.config.models import GraphqlSubscription
from pytest_prodcheck.criteria import exchange, expectations, graphql_codes
from pytest_prodcheck.diagnosis import hasura
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Json, Observation

_PROTOCOL: Final = "graphql-transport-ws"
_CLOSE_CODES: Final[Mapping[int, tuple[str, str]]] = {
    4400: ("bad request", "graphql.subscription.closed"),
    4401: ("unauthorized", "graphql.subscription.refused"),
    4403: ("forbidden", "graphql.subscription.refused"),
    4406: ("subprotocol not acceptable", "graphql.subscription.wrong_protocol"),
    4408: ("connection initialisation timeout", "graphql.subscription.not_acknowledged"),
    4409: ("subscriber already exists", "graphql.subscription.closed"),
    4429: ("too many initialisation requests", "graphql.subscription.closed"),
}
"""Close codes of the protocol: its word, and the cause."""


def judge(seen: Observation, promised: GraphqlSubscription, *, now: float) -> list[Finding]:
    """What is wrong with one subscription, the first phase that failed: connection, hand-shake, acknowledgement,
    errors, silence, and at last the first event's data."""
    stage, close = str(seen.data.get("stage", "")), seen.data.get("close_code")
    if seen.error == "stopped":
        return [_finding(seen, f"was not opened: {seen.message}", "unknown", "insufficient")]
    if seen.error:
        return [_finding(seen, exchange.failure(seen), exchange.code(seen))]
    if stage == "connect":
        return [_not_upgraded(seen)]
    if seen.data.get("subprotocol") != _PROTOCOL:
        spoken = seen.data.get("subprotocol") or "no subprotocol"
        return [_finding(seen, f"the server speaks {spoken}, not {_PROTOCOL}", "graphql.subscription.wrong_protocol")]
    if seen.data.get("errors"):
        return [_errors(seen)]
    if isinstance(close, int) and stage != "completed" and not seen.data.get("events"):
        return [_closed(seen, close, stage)]
    if stage == "init":
        what = "connection_init is not acknowledged in time"
        return [_finding(seen, what, "graphql.subscription.not_acknowledged")]
    if stage == "subscribed" and promised.expect == "event":
        what = f"acknowledged, then neither an event nor the completion within {promised.within:g} s"
        return [_finding(seen, what, "graphql.subscription.silent")]
    return _data(seen, promised, now)


def _not_upgraded(seen: Observation) -> Finding:
    status = seen.status
    if status is None:
        return _finding(seen, "the connection ended during the hand-shake", "graphql.subscription.not_served")
    what = f"the WebSocket hand-shake is answered {status}"
    refused = status in (401, 403)
    code = "graphql.subscription.refused" if refused else "graphql.subscription.not_served"
    return _finding(seen, what, exchange.code(seen) if seen.server_error else code, shown=str(status))


def _closed(seen: Observation, close: int, stage: str) -> Finding:
    word, code = _CLOSE_CODES.get(close, ("", "graphql.subscription.closed"))
    reason = str(seen.data.get("close_reason", ""))
    told = hasura.classify("", reason)  # a refusal's own words name its cause
    where = "before it was acknowledged" if stage == "init" else "before the first event"
    name = f" {word}" if word else ""
    words = f": {reason}" if reason and reason.lower() != word else ""
    what = f"the server closed the connection {where} ({close}{name}{words})"
    return _finding(seen, what, code if told == "unknown" else told, shown=str(close), more={"text": reason})


def _errors(seen: Observation) -> Finding:
    told = graphql_codes.explain(seen.code, seen.message, seen)
    code = f"{seen.code}: " if seen.code else ""
    return _finding(seen, f"errors: {code}{seen.message}{told.why}", told.code, shown=seen.message, more=told.data)


def _data(seen: Observation, promised: GraphqlSubscription, now: float) -> list[Finding]:
    event = strict_json.table(seen.body)
    if seen.data.get("events") and not (event or {}).get("data"):
        return [_finding(seen, "the first event holds no data, and no error says why", "graphql.data.null")]
    if promised.data is None:
        return []
    if event is None:
        what = "no event came whose data could be compared"
        return [_finding(seen, what, "graphql.subscription.silent", "insufficient")]
    return [
        _finding(seen, f"{found.path} is {found.seen}, promised {found.promised}", "graphql.data.unexpected",
                 shown=found.seen, promise=found.promised)
        for found in expectations.compare(promised.data, event.get("data"), now=now, path="data")
    ]  # fmt: skip


def _finding(
    seen: Observation,
    what: str,
    code: str,
    severity: Severity = "error",
    *,
    shown: str = "",
    promise: str = "an event",
    more: Mapping[str, Json] | None = None,
) -> Finding:
    by = f" as {seen.user}" if seen.user else ""
    facts = {"status": seen.status, "operation": seen.operation, "error": seen.error, "user": seen.user,
             "role": seen.data.get("role", "")}  # fmt: skip
    message = f"{seen.operation}{by}: {what}"
    return Finding("subscription", seen.target, message, code, severity, shown, promise, seen.subject,
                   data={**facts, **(more or {})})  # fmt: skip
