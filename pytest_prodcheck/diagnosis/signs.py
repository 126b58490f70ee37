"""A sign: one thing that one check shows, with its candidate cause and the facts beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_prodcheck.diagnosis import bodies, hasura, libpq, transport
from pytest_prodcheck.diagnosis.components import layers_named, speaks_of_health
from pytest_prodcheck.observe.finding import CheckResult, Finding
from pytest_prodcheck.observe.log import request_ids
from pytest_prodcheck.observe.observation import Observation

GENERIC = frozenset({
    "unknown", "", "http.application.unhandled_exception", "http.answer.unexpected_status", "graphql.errors.in_answer",
    "graphql.data.partial", "graphql.database.unreachable", "http.error_rate.over_limit", "http.upstream.none",
    "http.upstream.crashed", "gate.check.failed", "auth.token.request_failed", "websocket.server.internal_error",
    "websocket.answer.unexpected", "websocket.token.rejected",
})  # fmt: skip
"""Codes that say what was seen, not why: an error body that names its reason is more exact."""


@dataclass(frozen=True, slots=True, eq=False)
class Sign:
    """One finding of one check, reduced to what the rules compare."""

    check: str
    target: str
    code: str
    criterion: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    finding: Finding | None = None
    revealed: bool = False
    """Whether the code was read from an application's error body instead of seen at its own target."""

    @property
    def kind(self) -> str:
        """Kind of its target: `http`, `graphql`, `auth`, `database`."""
        return self.target.split(".")[0]

    @property
    def host(self) -> str:
        """Host and port where known, else the target's id."""
        host, port = self.data.get("host"), self.data.get("port")
        return (f"{host}:{port}" if port else str(host)) if host else self.target

    @property
    def status(self) -> int:
        """HTTP status; 0 where there is none."""
        status = self.data.get("status")
        return status if isinstance(status, int) else 0

    @property
    def unwell(self) -> bool:
        """Whether it is the answer of a health endpoint that calls itself or a component unwell."""
        health = speaks_of_health(self.data.get("operation", ""), self.data.get("subject", ""))
        return self.code == "http.application.unhealthy" or (self.code == "http.answer.unexpected_body" and health)

    def turned(self, code: str, **data: Any) -> Sign:
        """The same sign with a better code; its finding's words no longer fit."""
        return replace(self, code=code, finding=None, data={**self.data, **data})


def collect(results: Sequence[CheckResult], observations: Sequence[Observation]) -> tuple[Sign, ...]:
    """All signs of the checks that are not green, in the order of `results`."""
    return tuple(sign for result in results for sign in _of(result, observations))


def _of(result: CheckResult, observations: Sequence[Observation]) -> Iterator[Sign]:
    if result.verdict in ("pass", "blocked") and not result.findings:
        return
    seen = [seen for seen in result.observations or _readiness(result, observations) if _bad(seen)]
    for finding in result.findings:
        yield _sign(result, finding, seen)
    if not result.findings and result.verdict in ("fail", "degraded", "insufficient"):
        code = "sampling.insufficient" if result.verdict == "insufficient" else "gate.check.failed"
        yield _sign(result, Finding("assertion", result.target, result.message, code, subject=result.subject), seen)


def _readiness(result: CheckResult, observations: Sequence[Observation]) -> list[Observation]:
    ready = "::test_ready" in result.id
    return [seen for seen in observations if ready and seen.target == result.target and seen.kind == "readiness"]


def _bad(seen: Observation) -> bool:
    return bool(seen.error) or seen.server_error or not seen.expected


def _sign(result: CheckResult, finding: Finding, seen: Sequence[Observation]) -> Sign:
    target = finding.target or result.target
    bad = _shown(finding, seen) or _answered(result, finding)
    sign = Sign(result.id, target, finding.code or "unknown", finding.criterion, _facts(result, finding, bad),
                finding.message, finding)  # fmt: skip
    return _coded(sign, _text(finding, bad), bad)


def _shown(finding: Finding, seen: Sequence[Observation]) -> Observation | None:
    operation = finding.data.get("operation")
    fitting = [one for one in seen if operation in (None, one.operation)]
    return next(iter(fitting or seen), None)


def _answered(result: CheckResult, finding: Finding) -> Observation | None:
    """The answer whose content is wrong, where nothing is wrong with the exchange."""
    return result.observations[-1] if result.observations and ".answer." in finding.code else None


def _facts(result: CheckResult, finding: Finding, bad: Observation | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "subject": finding.subject or result.subject,
        "seen": finding.seen,
        "expected": finding.promised,
    }
    if bad:
        facts |= {"operation": bad.operation, "user": bad.user, "status": bad.status, "error": bad.error}
        facts |= {key: bad.data[key] for key in ("host", "port") if key in bad.data}
        facts |= {"request_ids": request_ids(bad.headers)}
    facts |= {key: value for key, value in finding.data.items() if value not in (None, "")}
    facts["acts_as"] = (bad.user if bad else "") or str(finding.data.get("user", "")) or _user(result)
    operation = str(facts.get("operation", ""))
    if " /" in operation:
        facts.setdefault("path", operation.split(" ", 1)[1])
    return {key: value for key, value in facts.items() if value not in (None, "", ())}


def _user(result: CheckResult) -> str:
    return next((need.removeprefix("user:") for need in result.needs if need.startswith("user:")), "")


def _text(finding: Finding, bad: Observation | None) -> str:
    parts = [str(finding.data.get("text", "")), str(finding.data.get("body", "")), finding.seen]
    parts += [bad.message, bad.excerpt, str(bad.data.get("end", ""))] if bad else []
    return "\n".join(part for part in parts if part)


def _coded(sign: Sign, text: str, bad: Observation | None) -> Sign:
    sign = replace(sign, data={**sign.data, "text": text[:500]}) if text else sign
    if sign.kind == "logs":  # what a log says of another layer, its parsers have read
        return replace(sign, revealed=not sign.code.startswith("logs."))
    if sign.code not in GENERIC and not sign.unwell:
        return _with_names(sign, text)
    text = sign.message if sign.unwell and layers_named(sign.message) else text
    reason = bodies.reveal(text) if sign.kind in ("http", "graphql", "auth", "websocket") else None
    if reason and _of_a_token(reason.code) and not sign.data.get("acts_as"):
        reason = None  # we sent none: the answer is right
    if reason:
        foreign = reason.code.split(".")[0] != sign.kind
        named = {**sign.data, **reason.data}
        return replace(sign, code=reason.code, data=named, revealed=foreign, finding=None if foreign else sign.finding)
    code = "unknown" if sign.unwell else _from_protocol(sign, text, bad)
    return sign if code in ("unknown", sign.code) else sign.turned(code)


def _of_a_token(code: str) -> bool:
    return code.startswith(("auth.token.", "auth.clock.", "auth.header.", "auth.jwks.stale"))


def _with_names(sign: Sign, text: str) -> Sign:
    named: dict[str, str] = dict(hasura.missing_field(text)) if sign.code.startswith("graphql.") else {}
    return replace(sign, data={**named, **sign.data})


def _from_protocol(sign: Sign, text: str, bad: Observation | None) -> str:
    error = str(sign.data.get("error", ""))
    if error:
        return transport.classify(error, sign.kind)
    if sign.kind == "database":
        return libpq.classify(text, str(sign.data.get("sqlstate", bad.code if bad else "")))
    if code := str(sign.data.get("hasura_code", "")):
        return hasura.classify(code, text)
    broken = (sign.status or 0) >= 500  # whatever it says beside it
    if sign.kind == "graphql" and not broken and (told := hasura.classify("", text)) != "unknown":
        return told  # engines without codes: the words are those of the reference implementations
    return transport.gateway(sign.status, text) if sign.status else "unknown"
