"""What may be said on a WebSocket: declared steps, reads as they are, writes where `writes` names them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from pytest_prodcheck.config.models import WebsocketStep, WebsocketTarget
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.guard.graphql import check_document, check_subscription

_EXECUTE_NOTHING: Final = ("ping", "pong", "complete")
"""Messages of graphql-transport-ws that are no operation; whatever else is sent may be one to some server, such as the
`start` of the protocol before it."""


def check(table: WebsocketTarget, step: WebsocketStep, permitted: Collection[str]) -> None:
    """Raises errors.Refused for a step that is not declared, or a write that is not among the `permitted` names; and
    of graphql-transport-ws for a read whose document is neither a query nor a subscription."""
    what = f"WebSocket step {step.name}"
    if not any(step is one for one in table.steps):
        raise Refused(what, "frame is not declared as a read", "declare it under steps, with its effect")
    if step.send is None:
        return
    if step.effect is None:
        raise Refused(what, "frame does not say its effect", 'effect = "read", or "write"')
    if step.writes and step.name not in permitted:
        raise Refused(what, "writes does not name it here", f'writes = ["{step.name}"]')
    if table.protocol == "graphql-ws" and not step.writes:
        _check_message(step.send, what)


def _check_message(message: object, what: str) -> None:
    if not isinstance(message, Mapping) or message.get("type") in _EXECUTE_NOTHING:
        return
    payload = message.get("payload")
    document = payload.get("query") if isinstance(payload, Mapping) else None
    if not isinstance(document, str):
        raise Refused(what, "no document: cannot prove it reads", "send the document itself")
    name = payload.get("operationName") if isinstance(payload, Mapping) else None
    name = name if isinstance(name, str) and name else None
    try:
        check_subscription(document, name)
    except Refused:
        check_document(document, name)
