"""Inactive means absent: without --prodcheck nothing of ours is imported, registered or printed."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

LOOK = """
import sys
FOREIGN = ("httpx", "httpx2", "pydantic", "psycopg", "gql", "graphql", "jwt", "postgast", "jsonschema")
def pytest_unconfigure(config):
    ours = sorted(name for name in sys.modules if name.startswith("pytest_prodcheck"))
    foreign = sorted(set(sys.modules) & set(FOREIGN))
    names = sorted(name for name, _ in config.pluginmanager.list_name_plugin() if "prodcheck" in name)
    print("\\nSEEN", ours, foreign, names)
"""


def test_nothing_is_imported(gate):
    """Without --prodcheck only the entry point and its options are imported, and no client library."""
    gate.file("conftest.py", LOOK)
    gate.file("test_own.py", "def test_own(): ...\n")
    outcome = gate.pytest()
    outcome.assert_is(
        0,
        "none",
        r"SEEN \['pytest_prodcheck', 'pytest_prodcheck.options', 'pytest_prodcheck.plugin'\] \[\] \['prodcheck'\]",
    )
    assert gate.sent() == 0


def test_headers_and_reports_are_pytests_own(gate):
    """Without --prodcheck nothing of ours is printed, and no directory is made."""
    gate.file("test_own.py", "def test_own(): ...\n")
    outcome = gate.pytest("-v")
    assert not [line for line in outcome.text.splitlines() if "prodcheck" in line.lower() and "plugins:" not in line
                and "rootdir" not in line and "cachedir" not in line]  # fmt: skip
    assert not (gate.path / ".prodcheck").exists()


def test_every_case_of_the_corpus_is_a_test():
    """Each entry of `false_greens.yaml` is held against a run in this folder."""
    here = Path(__file__).parent
    entries = {entry["id"] for entry in yaml.safe_load((here / "false_greens.yaml").read_text(encoding="utf-8"))}
    texts = [path.read_text(encoding="utf-8") for path in here.glob("test_*.py")]
    used = {name for text in texts for name in re.findall(r"fg-[a-z][a-z0-9-]+", text)}
    assert entries == used
