"""What gets installed: wheel, sdist and editable installs in fresh virtual environments, as users have them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

PROJECT = Path(__file__).parents[2]
LEFT_BEHIND = (".git", ".venv", ".tox", ".prodcheck", "__pycache__", "*_cache", "*.egg-info", "dist", "build")
SUITES = {"auth.py", "database.py", "graphql.py", "http.py"}
DATA = {
    "py.typed",
    "init_template.toml",
    "demo/prodcheck.toml",
    "demo/schema.sql",
    "demo/migrations/20260701000000_users/migration.sql",
    "demo/graphql/tasks.graphql",
    "report/verdict.schema.json",
}


def run(command: Sequence[object], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in a folder, without what this interpreter's environment would lend it."""
    lent = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "COVERAGE_PROCESS_START")
    environment = {name: value for name, value in os.environ.items() if name not in lent}
    words = [str(part) for part in command]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)


def must(command: Sequence[object], folder: Path) -> None:
    """A step of the set-up; its own output is the failure."""
    done = run(command, folder)
    if done.returncode:
        pytest.fail(f"{command}: exit status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the project in it, and an empty directory to work in."""

    environment: Path
    empty: Path

    @classmethod
    def of(cls, what: Sequence[str], folder: Path) -> Installed:
        """A new environment; `what` is for pip."""
        environment, empty = folder / "venv", folder / "empty"
        empty.mkdir(parents=True)
        must([sys.executable, "-m", "venv", environment], folder)
        must([environment / "bin/pip", "install", "-q", *what], folder)
        return cls(environment, empty)

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """pytest of this environment, in the empty directory."""
        return run([self.environment / "bin/pytest", *arguments], self.empty)

    @property
    def site_packages(self) -> Path:
        """Where pip put things."""
        (found,) = self.environment.glob("lib/python3*/site-packages")
        return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is here, in a place where it may be edited."""
    copy = tmp_path_factory.mktemp("tree") / "pytest-prodcheck"
    shutil.copytree(PROJECT, copy, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return copy


@pytest.fixture(scope="module")
def built(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    must([sys.executable, "-m", "build", "-o", folder, tree], folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def from_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with the demo, installed."""
    return Installed.of([f"{wheel}[demo]"], tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def editable(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The tree with the demo, installed editable."""
    return Installed.of(["-e", f"{tree}[demo]"], tmp_path_factory.mktemp("editable"))


def test_the_wheel_has_suites_data_and_nothing_else(wheel: Path) -> None:
    """Suites and data lie inside the package; nothing named `suites` or `tests` gets to the top of site-packages."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    tops = {name.partition("/")[0] for name in names}
    assert {f"pytest_prodcheck/suites/{name}" for name in SUITES} <= names
    assert {f"pytest_prodcheck/{name}" for name in DATA} <= names
    assert [top for top in tops if top != "pytest_prodcheck" and not top.endswith(".dist-info")] == []


def test_the_sdist_has_the_suites_where_they_are_edited(built: Path) -> None:
    """Whoever builds from the sdist, or reads it, has `suites/` as the checkout has it."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"suites/{name}" for name in SUITES} <= names
    assert {f"pytest_prodcheck/suites/{name}" for name in SUITES} <= names
    assert {
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "tox.ini",
        "conftest.py",
        "tests/packaging/test_packaging.py",
    } <= names


def test_the_wheel_gates_the_demo_from_an_empty_directory(from_wheel: Installed) -> None:
    """Installed from the wheel, the demo passes: exit 0, verdict `pass`, nothing left out but what cannot be sent."""
    done = from_wheel.pytest("--prodcheck=demo")
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads((from_wheel.empty / ".prodcheck/demo/verdict.json").read_text())
    assert (verdict["verdict"], verdict["complete"], verdict["exit_status"]) == ("pass", True, 0)
    assert not (from_wheel.site_packages / "suites").exists()


def test_the_wheel_brings_its_commands_and_schemas(from_wheel: Installed) -> None:
    """`prodcheck` finds its data files in the installed package."""
    for arguments in (["schema", "verdict"], ["schema", "config"], ["init"], ["faults"]):
        done = run([from_wheel.environment / "bin/prodcheck", *arguments], from_wheel.empty)
        assert (done.returncode, done.stderr) == (0, "")


def test_an_editable_install_sees_an_edit_to_a_suite(editable: Installed, tree: Path) -> None:
    """The demo passes; after an edit under `suites/`, the next run is red by that edit."""
    before = editable.pytest("--prodcheck=demo")
    assert before.returncode == 0, before.stdout + before.stderr
    suite = tree / "suites" / "http.py"
    text, head = suite.read_text(), "def test_ready(prodcheck_http, check):\n"
    suite.write_text(text.replace(head, f'{head}    raise AssertionError("edited")\n'))
    try:
        after = editable.pytest("--prodcheck=demo", "prodcheck.toml::http::test_ready")
    finally:
        suite.write_text(text)
    assert after.returncode == 1, after.stdout + after.stderr
    assert "edited" in after.stdout
