"""The application's documents: loaded, joined with fragments, validated against a schema."""

from __future__ import annotations

import pytest

from pytest_prodcheck.criteria.graphql_schema import build, too_deep, validate
from pytest_prodcheck.criteria.operations import depth, left_out, load
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.targets.documents import read

SDL = """
type Query { tasks(limit: Int, owner: ID): [Task!]! me: User }
type Mutation { addTask(title: String!): Task }
type Task { id: ID! title: String owner: User parent: Task }
type User { id: ID! name: String }
"""
TASKS = "query Tasks($limit: Int = 5) { tasks(limit: $limit) { ...T } }"
FRAGMENTS = "\nfragment T on Task { id owner { ...U } }\nfragment U on User { id name }"


def test_operations_carry_the_fragments_they_need_from_other_files():
    """What is sent is complete, and nothing but what is needed."""
    (tasks, me) = load({"a.graphql": TASKS + "\nquery Me { me { ...U } }", "b.graphql": FRAGMENTS})
    assert (tasks.name, tasks.kind, tasks.place) == ("Tasks", "query", "a.graphql:1")
    assert "fragment T" in tasks.document
    assert "fragment U" in tasks.document
    assert (me.place, "fragment T" in me.document) == ("a.graphql:2", False)
    assert validate((tasks, me), build(SDL, "schema.graphql")) == []


def test_a_nameless_operation_is_called_by_its_file():
    """Its request then names no operation."""
    (found,) = load({"graphql/tasks.graphql": "{ tasks { id } }"})
    assert (found.name, found.operation_name) == ("tasks", "")


PROBLEMS = {
    "syntax": ({"a.graphql": "query A {\n tasks {\n"}, "a.graphql:3: Syntax Error"),
    "operation twice": (
        {"a.graphql": "query A { me { id } }", "b.graphql": "\nquery A { me { id } }"},
        "b.graphql:2: operation A is already defined at a.graphql:1",
    ),
    "fragment twice": (
        {"a.graphql": "query A { me { ...U } } fragment U on User { id }", "b.graphql": "fragment U on User { name }"},
        "b.graphql:1: fragment U is already defined at a.graphql:1",
    ),
    "unknown fragment": ({"a.graphql": "query A {\n  me { ...Nope } }"}, "a.graphql:2: fragment Nope is not defined"),
    "circle": (
        {"a.graphql": "query A { tasks { ...X } }\nfragment X on Task { ...Y }\nfragment Y on Task { ...X }"},
        "fragments in a circle: X → Y → X",
    ),
    "two nameless": ({"a.graphql": "{ me { id } }\n{ me { name } }"}, "a.graphql:2: a nameless operation"),
    "schema among them": ({"a.graphql": "query A { me { id } }\ntype X { a: Int }"}, "a.graphql:2: a schema"),
    "fragments only": ({"a.graphql": "fragment U on User { id }"}, "no GraphQL operation in a.graphql"),
    "empty": ({"a.graphql": ""}, "a.graphql:1: Syntax Error"),
    "nothing": ({}, "no GraphQL operation"),
    "too deep": ({"a.graphql": "{" + "a{" * 20_000}, "a.graphql:1: "),
}


@pytest.mark.parametrize(("files", "words"), PROBLEMS.values(), ids=list(PROBLEMS))
def test_each_problem_of_the_files_is_told_with_its_place(files, words):
    """A usage error, before anything is sent."""
    with pytest.raises(ConfigError) as raised:
        load(files)
    assert words in str(raised.value)


def test_all_problems_are_told_at_once():
    """One run of the user's editor, not one a problem."""
    with pytest.raises(ConfigError) as raised:
        load({"a.graphql": "query {", "b.graphql": "{ me { ...Nope } }"})
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    ("text", "variables", "reason"),
    [
        ("query A($id: ID!) { me { id } }", None, "no value for $id: validated only"),
        ("query A($id: ID!) { me { id } }", {"id": "1"}, ""),
        ("query A($id: ID! = 1) { me { id } }", None, ""),
        ("query A($id: ID) { me { id } }", None, ""),
        ("mutation A { addTask(title: \"x\") { id } }", {}, "mutations are validated only"),
        ("subscription A { me { id } }", {}, "subscriptions are validated only"),
    ],
)  # fmt: skip
def test_what_is_not_sent_says_why(text, variables, reason):
    """Mutations, subscriptions and queries without their variables are validated only."""
    (found,) = load({"a.graphql": text})
    assert left_out(found, variables) == reason


def test_a_document_that_does_not_fit_names_file_and_line():
    """In a fragment's own file where the mistake is there, once for all operations that use it."""
    files = {
        "a.graphql": "query A {\n  me { ...U } }\nquery B { me { ...U } }\nquery C {\n  goals { id } }",
        "b.graphql": "fragment U on User {\n  id\n  gone }",
    }
    found = validate(load(files), build(SDL, "schema.graphql"))
    assert [finding.code for finding in found] == ["graphql.document.outdated"] * 2
    assert found[0].message.startswith("b.graphql:3: query A: Cannot query field 'gone'")
    assert found[1].message.startswith("a.graphql:5: query C: Cannot query field 'goals'")


def test_mutations_are_validated():
    """They are never sent, and still must fit."""
    assert validate(load({"a.graphql": 'mutation M { addTask(title: "x") { gone } }'}), build(SDL, "s")) != []


def test_depth_counts_through_fragments():
    """A field of the root has depth 1; inline fragments add nothing."""
    (flat, deep) = load(
        {"a.graphql": TASKS + "\nquery D { ... on Query { tasks { parent { parent { id } } } } }" + FRAGMENTS}
    )
    assert (depth(flat), depth(deep)) == (3, 4)
    (found,) = too_deep((flat, deep), 3)
    assert found.message == "a.graphql:2: query D is 4 levels deep, max_depth is 3"


def test_fragments_that_multiply_are_measured_in_no_time():
    """2^30 paths, each fragment looked at once."""
    chain = "\n".join(
        f"fragment F{n} on Task {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }}" for n in range(30)
    )
    (found,) = load({"a.graphql": "{ tasks { ...F0 } }\n" + chain + "\nfragment F30 on Task { id }"})
    assert depth(found) == 32


@pytest.mark.parametrize(
    ("sdl", "words"),
    [
        ("type Query {", "s.graphql:1:"),
        ("type A { b: Int }", "Query root type"),
        ("type Query { a: Nope }", "s.graphql"),
        ("", "s.graphql"),
    ],
)
def test_a_pinned_schema_that_is_none_is_a_usage_error(sdl, words):
    """With its file, and its line where there is one."""
    with pytest.raises(ConfigError) as raised:
        build(sdl, "s.graphql")
    assert words in str(raised.value)


def test_files_are_read_once_and_by_their_relative_names(tmp_path):
    """Two globs that match the same file give it once."""
    (tmp_path / "graphql").mkdir()
    (tmp_path / "graphql" / "a.graphql").write_text("{ me { id } }", encoding="utf-8")
    assert list(read(tmp_path, ["graphql/*.graphql", "**/a.graphql"])) == ["graphql/a.graphql"]


def test_a_pattern_without_a_file_is_a_usage_error(tmp_path):
    """A promise about no document is none."""
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, ["graphql/*.graphql", "/etc/*"])
    assert len(raised.value.problems) == 2
