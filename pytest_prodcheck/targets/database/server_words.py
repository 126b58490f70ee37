"""What may be repeated of a server's error: words that name objects, never a value of a row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Error

ROW_SECURITY = "row_security"
"""What refuses where policies would hide rows and the session says `row_security = off`."""
_TELLING = ("25", "3F", "40", "42", "53", "54", "55", "57", "58", "0A")
"""SQLSTATE classes whose messages name objects (PostgreSQL, Appendix A)."""
_PARSED = ("42", "3F")
"""Of these, where the parser found it: a value cast to `regclass` is named in the same words, without a place."""
_PLACELESS = ("42501", "42P17")
_ROUTINE = "check_enable_rls"
"""src/backend/utils/misc/rls.c; 42501 stands for every other lack of a privilege, and its words are translated."""


def told(error: Error) -> str:
    """The error's own words, or the name of its condition and its place in the statement where the words may quote
    what a row holds (`22P02 invalid_text_representation`, 23505, what a function raises)."""
    code = error.sqlstate or ""
    if names_objects(error) or not code:
        return error.diag.message_primary or str(error).partition("\n")[0]
    place = error.diag.statement_position
    return _condition(code) + (f" at character {place}" if place else "")


def names_objects(error: Error) -> bool:
    """Whether the server's words, and its hint, hold names alone. A function that raises may choose any class."""
    code, diagnosis = error.sqlstate or "", error.diag
    if code[:2] not in _TELLING or _raised(error):
        return False
    placed = diagnosis.statement_position or diagnosis.internal_position
    return bool(placed) or code in _PLACELESS or code[:2] not in _PARSED


def refused_by(error: Error) -> str:
    """`row_security` where that setting is why a query is refused; else empty."""
    return ROW_SECURITY if error.diag.source_function == _ROUTINE else ""


def _condition(code: str) -> str:
    """The name of a state in PostgreSQL's words: `invalid_text_representation`; empty for one that nobody knows."""
    from psycopg.errors import lookup

    try:
        name = lookup(code).__name__
    except KeyError:
        return ""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _raised(error: Error) -> bool:
    """Whether a function's own words are the message: where it says RAISE, or is in a language that has its own way."""
    innermost = (error.diag.context or "").partition("\n")[0]
    return "RAISE" in innermost or (innermost.startswith("PL/") and not innermost.startswith("PL/pgSQL"))
