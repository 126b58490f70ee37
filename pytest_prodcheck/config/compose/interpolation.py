"""Variables in a compose file: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${NAME:+other}`, `$$`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)"
    r"|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<text>(?:[^{}]|\{[^{}]*\})*))?\})"
)
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)")
_LONGEST = 1_000_000


class Variables:
    """The values that a compose file is filled in with. `unset` collects the names without one, as they are met."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.unset: list[str] = []

    def fill(self, text: str) -> str:
        """`text` with its variables replaced; one without a value gives nothing, as compose has it."""
        return _VARIABLE.sub(self._value, text) if "$" in text else text

    def _value(self, found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        name, how, text = found["plain"] or found["name"], found["how"] or "", found["text"] or ""
        value = self._values.get(name)
        given = bool(value) if how.startswith(":") else value is not None
        if how.endswith("+"):
            return self.fill(text) if given else ""
        if given:
            return value or ""
        if how.endswith("-"):
            return self.fill(text)
        self.unset.append(name)
        return ""


def of_folder(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What compose knows in a folder: its `.env`, and over it the environment. An unreadable `.env` is none."""
    try:
        with (folder / ".env").open(encoding="utf-8") as file:
            lines = file.read(_LONGEST).splitlines()
    except (OSError, UnicodeDecodeError):
        return dict(environ)
    found = (_ASSIGNMENT.fullmatch(line) for line in lines)
    return {match[1]: _unquoted(match[2].strip()) for match in found if match} | dict(environ)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] in "'\"" and (end := text.find(text[0], 1)) > 0:
        return text[1:end]
    return text.partition(" #")[0].rstrip()
