"""SQLSTATE → cause code. Source: PostgreSQL, Appendix A (src/backend/utils/errcodes.txt); facts.md §6."""

from __future__ import annotations

from collections.abc import Mapping

SQLSTATES: Mapping[str, str] = {
    "08000": "database.connection.dropped",
    "08001": "database.tcp.refused",
    "08003": "database.connection.dropped",
    "08004": "database.auth.host_not_allowed",
    "08006": "database.connection.dropped",
    "08P01": "database.port.wrong_service",
    "22023": "database.data.invalid_input",
    "22P02": "database.data.invalid_input",
    "25006": "database.server.read_only",
    "25P03": "database.lock.idle_in_transaction",
    "28000": "database.auth.host_not_allowed",
    "28P01": "database.auth.password_rejected",
    "3D000": "database.name.not_found",
    "3F000": "database.schema.schema_missing",
    "40001": "database.lock.serialization",
    "40P01": "database.lock.deadlock",
    "42501": "database.privilege.missing",
    "42703": "database.schema.column_missing",
    "42804": "database.schema.column_type",
    "42846": "database.schema.column_type",
    "42883": "database.schema.column_type",
    "42P01": "database.schema.table_missing",
    "42P17": "database.rls.policy_recursion",
    "53100": "database.disk.full",
    "53200": "database.server.out_of_memory",
    "53300": "database.connections.exhausted",
    "55P03": "database.lock.contention",
    "57014": "database.query.timeout",
    "57P01": "database.server.restarted",
    "57P02": "database.server.restarted",
    "57P03": "database.server.starting",
    "57P05": "database.connection.dropped",
    "58030": "database.server.io_error",
    "XX001": "database.data.corrupted",
    "XX002": "database.index.corrupted",
}
"""Exact states; the message refines those that stand for several causes (28000, 42501, 53300: see `libpq`)."""

CLASSES: Mapping[str, str] = {
    "08": "database.connection.dropped",
    "23": "database.data.constraint",
    "57": "database.server.restarted",
    "58": "database.server.io_error",
}
"""The state's class (first two characters), where the whole state is not listed."""


def classify(sqlstate: str) -> str:
    """The cause code of one SQLSTATE; `unknown` for states that say nothing about a cause."""
    return SQLSTATES.get(sqlstate, CLASSES.get(sqlstate[:2], "unknown"))
