"""`expected_answer` of declared SQL queries."""

from __future__ import annotations

import re

from pytest_prodcheck.config.models import Query
from pytest_prodcheck.criteria import locks, privileges, row_security, search_path
from pytest_prodcheck.criteria.expectations import compare
from pytest_prodcheck.criteria.rendering import show
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.query import QueryAnswer

_NAME = re.compile(r'"(?:[^"]|"")+"|\w+')
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


def judge(
    query: Query, answer: QueryAnswer, target: str, now: float, name: str = "", catalog: Catalog | None = None
) -> list[Finding]:
    """Findings where the query failed, or did not give what `query.expect` says; without `expect` any answer is right.

    A single cell is compared as its value, one column as a list, anything else as a list of objects. `now` is in
    seconds since the epoch. `catalog` tells a table that is missing from one in a schema that our reader may not use.
    """
    if answer.failed:
        return [_failed(query, answer, target, name, catalog)]
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


def _failed(query: Query, answer: QueryAnswer, target: str, name: str, catalog: Catalog | None) -> Finding:
    seen = answer.observation
    where = " (impersonation)" if seen.data.get("step") == "impersonation" else ""
    message = f"query {name} failed{where}: {seen.code or seen.error} {seen.message}".rstrip()
    code = CODES.get(seen.code) or _CLASSES.get(seen.error, "unknown")
    held = locks.told(seen.data.get("locks"))
    if held:
        message, code = f"query {name} waited in vain: {held[1]}", held[0]
    remedy = ""
    if seen.data.get("refused_by") == row_security.SETTING:
        user, database = str(seen.data.get("user", "")), str(seen.data.get("database", ""))
        message, code = f"query {name} fails: {row_security.means(user)}", row_security.CODE
        remedy = row_security.remedy(user, database)
    facts = {key: seen.data[key] for key in ("step", "message_hint", "refused_by") if key in seen.data}
    if catalog and (hidden := _hidden(seen, query, catalog)):
        message = f"query {name} fails: {hidden.qualified} is there, and {catalog.user} may not use its schema (42P01)"
        code, remedy = CODES["42501"], f"GRANT USAGE ON SCHEMA {hidden.schema} TO {catalog.user} is yours to run"
        facts |= {"table": hidden.qualified, "schema": hidden.schema, "role": catalog.user, "lacks": "USAGE"}
    data = {
        "query": name,
        "sql": query.sql,
        "sqlstate": seen.code,
        "error": seen.error,
        **facts,
        **(held[2] if held else {}),
    }
    return Finding(
        "expected_answer", target, message, code, query.severity, seen.message, "an answer", name, remedy, data=data
    )


def _hidden(seen: Observation, query: Query, catalog: Catalog) -> Relation | None:
    """The table that a query names and that is in a schema of our reader's search path which it may not use: the name
    is then not found, as if there were none (PostgreSQL manual 5.10.3)."""
    place = int(str(seen.data.get("statement_position") or 0))
    named = _NAME.match(query.sql, place - 1) if seen.code == "42P01" and place else None
    if named is None:
        return None
    name = named[0][1:-1].replace('""', '"') if named[0].startswith('"') else named[0].lower()
    found = (catalog.relations.get(f"{schema}.{name}") for schema in search_path.schemas(catalog, catalog.user))
    return next((one for one in found if one and not privileges.uses(catalog, catalog.user, one.schema)), None)
