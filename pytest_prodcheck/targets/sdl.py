"""A schema as the text that is pinned: the same for the same schema, whatever order a server lists it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_prodcheck.observe.observation import Json

if TYPE_CHECKING:
    from graphql import IntrospectionQuery


def of_introspection(data: Mapping[str, Json]) -> str:
    """The sorted SDL of an introspection result's `data`, a line break at its end; pinned files are written so (A41).

    Raises ValueError, with the reason, for what is no schema.
    """
    from typing import cast

    from graphql import GraphQLError, build_client_schema, lexicographic_sort_schema, print_schema

    try:
        schema = build_client_schema(cast("IntrospectionQuery", data))
        return print_schema(lexicographic_sort_schema(schema)).rstrip("\n") + "\n"
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError, GraphQLError) as error:
        raise ValueError(f"the introspection result is no schema: {str(error)[:300]}") from None
