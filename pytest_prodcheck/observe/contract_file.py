"""The contract file: what `prodcheck pin` writes and a person reads and commits; a gate reads it back.

TOML, sorted, one line a thing, so that a difference between two versions of it reads as a difference of the schema.
`read(written(contract, …))` is the contract again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import lru_cache
from typing import Any

from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe import contract_toml
from pytest_prodcheck.observe.contract import (
    ColumnFacts,
    Contract,
    ExtensionFacts,
    FunctionFacts,
    Grants,
    PolicyFacts,
    RoleFacts,
    SchemaFacts,
    SequenceFacts,
    TableFacts,
    TypeFacts,
)

FORMAT = 1
"""Of the files that this version writes, and the newest that it reads."""
_HEAD = """\
# What the database promises: pinned by `prodcheck pin {environment}` from a healthy one, committed by people.
# Every gate compares the live database with it and names what drifted: breaking (red), risky (degraded), harmless.
# A wanted change: migrate, pin again, read the difference, commit it. It holds no secret and no row.
"""
_SECTIONS: Mapping[str, tuple[str, type[Any]]] = {
    "roles": (
        "Roles that own, are granted or are named below, and their members: what they may do everywhere, and as whom.",
        RoleFacts,
    ),
    "schemas": ("Schemas: who owns them, and who may look into them (USAGE) or create in them.", SchemaFacts),
    "extensions": ("Extensions, their versions and schemas; what they brought is theirs.", ExtensionFacts),
    "types": ("Enums with their labels in order, domains with their base type and checks, composite types.", TypeFacts),
    "sequences": ("Sequences, but those of identity columns.", SequenceFacts),
    "functions": (
        "Functions, by the types of their arguments. definer: runs as its owner; body: a fingerprint of what it does.",
        FunctionFacts,
    ),
    "tables": (
        "Tables and views; a partition is its parent's. rls: row-level security off, on, forced (for the owner, too);"
        "\n# columns: type, null, default; keys: constraints; indexes: those of no constraint; policies: as deparsed;"
        "\n# grants: role = privileges, but the owner's own (* : may be granted on).",
        TableFacts,
    ),
}
_KEYS = {"invoker": "security_invoker", "barrier": "security_barrier", "definer": "security_definer"}
"""Fields whose key in the file is PostgreSQL's own word."""
_COLUMN = re.compile(
    r"(?P<type>.+?)(?P<null> not null)?(?: collate (?P<collation>.+?))?"
    r"(?: generated (?P<identity>always|by default) as identity| generated always as \((?P<generated>.+)\) "
    r"(?P<stored>stored|virtual)| default (?P<default>.+))?"
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CHOICES = {
    "rls": ("off", "on", "forced"),
    "kind": ("table", "partitioned table", "view", "materialised view", "foreign table"),
    "check_option": ("", "local", "cascaded"),
    "volatility": ("volatile", "stable", "immutable"),
    "parallel": ("unsafe", "restricted", "safe"),
    "command": ("ALL", "SELECT", "INSERT", "UPDATE", "DELETE"),
}


def written(contract: Contract, environment: str) -> str:
    """The file's text; the same contract always gives the same bytes."""
    lines = [_HEAD.format(environment=environment), f"format = {FORMAT}", f"postgresql = {contract.postgresql}"]
    for section, (comment, _) in _SECTIONS.items():
        things = getattr(contract, section)
        if things:
            lines += ["", f"# {comment}"]
        for name in sorted(things):
            lines += _table(section, name, things[name])
    return "\n".join(lines) + "\n"


def read(text: str, name: str) -> Contract:
    """The contract that a file called `name` holds. Raises ConfigError, `file:line` first: no TOML, a newer format,
    a key or a value that means nothing."""
    try:
        document = contract_toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        line = place[5:].partition(",")[0] if place.startswith("line ") else str(text.count("\n") + 1)
        raise ConfigError(
            f"{name}:{line}: not TOML: {reason[:1].lower()}{reason[1:]}; next: prodcheck pin ENV"
        ) from None
    reader = _Reader(text, name)
    version = document.pop("format", None)
    if type(version) is not int or version < 1:
        raise reader.wrong(("format",), f"no contract of a database: expected format = {FORMAT}")
    if version > FORMAT:
        newer = f"written by a newer version (format {version}; this one reads {FORMAT}): upgrade pytest-prodcheck"
        raise reader.wrong(("format",), newer)
    for key in document.keys() - _SECTIONS.keys() - {"postgresql"}:
        raise reader.wrong((key,), f"unknown section; known: {', '.join(sorted(_SECTIONS))}, and postgresql = 17")
    major = document.pop("postgresql", None)
    if type(major) is not int:
        raise reader.wrong(("postgresql",), "expected the server's major version: postgresql = 17")
    return Contract(
        major,
        **{
            section: {
                thing: reader.facts(kind, value, (section, thing))
                for thing, value in reader.table(document.get(section, {}), (section,)).items()
            }
            for section, (_, kind) in _SECTIONS.items()
        },
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    name: str

    def wrong(self, path: tuple[str, ...], problem: str) -> ConfigError:
        from pytest_prodcheck.config import lines

        line = lines.line(lines.index(self.text), path)
        return ConfigError(f"{self.name}:{line}: {'.'.join(map(_key, path))}: {problem}")

    def table(self, value: object, path: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(path, "must be a table")
        return value

    def facts(self, kind: type[Any], value: object, path: tuple[str, ...]) -> Any:
        """The dataclass `kind` from its table; every key is a field of it, and of the field's type."""
        known = _FIELDS[kind]
        given: dict[str, Any] = {}
        for key, item in self.table(value, path).items():
            if key not in known:
                raise self.wrong((*path, key), f"unknown key; known: {', '.join(sorted(known))}")
            given[known[key].name] = self._value(known[key], item, (*path, key))
        for one in known.values():
            if one.name not in given and one.default is MISSING and one.default_factory is MISSING:
                raise self.wrong(path, f"{one.name} is missing")
        return kind(**given)

    def _value(self, one: Field[Any], value: object, path: tuple[str, ...]) -> Any:
        special: dict[str, Callable[[object, tuple[str, ...]], object]] = {
            "columns": self._columns,
            "policies": lambda found, at: self._each(found, at, self._policy),
            "partition_policies": lambda found, at: self._each(found, at, self._policy),
            "grants": self._grants,
            "partition_grants": self._grants,
            "column_grants": lambda found, at: self._each(found, at, self._grants),
        }
        if one.name in special:
            return special[one.name](value, path)
        expected = _TYPES[str(one.type)]
        if expected == "texts":
            return self._each(value, path, self._string)
        if expected == "names":
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise self.wrong(path, "must be a list of texts")
            return tuple(value)
        if expected is str:
            text = self._string(value, path)
            if one.name in _CHOICES and text not in _CHOICES[one.name]:
                raise self.wrong(path, f"must be one of {', '.join(_CHOICES[one.name])}")
            return text
        if type(value) is not expected:
            raise self.wrong(path, "must be true or false" if expected is bool else "must be a whole number")
        return value

    def _each(
        self, value: object, path: tuple[str, ...], one: Callable[[object, tuple[str, ...]], object]
    ) -> Mapping[str, Any]:
        return {name: one(item, (*path, name)) for name, item in self.table(value, path).items()}

    def _string(self, value: object, path: tuple[str, ...]) -> str:
        if not isinstance(value, str):
            raise self.wrong(path, "must be a text in quotes")
        return value

    def _policy(self, value: object, path: tuple[str, ...]) -> object:
        return self.facts(PolicyFacts, value, path)

    def _grants(self, value: object, path: tuple[str, ...]) -> Grants:
        found = self._each(value, path, self._string)
        return {role: tuple(sorted(word.strip() for word in text.split(","))) for role, text in found.items()}

    def _columns(self, value: object, path: tuple[str, ...]) -> Mapping[str, ColumnFacts]:
        return {
            name: _column(item) if isinstance(item, str) and item else self.facts(ColumnFacts, item, (*path, name))
            for name, item in self.table(value, path).items()
        }


@lru_cache(maxsize=10_000)
def _column(text: str) -> ColumnFacts:
    """A column from its line; anything is a type, so any text is a column."""
    match = _COLUMN.fullmatch(text)
    if match is None:
        return ColumnFacts(text)
    return ColumnFacts(
        match["type"],
        not match["null"],
        match["default"] or "",
        match["identity"] or "",
        match["generated"] or "",
        match["stored"] != "virtual",
        match["collation"] or "",
    )


_FIELDS: Mapping[type[Any], Mapping[str, Field[Any]]] = {
    kind: {_KEYS.get(one.name, one.name): one for one in fields(kind)}
    for kind in (PolicyFacts, ColumnFacts, *(kind for _, kind in _SECTIONS.values()))
}
"""Dataclass → key in the file → field."""
_TYPES = {"str": str, "bool": bool, "int": int, "tuple[str, ...]": "names", "Mapping[str, str]": "texts"}


def _table(section: str, name: str, facts: Any) -> Iterator[str]:
    head = f"{section}.{_key(name)}"
    if section == "tables":
        yield ""
    yield f"[{head}]"
    below: list[tuple[str, Mapping[str, Any]]] = []
    for key, one in _FIELDS[type(facts)].items():
        value = getattr(facts, one.name)
        if one.name in _TABLES:
            below.append((key, value))
        elif not _usual(facts, one):
            yield f"{key} = {_value(value)}"
    for key, things in below:
        if things:
            yield f"[{head}.{key}]"
            ordered = things if key == "columns" else sorted(things)
            yield from (f"{_key(each)} = {_value(things[each])}" for each in ordered)


_TABLES = ("columns", "keys", "indexes", "triggers", "rules", "policies", "column_grants", "checks",
           "partitions", "partition_policies")  # fmt: skip


def _usual(facts: Any, one: Field[Any]) -> bool:
    """Whether a field has its default, which is not written."""
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    return bool(getattr(facts, one.name) == default)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, ColumnFacts):
        line = value.line
        return _text(line) if _column(line) == value else _inline(value)
    if isinstance(value, Mapping):
        pairs = (f"{_key(name)} = {_text(', '.join(value[name]))}" for name in sorted(value))
        return "{ " + ", ".join(pairs) + " }"
    return _inline(value)


def _inline(facts: Any) -> str:
    """A small dataclass on one line, without what is as usual."""
    pairs = [
        f"{key} = {_value(getattr(facts, one.name))}"
        for key, one in _FIELDS[type(facts)].items()
        if not _usual(facts, one)
    ]
    return "{ " + ", ".join(pairs) + " }"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """The most readable string of TOML that holds `text`; SQL has quotes of both kinds. Keys take no multi-line one."""
    if _CONTROL.search(text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
