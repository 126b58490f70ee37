"""A query of a wanted depth, written from a schema: valid, as deep as wanted, and without rows (`max_depth`)."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from pytest_prodcheck.criteria.operations import depth, load
from pytest_prodcheck.targets.graphql_depth import query

CYCLE = "type Task { id: ID! owner: User! of(n: Int!): Task } type User { name: String tasks: [Task!]! }"
SCHEMAS = {
    "a list that can be empty": (f"type Query {{ me: User tasks(limit: Int): [Task!]! }} {CYCLE}", 7, False),
    "only a single object": (f"type Query {{ me: User }} {CYCLE}", 7, True),
    "a root that wants an argument is no way": (f"type Query {{ task(id: ID!): Task me: User }} {CYCLE}", 3, True),
    "just one level": ("type Query { version: String }", 1, True),
    "through an interface": ("type Query { it(take: Int): [Node!] } interface Node { id: ID next: Node }", 9, False),
}


@pytest.mark.parametrize(("sdl", "wanted", "skipped"), SCHEMAS.values(), ids=list(SCHEMAS))
def test_it_is_valid_and_as_deep_as_wanted(sdl, wanted, skipped):
    """By graphql-core's own validation; it asks for no rows, or is skipped."""
    found = query(sdl, wanted)
    assert found is not None
    (operation,) = load({"probe.graphql": found.document})
    assert validate(build_schema(sdl), parse(found.document)) == []
    assert (depth(operation), found.skipped) == (wanted, skipped)
    assert ("@include(if: false)" in found.document) == skipped
    assert (": 0)" in found.document) != skipped


@pytest.mark.parametrize(
    "sdl", ["type Query { version: String }", f"type Query {{ task(id: ID!): Task }} {CYCLE}", "?"]
)
def test_where_no_query_is_so_deep_there_is_none(sdl):
    """Nothing that could be sent would break the promise."""
    assert query(sdl, 4) is None


def test_a_large_schema_takes_no_time():
    """Each type is looked at once for each length, whatever the number of ways through it."""
    types = " ".join(
        f"type T{n} {{ {' '.join(f'f{m}: T{m}' for m in range(60))} {'id: ID' if n == 59 else ''} }}" for n in range(60)
    )
    found = query(f"type Query {{ all(limit: Int): [T0] }} {types}", 12)
    assert found is not None
    assert found.document.count("{") == 12
