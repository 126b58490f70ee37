"""Whether a document is as promised: the grammar of interface.md §2 for JSON values and text bodies.

A table is a subset, nested as the document is; a list is exact in length and order, its objects are subsets;
`{ each = … }` holds for every item of a list (an empty list keeps it). Words are compared exactly and case-sensitively
(a substring test takes `unhealthy` for `healthy`, T16); `true` is not 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import MOST_LEVELS, Comparison, Rule
from pytest_prodcheck.criteria import timestamps
from pytest_prodcheck.criteria.rendering import describe, show

MISSING = object()
"""Stands for a value that is not in the document at all."""
_MOST_MISMATCHES = 20
_MOST_SEARCHED = 100_000
"""Characters of a text that a regular expression is tried on: what a target says may not keep us busy."""


class Mismatch(NamedTuple):
    """One place where the document is not as promised, in words."""

    path: str
    """`checks.db[0].status`; empty for the document itself."""
    promised: str
    seen: str

    def __str__(self) -> str:
        return f"{self.path or 'body'}: expected {self.promised}, found {self.seen}"


def compare(expected: object, actual: object, *, now: float, path: str = "") -> list[Mismatch]:
    """Every place (at most 20) where `actual`, parsed JSON or `MISSING`, does not keep `expected`.

    `now` is the time in seconds since the epoch at which ages are judged. Raises ValueError for an expectation that can
    never be judged (`"age < 60"`); configuration refuses those before anything is sent.
    """
    return _compare(expected, actual, now, path, 0)[:_MOST_MISMATCHES]


def compare_text(expected: str, text: str, *, now: float) -> list[Mismatch]:
    """The same for a text body: a plain string is the whole body, one newline at its end apart."""
    return compare(expected, re.sub(r"\r?\n\Z", "", text), now=now)


def _compare(expected: object, actual: object, now: float, path: str, depth: int) -> list[Mismatch]:
    if depth > MOST_LEVELS:
        return [Mismatch(path, f"at most {MOST_LEVELS} levels", "a deeper document")]
    if isinstance(expected, str):
        return _rule(grammar.rule(expected), actual, now, path)
    if isinstance(expected, Mapping):
        return _table(expected, actual, now, path, depth)
    if isinstance(expected, Sequence):
        return _list(expected, actual, now, path, depth)
    return [] if _same(expected, actual) else [Mismatch(path, show(expected), describe(actual, MISSING))]


def _table(expected: Mapping[str, object], actual: object, now: float, path: str, depth: int) -> list[Mismatch]:
    if set(expected) == {"each"} and not (isinstance(actual, Mapping) and "each" in actual):
        return _each(expected["each"], actual, now, path, depth)
    if not isinstance(actual, Mapping):
        return [Mismatch(path, f"an object with {_keys(expected)}", describe(actual, MISSING))]
    found: list[Mismatch] = []
    for key, value in expected.items():
        below = f"{path}.{key}" if path else str(key)
        found += _compare(value, actual.get(key, MISSING), now, below, depth + 1)
    return found


def _each(expected: object, actual: object, now: float, path: str, depth: int) -> list[Mismatch]:
    if not isinstance(actual, list):
        return [Mismatch(path, "a list", describe(actual, MISSING))]
    found: list[Mismatch] = []
    for index, item in enumerate(actual):
        found += _compare(expected, item, now, f"{path}[{index}]", depth + 1)
        if len(found) >= _MOST_MISMATCHES:
            break
    return found


def _list(expected: Sequence[object], actual: object, now: float, path: str, depth: int) -> list[Mismatch]:
    if not isinstance(actual, list):
        return [Mismatch(path, "a list", describe(actual, MISSING))]
    if len(actual) != len(expected):
        if len(show(expected)) + len(show(actual)) < 100:
            return [Mismatch(path, show(expected), show(actual))]
        return [Mismatch(path, f"{len(expected)} items", f"{len(actual)}: {show(actual)}")]
    found: list[Mismatch] = []
    for index, (wanted, item) in enumerate(zip(expected, actual, strict=True)):
        found += _compare(wanted, item, now, f"{path}[{index}]", depth + 1)
    return found


def _rule(rule: Rule, actual: object, now: float, path: str) -> list[Mismatch]:
    if rule.kind == "absent" or actual is MISSING:
        kept = rule.kind == "absent" and actual is MISSING
        return [] if kept else [Mismatch(path, _promised(rule), describe(actual, MISSING))]
    if rule.comparison and rule.kind == "compares":
        return _comparison(rule.comparison, actual, now, path)
    return [] if _holds(rule, actual) else [Mismatch(path, _promised(rule), describe(actual, MISSING))]


def _holds(rule: Rule, actual: object) -> bool:
    if rule.kind == "has":
        return _has(rule.text, actual)
    if rule.kind == "matches":
        return isinstance(actual, str) and re.search(rule.text, actual[:_MOST_SEARCHED]) is not None
    if rule.kind == "present":
        return True
    return actual == rule.text or (rule.kind == "quoted" and _is_number(rule.comparison, actual))


def _promised(rule: Rule) -> str:
    return {
        "present": "a value",
        "absent": "no such key",
        "has": f"one that has {show(rule.text)}",
        "matches": f"a text that matches {rule.text}",
        "literal": show(rule.text),
        "quoted": show(rule.text),
        "compares": rule.text,
    }[rule.kind]


def _comparison(limit: Comparison, actual: object, now: float, path: str) -> list[Mismatch]:
    if limit.subject == "size":
        return _size(limit, actual, path)
    if limit.subject == "age":
        return _age(limit, actual, now, path)
    number = _measure(limit, actual)
    if number is not None and limit.holds(number):
        return []
    return [Mismatch(path, limit.text if number is not None else f"a number {limit.text}", describe(actual, MISSING))]


def _size(limit: Comparison, actual: object, path: str) -> list[Mismatch]:
    if not isinstance(actual, str | list | Mapping):
        return [Mismatch(path, limit.text, f"{describe(actual, MISSING)}, which has no size")]
    return [] if limit.holds(len(actual)) else [Mismatch(path, limit.text, f"size {len(actual)}: {show(actual)}")]


def _age(limit: Comparison, actual: object, now: float, path: str) -> list[Mismatch]:
    moment = timestamps.seconds(actual)
    if moment is None:
        return [Mismatch(path, f"a time of {limit.text}", describe(actual, MISSING))]
    age = now - moment
    if age < -timestamps.TOLERATED_AHEAD:
        return [Mismatch(path, limit.text, f"{show(actual)}, {grammar.show_duration(round(-age))} in the future")]
    if limit.holds(max(age, 0.0)):
        return []
    return [Mismatch(path, limit.text, f"{show(actual)}, {grammar.show_duration(round(age, 3))} old")]


def _measure(limit: Comparison, actual: object) -> float | None:
    """The number to compare: seconds or a share where the text says a unit, the plain number where it is one."""
    if isinstance(actual, bool):
        return None
    if isinstance(actual, int | float):
        return actual
    reader = {"s": grammar.duration, "%": grammar.percent}.get(limit.unit)
    if not isinstance(actual, str) or reader is None:
        return None
    try:
        return reader(actual)
    except ValueError:
        return None


def _has(wanted: str, actual: object) -> bool:
    if isinstance(actual, str):
        return wanted in actual
    if isinstance(actual, list):
        return any(item == wanted or _spells(wanted, item) for item in actual)
    return isinstance(actual, Mapping) and wanted in actual


def _spells(wanted: str, item: object) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool) and str(item) == wanted


def _is_number(limit: Comparison | None, actual: object) -> bool:
    return limit is not None and not limit.unit and not isinstance(actual, bool) and actual == limit.value


def _same(expected: object, actual: object) -> bool:
    if isinstance(expected, date):
        return timestamps.seconds(actual) == timestamps.seconds(expected.isoformat())
    return isinstance(expected, bool) == isinstance(actual, bool) and expected == actual


def _keys(expected: Mapping[str, object]) -> str:
    return ("key " if len(expected) == 1 else "keys ") + ", ".join(list(map(str, expected))[:5])
