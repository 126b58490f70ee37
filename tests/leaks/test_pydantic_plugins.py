"""A pydantic plugin that happens to be installed is not handed the configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = """
import os
from pathlib import Path

from pydantic.plugin import PydanticPluginProtocol, ValidatePythonHandlerProtocol


class Watch(ValidatePythonHandlerProtocol):
    def on_enter(self, input, **kwargs):
        with Path(os.environ["SEEN"]).open("a") as seen:
            seen.write(f"{input!r}\\n")


class Curious(PydanticPluginProtocol):
    def new_schema_validator(self, schema, *rest):
        return Watch(), None, None


plugin = Curious()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which such a plugin is installed."""
    site = tmp_path / "site"
    facts = site / "curious-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "curious.py").write_text(PLUGIN)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: curious\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[pydantic]\ncurious = curious:plugin\n")
    return {**os.environ, "PYTHONPATH": str(site), "SEEN": str(tmp_path / "seen.txt")}


def run(folder: Path, environment: dict[str, str], *command: str) -> str:
    """What the plugin saw while a command ran."""
    subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True, capture_output=True)
    seen = Path(environment["SEEN"])
    return seen.read_text() if seen.exists() else ""


def test_no_plugin_sees_the_configuration(tmp_path: Path, environment: dict[str, str]) -> None:
    """Neither an address nor a header of an environment reaches it."""
    (tmp_path / "prodcheck.toml").write_text(
        '[env.here]\nkind = "local"\n[env.here.http]\nurl = "http://127.0.0.1:9/"\nheaders = { x-tenant = "blue" }\n'
    )
    assert run(tmp_path, environment, "-m", "pytest", "--prodcheck=here", "--collect-only") == ""


def test_a_users_own_models_keep_their_plugins(tmp_path: Path, environment: dict[str, str]) -> None:
    """The switch holds for our models alone: the same process may validate others afterwards."""
    (tmp_path / "prodcheck.toml").write_text(
        '[env.here]\nkind = "local"\n[env.here.http]\nurl = "http://127.0.0.1:9/"\n'
    )
    (tmp_path / "own.py").write_text(
        "from datetime import date\nfrom pathlib import Path\n"
        "from pytest_prodcheck.config.loader import load\n"
        'load(Path("prodcheck.toml"), "here", date(2026, 1, 1))\n'
        "import pydantic\n\n\nclass Order(pydantic.BaseModel):\n    name: str\n\n\n"
        'Order.model_validate({"name": "tea"})\n'
    )
    assert run(tmp_path, environment, "own.py") == "{'name': 'tea'}\n"
