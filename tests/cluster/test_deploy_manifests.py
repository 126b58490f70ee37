"""The API server takes the manifests in `deploy/`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_manifests_are_valid(lab: Mapping[str, Any]) -> None:
    """A dry run on the server, with strict validation of every field; by kubectl as admin, for it is no read."""
    admin, namespace = ["--kubeconfig", lab["kubeconfig_admin"]], "plan-prod"
    subprocess.run([lab["kubectl"], *admin, "create", "namespace", namespace], capture_output=True, check=False)
    command = [lab["kubectl"], *admin, "apply", "--dry-run=server", "--validate=strict", "-f", str(DEPLOY / "job.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(server dry run)") == 5
