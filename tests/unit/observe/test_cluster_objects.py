"""What is kept of the API's objects: no value of a Secret, a ConfigMap or a variable (T8, A13, B5)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pytest_prodcheck.observe import cluster
from pytest_prodcheck.observe.cluster_objects import keys, pruned
from pytest_prodcheck.observe.value_form import flaws

CANARY = "canary-value"


def test_a_deployment_keeps_no_value() -> None:
    """Variables keep their names and what is wrong with their form; arguments and the applied configuration go."""
    container = {"name": "app", "args": [CANARY], "env": [{"name": "GQL_HOST", "value": f"{CANARY}\n"}]}
    template = {"spec": {"containers": [container], "initContainers": [container]}}
    metadata: dict[str, Any] = {
        "name": "plan-app",
        "managedFields": [{"fieldsV1": CANARY}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY, "kept": "yes"},
    }
    cron = {"jobTemplate": {"spec": {"template": template}}}
    for spec in ({"template": template}, template["spec"], cron):
        kept = pruned({"metadata": metadata, "spec": spec})
        assert CANARY not in repr(kept)
        assert cluster.labels(kept, "metadata", "annotations") == {"kept": "yes"}
    variable = cluster.items(pruned({"spec": {"template": template}}), "spec", "template", "spec", "containers")[0]
    assert cluster.items(variable, "env") == [{"name": "GQL_HOST", "flaws": ["ends with a line break"]}]


def test_a_secret_keeps_its_keys_and_classes_of_length() -> None:
    """Name, length class and flaws of each value; when the data last changed, by the managed fields."""
    data = {name: base64.b64encode(value).decode() for name, value in
            {"A": b"", "B": CANARY.encode(), "C": b'"quoted"', "D": b"x" * 64}.items()}  # fmt: skip
    managed = [
        {"time": "2026-11-29T10:00:00Z", "fieldsV1": {"f:data": {}}},
        {"time": "2026-11-29T11:00:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    found = keys({"metadata": {"name": "s", "managedFields": managed}, "data": data, "type": "Opaque"}, encoded=True)
    assert CANARY not in repr(found)
    assert {name: one.length for name, one in found.keys.items()} == {
        "A": "empty", "B": "8-15", "C": "8-15", "D": "64 and more",
    }  # fmt: skip
    assert found.keys["A"].empty
    assert found.keys["C"].flaws == ("stands in quotes",)
    assert found.changed_at == cluster.moment("2026-11-29T10:00:00Z")


@pytest.mark.parametrize("value", ["!!!", "ä", 3, None])
def test_a_value_that_is_not_base64_is_no_crash(value: Any) -> None:
    """Whatever a server sends."""
    assert list(keys({"metadata": None, "data": {"A": value}}, encoded=True).keys) == ["A"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"https://a.test\n", "ends with a line break"),
        (b" x", "begins or ends with a space"),
        (b"'x'", "stands in quotes"),
        (b"<your-host>", "is a placeholder"),
        (b"changeme", "is a placeholder"),
        (b"${DB_HOST}", "is a placeholder"),
    ],
)
def test_a_flaw_of_form_is_seen(value: bytes, says: str) -> None:
    """What most often goes wrong when a value is written by hand or by a pipeline."""
    assert says in flaws(value)


@pytest.mark.parametrize("value", [b"https://a.test", b"", b"line one\nline two\n", b"\xff\xfe"])
def test_a_sound_value_has_none(value: bytes) -> None:
    """Documents may end with a line break; bytes are no text."""
    assert flaws(value) == ()
