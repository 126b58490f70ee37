"""Points in time as servers write them: ISO 8601, epoch seconds or milliseconds, HTTP dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pytest_prodcheck.config.lazily import compiled

TOLERATED_AHEAD = 60.0
"""Seconds that a server's clock may be ahead of ours before its time counts as one in the future."""
_FIRST_MILLISECONDS = 1e11
"""Epoch numbers beyond this (the year 5138 in seconds) are milliseconds (1973 and later)."""
_LAST = 1e14
_NUMBER = compiled(r"\d{9,14}(?:\.\d{1,9})?", re.ASCII)


def seconds(value: object) -> float | None:
    """Seconds since the epoch of an ISO 8601 text (UTC where it names no zone), an HTTP date, or an epoch number (also
    as a text); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _epoch(value)
    return _text(value.strip()) if isinstance(value, str) and len(value) <= 64 else None


def _epoch(number: float) -> float | None:
    if not 0 <= number < _LAST:
        return None
    return float(number) / 1000 if number >= _FIRST_MILLISECONDS else float(number)


def _text(text: str) -> float | None:
    if _NUMBER.fullmatch(text):  # before ISO 8601, whose basic form takes eight digits for a day
        return _epoch(float(text))
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
