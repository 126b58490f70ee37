"""TOML that `contract_file` writes, read a line at a time: `tomllib` takes a second for thousands of tables.

A document of any other form, or one that is wrong, is given to `tomllib` as a whole: what this reads, it reads alike.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import Any

_HEAD = re.compile(r"\[([\w-]+)\.([\w-]+|'[^'\x00-\x1f\x7f]*')(?:\.([\w-]+))?\]")
_LINE = re.compile(r"([\w-]+|'[^'\x00-\x1f\x7f]*') = (.+)", re.ASCII)
_LITERAL = re.compile(r"'([^'\x00-\x1f\x7f]*)'")


def loads(text: str) -> dict[str, Any]:
    """The document. Raises `tomllib.TOMLDecodeError`."""
    found = _by_lines(text)
    return tomllib.loads(text) if found is None else found


def _by_lines(text: str) -> dict[str, Any] | None:
    """The document; None where a line is not of the form that is written, or says something twice."""
    document: dict[str, Any] = {}
    table = document
    for line in text.split("\n"):
        if match := _LINE.fullmatch(line):
            key, value = match[1].strip("'"), match[2]
            literal = _LITERAL.fullmatch(value)
            parsed = literal[1] if literal else _value(value)
            if key in table or parsed is None:
                return None
            table[key] = parsed
        elif head := _HEAD.fullmatch(line):
            things = document.setdefault(head[1], {})
            if not isinstance(things, dict):
                return None
            name, part = head[2].strip("'"), head[3]
            parent, last = (things.get(name), part) if part else (things, name)
            if not isinstance(parent, dict) or last in parent:
                return None
            table = parent[last] = {}
        elif line and not (line.startswith("#") and line.isprintable()):
            return None
    return document


@lru_cache(maxsize=50_000)
def _value(text: str) -> Any:
    """One value on a line of its own; None where it is none. Equal ones are one object: nobody changes them."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return None
