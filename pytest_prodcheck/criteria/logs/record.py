"""One log record in the terms that are judged, whatever program and format it came from."""

from __future__ import annotations

from dataclasses import dataclass

DEBUG, INFO, WARNING, ERROR, FATAL = 10, 20, 30, 40, 50
"""Levels as they are compared. A line without a level has 0."""

_NAMES = {
    "trace": 5, "debug": DEBUG, "verbose": DEBUG, "fine": DEBUG, "detail": DEBUG, "hint": DEBUG, "statement": DEBUG,
    "context": DEBUG, "query": DEBUG, "location": DEBUG,
    "info": INFO, "information": INFO, "notice": INFO, "log": INFO, "default": INFO, "success": INFO,
    "warn": WARNING, "warning": WARNING,
    "err": ERROR, "error": ERROR, "severe": ERROR, "eror": ERROR,
    "crit": FATAL, "critical": FATAL, "alert": FATAL, "emerg": FATAL, "emergency": FATAL, "fatal": FATAL,
    "panic": FATAL, "dpanic": FATAL,
}  # fmt: skip
_LETTERS = {
    "T": 5, "D": DEBUG, "V": DEBUG, "I": INFO, "N": INFO, "W": WARNING, "E": ERROR, "C": FATAL, "F": FATAL,
}  # fmt: skip


@dataclass(slots=True)
class Record:
    """A line, or several that belong together, taken apart. What a format does not say is empty."""

    form: str
    """Name of the format, as `format` in the configuration takes it."""
    message: str = ""
    level: int = 0
    time: str = ""
    """As it is written."""
    exception: str = ""
    """Class of an exception: `KeyError`, `java.lang.OutOfMemoryError`, `TypeError`."""
    trace: str = ""
    """The frames of a trace, as they are written."""
    status: int = 0
    """HTTP status of a request that was answered."""
    method: str = ""
    route: str = ""
    """Path of the request, without its query."""
    seconds: float | None = None
    """How long a statement took."""
    sqlstate: str = ""


def level_of(word: object) -> int:
    """The level of a name (`ERROR`, `warn`), a letter (klog) or a number (pino and bunyan: 10 to 60); 0 for none."""
    if isinstance(word, int | float) and not isinstance(word, bool):
        return {10: 5, 20: DEBUG, 30: INFO, 40: WARNING, 50: ERROR, 60: FATAL}.get(int(word), 0)
    text = str(word).strip()
    if text.isdigit():
        return level_of(int(text))
    return _LETTERS.get(text, 0) if len(text) == 1 else _NAMES.get(text.lower(), 0)
