"""Who may execute an operation may, and nobody else: the permission matrix (A23, A26, A41)."""

from __future__ import annotations

import re
from typing import Final

from pytest_prodcheck.criteria import exchange, graphql_codes, graphql_refusal
from pytest_prodcheck.observe import graphql_answer
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Observation

_NO_SUCH_FIELD: Final = re.compile(r"field '[^']+' not found in type|Cannot query field|Unknown type")
"""A server with a schema a role says so too; with one schema for all it means that the document is outdated."""


def denied(seen: Observation) -> list[Finding]:
    """Whether an operation that is not allowed to this caller was refused, by the permission error and without data.

    Data, also an empty list, is a finding of security: the caller can do more than was promised. Another error proves
    nothing, and is insufficient.
    """
    answer = graphql_answer.read(seen.body, seen.headers.get("content-type", ""))
    if seen.error:
        return [_finding(seen, exchange.failure(seen), exchange.code(seen), "error", seen.error)]
    if answer.data_present and _any_value(answer.data):
        rows = graphql_answer.rows(answer.data)
        what = f"is answered ({rows}), and is not allowed: the caller can do more than was promised"
        return [_finding(seen, what, "graphql.permission.too_wide", "error", rows)]
    if seen.status in (401, 403) or any(_refuses(error.code, error.message) for error in answer.errors):
        return []
    if seen.server_error:
        return [_finding(seen, f"answers {seen.status} without a permission error", exchange.code(seen), "insufficient",
                         str(seen.status))]  # fmt: skip
    if answer.errors:
        told = graphql_codes.explain(seen.code, seen.message, seen)
        text = f"{seen.code}: {seen.message}" if seen.code else seen.message
        what = f"is refused for another reason than permission: {text}"
        code = "graphql.answer.unclear" if told.code == "unknown" else told.code
        return [_finding(seen, what, code, "insufficient", text)]
    what = f"answers {seen.status} with neither data nor a permission error"
    return [_finding(seen, what, "graphql.answer.unclear", "insufficient", str(seen.status))]


def _refuses(code: str, message: str) -> bool:
    return graphql_refusal.permission(code, message) or _NO_SUCH_FIELD.search(message) is not None


def _any_value(data: object) -> bool:
    return isinstance(data, dict) and any(value is not None for value in data.values())


def _finding(seen: Observation, what: str, code: str, severity: Severity, shown: str) -> Finding:
    who = f"as {seen.user}" if seen.user else "without a token"
    facts = {
        "status": seen.status,
        "operation": seen.operation,
        "error": seen.error,
        "user": seen.user,
        "role": seen.data.get("role") or "anonymous",
        "hasura_code": seen.code,
        "request_id": exchange.request_id(seen),
    }
    named = exchange.request_id(seen)
    message = f"{seen.operation} {who} {what}" + (f" ({named})" if named else "")
    return Finding("allowed", seen.target, message, code, severity, shown, "refused", seen.subject, data=facts)
