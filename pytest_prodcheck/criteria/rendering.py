"""Values of a document in words, for messages: short, bounded in depth, and safe for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

_LONGEST = 120
_DEEPEST = 3
_MOST_ITEMS = 5


def show(value: object) -> str:
    """The value as JSON, at most 120 characters and three levels; control characters are escaped."""
    text = _json(value, 0)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def describe(value: object, missing: object) -> str:
    """What was found, in words: `missing`, `an object with key error`, or the value itself."""
    if value is missing:
        return "missing"
    if isinstance(value, Mapping) and value:
        keys = ", ".join(map(str, list(value)[:_MOST_ITEMS]))
        return f"an object with {'key' if len(value) == 1 else 'keys'} {show(keys)[1:-1]}"
    return show(value)


def _json(value: object, depth: int) -> str:
    if isinstance(value, str):
        return json.dumps(value[:_LONGEST], ensure_ascii=not value.isprintable())
    if isinstance(value, Mapping):
        return "{" + _inside(((f"{_json(str(key), depth)}: ", item) for key, item in value.items()), depth) + "}"
    if isinstance(value, Sequence):
        return "[" + _inside((("", item) for item in value), depth) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _number(value)


def _inside(items: Iterable[tuple[str, object]], depth: int) -> str:
    """The first items of an object or a list, as long as it is not too deep."""
    first = list(islice(items, _MOST_ITEMS + 1))
    if first and depth >= _DEEPEST:
        return "…"
    shown = [prefix + _json(item, depth + 1) for prefix, item in first[:_MOST_ITEMS]]
    return ", ".join(shown + ["…"] * (len(first) > _MOST_ITEMS))


def _number(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of more than 4,300 digits (sys.set_int_max_str_digits)
        return "a huge number"
