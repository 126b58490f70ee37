"""Whether a connection opens as promised: handshake, subprotocol, the protocol's opening, a ping (C25, D22, E2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_prodcheck.config.models import WebsocketTarget
from pytest_prodcheck.criteria import exchange, websocket_closes
from pytest_prodcheck.diagnosis import transport
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.evidence import READY, Evidence
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation

_ASKS_WHO: Final = ("websocket.token.rejected", "websocket.handshake.refused", "websocket.server.silent")
_NOT_UPGRADED: Final = ("websocket.upgrade.blocked", "websocket.handshake.hangs")
_NO_UPGRADE: Final = (200, 201, 202, 204, 400, 426)
"""Statuses of who does not know `Upgrade`: it was taken off on the way, or nobody looks at it."""


def ready(evidence: Evidence, table: WebsocketTarget) -> list[Finding]:
    """Whether checks can look: it opens, or is refused as promised."""
    seen, polled = evidence.observations[0], evidence.observations[1:]
    found = judge(seen, table)
    if evidence.facts.get("without") and any(one.code in _ASKS_WHO for one in found):
        return []  # it is there, and refuses who has no token: why there is none is said elsewhere
    if found and found[0].code in _NOT_UPGRADED and any(one.data.get("polling") for one in polled):
        more = f"{found[0].message}; by long polling Engine.IO answers"
        return [replace(found[0], message=more, code="websocket.upgrade.blocked")]
    return found


def judge(seen: Observation, table: WebsocketTarget, criterion: str = READY) -> list[Finding]:
    """What is wrong with one opening, the first stage that failed."""
    if seen.error == "stopped":
        return [_finding(seen, criterion, f"was not opened: {seen.message}", "unknown", "insufficient")]
    if table.refusing and not seen.error:
        return _refused(seen, table, criterion)
    if seen.error:
        return [_failed(seen, criterion)]
    stage, data = seen.data.get("stage"), seen.data
    if stage == "handshake":
        return [_answered(seen, criterion)]
    if stage == "connect":
        return [_finding(seen, criterion, "the connection ended before it was opened", "http.tcp.reset")]
    if table.subprotocols and data.get("subprotocol") not in table.subprotocols:
        return [_subprotocol(seen, table, criterion)]
    if data.get("close_code") is not None:
        what = websocket_closes.told(data)
        where = "as soon as it stood" if stage == "open" else "while the protocol opened"
        code = websocket_closes.code(data)
        return [_finding(seen, criterion, f"{where} {what}", code, shown=_shown(data), more=_text(data))]
    return _not_spoken(seen, table, criterion) if stage != "open" else []


def _refused(seen: Observation, table: WebsocketTarget, criterion: str) -> list[Finding]:
    """The handshake, or the connection, must be refused as promised."""
    closed = seen.data.get("close_code")
    if (table.status and seen.status in table.status) or (table.closes and closed in table.close):
        return []
    if seen.server_error:
        return [_answered(seen, criterion)]
    wanted = " or ".join(map(str, table.status or table.close))
    if seen.data.get("stage") == "open" and closed is None:
        what = f"a connection is opened and stands, promised a refusal by {wanted}"
        return [_finding(seen, criterion, what, "websocket.handshake.not_refused", shown="101", promise=wanted)]
    got = f"closed by {websocket_closes.word(closed)}" if isinstance(closed, int) else f"answered {seen.status}"
    what = f"it is {got}, promised a refusal by {wanted}"
    code = "websocket.handshake.not_refused" if seen.status == 101 else "websocket.handshake.refused"
    return [_finding(seen, criterion, what, code, shown=str(closed or seen.status), promise=wanted)]


def _failed(seen: Observation, criterion: str) -> Finding:
    """No answer to the handshake, or one that is none."""
    stood = seen.data.get("stage") != "connect"
    if seen.error == "timeout" and stood:
        what = f"the handshake is not answered within {seen.wall:.3g} s"
        return _finding(seen, criterion, what, "websocket.handshake.hangs", shown="timeout")
    if seen.error == "protocol" and stood:
        said = f": {seen.message}" if seen.message else ""
        what = f"the answer to the handshake is none of RFC 6455{said}"
        code = "websocket.subprotocol.mismatch" if "subprotocol" in seen.message else "websocket.protocol.broken"
        return _finding(seen, criterion, what, code, shown=seen.error)
    words = ERROR_CLASSES.get(seen.error, seen.error)
    what = f"no connection: {words}" + (f" ({seen.message})" if seen.message else "")
    return _finding(seen, criterion, what, transport.classify(seen.error, "websocket"), shown=seen.message)


def _answered(seen: Observation, criterion: str) -> Finding:
    """A handshake that is answered with a status of HTTP."""
    status = seen.status or 0
    where = str(seen.headers.get("location", "")).partition("?")[0]
    page = strict_json.looks_like_html(seen.body, seen.headers.get("content-type", ""))
    what = f"the handshake is answered {status}" + (" with a page" if page else "")
    if seen.server_error:
        told = transport.gateway(status, seen.body.decode("utf-8", "replace"))
        code = told if told != "unknown" else "http.application.unhandled_exception"
    elif status in (401, 403):
        code = "websocket.token.rejected" if seen.user else "websocket.handshake.refused"
    elif status in _NO_UPGRADE:
        told = "" if page else seen.message.lower()
        by_its_words = "subprotocol" in told or "sec-websocket-protocol" in told
        code = "websocket.subprotocol.mismatch" if by_its_words else "websocket.upgrade.blocked"
        code = "http.tls.protocol" if "https port" in seen.message.lower() else code  # nginx, of a plain ws://
    elif status == 407:
        code = "http.proxy.failed"
    else:
        code = {404: "websocket.endpoint.not_found", 429: exchange.RATE_LIMITED}.get(
            status, "websocket.handshake.refused"
        )
    what += f", which leads to {where}" if where and 300 <= status < 400 else ""
    return _finding(seen, criterion, what, code, shown=str(status), promise="101", more={"text": seen.message})


def _subprotocol(seen: Observation, table: WebsocketTarget, criterion: str) -> Finding:
    spoken = seen.data.get("subprotocol") or "none"
    what = f"the server chooses the subprotocol {spoken}, not {', '.join(table.subprotocols)}"
    return _finding(seen, criterion, what, "websocket.subprotocol.mismatch", shown=str(spoken),
                    promise=table.subprotocols[0])  # fmt: skip


def _not_spoken(seen: Observation, table: WebsocketTarget, criterion: str) -> list[Finding]:
    kind, said = str(seen.data.get("not_spoken", "")), seen.message
    code = {
        "mismatch": "websocket.protocol.mismatch",
        "refused": "websocket.token.rejected" if seen.user else "websocket.handshake.refused",
    }.get(kind, "websocket.server.silent")
    what = f"{table.protocol} does not open: {said or 'its opening is not answered'}"
    return [_finding(seen, criterion, what, code, shown=said[:100], more={"text": said})]


def _shown(data: Mapping[str, Any]) -> str:
    return str(data.get("problem") or data.get("close_code") or "")


def _text(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"text": data.get("close_reason", ""), "close_code": data.get("close_code")}


def _finding(
    seen: Observation, criterion: str, what: str, code: str, severity: Severity = "error", *, shown: str = "",
    promise: str = "a connection", more: Mapping[str, Any] | None = None,
) -> Finding:  # fmt: skip
    by = f" as {seen.user}" if seen.user else ""
    facts = {"operation": seen.operation, "status": seen.status, "error": seen.error, "user": seen.user}
    message = f"{seen.operation}{by}: {what}"
    place = {name: seen.data[name] for name in ("host", "port") if name in seen.data}
    data = {**facts, **place, "stage": seen.data.get("stage"), **(more or {})}
    return Finding(criterion, seen.target, message, code, severity, shown, promise, seen.subject, data=data)
