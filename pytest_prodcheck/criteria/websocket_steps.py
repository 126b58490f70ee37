"""Whether what is said on a WebSocket is answered, heard by whom it must be, and by nobody else (C26, E3, E44)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_prodcheck.config.models import WebsocketStep, WebsocketTarget
from pytest_prodcheck.criteria import exchange, websocket_closes, websocket_opening
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Observation

CRITERION = "messages"
_NOT_NOW: Final = (408, 425, 429)
"""Statuses that ask to come again, and refuse nobody."""


def judge(evidence: Evidence, table: WebsocketTarget, step: WebsocketStep, target: str) -> list[Finding]:
    """What is wrong with one step, of all clients that took it."""
    if stopped := evidence.facts.get("stopped"):
        return [Finding(CRITERION, target, f"{step.name}: not taken: {stopped}", "unknown", "insufficient",
                        subject=step.name, data={"error": "stopped"})]  # fmt: skip
    mine = [seen for seen in evidence.observations if seen.subject == step.name]
    unopened = [seen for seen in evidence.observations if seen.subject != step.name]
    found = [one for seen in unopened for one in websocket_opening.judge(seen, table, CRITERION)]
    if not mine and not found:
        return [Finding(CRITERION, target, f"{step.name}: no client took it", "gate.not_executed", subject=step.name)]
    failed = [seen for seen in mine if not seen.expected]
    return found + _together([one for seen in failed for one in _of_client(seen, step)], len(mine))


def _of_client(seen: Observation, step: WebsocketStep) -> list[Finding]:
    """What is wrong with the step of one client; the nearest reason first."""
    data = seen.data
    if seen.error == "refused":
        return [_finding(seen, step, seen.message, "http.request.refused")]
    if seen.error == "stopped":
        return [_finding(seen, step, f"not taken: {seen.message or 'the run was stopped'}", "unknown", "insufficient")]
    if data.get("fallback"):
        said = str(data["fallback"])
        what = "a fallback handler answers in place of the real one" + ("" if said[:1] in "{[" else f": {said}")
        return [_finding(seen, step, what, "websocket.handler.fallback", shown=said)]
    if leaked := data.get("leaked"):
        names = ", ".join(dict.fromkeys(map(str, leaked)))
        what = f"{seen.user} receives what {names} sent" if seen.user else f"an anonymous client receives {names}'s"
        return [
            _finding(seen, step, what, "websocket.users.mixed", shown=f"heard {names}", promise="nothing of others")
        ]
    if data.get("heard_by") and not data.get("unreached"):
        return _unheard(seen, step)
    return [_unanswered(seen, step)]


def _unheard(seen: Observation, step: WebsocketStep) -> list[Finding]:
    """A broadcast that some or all did not hear; of those whose connection ended, why is told by that."""
    heard: Mapping[str, bool] = seen.data["heard_by"]
    ended: Mapping[str, Sequence[Any]] = seen.data.get("ended", {})
    deaf = [name for name, matched in heard.items() if not matched]
    if own := [ended[name] for name in deaf if name in ended]:
        facts = {"close_code": own[0][0], "close_reason": own[0][1]}
        what = f"client {', '.join(deaf)} could not hear it: {websocket_closes.told(facts)}"
        return [_finding(seen, step, what, websocket_closes.code(facts), more=facts)]
    if not any(heard.values()):
        return [_unanswered(seen, step)]
    count = f"{len(deaf)} of {len(heard)} clients do not hear it within {step.within:g} s"
    what = f"{count} (sent by client {seen.data['client']}, not heard by {', '.join(deaf)})"
    return [_finding(seen, step, what, "websocket.broadcast.lost_between_replicas", shown=count,
                     promise=f"heard by {step.heard_by}")]  # fmt: skip


def _unanswered(seen: Observation, step: WebsocketStep) -> Finding:
    data = seen.data
    if data.get("close_code") is not None:
        what = websocket_closes.told(data)
        what = f"not reached: before it {what}" if data.get("unreached") else what
        shown, more = str(data.get("problem") or data["close_code"]), {"text": data.get("close_reason", "")}
        return _finding(seen, step, what, websocket_closes.code(data), shown=shown, more=more)
    if data.get("flood"):
        what = f"{data.get('skipped')} messages came, and none as expected"
        return _finding(seen, step, what, "websocket.message.flood")
    if data.get("recognised"):
        what = f"the server speaks {data['recognised']}, not a protocol of its own"
        return _finding(seen, step, what, "websocket.protocol.mismatch", shown=str(data["recognised"]))
    if data.get("skipped"):
        what = f"{data['skipped']} messages in {step.within:g} s, none as expected; the last: {data.get('nearest')}"
        more = {"text": data.get("last", "")}
        return _finding(seen, step, what, "websocket.answer.unexpected", shown=str(data.get("last", "")), more=more)
    what = f"no message within {step.within:g} s"
    return _finding(seen, step, what, "websocket.answer.missing", shown="nothing")


def close(evidence: Evidence, table: WebsocketTarget, target: str) -> list[Finding]:
    """How the server answers our goodbye, by the promised codes."""
    found = [one for seen in evidence.observations for one in websocket_opening.judge(seen, table, "close")]
    if stopped := evidence.facts.get("stopped"):
        return [
            Finding("close", target, f"not closed: {stopped}", "unknown", "insufficient", data={"error": "stopped"})
        ]
    goodbyes: Sequence[int] = evidence.facts.get("goodbyes", ())
    wrong = dict.fromkeys(code for code in goodbyes if code not in table.close)
    promise = " or ".join(map(str, table.close))
    for code in wrong:
        what = f"goodbye (1000) is answered {websocket_closes.word(code)}, promised {promise}"
        found.append(Finding("close", target, what, "websocket.close.unexpected", seen=str(code), promised=promise,
                             data={"operation": "close", "close_code": code}))  # fmt: skip
    if not goodbyes and not found:
        what = "no connection stood long enough to be closed"
        found.append(Finding("close", target, what, "websocket.close.unexpected", promised=promise,
                             data={"operation": "close"}))  # fmt: skip
    return found


def reconnects(evidence: Evidence, table: WebsocketTarget) -> list[Finding]:
    """A second connection opens where a first one was closed."""
    first, again = evidence.observations
    if found := websocket_opening.judge(first, table, "reconnects"):
        return found
    found = websocket_opening.judge(again, table, "reconnects")
    return [
        Finding(one.criterion, one.target, f"{one.message} (the first connection opened)",
                "websocket.reconnect.refused" if one.code.startswith("websocket.") else one.code, one.severity,
                one.seen, one.promised, data=one.data)
        for one in found
    ]  # fmt: skip


def foreign_origin(seen: Observation) -> list[Finding]:
    """A page of another site may not open a connection (CSWSH, OWASP WSTG-CLNT-10)."""
    if seen.error == "stopped":
        return [Finding("origin", seen.target, f"not tried: {seen.message}", "unknown", "insufficient",
                        data={"error": "stopped"})]  # fmt: skip
    if unproven := _no_refusal(seen):
        code, what = unproven
        told = f"with a foreign Origin there is no refusal: {what}"
        return [Finding("origin", seen.target, told, code, "insufficient", seen=what, promised="a refusal",
                        data={"operation": seen.operation})]  # fmt: skip
    if seen.data.get("stage") != "open" or seen.data.get("close_code") is not None:
        return []
    by = f" as {seen.user}" if seen.user else ""
    what = f"a page of another site may connect{by}: Origin https://prodcheck.invalid is accepted"
    return [Finding("origin", seen.target, what, "websocket.origin.ignored", seen="101", promised="a refusal",
                    data={"operation": seen.operation, "user": seen.user})]  # fmt: skip


def _no_refusal(seen: Observation) -> tuple[str, str] | None:
    """Cause and words of an end that refuses nobody: the server broke, was busy, or went away, or spoke no more. None
    where it says no, and where the connection stands."""
    refused = "websocket.handshake.refused"
    if seen.error or seen.server_error:
        return refused, seen.error or f"answered {seen.status}"
    if seen.status in _NOT_NOW:
        return exchange.RATE_LIMITED if seen.status == 429 else refused, f"answered {seen.status}"
    if seen.data.get("close_code") is not None:
        code = websocket_closes.code(seen.data)
        says_no = code in (websocket_closes.TOKEN, websocket_closes.CLOSED)
        return None if says_no else (code, websocket_closes.told(seen.data))
    if seen.data.get("stage") == "greeting" and seen.data.get("not_spoken") != "refused":
        return "websocket.server.silent", seen.message or "the protocol's opening is not answered"
    return None


def _together(found: Sequence[Finding], clients: int) -> list[Finding]:
    """One finding a cause and user, saying how many clients show it."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for one in found:
        groups.setdefault((one.code, str(one.data.get("user")), one.severity), []).append(one)
    return [_counted(group, clients) for group in groups.values()]


def _counted(group: Sequence[Finding], clients: int) -> Finding:
    first = group[0]
    if clients == 1 or len(group) == 1:
        return first
    message = f"{first.message} ({len(group)} of {clients} clients)"
    return Finding(first.criterion, first.target, message, first.code, first.severity, first.seen, first.promised,
                   first.subject, data={**first.data, "count": len(group)})  # fmt: skip


def _finding(
    seen: Observation, step: WebsocketStep, what: str, code: str, severity: Severity = "error", *, shown: str = "",
    promise: str = "", more: Mapping[str, Any] | None = None,
) -> Finding:  # fmt: skip
    by = f" as {seen.user}" if seen.user else ""
    facts = {
        "operation": seen.operation,
        "user": seen.user,
        "error": seen.error,
        "close_code": seen.data.get("close_code"),
    }
    return Finding(CRITERION, seen.target, f"{step.name}{by}: {what}", code, severity, shown,
                   promise or "the declared answer", step.name, data={**facts, **(more or {})})  # fmt: skip
