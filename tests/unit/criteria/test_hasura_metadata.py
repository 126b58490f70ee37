"""Hasura's metadata against the repository's, as a folder of YAML or as JSON (A23, R9, R10)."""

from __future__ import annotations

import copy
import json

import pytest

from pytest_prodcheck.criteria.hasura_metadata import differences, row_filters
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.gate import hasura_files
from pytest_prodcheck.observe.hasura_metadata import read

OWN = {"columns": ["id", "title"], "filter": {"user_id": {"_eq": "X-Hasura-User-Id"}}}
TASKS = {
    "table": {"schema": "public", "name": "tasks"},
    "object_relationships": [{"name": "owner", "using": {"foreign_key_constraint_on": "user_id"}}],
    "select_permissions": [{"role": "member", "permission": OWN}, {"role": "service", "permission": {"columns": "*"}}],
    "delete_permissions": [{"role": "member", "permission": {"filter": {}}}],
}
GOALS = {"table": {"schema": "public", "name": "goals"}, "select_permissions": [{"role": "member", "permission": OWN}]}
WHOLE = {
    "version": 3,
    "sources": [{"name": "default", "tables": [TASKS, GOALS], "configuration": {"database_url": "dummy-secret-dsn"}}],
    "remote_schemas": [{"name": "advice", "definition": {"url": "https://dummy-secret.example"}}],
    "actions": [{"name": "sendMail"}],
}


def changed(change):
    """The metadata after `change` of a copy."""
    found = copy.deepcopy(WHOLE)
    change(found, *found["sources"][0]["tables"])
    return read(found)


def _grant(whole, tasks, goals):
    goals["select_permissions"].append({"role": "anonymous", "permission": {"columns": ["id"], "filter": {}}})


DIFFERENCES = {
    "none": (lambda whole, tasks, goals: None, []),
    "table not tracked, its permissions not told again": (
        lambda whole, tasks, goals: whole["sources"][0]["tables"].remove(goals),
        [("graphql.table.not_tracked", "table public.goals is not tracked, and the repository has it")],
    ),
    "permission missing": (
        lambda whole, tasks, goals: goals["select_permissions"].clear(),
        [("graphql.permission.missing",
          "select permission of member on public.goals is missing, and the repository has it")],
    ),
    "permission by hand": (
        _grant,
        [("graphql.permission.too_wide",
          "select permission of anonymous on public.goals is there, and the repository does not have it")],
    ),
    "filter and columns changed": (
        lambda whole, tasks, goals: tasks["select_permissions"][0].update(permission={"columns": ["id"], "filter": {}}),
        [("graphql.metadata.differs",
          "select permission of member on public.tasks differs from the repository's in columns, filter")],
    ),
    "columns in another order are the same": (
        lambda whole, tasks, goals: tasks["select_permissions"][0].update(
            permission={**OWN, "columns": ["title", "id"], "limit": None}
        ),
        [],
    ),
    "relationship gone": (
        lambda whole, tasks, goals: tasks["object_relationships"].clear(),
        [("graphql.metadata.differs", "relationship public.tasks.owner is missing, and the repository has it")],
    ),
    "action gone": (
        lambda whole, tasks, goals: whole["actions"].clear(),
        [("graphql.metadata.differs", "action sendMail is missing, and the repository has it")],
    ),
    "another address of a remote schema is the environment's own": (
        lambda whole, tasks, goals: whole["remote_schemas"][0].update(definition={"url": "https://other.example"}),
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), DIFFERENCES.values(), ids=list(DIFFERENCES))
def test_a_difference_is_told_with_its_cause(change, expected):
    """A table that is not tracked and a missing permission are told apart (R9, R10); no value is repeated."""
    found = differences(read(WHOLE), changed(change))
    assert [(one.code, one.message) for one in found] == expected
    assert "dummy-secret" not in repr(found)


def test_rows_that_have_an_owner_are_filtered():
    """Each role's read, change and delete compares with the session; trusted roles may see all (A23)."""
    found = row_filters(read(WHOLE), ["tasks", "public.goals", "notes"], ["service"])
    assert [one.message for one in found] == [
        "delete permission of member on public.tasks compares no row with the session",
        "public.notes is not tracked, so that its row filters cannot be seen",
    ]
    assert len(row_filters(read(WHOLE), ["tasks"], [])) == 2


@pytest.mark.parametrize(
    ("action", "rule", "open_"),
    [
        ("select", OWN, False),
        ("select", {"filter": {"_or": [OWN["filter"], {"public": {"_eq": True}}]}}, False),
        ("select", {"filter": {"_or": [OWN["filter"], {}]}}, True),
        ("select", {"filter": {"_or": [OWN["filter"], {"_and": []}, {"id": {}}]}}, True),
        ("select", {"filter": {"_and": [OWN["filter"], {}]}}, False),
        ("select", {"filter": {"_not": {}, **OWN["filter"]}}, False),
        ("update", {"filter": {}, "check": OWN["filter"]}, True),
        ("update", {**OWN, "check": {}}, False),
        ("update", {"check": OWN["filter"]}, True),
    ],
)
def test_a_filter_that_every_row_passes_filters_none(action, rule, open_):
    """A23: an `_or` with an empty alternative, an update whose check alone names the session, reach all rows."""
    live = changed(
        lambda whole, tasks, goals: goals.update({f"{action}_permissions": [{"role": "m", "permission": rule}]})
    )
    found = row_filters(live, ["goals"], ["member"])
    assert [one.code for one in found] == (["graphql.permission.row_filter_missing"] if open_ else [])


def test_a_folder_of_yaml_is_the_same_as_its_json(tmp_path):
    """`hasura metadata export`, version 3: `databases.yaml` with `!include` texts."""
    yaml = pytest.importorskip("yaml")
    tables = tmp_path / "databases" / "default" / "tables"
    tables.mkdir(parents=True)
    listed = [{"name": "default", "kind": "postgres", "tables": "!include default/tables/tables.yaml"}]
    (tmp_path / "databases" / "databases.yaml").write_text(yaml.safe_dump(listed))
    (tables / "tables.yaml").write_text('- "!include public_tasks.yaml"\n- "!include public_goals.yaml"\n')
    (tables / "public_tasks.yaml").write_text(yaml.safe_dump(TASKS))
    (tables / "public_goals.yaml").write_text(yaml.safe_dump(GOALS))
    (tmp_path / "actions.yaml").write_text(yaml.safe_dump({"actions": WHOLE["actions"], "custom_types": {}}))
    (tmp_path / "remote_schemas.yaml").write_text(yaml.safe_dump(WHOLE["remote_schemas"]))
    file = tmp_path / "metadata.json"
    file.write_text(json.dumps({"resource_version": 4, "metadata": WHOLE}))
    assert hasura_files.read(str(tmp_path)) == hasura_files.read(str(file)) == read(WHOLE)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("broken.json", '{\n"version": 3,\n', "broken.json:3: not JSON"),
        ("empty.json", "{}", "names no table"),
        ("list.json", "[]", "names no table"),
        ("tables.yaml", "- table:\n  - {", "tables.yaml:"),
        ("databases/databases.yaml", '- {name: default, tables: "!include gone.yaml"}', "gone.yaml: cannot be read"),
    ],
)
def test_metadata_that_is_none_is_a_usage_error(tmp_path, name, text, words):
    """With its file, and its line where there is one."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        hasura_files.read(str(file if file.suffix == ".json" else tmp_path))
    assert words in str(raised.value)
