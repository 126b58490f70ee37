"""`prodcheck rbac`: the least rights, known from the configuration alone (R22)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pytest_prodcheck import cli

CLUSTER = """
[env.s]
[env.s.cluster]
context = "lab"
namespace = "plan-prod"
deployments = { plan-app = 1 }
secrets = { a = ["K"], b = ["K"] }
wiring = false
"""


def roles(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """The documents that are printed."""
    (folder / "prodcheck.toml").write_text(text)
    assert cli.main(["rbac", "s", "--config", str(folder / "prodcheck.toml")]) == 0
    return [document for document in yaml.safe_load_all(capsys.readouterr().out) if document]


def test_the_role_has_what_is_promised_and_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Secrets by their names; no verb but get and list; no kind that nothing needs."""
    (role,) = roles(tmp_path, CLUSTER, capsys)
    assert (role["kind"], role["metadata"]) == ("Role", {"name": "prodcheck-reader", "namespace": "plan-prod"})
    rules = {(rule["apiGroups"][0], rule["resources"][0]): rule for rule in role["rules"]}  # type: ignore[attr-defined]
    assert {verb for rule in rules.values() for verb in rule["verbs"]} == {"get", "list"}
    assert rules["", "secrets"] == {
        "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"],
    }  # fmt: skip
    assert rules["", "namespaces"]["resourceNames"] == ["plan-prod"]
    assert ("apps", "statefulsets") not in rules
    assert ("", "configmaps") not in rules


def test_what_load_watches_is_permitted_where_load_is_declared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Memory and restarts of the pods, while it runs (C24, R16)."""
    load = '[env.s.http]\nurl = "https://a.test"\nendpoints.home = "/"\n[env.s.load]\nscenarios = "browse"\n'
    rights = []
    for text in (CLUSTER, CLUSTER + load):
        (role,) = roles(tmp_path, text, capsys)
        rights.append({(rule["apiGroups"][0], rule["resources"][0]): rule["verbs"] for rule in role["rules"]})  # type: ignore[attr-defined]
    assert ("metrics.k8s.io", "pods") not in rights[0]
    assert rights[1]["metrics.k8s.io", "pods"] == ["list"]
    assert "list" in rights[1]["", "pods"]


def test_an_environment_without_a_cluster_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what to declare."""
    (tmp_path / "prodcheck.toml").write_text('[env.s]\n[env.s.http]\nurl = "https://a.test"\n')
    assert cli.main(["rbac", "s", "--config", str(tmp_path / "prodcheck.toml")]) == 4
    assert "s has no cluster; declare [env.s.cluster]" in capsys.readouterr().err


def test_a_forward_needs_the_one_right_that_is_not_a_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """kubectl's, and only where it is declared."""
    text = CLUSTER + 'forward = { http = "svc/app:80" }\n[env.s.http]\nurl = "http://app"\nendpoints.home = "/"\n'
    (role,) = roles(tmp_path, text, capsys)
    rules = {rule["resources"][0]: rule["verbs"] for rule in role["rules"]}  # type: ignore[attr-defined]
    assert rules["pods/portforward"] == ["create"]
    assert rules["services"] == ["get"]
