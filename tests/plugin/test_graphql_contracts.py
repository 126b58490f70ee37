"""GraphQL contracts as a whole run sees them: bad files are usage errors, production is looked at unasked."""

from __future__ import annotations

import json

import pytest
from harness import Gate
from small_system import Answer

CONFIG = """
[env.staging]
kind = "KIND"
[env.staging.graphql]
url = "URL/graphql"
operations = "app/*.graphql"
MORE
"""
SCHEMA = "type Query { tasks(limit: Int): [Task!]! }\ntype Task { id: ID! title: String }\n"


def configured(gate: Gate, more: str = "", kind: str = "staging", files: dict[str, str] | None = None) -> None:
    """A GraphQL target with one document; further files as given."""
    gate.config(CONFIG.replace("KIND", kind).replace("MORE", more))
    for name, text in {"app/tasks.graphql": "query Tasks {\n  tasks { id }\n}\n", **(files or {})}.items():
        gate.file(name, text)


@pytest.mark.parametrize(
    ("more", "files", "says"),
    [
        ('schema = "schema.graphql"', {"schema.graphql": "type Query {\n  tasks: [Task\n}\n"},
         r"schema\.graphql:3: Syntax Error"),
        ('schema = "schema.graphql"', {"schema.graphql": "type Query {\n  tasks: [Nope]\n}\n"}, r"schema\.graphql"),
        ("", {"app/more.graphql": "query More {\n  tasks {\n    ...Gone\n  }\n}\n"},
         r"app/more\.graphql:3: fragment Gone is not defined"),
        ("allowed.AddTask = []", {"app/add.graphql": 'mutation AddTask { addTask(title: "x") { id } }'},
         "allowed.AddTask cannot be judged: mutations are validated only"),
        ('subscriptions.Tasks = { within = "1s" }', {}, "subscriptions.Tasks cannot be opened: it is a query"),
        ("subscriptions.More = {}", {"app/more.graphql": "subscription More($id: ID!) { task(id: $id) { id } }"},
         r"subscriptions\.More cannot be opened: no value for \$id"),
    ],
)  # fmt: skip
def test_a_bad_file_is_a_usage_error(gate: Gate, more: str, files: dict[str, str], says: str) -> None:
    """Exit status 4 with `file:line`, before anything is sent; no traceback (A41)."""
    configured(gate, more, files=files)
    outcome = gate.run()
    assert outcome.status == 4, outcome.text
    outcome.assert_says(says)
    assert "Traceback" not in outcome.text
    assert gate.sent() == 0


def test_a_schema_that_cannot_be_read_leaves_the_contract_unproven(gate: Gate) -> None:
    """A pinned schema alone proves nothing about the served one: insufficient, exit status 6 (A41)."""
    configured(gate, 'schema = "schema.graphql"', files={"schema.graphql": SCHEMA})
    gate.system.on("POST /graphql", Answer(200, {"data": {"__typename": "Query", "tasks": [{"id": "1"}]}}))
    outcome = gate.run()
    outcome.assert_is(6, "insufficient", "no schema to judge the documents by")


def test_in_production_what_is_open_is_a_warning(gate: Gate) -> None:
    """Suggestions, batches, introspection and IDE are looked at although nothing declares them: degraded, not red."""
    configured(gate, kind="production")
    told = {"errors": [{"message": 'Cannot query field "tasksq" on type "Query". Did you mean "tasks"?'}]}
    gate.system.on("POST /graphql", Answer(200, {"data": {"__typename": "Query", "tasks": [{"id": "1"}]}, **told}))
    outcome = gate.run()
    words = outcome.words
    assert words["test_suggestions"] == "degraded", json.dumps(outcome.verdict, indent=1)
    assert {"test_introspection", "test_batching", "test_ide"} <= words.keys()


def test_who_is_not_allowed_and_answered_is_red(gate: Gate) -> None:
    """The matrix: nobody may, somebody without a token is answered (A23, A26)."""
    configured(gate, "allowed.Tasks = []")
    gate.system.on("POST /graphql", Answer(200, {"data": {"__typename": "Query", "tasks": [{"id": "secret-row-1"}]}}))
    outcome = gate.run("-k", "denied")
    outcome.assert_is(1, "fail", r"test_denied\[Tasks-anonymous\]", "graphql.permission.too_wide", "1 rows of tasks")
    assert "secret-row-1" not in f"{outcome.text}{json.dumps(outcome.verdict)}"
