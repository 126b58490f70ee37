"""How long the certificate that a host shows still holds (A63, B62, D46)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.criteria import exchange
from pytest_prodcheck.criteria.claims import CLOCK_TOLERANCE, span
from pytest_prodcheck.observe import clock
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Observation

CRITERION = "certificate"


def judge(observations: Sequence[Observation], valid_for: float, target: str, *, now: float) -> list[Finding]:
    """What is wrong with each certificate that was shown (`data["certificate"]`, times in seconds since the epoch).

    It must hold for `valid_for` seconds from `now`. Failed handshakes are findings; no certificate at all is
    `insufficient`: nothing was looked at. By a clock that is behind the server's (`Date`), nothing is proven.
    """
    failed = [observation for observation in observations if observation.error.startswith("tls.")]
    shown: dict[str, Mapping[str, Any]] = {}
    for observation in observations:
        if certificate := observation.data.get("certificate"):
            shown.setdefault(str(certificate.get("serial", "")), certificate)
    found = [finding for one in shown.values() for finding in _judged(one, valid_for, target, now)]
    found = found or _void(observations, target)
    told = {finding.code for finding in found}
    found += [_failed(observation, target) for observation in failed[:1] if exchange.code(observation) not in told]
    if not shown and not failed:
        return [_finding(target, "no certificate was seen", "unknown", {}, "none", "a certificate", "insufficient")]
    return found


def _judged(certificate: Mapping[str, Any], valid_for: float, target: str, now: float) -> list[Finding]:
    start, end = float(certificate["not_before"]), float(certificate["not_after"])
    names = ", ".join(certificate.get("names", ())[:3]) or certificate.get("subject", "")
    what = f"the certificate of {names}"
    if end <= now:
        message = f"{what} expired on {_date(end)}, {_span(now - end)} ago"
        return [_finding(target, message, "http.tls.expired", certificate, _date(end), "a valid certificate")]
    if start > now:
        message = f"{what} is valid only from {_date(start)}, in {_span(start - now)}"
        return [_finding(target, message, "http.tls.not_yet_valid", certificate, _date(start), "a valid certificate")]
    if end - now < valid_for:
        promised = f"valid for {show_duration(valid_for)}"
        message = f"{what} expires on {_date(end)}, in {_span(end - now)}; promised {promised}"
        return [_finding(target, message, "http.tls.expires_soon", certificate, _date(end), promised)]
    return []


def _void(observations: Sequence[Observation], target: str) -> list[Finding]:
    """A server whose clock is ahead of ours may show what is over and looks valid to us; a cache's `Date` is never
    ahead."""
    ahead = max((value for seen in observations if (value := clock.offset(seen)) is not None), default=0.0)
    if ahead <= CLOCK_TOLERANCE:
        return []
    message = f"clock differs from the server's Date by {span(ahead)}: time-based results are void"
    return [_finding(target, message, "auth.clock.skewed", {}, f"{ahead:+.0f} s", "one time")]


def _failed(observation: Observation, target: str) -> Finding:
    certificate = observation.data.get("certificate", {})
    message = exchange.failure(observation)
    return _finding(
        target, message, exchange.code(observation), certificate, observation.error, "a trusted certificate"
    )


def _finding(
    target: str,
    message: str,
    code: str,
    certificate: Mapping[str, Any],
    seen: str,
    promised: str,
    severity: Severity = "error",
) -> Finding:
    data = {"certificate": dict(certificate)} if certificate else {}
    return Finding(CRITERION, target, message, code, severity, seen, promised, data=data)


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _span(seconds: float) -> str:
    return f"{seconds / 86400:.0f} d" if seconds >= 172800 else f"{seconds / 3600:.0f} h"
