"""The application's documents fit the schema (A41)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pytest_prodcheck.criteria import graphql_codes, operations
from pytest_prodcheck.criteria.operations import Operation
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

if TYPE_CHECKING:
    from graphql import GraphQLError, GraphQLSchema

_ERRORS_AT_MOST: Final = 100


def build(sdl: str, name: str) -> GraphQLSchema:
    """The schema that `sdl` (of the file or the target `name`) writes. Raises ConfigError with `file:line`."""
    from graphql import GraphQLError, Source, build_ast_schema, parse, validate_schema
    from graphql.validation.validate import validate_sdl

    try:
        document = parse(Source(sdl, name))
        for error in validate_sdl(document):  # `build_ast_schema` would raise them as one text, without their places
            raise error
        schema = build_ast_schema(document, assume_valid_sdl=True)
        for error in validate_schema(schema):
            raise error
    except GraphQLError as error:
        line = error.locations[0].line if error.locations else 1
        raise ConfigError(f"{name}:{line}: {error.message}") from None
    except (TypeError, RecursionError) as error:
        raise ConfigError(f"{name}: not a GraphQL schema: {str(error)[:300]}") from None
    return schema


def validate(documents: Sequence[Operation], schema: GraphQLSchema, *, target: str = "graphql") -> list[Finding]:
    """What in the documents does not fit `schema`: one finding for each place, `file:line` first."""
    found: dict[tuple[str, str], Finding] = {}
    for operation in documents:
        for error in errors(operation, schema):
            place = _place(error, operation)
            found.setdefault((place, error.message), _outdated(error.message, place, operation, target))
    return list(found.values())


def unreadable(seen: Sequence[Observation], problem: str, target: str = "graphql") -> Finding:
    """No schema to judge the documents by: what the API said instead, with the cause that it speaks for."""
    told = (
        graphql_codes.explain(seen[-1].code, seen[-1].message, seen[-1]) if seen else graphql_codes.Explained("unknown")
    )
    code = "graphql.schema.unreadable" if told.code == "unknown" else told.code
    facts = {"user": seen[-1].user, "operation": seen[-1].operation, **told.data} if seen else {}
    message = f"no schema to judge the documents by: {problem}"
    return Finding("schema", target, message, code, "insufficient", seen=problem, promised="a schema", data=facts)


def too_deep(documents: Sequence[Operation], at_most: int, *, target: str = "graphql") -> list[Finding]:
    """The operations that are nested deeper than `max_depth`."""
    measured = ((operation, operations.depth(operation)) for operation in documents)
    return [
        Finding(
            "max_depth",
            target,
            f"{operation.place}: {operation.kind} {operation.name} is {deep} levels deep, max_depth is {at_most}",
            "graphql.document.too_deep",
            seen=str(deep),
            promised=f"<= {at_most}",
            subject=operation.name,
            data={"operation": operation.name, "place": operation.place, "seen": deep, "expected": at_most},
        )
        for operation, deep in measured
        if deep > at_most
    ]


def errors(operation: Operation, schema: GraphQLSchema) -> list[GraphQLError]:
    """Why `operation` does not fit `schema`, in graphql-core's words."""
    from graphql import DocumentNode, validate

    document = DocumentNode(definitions=(operation.node, *operation.fragments))
    return validate(schema, document, max_errors=_ERRORS_AT_MOST)


def _place(error: GraphQLError, operation: Operation) -> str:
    node = error.nodes[0] if error.nodes else None
    if node is None or node.loc is None:
        return operation.place
    return f"{node.loc.source.name}:{node.loc.start_token.line}"


def _outdated(message: str, place: str, operation: Operation, target: str) -> Finding:
    return Finding(
        "documents",
        target,
        f"{place}: {operation.kind} {operation.name}: {message}",
        "graphql.document.outdated",
        seen=message,
        promised="fits the schema",
        subject=operation.name,
        data={"operation": operation.name, "place": place, "text": message},
    )
