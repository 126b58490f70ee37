"""What a health document says about its components, where nothing is declared about its body.

Words are matched whole and never as substrings: `unhealthy` contains `healthy`, and `unreachable: timeout` contains
neither `unhealthy` nor `error` (T16). The forms followed are those of Spring Boot Actuator (`components.db.status`), of
draft-inadarei-api-health-check (`checks.x[].status`) and flat tables (`{"db": "ok"}`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.criteria.rendering import show
from pytest_prodcheck.observe.finding import Finding, Severity

CRITERION = "healthy_components"
CODE = "http.application.unhealthy"

GOOD = frozenset(
    [
        "ok",
        "okay",
        "healthy",
        "up",
        "pass",
        "passed",
        "passing",
        "ready",
        "reachable",
        "alive",
        "live",
        "available",
        "connected",
        "online",
        "running",
        "operational",
        "serving",
        "success",
        "successful",
        "green",
        "good",
        "normal",
        "active",
        "enabled",
        "true",
        "yes",
        "none",
        "disabled",
        "skipped",
        "n/a",
    ]
)
BAD = frozenset(
    [
        "unhealthy",
        "down",
        "fail",
        "failed",
        "failing",
        "failure",
        "error",
        "errored",
        "unreachable",
        "unavailable",
        "degraded",
        "critical",
        "fatal",
        "dead",
        "broken",
        "offline",
        "disconnected",
        "timeout",
        "refused",
        "red",
        "outage",
        "stopped",
        "ko",
        "nok",
        "missing",
        "rejected",
        "denied",
        "unknown",
        "out_of_service",
        "not_ready",
        "not_ok",
        "major_outage",
        "partial_outage",
        "panic",
        "crashed",
    ]
)
BAD_ANYWHERE = frozenset({"unhealthy", "down", "unreachable", "degraded"})
"""Words that speak of health under any key; `error` under `log_level` does not."""
WARNING = frozenset(["warn", "warning", "yellow", "starting", "initializing", "pending", "maintenance"])

_COMPONENT = compiled(
    r"(?:.*[_\-.:])?(?:status|state|health|healthy|ready|alive|live|up|ok|db|database|postgres(?:ql)?|mysql|mongo(?:db)?|sql|"
    r"redis|valkey|memcached|cache|queue|broker|kafka|rabbitmq|nats|storage|s3|disk|search|elasticsearch|auth|idp|oidc|"
    r"smtp|mail|service|server|api|backend|upstream|hasura|graphql|worker|scheduler)(?:s)?(?:[_\-]?(?:status|state|health))?"
)
_CONTAINERS = frozenset(
    ["components", "checks", "services", "dependencies", "details", "subsystems", "health", "status", "info", "results"]
)
_FAILURES = compiled(r"(?:failed|failing|unhealthy|down|broken)(?:_.*)?|errors?")
_TROUBLE = compiled(
    r"\b(?:un(?:reach|avail|health)|refus|fail|err|time[ds]?[ _-]?out|not[ _]|no |cannot|can't|econn|enotfound|denied"
    r"|exception)",
    re.IGNORECASE,
)
_HEALTH = compiled(r"(?<![a-z])(?:health|ready|live)(?:z|y|ness|checks?)?(?![a-z])|readiness")
_DEEPEST = 8
_NAMES = ("name", "component", "service", "id")


class Component(NamedTuple):
    """One component that a health document does not call healthy."""

    name: str
    said: str
    """Its value, as JSON."""
    severity: Severity = "error"


def component_findings(document: object, target: str = "", subject: str = "") -> list[Finding]:
    """A finding for each component that is not well: `component auth_service is unhealthy`."""
    return [
        Finding(
            CRITERION,
            target,
            f"component {component.name} is {component.said.strip(chr(34))}",
            CODE,
            component.severity,
            component.said,
            "a healthy component (exactly ok, healthy, up, pass, ready, reachable, …)",
            subject,
            data={"component": component.name},
        )
        for component in unwell(document)
    ]


def unwell(document: object) -> list[Component]:
    """The components that the document says not to be well, by name."""
    return list(_walk(document, "", _Place(), 0))


def speaks_of_health(name: str, path: str) -> bool:
    """Whether an endpoint's name or path says health, ready or live, as a word: `/healthz`, not `/api/deliveries`."""
    return _HEALTH.search(f"{name} {path}".lower()) is not None


class _Place(NamedTuple):
    """What the key above a value says: that it is a component's state, or that it holds components."""

    component: bool = False
    container: bool = False


def _walk(value: object, name: str, place: _Place, depth: int) -> Iterator[Component]:
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _member(str(key), below, name, place, depth)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _walk(below, f"{name}[{_own_name(below) or index}]", place, depth + 1)
    elif (severity := _severity(value, place)) is not None:
        yield Component(name, show(value), severity)


def _member(key: str, value: object, name: str, place: _Place, depth: int) -> Iterator[Component]:
    lowered, path = key.lower(), f"{name}.{key}" if name else key
    if value and isinstance(value, list | Mapping) and _FAILURES.fullmatch(lowered):
        yield Component(path, show(value))
        return
    leaf = not isinstance(value, list | Mapping)
    named = _COMPONENT.fullmatch(lowered) is not None or (place.container and leaf)
    yield from _walk(value, path, _Place(named, lowered in _CONTAINERS), depth + 1)


def _own_name(value: object) -> str:
    if not isinstance(value, Mapping):
        return ""
    return next((str(value[key]) for key in _NAMES if isinstance(value.get(key), str)), "")


def _severity(value: object, place: _Place) -> Severity | None:
    """How grave a leaf is; None where it is well, or says nothing about a state."""
    if not isinstance(value, str):
        return "error" if value is False and place.component else None
    word = value.strip().lower()
    if not place.component:
        return "error" if word in BAD_ANYWHERE else None
    if word in WARNING:
        return "warning"
    first = re.split(r"[:,;(]| - ", word)[0].strip()
    return "error" if word not in GOOD and (first in BAD or _TROUBLE.search(word)) else None
