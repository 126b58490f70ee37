"""A schema compared with the pinned one: breaking, dangerous, safe, and whose operations a change hits (A41, A61)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from graphql import introspection_from_schema

from pytest_prodcheck.criteria.graphql_contract import changes, differences
from pytest_prodcheck.criteria.graphql_schema import build
from pytest_prodcheck.criteria.operations import load
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.targets.sdl import of_introspection

CASES = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
PINNED = build(CASES["pinned"], "contracts/schema.graphql")
DOCUMENTS = load({"app.graphql": CASES["documents"]})


@pytest.mark.parametrize("case", CASES["changes"], ids=lambda case: case["id"])
def test_a_change_is_graded_and_names_who_feels_it(case):
    """The grade, the coordinate, and the operations that fail or only use it (A41, A61)."""
    text = CASES["pinned"]
    for old, new in case["replace"].items():
        assert old in text
        text = text.replace(old, new)
    found = differences(PINNED, build(text, "served"), DOCUMENTS)
    told = [
        {"code": one.code.rpartition(".")[2], "severity": one.severity, "subject": one.subject,
         "ends": one.message.rpartition("; ")[2]}
        for one in found
    ]  # fmt: skip
    assert told == case["found"]


def test_the_message_says_where_what_and_who():
    """Read alone, at three in the morning."""
    served = build(CASES["pinned"].replace("  title: String\n", ""), "served")
    (found,) = differences(PINNED, served, DOCUMENTS)
    assert found.message == (
        "schema differs from the pinned one (breaking): Field Task.title was removed; "
        "fails: query Tasks (app.graphql:1)"
    )
    assert found.data["failing"] == ["Tasks"]


def test_many_operations_are_counted_and_not_listed():
    """Five names, and how many more."""
    many = load({"app.graphql": "\n".join(f"query Q{n} {{ price }}" for n in range(8))})
    served = build(CASES["pinned"].replace("  price: Float\n", ""), "served")
    (found,) = differences(PINNED, served, many)
    assert found.message.endswith("query Q4 (app.graphql:5) and 3 more")


def test_the_same_schema_is_no_difference():
    """Nor is its own printed form, in whatever order a server lists it (T: pinned files are deterministic)."""
    text = of_introspection(introspection_from_schema(PINNED))
    shuffled = build("\n".join(reversed(CASES["pinned"].strip().split("\n\n"))), "shuffled")
    assert list(changes(PINNED, PINNED)) == list(changes(PINNED, build(text, "served"))) == []
    assert of_introspection(introspection_from_schema(shuffled)) == text
    assert text.endswith("}\n")


@pytest.mark.parametrize("data", [{}, {"__schema": {}}, {"__schema": {"types": 5}}, {"__schema": None}])
def test_what_is_no_introspection_result_is_told(data):
    """A reason, and no traceback of graphql-core."""
    with pytest.raises(ValueError, match="the introspection result is no schema"):
        of_introspection(data)


@pytest.mark.parametrize(
    ("sdl", "says"),
    [
        ("type Query {\n  tasks: [Task!!\n}", r"s\.graphql:2: Syntax Error: Expected '\]', found '!'"),
        ("type Query {\n  tasks: [Tsk!]!\n}\ntype Task { id: ID! }", r"s\.graphql:2: Unknown type 'Tsk'"),
        ("type Query { a: Int }\ntype Query { b: Int }", r"s\.graphql:1: There can be only one type named 'Query'"),
        ("type Query { a: Int }\ntype Task {\n  id: ID! @own\n}", r"s\.graphql:3: Unknown directive '@own'"),
        ("type Task { id: ID! }", r"s\.graphql:1: Query root type must be provided"),
    ],
)
def test_a_schema_that_is_none_is_said_with_its_line(sdl: str, says: str):
    """A slip of whoever edits the pinned SDL is found where it was made, whatever kind it is."""
    with pytest.raises(ConfigError, match=says):
        build(sdl, "s.graphql")
