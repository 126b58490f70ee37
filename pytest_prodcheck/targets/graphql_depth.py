"""A query of a wanted depth, written from the schema: what a server with a depth limit must refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from graphql import GraphQLField, GraphQLNamedType, GraphQLSchema

_NO_ROWS: Final = ("limit", "take")
"""Arguments that, at 0, make a list empty: nothing below it is resolved."""


@dataclass(frozen=True, slots=True)
class DeepQuery:
    """A document, and whether nothing of it is executed (`@include(if: false)`)."""

    document: str
    skipped: bool


def query(sdl: str, depth: int) -> DeepQuery | None:
    """A query whose fields are nested `depth` levels deep (a root field has depth 1); None where the schema has none.

    A list that can be asked for no rows is preferred, because every way to measure depth counts what is below it.
    """
    from graphql import GraphQLError, build_schema

    try:
        schema = build_schema(sdl)
    except (GraphQLError, TypeError, RecursionError):
        return None
    return _written(schema, depth)


def _written(schema: GraphQLSchema, depth: int) -> DeepQuery | None:
    paths = _Paths()
    fields = schema.query_type.fields if schema.query_type else {}
    for name, asked, skipped in [*_roots(fields, limited=True), *_roots(fields, limited=False)]:
        below = paths.below(fields[name], depth - 1)
        if below is not None:
            inner = "".join(f" {{ {step}" for step in below) + " }" * len(below)
            return DeepQuery(f"query DepthProbe {{ {asked}{inner} }}", skipped)
    return None


def _roots(fields: Mapping[str, GraphQLField], *, limited: bool) -> list[tuple[str, str, bool]]:
    """(field, how it is asked, whether it is skipped)."""
    found = []
    for name, root in fields.items():
        argument = next((known for known in _NO_ROWS if known in root.args and _is_int(root, known)), "")
        if bool(argument) == limited and not _needs(root, but=argument):
            asked = f"{name}({argument}: 0)" if argument else f"{name} @include(if: false)"
            found.append((name, asked, not argument))
    return found


def _is_int(root: GraphQLField, argument: str) -> bool:
    return str(root.args[argument].type).rstrip("!") == "Int"


def _needs(asked: GraphQLField, but: str = "") -> bool:
    """Whether it must be given an argument, `but` left out."""
    from graphql import is_required_argument

    return any(is_required_argument(argument) for name, argument in asked.args.items() if name != but)


@dataclass(slots=True)
class _Paths:
    """Ways down from a field, each looked for once by type and length."""

    known: dict[tuple[str, int], tuple[str, ...] | None] = field(default_factory=dict)

    def below(self, asked: GraphQLField, length: int) -> tuple[str, ...] | None:
        """`length` fields below `asked`, the last one without fields of its own; None where there is no such way."""
        from graphql import get_named_type, is_leaf_type

        kind = get_named_type(asked.type)
        if length == 0:
            return () if is_leaf_type(kind) else None
        key = (kind.name, length)
        if key not in self.known:
            self.known[key] = None
            self.known[key] = self._down(kind, length)
        return self.known[key]

    def _down(self, kind: GraphQLNamedType, length: int) -> tuple[str, ...] | None:
        fields: Mapping[str, GraphQLField] = getattr(kind, "fields", {})
        for name, step in fields.items():
            if hasattr(step, "args") and not _needs(step) and (rest := self.below(step, length - 1)) is not None:
                return (name, *rest)
        return None
