"""The one grammar for limits and expectations, in `prodcheck.toml` and in markers (interface.md §2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_COMPARISON = re.compile(r"(?:(p\d{1,2}(?:\.\d+)?|mean|age|size)\s*)?(<=|>=|<|>|==)\s*(.+)", re.DOTALL)
_SIZE = re.compile(r"(<=?)\s*(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB)")

MOST_LEVELS = 100
"""Levels to which expectations and documents are followed: far beyond what people write, far below the stack."""

Operator = Literal["<", "<=", ">", ">=", "=="]
Unit = Literal["s", "%", ""]


def duration(text: str) -> float:
    """Seconds of a duration such as `"500ms"`, `"2s"`, `"14d"`. Raises ValueError, also where the unit is missing."""
    if found := _DURATION.fullmatch(text.strip()):
        return float(found[1]) * _UNIT_SECONDS[found[2]]
    if _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"a duration needs a unit: {text.strip()!r} could be '{text.strip()}ms' or '{text.strip()}s'")
    raise ValueError(f"not a duration: {text!r}; write it like '500ms', '2s', '3m' or '14d'")


def percent(text: str) -> float:
    """Share between 0 and 1 of a rate such as `"1%"`. Raises ValueError."""
    found = _PERCENT.fullmatch(text.strip())
    if not found or not 0 <= float(found[1]) <= 100:
        raise ValueError(f"not a rate: {text!r}; write it like '1%' or '99.5%'")
    return float(found[1]) / 100


def show_duration(seconds: float) -> str:
    """A duration as people write it: `480ms`, `2.5s`, `29m`, `1.5h`, `14d`."""
    if seconds >= 86400 and seconds % 86400 == 0:
        return f"{seconds / 86400:.0f}d"
    if seconds >= 999.5:
        return f"{seconds / 3600:.3g}h" if seconds >= 3600 else f"{seconds / 60:.3g}m"
    return f"{seconds:.3g}s" if seconds >= 1 else f"{seconds * 1000:.3g}ms"


class Comparison(NamedTuple):
    """`[subject] operator value`: `p95 < 500ms`, `mean < 200ms`, `< 1%`, `> 0`, `age < 60s`, `size <= 20`."""

    operator: Operator
    value: float
    unit: Unit = ""
    subject: str = ""
    """Empty, `mean`, `age`, `size`, or a quantile as it was written (`p95`)."""
    text: str = ""

    @property
    def quantile(self) -> float | None:
        """0.95 for `p95`; None for a limit that holds for each request."""
        return float(self.subject[1:]) / 100 if self.subject.startswith("p") else None

    def holds(self, number: float) -> bool:
        """Whether `number` (seconds, a share, or a plain number) keeps the comparison."""
        return {
            "<": number < self.value,
            "<=": number <= self.value,
            ">": number > self.value,
            ">=": number >= self.value,
            "==": number == self.value,
        }[self.operator]


def comparison(text: str) -> Comparison | None:
    """The comparison that `text` spells, or None where it is not one (`"== …"` of a non-number is a quoted literal)."""
    found = _COMPARISON.fullmatch(text.strip())
    if not found:
        return None
    subject, operator, value = found[1] or "", found[2], found[3].strip()
    if number := _DURATION.fullmatch(value):
        return Comparison(operator, float(number[1]) * _UNIT_SECONDS[number[2]], "s", subject, text.strip())  # type: ignore[arg-type]
    if _PERCENT.fullmatch(value):
        return Comparison(operator, percent(value), "%", subject, text.strip())  # type: ignore[arg-type]
    if _NUMBER.fullmatch(value):
        exact = float(value) if "." in value else int(value)  # an id beyond 2^53 is no double
        return Comparison(operator, exact, "", subject, text.strip())  # type: ignore[arg-type]
    return None


def size_limit(text: str) -> Comparison:
    """A limit of a size, in bytes: `"< 10GB"`, `"< 500MB"` (1 GB is 1024 MB, as PostgreSQL counts). Raises ValueError
    with an example."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"not a limit of a size: {text!r}; write it like '< 500MB' or '< 10GB'")
    number = float(found[2]) * 1024 ** ("kB", "MB", "GB", "TB").index(found[3]) * 1024
    return Comparison(found[1], number, "", "", text.strip())  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def latency_limit(text: str) -> Comparison:
    """A limit of a latency: `"< 300ms"`, `"p95 < 500ms"`, `"mean < 200ms"`. Raises ValueError with an example."""
    limit = comparison(text) if isinstance(text, str) else None
    if limit is None or limit.operator not in ("<", "<="):
        raise ValueError(f"not a latency limit: {text!r}; write it like '< 300ms', 'p95 < 500ms' or 'mean < 200ms'")
    if limit.unit == "":
        raise ValueError(f"a latency limit needs a unit: '{limit.text}ms' or '{limit.text}s'?")
    if limit.unit != "s" or limit.subject in ("age", "size"):
        raise ValueError(f"not a latency limit: {text!r}; write it like '< 300ms', 'p95 < 500ms' or 'mean < 200ms'")
    if limit.quantile is not None and not 0 < limit.quantile < 1:
        raise ValueError(f"a quantile lies between p1 and p99.9, not {limit.subject}")
    if limit.value <= 0:
        raise ValueError(f"a latency limit is greater than 0: {text!r}")
    return limit


@lru_cache(maxsize=256)
def rate_limit(text: str) -> Comparison:
    """A limit of an error rate: `"< 1%"`. Raises ValueError with an example."""
    limit = comparison(text) if isinstance(text, str) else None
    if limit is None or limit.operator not in ("<", "<=") or limit.unit != "%" or limit.subject:
        raise ValueError(f"not an error rate: {text!r}; write it like '< 1%' or '<= 0.5%'")
    if not 0 < limit.value < 1:
        raise ValueError(
            f"an error rate lies between 0% and 100%: {text!r}; no_server_errors judges every single request"
        )
    return limit


class Rule(NamedTuple):
    """What one string of an expectation of a document says (interface.md §2)."""

    kind: Literal["literal", "present", "absent", "has", "matches", "quoted", "compares"]
    text: str
    """The literal, the element or substring, the regular expression, or the comparison as it was written."""
    comparison: Comparison | None = None
    """Set for `compares`, and for `quoted` where a number follows (`"== 5"` also means the number 5)."""


def rule(text: str) -> Rule:
    """The rule that a string in an expectation spells: `"*"`, `"absent"`, `"has X"`, `"re:…"`, `"== …"`, a comparison
    (`"> 0"`, `"age < 60s"`, `"size <= 20"`), or a literal. Raises ValueError for one that can never be judged.
    """
    if text == "*":
        return Rule("present", text)
    if text == "absent":
        return Rule("absent", text)
    if text.startswith("has "):
        return Rule("has", text[4:])
    if text.startswith("re:"):
        return Rule("matches", _pattern(text[3:]))
    found = comparison(text)
    if text.startswith("=="):
        return Rule("quoted", text[2:].removeprefix(" "), found)
    return Rule("compares", text.strip(), _judgeable(found)) if found else Rule("literal", text)


def check_expectation(expected: object, depth: int = 0) -> None:
    """Raises ValueError where any string in a declared expectation cannot be judged, or it is nested too deeply."""
    if depth > MOST_LEVELS:
        raise ValueError(f"an expectation is nested deeper than {MOST_LEVELS} levels")
    if isinstance(expected, str):
        rule(expected)
    elif isinstance(expected, Mapping):
        for value in expected.values():
            check_expectation(value, depth + 1)
    elif isinstance(expected, list | tuple):
        for value in expected:
            check_expectation(value, depth + 1)


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError) as problem:
        raise ValueError(f"not a regular expression: {text!r}: {problem}") from None
    return text


def _judgeable(found: Comparison) -> Comparison:
    if found.subject == "age" and found.unit != "s":
        raise ValueError(f"an age needs a unit: {found.text!r}; write it like 'age < 60s'")
    if found.subject == "size" and found.unit:
        raise ValueError(f"a size is a number of items, characters or keys: {found.text!r}; write it like 'size > 0'")
    if found.subject not in ("", "age", "size"):
        raise ValueError(f"{found.subject} is a limit of latencies: {found.text!r} cannot be judged on one answer")
    return found
