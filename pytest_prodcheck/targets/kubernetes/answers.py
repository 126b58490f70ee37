"""What an API server's refusals and failures mean: one cause code each."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation
from pytest_prodcheck.targets.kubernetes.kubeconfig import Access
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

_ERRORS: Mapping[str, str] = {
    "tls.untrusted": "cluster.tls.untrusted",
    "tls.chain_incomplete": "cluster.tls.untrusted",
    "tls.authority_refused": "cluster.tls.authority_refused",
    "tls.expired": "cluster.tls.expired",
    "tls.not_yet_valid": "cluster.tls.expired",
    "tls.hostname_mismatch": "cluster.tls.hostname_mismatch",
    "tls.client_certificate": "cluster.credential.rejected",
    "body.too_large": "cluster.api.answer_too_large",
    "body.truncated": "cluster.api.failing",
    "protocol": "cluster.api.failing",
}
_STATUSES: Mapping[int, str] = {
    403: "cluster.rbac.forbidden",
    404: "cluster.api.not_found",
    410: "cluster.api.failing",
    429: "cluster.api.throttled",
}


def problem_of(answer: Observation, target: str, way: Access, path: str) -> ApiProblem:
    """The problem that a failed exchange is."""
    if answer.error:
        what = ERROR_CLASSES.get(answer.error, answer.error)
        words = f" ({answer.message})" if answer.message else ""
        code = _ERRORS.get(answer.error, "cluster.api.unreachable")
        return ApiProblem(target, f"{way.server}: GET {path} got no answer: {what}{words}", code)
    status = answer.status or 0
    told = _told(answer)
    if status == 401:
        return _unauthorized(answer, target, way, told)
    code = _STATUSES.get(status, "cluster.api.failing")
    if wait := answer.headers.get("retry-after", "") if status == 429 else "":
        told = f"{told or 'too many requests'} (Retry-After {wait})"
    return ApiProblem(target, f"GET {path} → {status}: {told or 'without a reason'}", code, status=status)


def _unauthorized(answer: Observation, target: str, way: Access, told: str) -> ApiProblem:
    end, now = _expiry(way), answer.started_at
    if end and now and end < now:
        text = f"the token of the cluster expired {_ago(now - end)} ago ({way.server} answers 401)"
        return ApiProblem(target, text, "cluster.credential.expired", status=401)
    text = f"{way.server} does not know us (401): {told or 'Unauthorized'}"
    return ApiProblem(target, text, "cluster.credential.rejected", status=401)


def _told(answer: Observation) -> str:
    """The API server's own words (a Status object), redacted by the wire."""
    try:
        document = json.loads(answer.excerpt)
    except (ValueError, RecursionError):
        return ""
    return str(document.get("message") or "")[:300] if isinstance(document, dict) else ""


def _expiry(way: Access) -> float:
    """When the token of the kubeconfig ends, where it is a JWT that says so; seconds since the epoch, else 0."""
    token = (way.user.token if way.user else None) or ""
    parts = token.split(".")
    if len(parts) != 3:
        return 0.0
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0.0


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
