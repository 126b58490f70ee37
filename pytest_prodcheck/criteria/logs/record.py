"""One log record in the terms that are judged, whatever program and format it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

DEBUG, INFO, WARNING, ERROR, FATAL = 10, 20, 30, 40, 50
"""Levels as they are compared. A line without a level has 0."""

_NAMES = {
    "trace": 5, "debug": DEBUG, "verbose": DEBUG, "fine": DEBUG, "detail": DEBUG, "hint": DEBUG, "statement": DEBUG,
    "context": DEBUG, "query": DEBUG, "location": DEBUG,
    "info": INFO, "information": INFO, "notice": INFO, "log": INFO, "default": INFO, "success": INFO,
    "warn": WARNING, "warning": WARNING,
    "err": ERROR, "error": ERROR, "severe": ERROR, "eror": ERROR, "fail": ERROR,
    "crit": FATAL, "critical": FATAL, "alert": FATAL, "emerg": FATAL, "emergency": FATAL, "fatal": FATAL,
    "panic": FATAL, "dpanic": FATAL, "ftl": FATAL, "wrn": WARNING, "inf": INFO, "dbg": DEBUG,
    "erro": ERROR, "fata": FATAL, "pani": FATAL,  # logrus on a terminal
    "fehler": ERROR, "erreur": ERROR, "errore": ERROR, "fatale": FATAL, "panik": FATAL,  # PostgreSQL's lc_messages
    "schwerwiegend": ERROR, "ошибка": ERROR, "важно": FATAL, "паника": FATAL, "エラー": ERROR, "错误": ERROR,
}  # fmt: skip
_NUMBERS: Mapping[float, int] = {
    10: 5, 20: DEBUG, 30: INFO, 40: WARNING, 50: ERROR, 60: FATAL,
    100: DEBUG, 200: INFO, 250: INFO, 300: INFO, 400: WARNING, 500: ERROR, 550: FATAL, 600: FATAL,
    700: FATAL, 800: FATAL,
}  # fmt: skip
"""Pino's and bunyan's, from a hundred on Google's LogSeverity; Monolog says a name beside its own."""
_STEP = re.compile(r"\+\d{1,3}\Z")
"""Go's slog names a level between two of its own by the lower one: `ERROR+4`."""
_COLOUR = re.compile(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]")
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
    carried: Literal["", "priority", "stream"] = ""
    """Whose the level is, where it is not the program's own: who carried the line gave it one, or one by the stream."""


def level_of(word: object) -> int:
    """The level of a name (`ERROR`, `warn`), a letter (klog) or a number (pino, bunyan, Google); 0 for none."""
    if isinstance(word, int | float) and not isinstance(word, bool):
        return _NUMBERS.get(word, 0)
    if isinstance(word, Mapping):
        named = (word.get(key) for key in ("name", "label", "text", "value"))
        return next((level for one in named if isinstance(one, str | int) and (level := level_of(one))), 0)
    text = plain(str(word)).strip()
    if digits(text):
        return _NUMBERS.get(int(text), 0)
    if len(text) == 1:
        return _LETTERS.get(text, 0)
    return _NAMES.get(text.lower(), 0) or _NAMES.get(_STEP.sub("", text.lower()), 0)


def digits(text: str) -> bool:
    """Whether the text is a number of a few of the digits that `int` reads."""
    return 0 < len(text) <= 19 and text.isascii() and text.isdigit()


def plain(text: str) -> str:
    """The text without colours, and without halves of characters, which no report can hold."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
