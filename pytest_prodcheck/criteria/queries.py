"""`expected_answer` of declared SQL queries."""

from __future__ import annotations

from pytest_prodcheck.config.models import Query
from pytest_prodcheck.criteria import locks
from pytest_prodcheck.criteria.expectations import compare
from pytest_prodcheck.criteria.rendering import show
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.query import QueryAnswer

CODES = {
    "42P01": "database.schema.table_missing",
    "3F000": "database.schema.search_path",
    "42703": "database.schema.column_missing",
    "42883": "database.schema.column_type",
    "42846": "database.schema.column_type",
    "42501": "database.privilege.missing",
    "42P17": "database.rls.policy_recursion",
    "57014": "database.query.timeout",
    "55P03": "database.lock.contention",
    "25006": "database.server.read_only",
    "53100": "database.disk.full",
    "53300": "database.connections.exhausted",
    "57P01": "database.server.restarted",
    "57P02": "database.server.restarted",
    "57P03": "database.server.starting",
}
"""SQLSTATE of a failed query → cause code (facts.md §6)."""
_CLASSES = {"timeout": "database.query.timeout", "tcp.reset": "database.connection.dropped"}


def judge(query: Query, answer: QueryAnswer, target: str, now: float, name: str = "") -> list[Finding]:
    """Findings where the query failed, or did not give what `query.expect` says; without `expect` any answer is right.

    A single cell is compared as its value, one column as a list, anything else as a list of objects. `now` is in
    seconds since the epoch.
    """
    if answer.failed:
        return [_failed(query, answer, target, name)]
    if query.expect is None:
        return []
    if answer.truncated:
        message = f"query {name} gave more than {len(answer.rows)} rows: they cannot be judged"
        remedy = "count or limit in the query itself"
        return [Finding("expected_answer", target, message, severity="insufficient", subject=name, remedy=remedy)]
    mismatches = compare(query.expect, answer.value, now=now)
    return [
        Finding(
            "expected_answer",
            target,
            f"query {name}: {one.path or 'answer'} expected {one.promised}, found {one.seen}",
            severity=query.severity,
            seen=one.seen,
            promised=one.promised,
            subject=name,
            data={"query": name, "path": one.path, "answer": show(answer.value), "sql": query.sql},
        )
        for one in mismatches
    ]


def _failed(query: Query, answer: QueryAnswer, target: str, name: str) -> Finding:
    seen = answer.observation
    where = " (impersonation)" if seen.data.get("step") == "impersonation" else ""
    message = f"query {name} failed{where}: {seen.code or seen.error} {seen.message}".rstrip()
    code = CODES.get(seen.code) or _CLASSES.get(seen.error, "unknown")
    held = locks.told(seen.data.get("locks"))
    if held:
        message, code = f"query {name} waited in vain: {held[1]}", held[0]
    facts = {key: seen.data[key] for key in ("step", "message_hint", "message_detail") if key in seen.data}
    data = {
        "query": name,
        "sql": query.sql,
        "sqlstate": seen.code,
        "error": seen.error,
        **facts,
        **(held[2] if held else {}),
    }
    return Finding("expected_answer", target, message, code, query.severity, seen.message, "an answer", name, data=data)
