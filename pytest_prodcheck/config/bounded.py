"""Regular expressions of users that are tried on many lines: only such as cannot take more time than is counted on.

Python's matcher goes back without a bound; `(a+)+b` takes minutes on thirty letters. A pattern whose repetitions stand
side by side takes a power of the text's length: the text is cut to what keeps the product small.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LENGTHS = (4000, 4000, 800, 100)
"""Characters that a pattern with so many unbounded repetitions looks at."""
_TOO_MANY = "more than three repetitions (*, +, {n,m}) could take longer than any run"
_NESTED = "a repetition of what matches in several ways ((a+)+, (a|b)*) could take longer than any run"
_LARGE, _MANY = 10, 1_000_000
_QUANTIFIER = re.compile(r"[*+?]|\{(\d*)(,?)(\d*)\}")
_LITERAL = re.compile(r"[A-Za-z0-9_ :/=\"'-]{3,}")


@lru_cache(maxsize=256)
def bounded(text: str) -> tuple[re.Pattern[str], int]:
    """The compiled pattern, and how many characters of a line it is tried on. Raises ValueError, with the reason, for
    one that is no regular expression or may take too long."""
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as problem:
        raise ValueError(f"not a regular expression: {problem}") from None
    count = _repetitions(text)
    if count >= len(_LENGTHS):
        raise ValueError(_TOO_MANY)
    return pattern, _LENGTHS[count]


@lru_cache(maxsize=256)
def literal(text: str) -> str:
    """The longest plain text that every match must hold; empty where none can be told without reading the grammar."""
    if any(mark in text for mark in "|?*{(["):
        return ""
    parts = _LITERAL.findall(
        re.sub(r"\\[A-Za-z]", "\0", text).replace("\\", "\0").replace(".", "\0").replace("+", "\0")
    )
    return max(parts, key=len, default="").strip()


def _repetitions(text: str) -> int:
    """Repetitions of a pattern without a small bound. Raises ValueError for one of what itself may match in several
    ways."""
    total, place = 0, 0
    groups = [False]
    """Whether what the open groups hold may match in several ways."""
    closed = False
    while place < len(text):
        quantifier = _QUANTIFIER.match(text, place) if place else None
        if quantifier is not None:
            least, most = _times(quantifier)
            if closed and most > 1:
                raise ValueError(_NESTED)
            total, groups[-1] = total + (most - least >= _LARGE), groups[-1] or most > least
            lazy = text.startswith(("?", "+"), quantifier.end())
            place, closed = quantifier.end() + lazy, False
            continue
        closed = text[place] == ")" and len(groups) > 1 and groups.pop()
        groups[-1] = groups[-1] or closed or text[place] == "|"
        if text[place] == "(":
            groups.append(False)
        place = _next(text, place)
    return total


def _times(quantifier: re.Match[str]) -> tuple[int, int]:
    """How often at least and at most; a number beyond any where there is no bound."""
    if quantifier[0] in ("*", "+", "?"):
        return int(quantifier[0] == "+"), 1 if quantifier[0] == "?" else _MANY
    least, comma, most = quantifier.groups()
    return int(least or 0), int(most) if most else _MANY if comma else int(least or 0)


def _next(text: str, place: int) -> int:
    """The place behind one element: an escape, a class, the opening of a group, a character."""
    if text[place] == "[":
        return _after_class(text, place)
    if text.startswith("(?", place):
        return place + 2  # its ? is no quantifier
    return place + 1 + (text[place] == "\\")


def _after_class(text: str, place: int) -> int:
    end = place + 2 + text.startswith("^", place + 1)
    while end < len(text) and text[end] != "]":
        end += 1 + text.startswith("\\", end)
    return end + 1
