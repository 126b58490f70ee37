"""Hasura's metadata is the repository's, and permissions filter the rows that have an owner (A23, R9, R10)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from pytest_prodcheck.criteria import exchange, graphql_codes
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.hasura_metadata import Entry
from pytest_prodcheck.observe.observation import Observation

Metadata = Mapping[str, Entry]
_FILTERING: Final = ("select", "update", "delete")


def unreadable(seen: Observation, problem: str) -> Finding:
    """The metadata did not come: by the engine's own words, or the exchange's."""
    told = graphql_codes.explain(seen.code, seen.message, seen)
    code = exchange.code(seen) if seen.error or seen.server_error else told.code
    facts = {"status": seen.status, "operation": seen.operation, "error": seen.error, "hasura_code": seen.code}
    what = f"the metadata cannot be read: {problem}"
    return Finding("metadata", seen.target, what, code, data={**facts, **told.data})


def differences(promised: Metadata, live: Metadata, *, target: str = "graphql") -> list[Finding]:
    """What the engine's metadata says otherwise than the repository's: a table that is not tracked and a permission
    that is missing are told apart (R9, R10); one that the repository does not know is too wide; the rest differs."""
    untracked = {entry.table for name, entry in promised.items() if entry.kind == "table" and name not in live}
    found = [
        _missing(name, entry, target)
        for name, entry in promised.items()
        if name not in live and (entry.kind == "table" or entry.table not in untracked)
    ]
    found += [_changed(name, live[name], keys, target) for name, keys in _differing(promised, live)]
    return found + [_surplus(name, entry, target) for name, entry in live.items() if name not in promised]


def row_filters(
    live: Metadata, tables: Sequence[str], trusted: Collection[str], *, target: str = "graphql"
) -> list[Finding]:
    """Each role's permission to read, change or delete rows of `tables` compares a column with a session variable."""
    found = []
    for table in tables:
        name = table if "." in table else f"public.{table}"
        if f"table {name}" not in live:
            what = f"{name} is not tracked, so that its row filters cannot be seen"
            found.append(_finding(target, what, "graphql.table.not_tracked", subject=table, entry=Entry("table", name)))
        rules = [one for one in live.values() if one.kind == "permission" and one.table == name]
        found += [
            _finding(target, f"{one.action} permission of {one.role} on {name} compares no row with the session",
                     "graphql.permission.row_filter_missing", seen="no session variable", promised="x-hasura-…",
                     subject=table, entry=one)
            for one in rules
            if one.action in _FILTERING and one.role not in trusted and not one.session
        ]  # fmt: skip
    return found


def _differing(promised: Metadata, live: Metadata) -> Iterator[tuple[str, list[str]]]:
    for name in promised.keys() & live.keys():
        mine, theirs = promised[name].parts, live[name].parts
        if keys := sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)):
            yield name, keys


def _missing(name: str, entry: Entry, target: str) -> Finding:
    codes = {"table": "graphql.table.not_tracked", "permission": "graphql.permission.missing"}
    words = "is not tracked" if entry.kind == "table" else "is missing"
    code = codes.get(entry.kind, "graphql.metadata.differs")
    return _finding(target, f"{name} {words}, and the repository has it", code, subject=name, entry=entry,
                    seen="missing", promised="as in the repository")  # fmt: skip


def _changed(name: str, entry: Entry, keys: Sequence[str], target: str) -> Finding:
    what = f"{name} differs from the repository's in {', '.join(keys)}"
    return _finding(target, what, "graphql.metadata.differs", subject=name, entry=entry,
                    seen=f"other {', '.join(keys)}", promised="as in the repository")  # fmt: skip


def _surplus(name: str, entry: Entry, target: str) -> Finding:
    granted = entry.kind == "permission"
    what = f"{name} is there, and the repository does not have it"
    return _finding(target, what, "graphql.permission.too_wide" if granted else "graphql.metadata.differs",
                    "error" if granted else "warning", seen="there", promised="as in the repository", subject=name,
                    entry=entry)  # fmt: skip


def _finding(
    target: str,
    message: str,
    code: str,
    severity: Severity = "error",
    *,
    seen: str = "",
    promised: str = "",
    subject: str,
    entry: Entry,
) -> Finding:
    facts = {"table": entry.table.rpartition(".")[2], "role": entry.role, "operation": "export_metadata"}
    return Finding("metadata", target, message, code, severity, seen, promised, subject, data=facts)
