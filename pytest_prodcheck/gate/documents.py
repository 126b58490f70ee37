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
    if unjudged := [
        f"graphql: expect.{name} cannot be judged: {reason}"
        for name in table.expect
        if name in found.operations and (reason := found.why_not(name))
    ]:
        raise ConfigError(*unjudged)
    return found


def pinned(environment: Environment, table: GraphqlTarget) -> GraphQLSchema | None:
    """The pinned schema of a target; None where none is declared. Raises ConfigError with `file:line`."""
    return _built(Path(environment.base), table.schema_) if table.schema_ else None


@lru_cache(maxsize=16)
def _built(base: Path, name: str) -> GraphQLSchema:
    from pytest_prodcheck.criteria import graphql_schema

    try:
        return graphql_schema.build((base / name).read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: cannot be read: {type(error).__name__}") from None


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
