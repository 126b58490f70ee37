"""Compose files → one `ComposeFile`: what they promise of their services, and what is wrong with the files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pytest_prodcheck.config.compose import values, vocabulary
from pytest_prodcheck.config.compose.document import Document
from pytest_prodcheck.config.compose.interpolation import Variables, of_folder
from pytest_prodcheck.config.compose.model import ComposeFile, DeclaredHealth, Remark, Service

Value = TypeVar("Value")


def read(paths: Sequence[Path], environ: Mapping[str, str], project: str = "") -> ComposeFile:
    """The merged promise of `paths`. `environ` and the `.env` beside the first file fill in variables, as compose has
    it; `project` overrides the project's name. Raises ConfigError."""
    document = Document(paths)
    known = of_folder(paths[0].parent, environ)
    reader = _Reader(document, known)
    services = {str(name): reader.service(str(name), table) for name, table in document.tables["services"].items()}
    named = project or str(
        document.tables.get("name") or known.get("COMPOSE_PROJECT_NAME") or paths[0].absolute().parent.name
    )
    remarks = (*_vocabulary(document), *reader.remarks)
    return ComposeFile(tuple(path.name for path in paths), _project(named), services, remarks)


def _project(name: str) -> str:
    """As compose normalises it: lower case, letters, digits, `-` and `_`."""
    return re.sub(r"[^-_a-z0-9]", "", name.lower()).lstrip("-_")


def _vocabulary(document: Document) -> Iterator[Remark]:
    """Keys that compose does not know, and the one that it ignores."""
    if "version" in document.tables:
        yield Remark("obsolete_version", document.where("version"), "version")
    yield from _unknown(document, (), document.tables, vocabulary.TOP)
    for name, service in document.tables["services"].items():
        if not isinstance(service, Mapping):
            continue
        yield from _unknown(document, ("services", str(name)), service, vocabulary.SERVICE)
        for key, inside in vocabulary.INSIDE.items():
            if isinstance(service.get(key), Mapping):
                yield from _unknown(document, ("services", str(name), key), service[key], inside)


def _unknown(
    document: Document, path: tuple[str, ...], table: Mapping[Any, Any], known: frozenset[str]
) -> Iterator[Remark]:
    for key in map(str, table):
        if key not in known and not key.startswith("x-"):
            near = difflib.get_close_matches(key, known, 1)
            yield Remark("unknown_key", document.where(*path, key), ".".join((*path, key)), near[0] if near else "")


class _Reader:
    """Reads services one by one; `remarks` collects values that are none, and variables without a value."""

    def __init__(self, document: Document, known: Mapping[str, str]) -> None:
        self._document, self._known = document, known
        self.remarks: list[Remark] = []
        waits = (_conditions(table) for table in document.tables["services"].values() if isinstance(table, Mapping))
        self._finishing = {
            name for needs in waits for name, how in needs.items() if how == "service_completed_successfully"
        }

    def service(self, name: str, table: object) -> Service:
        """One service; a key whose value is none is left out, and remarked."""
        read = _Keys(self, name, table if isinstance(table, Mapping) else {})
        limits = read.table("deploy", "resources", "limits")
        reservations = read.table("deploy", "resources", "reservations")
        options = _mapping(read.table("logging").get("options"))
        return Service(
            name,
            self._document.where("services", name),
            read.of("image", values.text, ""),
            read.of("container_name", values.text, ""),
            read.of("scale", values.count, 0) or read.inside("deploy", "replicas", values.count, 1),
            name in self._finishing,
            read.of("restart", values.text, ""),
            tuple(port for ports in read.each("ports", lambda value: tuple(values.ports(value))) for port in ports),
            dict(read.each("volumes", values.volume)),
            read.of("mem_limit", values.size, 0) or read.value(limits.get("memory"), values.size, 0, "deploy"),
            read.of("mem_reservation", values.size, 0)
            or read.value(reservations.get("memory"), values.size, 0, "deploy"),
            read.of("cpus", values.number, 0.0) or read.value(limits.get("cpus"), values.number, 0.0, "deploy"),
            read.health(),
            read.inside("logging", "driver", values.text, ""),
            {str(key): read.value(value, values.text, "", "logging") for key, value in options.items()},
            tuple(_conditions(read.tables)),
            read.unset,
            bool(read.tables.get("profiles")),
        )

    def remark(self, kind: str, name: str, key: str, hint: str) -> None:
        """Something about the key of a service."""
        path = ("services", name, key)
        self.remarks.append(Remark(kind, self._document.where(*path), ".".join(path), hint))

    def variables(self) -> Variables:
        """What a value is filled in with."""
        return Variables(self._known)


class _Keys:
    """The keys of one service, filled in and read."""

    def __init__(self, reader: _Reader, name: str, tables: Mapping[str, Any]) -> None:
        self._reader, self._name, self.tables = reader, name, tables
        self.unset: dict[str, str] = {}
        self._misses = 0

    def of(self, key: str, read: Callable[[object], Value], default: Value) -> Value:
        """The value of a key."""
        return self.value(self.tables.get(key), read, default, key)

    def inside(self, key: str, inner: str, read: Callable[[object], Value], default: Value) -> Value:
        """The value of a key of a table."""
        return self.value(self.table(key).get(inner), read, default, key)

    def table(self, *path: str) -> Mapping[str, Any]:
        """A table inside; empty where there is none."""
        found: Mapping[str, Any] = self.tables
        for key in path:
            found = _mapping(found.get(key))
        return found

    def each(self, key: str, read: Callable[[object], Value]) -> Iterator[Value]:
        """What the entries of a list give."""
        entries = self.tables.get(key)
        for entry in entries if isinstance(entries, list) else ():
            found: list[Value] = []
            yield from self.value(entry, lambda value: [read(value)], found, key)

    def value(self, value: object, read: Callable[[object], Value], default: Value, key: str) -> Value:
        """A value read; the default where it is not written, needs a variable without a value, or is none."""
        if value is None:
            return default
        before = self._misses
        filled = self._text(value, key)
        if self._misses > before:
            return default
        try:
            return read(filled)
        except ValueError as problem:
            self._reader.remark("invalid_value", self._name, key, str(problem))
            return default

    def filled(self, text: str, key: str) -> str:
        """A text with its variables replaced; one without a value is remarked once a key."""
        variables = self._reader.variables()
        result = variables.fill(text)
        self._misses += len(variables.unset)
        if variables.unset and key not in self.unset:
            self.unset[key] = variables.unset[0]
            self._reader.remark("unset_variable", self._name, key, variables.unset[0])
        return result

    def health(self) -> DeclaredHealth | None:
        """`healthcheck`, where it is written."""
        if not isinstance(self.tables.get("healthcheck"), Mapping):
            return None
        table = self.table("healthcheck")
        nothing: tuple[str, ...] = ()
        test = self.value(table.get("test"), values.command, nothing, "healthcheck")
        return DeclaredHealth(test, table.get("disable") is True or test[:1] == ("NONE",))

    def _text(self, value: object, key: str) -> object:
        """A value with its variables replaced, and those of its entries; what is nested deeper is none of ours."""
        if isinstance(value, list):
            return [self.filled(one, key) if isinstance(one, str) else one for one in value]
        if isinstance(value, Mapping):
            return {name: self.filled(one, key) if isinstance(one, str) else one for name, one in value.items()}
        return self.filled(value, key) if isinstance(value, str) else value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _conditions(service: Mapping[str, Any]) -> dict[str, str]:
    """Name of each service that it waits for → until when."""
    needs = service.get("depends_on")
    if isinstance(needs, Mapping):
        return {str(name): str(_mapping(how).get("condition", "")) for name, how in needs.items()}
    return {str(name): "" for name in needs} if isinstance(needs, list) else {}
