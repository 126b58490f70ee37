"""Line numbers of TOML keys: `tomllib` gives values without places, and an error without a line is a search."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled

_TOKEN = compiled(
    r'''(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<space>[^\S\n]+)
    |(?P<string>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
    |(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,.\#"']+)|(?P<other>.)''',
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def index(text: str) -> dict[KeyPath, int]:
    """Key path → line (from 1) of every table, key and array item of a valid TOML document.

    A table that is only implied (`[env.staging.http]` implies `env`) has the line of what implies it first.
    """
    return _Scan(_tokens(text)).document()


def line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of `path`, or of its nearest ancestor that is written; 1 where none is."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _tokens(text: str) -> list[_Token]:
    number, found = 1, []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        if kind not in ("comment", "space"):
            found.append(_Token(kind, match[0], number))
        number += match[0].count("\n")
    return found


class _Scan:
    """One pass over the tokens of a document that `tomllib` has accepted: places are collected, nothing is checked."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at = [*tokens, _Token("end", "", tokens[-1].line if tokens else 1)], 0
        self.lines: dict[KeyPath, int] = {}
        self.arrays: dict[KeyPath, int] = {}

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def document(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self.now.kind != "end":
            if self.now.kind == "newline":
                self.at += 1
            elif self.now.text == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _header(self) -> KeyPath:
        start, is_array = self.now, self.tokens[self.at + 1].text == "["
        self.at += 2 if is_array else 1
        path = self._latest(self._key())
        self.at += 2 if is_array else 1
        if is_array:
            self._record(path, start.line)
            self.arrays[path] = self.arrays.get(path, -1) + 1
            path = (*path, self.arrays[path])
        self._record(path, start.line)
        return path

    def _latest(self, keys: list[str]) -> KeyPath:
        """The path that a header means: an array of tables on the way stands for its last table (TOML 1.0)."""
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if position < len(keys) - 1 and path in self.arrays:
                path = (*path, self.arrays[path])
        return path

    def _record(self, path: KeyPath, number: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], number)

    def _key(self) -> list[str]:
        keys = [_unquoted(self.now.text)]
        self.at += 1
        while self.now.text == ".":
            keys.append(_unquoted(self.tokens[self.at + 1].text))
            self.at += 2
        return keys

    def _pair(self, table: KeyPath) -> None:
        number = self.now.line
        path = (*table, *self._key())
        self._record(path, number)
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self.now.text in ("{", "["):
            self._container(path, "}" if self.now.text == "{" else "]")
        elif self.now.kind == "string":
            self.at += 1
        else:
            while self.now.kind in ("bare", "other") or self.now.text == ".":
                self.at += 1

    def _container(self, path: KeyPath, closer: str) -> None:
        self.at += 1
        item = 0
        while self.now.text != closer and self.now.kind != "end":
            if self.now.kind == "newline" or self.now.text == ",":
                self.at += 1
            elif closer == "}":
                self._pair(path)
            else:
                self._record((*path, item), self.now.line)
                self._value((*path, item))
                item += 1
        self.at += 1


def _unquoted(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0"))) if key[:1] in "\"'" else key
