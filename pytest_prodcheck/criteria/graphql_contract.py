"""The schema served keeps the pinned contract: what broke, what is dangerous, and whose operations it hits (A41)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pytest_prodcheck.criteria import graphql_schema, graphql_usage
from pytest_prodcheck.criteria.operations import Operation
from pytest_prodcheck.observe.finding import Finding

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_STANDARD_SCALARS: Final = ("Int", "Float", "String", "Boolean", "ID")
_COORDINATE: Final = re.compile(r"@\w+(?:\(\w+:\))?|[A-Za-z_]\w*\.\w+(?:\(\w+:\))?")
_OF_A_TYPE: Final = re.compile(
    r"^(?:Standard scalar )?(?P<type>\w+) (?:was removed|changed from|no longer implements|was added to union)"
    r"|implemented by (?P<implementing>\w+)"
)
_ABOUT_THE_FIELD: Final = ("REQUIRED_ARG_ADDED", "OPTIONAL_ARG_ADDED")
_ABOUT_THE_TYPE: Final = ("REQUIRED_INPUT_FIELD_ADDED", "OPTIONAL_INPUT_FIELD_ADDED", "VALUE_ADDED_TO_ENUM")
_NAMED_AT_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, as graphql-core classifies it."""

    kind: str
    text: str
    grade: Literal["breaking", "dangerous"]

    @property
    def coordinate(self) -> str:
        """What it is about: `Task.title`, `Query.tasks(limit:)`, `@auth`, `Task`."""
        if found := _COORDINATE.search(self.text):
            return found[0]
        named = _OF_A_TYPE.search(self.text)
        return (named["type"] or named["implementing"]) if named else ""

    @property
    def touches(self) -> str:
        """The coordinate whose use makes an operation feel it: of an added argument, its field."""
        if self.kind in _ABOUT_THE_FIELD:
            return self.coordinate.partition("(")[0]
        if self.kind == "TYPE_ADDED_TO_UNION":
            return self.text.rpartition(" ")[2].rstrip(".")
        return self.coordinate.partition(".")[0] if self.kind in _ABOUT_THE_TYPE else self.coordinate


def differences(
    pinned: GraphQLSchema, served: GraphQLSchema, documents: Sequence[Operation], *, target: str = "graphql"
) -> list[Finding]:
    """One finding for each change since `pinned`: a breaking one is an error, a dangerous one a warning, a safe one is
    none (graphql-core, `find_breaking_changes`, `find_dangerous_changes`). Each names the operations that use what
    changed: those that no longer fit the served schema fail."""
    uses = {operation.name: graphql_usage.coordinates(operation, pinned) for operation in documents}
    failing = {operation.name for operation in documents if graphql_schema.errors(operation, served)}
    return [
        _finding(change, [one for one in documents if change.touches in uses[one.name]], failing, target)
        for change in changes(pinned, served)
    ]


def changes(pinned: GraphQLSchema, served: GraphQLSchema) -> Iterator[Change]:
    """Breaking changes, then dangerous ones. Standard scalars that nothing refers to any longer are no difference:
    graphql-core only lists the ones in use."""
    from graphql import find_breaking_changes, find_dangerous_changes

    for broken in find_breaking_changes(pinned, served):
        change = Change(broken.type.name, broken.description, "breaking")
        if not (change.kind == "TYPE_REMOVED" and change.coordinate in _STANDARD_SCALARS):
            yield change
    for risky in find_dangerous_changes(pinned, served):
        yield Change(risky.type.name, risky.description, "dangerous")


def _finding(change: Change, using: Sequence[Operation], failing: set[str], target: str) -> Finding:
    broken = [operation for operation in using if operation.name in failing]
    return Finding(
        "schema",
        target,
        f"schema differs from the pinned one ({change.grade}): {change.text.rstrip('.')}; {_who(using, broken)}",
        f"graphql.schema.{change.grade}",
        "error" if change.grade == "breaking" else "warning",
        seen=change.text,
        promised=f"no {change.grade} change",
        subject=change.coordinate,
        data={
            "change": change.kind,
            "text": change.text,
            "operations": [operation.name for operation in using],
            "failing": [operation.name for operation in broken],
        },
    )


def _who(using: Sequence[Operation], broken: Sequence[Operation]) -> str:
    if broken:
        return f"fails: {_listed(broken)}"
    return f"used by: {_listed(using)}" if using else "no declared operation uses it"


def _listed(operations: Sequence[Operation]) -> str:
    names = [f"{operation.kind} {operation.name} ({operation.place})" for operation in operations[:_NAMED_AT_MOST]]
    more = len(operations) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
