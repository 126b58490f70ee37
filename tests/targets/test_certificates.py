"""`tls.valid_for` is judged of every target that speaks TLS, by the certificate that readiness saw (A63, B62, D46)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_prodcheck.demo.stack import Stack

CONFIG = """
[env.staging]
tls = {{ ca = "{ca}", valid_for = "{valid_for}" }}
[env.staging.http]
url = "{api}"
endpoints.version = "/api/version"
[env.staging.auth]
issuer = "{issuer}"
[env.staging.graphql]
url = "{graphql}"
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[Stack]:
    """Three services behind TLS."""
    with Stack.start() as running:
        yield running


def certificates(demo: Stack, folder: Path, valid_for: str) -> dict[str, tuple[str, str]]:
    """The verdict and the cause of each target's certificate, from a whole run."""
    at = demo.addresses
    values = {"ca": at["ca"], "api": at["api_url"], "issuer": at["issuer"], "graphql": at["graphql_url"]}
    (folder / "prodcheck.toml").write_text(CONFIG.format(valid_for=valid_for, **values), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--prodcheck=staging"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert (folder / ".prodcheck/staging/verdict.json").is_file(), done.stdout + done.stderr
    verdict = json.loads((folder / ".prodcheck/staging/verdict.json").read_text("utf-8"))
    return {
        check["target"]: (check["verdict"], check["findings"][0]["code"] if check["findings"] else "")
        for check in verdict["checks"]
        if check["id"].endswith("::test_certificate")
    }


def test_each_target_keeps_its_promise(demo: Stack, tmp_path: Path) -> None:
    """The demo's certificates hold for some weeks."""
    assert certificates(demo, tmp_path, "1d") == dict.fromkeys(("http", "auth", "graphql"), ("pass", ""))


def test_each_target_is_red_where_it_ends_too_soon(demo: Stack, tmp_path: Path) -> None:
    """Nobody's certificate holds for thirty years."""
    soon = ("fail", "http.tls.expires_soon")
    assert certificates(demo, tmp_path, "10950d") == dict.fromkeys(("http", "auth", "graphql"), soon)
