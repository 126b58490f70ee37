"""References: `env:NAME`, `file:path`, `cmd:…`, `demo:NAME`, `container:NAME`, and `{env:NAME}` inside longer strings.

Resolved once and late, by the owner of a run; every unresolved one is said at once; no value is in any message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from pytest_prodcheck.config import scrubbable
from pytest_prodcheck.config.key_path import KeyPath, dotted
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.errors import SecretError

M = TypeVar("M", bound=BaseModel)

_WHOLE = compiled(r"(?:env|demo|container):[A-Za-z_][A-Za-z0-9_.-]*|file:[^\n]*\S|cmd:[^\n]*\S")
_INSIDE = compiled(r"\{((?:env|demo|container):[A-Za-z_][A-Za-z0-9_.-]*|file:[^{}\n]+)\}")
_CONTROL = compiled(r"[\x00-\x1f\x7f]")
_NEVER = compiled(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MULTILINE = frozenset({"json", "form", "text", "sql", "secret", "client_key", "expect", "claims", "data", "errors"})
"""Keys whose values may have line breaks: bodies, documents, statements, keys in PEM."""
_LONGEST = 1_000_000
"""Bytes of a file that holds a secret; a device never ends."""
_INTERNAL = frozenset({"name", "base", "commands", "setup"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """An environment with values in place of references."""

    environment: Environment
    secrets: tuple[tuple[str, str], ...] = field(repr=False)
    """What must be scrubbed from every output: (reference, value)."""
    warnings: tuple[str, ...] = ()
    """Secrets that cannot be scrubbed without wrecking a report, each with its reason."""
    lengths: Mapping[str, str] = field(default_factory=dict)
    """Reference → length class of its value: what `doctor` may show of it."""


def resolve(
    environment: Environment,
    *,
    base: Path,
    environ: Mapping[str, str],
    demo: Mapping[str, str] | None = None,
    containers: Mapping[str, str] | None = None,
    commands: bool | None = None,
    run: str = "",
) -> Resolved:
    """`environment` with every reference replaced by its value and `{run}` by the run's tag.

    `base` is the directory that `file:` paths are relative to; `demo` holds the embedded system's values, `containers`
    the addresses of the throwaway ones; `commands`
    says whether `cmd:` may run (default: as the file says). Raises
    SecretError with every reference that gives nothing, or a value that cannot stand where it is used.
    """
    permitted = environment.commands if commands is None else commands
    lookup = _Lookup(environment, base, environ, demo, containers, permitted)
    resolver = _Resolver(lookup, run)
    resolved = resolver.model(environment, ())
    if lookup.problems:
        raise SecretError(*sorted(dict.fromkeys(lookup.all_problems()), key=_line))
    kept, warnings = scrubbable.split(tuple(dict.fromkeys(resolver.secrets)), environment)
    return Resolved(resolved, kept, warnings, lookup.lengths())


def used(environment: Environment) -> list[tuple[str, str]]:
    """Every reference and the key path that uses it (`("env:API_TOKEN", "users.member.token")`); none is resolved."""
    return [(shown(reference), dotted(path)) for reference, path in places(environment)]


def places(environment: Environment) -> list[tuple[str, KeyPath]]:
    """Every reference and the keys that lead to where it is used, as `Environment.where` takes them."""
    return [(reference, path) for path, value in _strings(environment, ()) for reference in _references(value)]


def shown(reference: str) -> str:
    """A reference as messages name it: of a command only its program, because arguments may be secret."""
    return f"cmd:{reference[4:].split()[0]} …" if reference.startswith("cmd:") else reference


def _references(text: str) -> list[str]:
    return [text] if _WHOLE.fullmatch(text) else _INSIDE.findall(text)


def _strings(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    else:
        for key, item in _children(value):
            yield from _strings(item, (*path, *key))


def _children(value: object) -> Iterator[tuple[KeyPath, Any]]:
    """The parts of a model, mapping or list with their keys as TOML writes them. Defaults hold no reference."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name in value.model_fields_set and not (isinstance(value, Environment) and name in _INTERNAL):
                yield from _field(value, name)
    elif isinstance(value, Mapping):
        yield from (((str(key),), item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield from (((position,), item) for position, item in enumerate(value))


def _field(model: BaseModel, name: str) -> Iterator[tuple[KeyPath, Any]]:
    value = getattr(model, name)
    if isinstance(model, Environment) and name == "targets":
        yield from ((tuple(target_id.split(".", 1)), target) for target_id, target in value.items())
    else:
        yield (_written_name(name),), value


class _Lookup:
    """Values of references; what gives none is noted with the places where it is used."""

    def __init__(
        self,
        environment: Environment,
        base: Path,
        environ: Mapping[str, str],
        demo: Mapping[str, str] | None,
        containers: Mapping[str, str] | None,
        commands: bool,
    ) -> None:
        self.environment, self.commands, self.base = environment, commands, base
        self.environ, self.demo, self.containers = environ, demo, containers
        self.problems: list[str] = []
        self._known: dict[str, str | None] = {}
        self._missing: dict[str, tuple[str, list[KeyPath]]] = {}

    def value(self, reference: str, path: KeyPath) -> str | None:
        """The value, or None where there is none (noted)."""
        if reference not in self._known:
            self._known[reference] = self._read(reference)
        if reference in self._missing:
            self._missing[reference][1].append(path)
        return self._known[reference]

    def _read(self, reference: str) -> str | None:
        scheme, _, name = reference.partition(":")
        readers: Mapping[str, Callable[[str], str]] = {
            "env": self._env,
            "file": self._file,
            "cmd": self._command,
            "demo": self._demo,
            "container": self._container,
        }
        try:
            value = _not_empty(readers[scheme](name))
        except LookupError as error:
            self._missing[reference] = (str(error.args[0]), [])
            self.problems.append(reference)
            return None
        return value

    def _env(self, name: str) -> str:
        if name not in self.environ:
            raise LookupError("is not set")
        return self.environ[name]

    def _demo(self, name: str) -> str:
        if self.demo is None:
            raise LookupError("exists only under --prodcheck=demo")
        if name not in self.demo:
            raise LookupError("is not a value of the demo")
        return self.demo[name]

    def _container(self, name: str) -> str:
        if self.containers is None:
            raise LookupError("is there only while a gate runs: it starts the container")
        if name not in self.containers:
            raise LookupError("is no container of this environment")
        return self.containers[name]

    def _file(self, name: str) -> str:
        try:
            with (self.base / Path(name).expanduser()).open("rb") as file:
                content = file.read(_LONGEST + 1)
            if len(content) > _LONGEST:
                raise LookupError(f"is longer than {_LONGEST:,} bytes")
            return _without_last_newline(content.decode())
        except OSError as error:
            raise LookupError(f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise LookupError("is not UTF-8 text") from None
        except ValueError:
            raise LookupError("cannot be read: its name has a NUL character") from None

    def _command(self, name: str) -> str:
        if not self.commands:
            raise LookupError("may not run: set commands = true under [prodcheck]")
        from pytest_prodcheck.config import command

        return _without_last_newline(command.output(name, self.base, self.environ))

    def lengths(self) -> dict[str, str]:
        """Length class of every value that was found."""
        return {reference: scrubbable.length_class(value) for reference, value in self._known.items() if value}

    def unusable(self, problem: str) -> None:
        """Notes a value that is there and cannot stand where it is used."""
        self.problems.append(problem)

    def all_problems(self) -> Iterator[str]:
        """Each unresolved reference once, with the lines that use it, and each unusable value."""
        for problem in self.problems:
            if problem in self._missing:
                reason, paths = self._missing[problem]
                places = sorted({self.environment.where(*map(str, path)) for path in paths}, key=_line)
                lines = ", ".join([places[0], *(place.rpartition(":")[2] for place in places[1:])])
                noun = "secret" if any(scrubbable.is_secret(path) for path in paths) else "reference"
                yield f"{noun} {shown(problem)} {reason} ({lines})"
            else:
                yield problem


class _Resolver:
    """One walk over an environment: new models with values in place, and the secrets met on the way."""

    def __init__(self, lookup: _Lookup, run: str) -> None:
        self.lookup, self.run = lookup, run
        self.secrets: list[tuple[str, str]] = []

    def model(self, model: M, path: KeyPath) -> M:
        """A copy of `model` with values in place; the same object where nothing changes."""
        changes: dict[str, Any] = {}
        for name in model.model_fields_set:
            before = getattr(model, name)
            if not isinstance(before, str | BaseModel | Mapping | tuple | list):
                continue
            if isinstance(model, Environment) and name in _INTERNAL:
                continue
            after = self._field(model, name, before, path)
            if after is not before and after != before:
                changes[name] = after
        return model.model_copy(update=changes) if changes else model

    def _field(self, model: BaseModel, name: str, before: object, path: KeyPath) -> object:
        if isinstance(model, Environment) and name == "targets":
            return {key: self.model(item, tuple(key.split(".", 1))) for key, item in model.targets.items()}
        return self.value(before, (*path, _written_name(name)))

    def value(self, value: object, path: KeyPath) -> object:
        if isinstance(value, str):
            return self._text(value, path) if ":" in value or "{run}" in value else value
        if isinstance(value, BaseModel):
            return self.model(value, path)
        if isinstance(value, Mapping):
            return {key: self.value(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(item, (*path, position)) for position, item in enumerate(value))
        return value

    def _text(self, text: str, path: KeyPath) -> str:
        values: dict[str, str] = {}
        for reference in _references(text):
            if path[0] == "containers" and reference.startswith("container:"):
                continue  # another container's address inside: known when that one has started
            value = self.lookup.value(reference, path)
            if value is not None:
                values[reference] = value
                self._check_characters(reference, value, path)
                self.secrets += scrubbable.secrets(shown(reference), value, path)
        if _WHOLE.fullmatch(text):
            resolved = values.get(text, text)
        else:
            resolved = _INSIDE.sub(lambda found: values.get(found[1], found[0]), text)
            resolved = resolved.replace("{run}", self.run) if self.run and "{run}" in text else resolved
        if values:
            self._check_address(text, resolved, path)
        return resolved

    def _check_characters(self, reference: str, value: str, path: KeyPath) -> None:
        found = _CONTROL.search(value)
        if not found or (not _MULTILINE.isdisjoint(path) and not _NEVER.search(value)):
            return
        line = value.count("\n", 0, found.end()) + 1
        place = f"{shown(reference)} line {line}"
        where = self.lookup.environment.where(*map(str, path))
        self.lookup.unusable(f"{_subject(path)}: value contains a control character ({place}) ({where})")

    def _check_address(self, text: str, resolved: str, path: KeyPath) -> None:
        problem = scrubbable.address_problem(resolved, path)
        if problem:
            names = ", ".join(shown(reference) for reference in _references(text))
            where = self.lookup.environment.where(*map(str, path))
            self.lookup.unusable(f"{names}: {problem} ({where})")


def _written_name(name: str) -> str:
    return name.removesuffix("_")  # `as_`, `json_` and `schema_` stand for the keys without it


def _line(problem: str) -> int:
    found = re.search(r"\.toml:(\d+)", problem)
    return int(found[1]) if found else 0


def _subject(path: KeyPath) -> str:
    if "headers" in path[:-1]:
        return f"header {path[-1]}"
    return "header Authorization" if path[0] == "users" and path[-1] == "token" else dotted(path)


def _not_empty(value: str) -> str:
    if not value.strip():
        raise LookupError("is empty")
    return value


def _without_last_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
