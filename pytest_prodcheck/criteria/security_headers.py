"""Security headers of answers, by OWASP's HTTP Headers Cheat Sheet and MDN's observatory (facts §9, D47).

Rules are data. A page (`web`) is framed, scripted and rendered by browsers, data (`api`) is not, so each rule names
its profiles. What OWASP recommends and no attack hangs on is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_prodcheck.criteria import expectations
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Observation

CRITERION = "security_headers"
HALF_A_YEAR = 15_552_000
"""Seconds of Strict-Transport-Security that MDN's observatory asks for at least."""

Profile = Literal["web", "api"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One header, what its value must or must not match, and what a violation is called."""

    header: str
    code: str
    promised: str
    good: str = ""
    """Regular expression (case-insensitive) that a value must match; empty where any value, or none, will do."""
    bad: str = ""
    """Regular expression that no value may match."""
    required: bool = True
    severity: Severity = "error"
    profiles: tuple[Profile, ...] = ("web", "api")
    secure_only: bool = False
    """Whether browsers ignore the header over plain http (RFC 6797 §8.1)."""
    instead: tuple[str, str] = ("", "")
    """Another header, and what it must match, that serves as well."""


OWASP: tuple[Rule, ...] = (
    Rule(
        "strict-transport-security", "http.headers.hsts_missing", f"max-age of at least {HALF_A_YEAR}",
        good=r"(?:^|;)\s*max-age\s*=\s*\"?\d+", secure_only=True,
    ),
    Rule(
        "content-security-policy", "http.headers.csp_missing", "a policy without unsafe-inline or unsafe-eval scripts",
        bad=r"(?:script-src(?:-elem)?|default-src)\s[^;]*'unsafe-(?:inline|eval)'", profiles=("web",),
    ),
    Rule("x-content-type-options", "http.headers.content_type_options_missing", "nosniff", good=r"^\s*nosniff\s*$"),
    Rule(
        "x-frame-options", "http.headers.frame_options_missing", "DENY or SAMEORIGIN, or CSP frame-ancestors",
        good=r"^\s*(?:deny|sameorigin)\s*$", profiles=("web",),
        instead=("content-security-policy", r"frame-ancestors\s"),
    ),
    Rule(
        "referrer-policy", "http.headers.referrer_policy_missing", "strict-origin-when-cross-origin or stricter",
        bad=r"unsafe-url|no-referrer-when-downgrade\s*$", severity="warning", profiles=("web",),
    ),
    Rule(
        "permissions-policy", "http.headers.permissions_policy_missing", "what the page may use", severity="warning",
        profiles=("web",),
    ),
    Rule("x-powered-by", "http.headers.leaks_version", "no such header", bad=r".", required=False, severity="warning"),
    Rule(
        "x-aspnet-version", "http.headers.leaks_version", "no such header", bad=r".", required=False,
        severity="warning",
    ),
    Rule("server", "http.headers.leaks_version", "no version", bad=r"/\s*\d", required=False, severity="warning"),
    Rule("x-xss-protection", "http.headers.wrong", "0, or none", bad=r"^\s*1", required=False, severity="warning"),
)  # fmt: skip


def judge(
    observations: Sequence[Observation],
    rules: Literal["owasp"] | Mapping[str, object],
    target: str,
    *,
    now: float,
    secure: bool = True,
) -> list[Finding]:
    """One finding for each header that is wrong, naming where it is; `secure` says that the target is https.

    A table puts its expectations (interface.md §2) in the place of the rule for that header; `false` drops the rule.
    Only right answers are judged; without one the finding is `insufficient`.
    """
    answers = [o for o in observations if not o.error and o.expected and (o.status or 0) < 400]
    if not answers:
        message = "no right answer whose headers could be judged"
        return [Finding(CRITERION, target, message, severity="insufficient", promised="an answer")]
    own = {} if rules == "owasp" else {name.lower(): value for name, value in rules.items()}
    by_violation: dict[tuple[str, str], list[_Violation]] = {}
    for answer in answers:
        for violation in _violations(answer, own, secure, now):
            by_violation.setdefault((violation.header, violation.code), []).append(violation)
    return [_finding(found, target) for found in by_violation.values()]


def profile(observation: Observation) -> Profile:
    """`web` for a page, by its content type; `api` for anything else."""
    return "web" if "html" in observation.headers.get("content-type", "").lower() else "api"


@dataclass(frozen=True, slots=True)
class _Violation:
    header: str
    code: str
    seen: str
    promised: str
    severity: Severity
    operation: str


def _violations(answer: Observation, own: Mapping[str, object], secure: bool, now: float) -> Iterator[_Violation]:
    for rule in OWASP:
        if rule.header in own or profile(answer) not in rule.profiles or (rule.secure_only and not secure):
            continue
        if wrong := _wrong(rule, answer.headers):
            yield _Violation(rule.header, rule.code, wrong, rule.promised, rule.severity, answer.operation)
    yield from _cors(answer)
    for header, expected in own.items():
        if expected is False:
            continue
        actual: object = answer.headers.get(header, expectations.MISSING)
        for mismatch in expectations.compare(expected, actual, now=now, path=header):
            code = "http.headers.wrong"
            yield _Violation(header, code, mismatch.seen, mismatch.promised, "error", answer.operation)


def _wrong(rule: Rule, headers: Mapping[str, str]) -> str:
    """What is wrong with the header: `missing`, or its value; empty where it is right."""
    value, (other, serves) = headers.get(rule.header, ""), rule.instead
    if other and re.search(serves, headers.get(other, ""), re.IGNORECASE):
        return ""
    if not value:
        return "missing" if rule.required else ""
    if rule.bad and re.search(rule.bad, value, re.IGNORECASE):
        return value
    if rule.good and not re.search(rule.good, value, re.IGNORECASE):
        return value
    return value if rule.secure_only and _max_age(value) < HALF_A_YEAR else ""


def _max_age(value: str) -> int:
    found = re.search(r"max-age\s*=\s*\"?(\d{1,12})", value, re.IGNORECASE)
    return int(found[1]) if found else 0


def _cors(answer: Observation) -> Iterator[_Violation]:
    """Any origin together with credentials (Fetch standard §3.2; browsers refuse it, reflected origins do not)."""
    origin = answer.headers.get("access-control-allow-origin", "").strip()
    if origin in ("*", "null") and answer.headers.get("access-control-allow-credentials", "").strip().lower() == "true":
        name, code = "access-control-allow-origin", "http.headers.cors_too_wide"
        yield _Violation(name, code, f"{origin} with credentials", "named origins", "error", answer.operation)


def _finding(found: Sequence[_Violation], target: str) -> Finding:
    first, where = found[0], list(dict.fromkeys(violation.operation for violation in found))
    name = "-".join(part.capitalize() for part in first.header.split("-"))
    more = f" and {len(where) - 1} more" if len(where) > 1 else ""
    message = f"{where[0]}{more}: header {name}: expected {first.promised}, found {first.seen}"
    return Finding(
        CRITERION,
        target,
        message,
        first.code,
        first.severity,
        first.seen,
        first.promised,
        first.header,
        data={"operation": where[0], "operations": where[:20]},
    )
