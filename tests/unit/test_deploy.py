"""The manifests in `deploy/`: they fit each other, and the rights are the least that their configuration needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_prodcheck import cli

JOB = Path(__file__).parents[2] / "deploy" / "job.yaml"


def manifests() -> dict[str, dict[str, Any]]:
    """The documents by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all(JOB.read_text("utf-8")) if one}


def test_the_role_is_what_the_configuration_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`prodcheck rbac` prints it (R22)."""
    found = manifests()
    (tmp_path / "prodcheck.toml").write_text(found["ConfigMap"]["data"]["prodcheck.toml"])
    assert cli.main(["rbac", "production", "--config", str(tmp_path / "prodcheck.toml")]) == 0
    (role,) = [one for one in yaml.safe_load_all(capsys.readouterr().out) if one]
    assert role == found["Role"]


def test_the_job_runs_as_its_account_and_may_write_nothing() -> None:
    """Its account is bound to the role; it is not root, and its log is the verdict."""
    found = manifests()
    pod = found["Job"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == found["ServiceAccount"]["metadata"]["name"]
    assert found["RoleBinding"]["subjects"][0]["name"] == found["ServiceAccount"]["metadata"]["name"]
    assert found["RoleBinding"]["roleRef"]["name"] == found["Role"]["metadata"]["name"]
    assert {one["metadata"]["namespace"] for one in found.values()} == {"plan-prod"}
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert "in_cluster = true" in found["ConfigMap"]["data"]["prodcheck.toml"]
    assert found["Job"]["spec"]["backoffLimit"] == 0
