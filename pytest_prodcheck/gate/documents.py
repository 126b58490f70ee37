"""The GraphQL documents of a target, the values of their variables, and its pinned schema, read once a process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_prodcheck.config.models import Environment, GraphqlTarget
from pytest_prodcheck.criteria import operations
from pytest_prodcheck.criteria.operations import Operation
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe.observation import Json
from pytest_prodcheck.targets import documents as files

if TYPE_CHECKING:
    from graphql import GraphQLSchema


@dataclass(frozen=True, slots=True)
class Documents:
    """What the application sends."""

    operations: Mapping[str, Operation] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def why_not(self, name: str) -> str:
        """Why an operation is validated only; empty where it is executed."""
        return operations.left_out(self.operations[name], self.variables.get(name))


def of(environment: Environment, table: GraphqlTarget) -> Documents:
    """The documents of a target. Raises ConfigError with `file:line` of each that cannot be used."""
    if not table.operations:
        return Documents()
    found = _read(Path(environment.base), table.operations, table.variables)
    if unjudged := [*_unjudged(table, found), *_not_subscribed(table, found)]:
        raise ConfigError(*unjudged)
    return found


def _unjudged(table: GraphqlTarget, found: Documents) -> list[str]:
    return [
        f"graphql: {key}.{name} cannot be judged: {reason}"
        for key in ("expect", "allowed")
        for name in getattr(table, key)
        if name in found.operations and (reason := found.why_not(name))
    ]


def _not_subscribed(table: GraphqlTarget, found: Documents) -> list[str]:
    """What `subscriptions` names and cannot be opened: only subscriptions are, and only with all their variables."""
    problems = []
    for name in table.subscriptions:
        if operation := found.operations.get(name):
            missing = [one for one in operation.required if one not in (found.variables.get(name) or {})]
            why = f"it is a {operation.kind}" if operation.kind != "subscription" else ""
            why = why or (f"no value for ${', $'.join(missing)}" if missing else "")
            problems += [f"graphql: subscriptions.{name} cannot be opened: {why}"] if why else []
    return problems


def pinned(environment: Environment, table: GraphqlTarget) -> GraphQLSchema | None:
    """The pinned schema of a target; None where none is declared. Raises ConfigError with `file:line`."""
    return _built(Path(environment.base), table.schema_) if table.schema_ else None


def pinned_text(environment: Environment, table: GraphqlTarget) -> str:
    """The text of the pinned schema; empty where none is declared, or none is pinned yet. Raises ConfigError for a file
    that cannot be read."""
    path = Path(environment.base) / table.schema_
    return _text(path) if table.schema_ and path.exists() else ""


@lru_cache(maxsize=16)
def _built(base: Path, name: str) -> GraphQLSchema:
    from pytest_prodcheck.criteria import graphql_schema

    path = base / name
    shown = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
    return graphql_schema.build(_text(path), shown)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {type(error).__name__}") from None


@lru_cache(maxsize=16)
def _read(base: Path, patterns: tuple[str, ...], variables: str) -> Documents:
    found = operations.load(files.read(base, patterns))
    return Documents({operation.name: operation for operation in found}, _variables(base, variables))


def _variables(base: Path, name: str) -> Mapping[str, Mapping[str, Json]]:
    if not name:
        return {}
    try:
        values = json.loads((base / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{name}:{getattr(error, 'lineno', 1)}: not JSON") from None
    if not isinstance(values, dict) or not all(isinstance(value, dict) for value in values.values()):
        raise ConfigError(f"{name}:1: expected an object of operations, each with its variables")
    return values
