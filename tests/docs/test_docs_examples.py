"""The examples of the documents work: files load, code compiles, commands exist, the CI recipe cannot lie."""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import PROJECT, Block, blocks, commands

from pytest_prodcheck import cli
from pytest_prodcheck.config import loader
from pytest_prodcheck.demo.faults import FAULTS
from pytest_prodcheck.fixtures.auth import AuthFixture
from pytest_prodcheck.fixtures.cache import CacheFixture
from pytest_prodcheck.fixtures.database import DatabaseFixture
from pytest_prodcheck.fixtures.graphql import GraphqlFixture
from pytest_prodcheck.fixtures.http import HttpFixture
from pytest_prodcheck.options import OPTIONS

FIXTURES = {
    "prodcheck_http": HttpFixture,
    "prodcheck_auth": AuthFixture,
    "prodcheck_graphql": GraphqlFixture,
    "prodcheck_database": DatabaseFixture,
    "prodcheck_cache": CacheFixture,
}
RECIPE: dict[str, Any] = next(yaml.safe_load(block.text) for block in blocks("yaml") if block.document == "README.md")
STEPS = {step["name"]: step for step in RECIPE["jobs"]["gate"]["steps"] if "name" in step}


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_configurations_load(block: Block, tmp_path: Path) -> None:
    """An example of prodcheck.toml is a valid one."""
    tables = tomllib.loads(block.text)
    assert tables
    (tmp_path / "prodcheck.toml").write_text(block.text, encoding="utf-8")
    (tmp_path / "load").mkdir()
    (tmp_path / "load" / "browse.py").write_text("", encoding="utf-8")
    (tmp_path / "docker-compose.yml").write_text("services: {app: {}, db: {}}", encoding="utf-8")
    for name in tables.get("env", {}):
        if not name.startswith("_"):
            assert loader.load(tmp_path / "prodcheck.toml", name).targets


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_code_compiles_and_asks_what_exists(block: Block) -> None:
    """Python examples compile, and what they ask of a fixture is there."""
    tree = ast.parse(block.text)
    asked = [
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in FIXTURES
    ]
    assert compile(tree, str(block), "exec")
    assert [name for fixture, name in asked if not hasattr(FIXTURES[fixture], name)] == []


@pytest.mark.parametrize("command", commands())
def test_commands_exist(command: str) -> None:
    """Options, subcommands, scripts and tox environments of the documents are there."""
    words = shlex.split(command.replace("&&", " "))
    assert [word for word in words if word.startswith("--prodcheck") and word.partition("=")[0] not in OPTIONS] == []
    assert [word for word in words if word.endswith(".py") and not (PROJECT / word).exists()] == []
    program = Path(words[0]).name
    if program == "prodcheck":
        assert cli._parser().parse_args([word.replace("CODE", "unknown") for word in words[1:]])
    elif program == "tox":
        ini = configparser.ConfigParser()
        ini.read(PROJECT / "tox.ini")
        named = {section.partition(":")[2] for section in ini.sections()} | {"py311", "py312", "py313"}
        assert [
            name for word in words if "," in word or word in named for name in word.split(",") if name not in named
        ] == []
        assert "-e" not in words or words[words.index("-e") + 1].split(",")[0] in named
    else:
        assert program in {"pytest", "python", "python3", "pip", ".ci", "run", "ruff", "mypy", "git", "cd"}


def test_the_shown_fault_has_the_shown_cause() -> None:
    """The README's red run is of a fault of the demo, and its top cause is the one that the gate must name."""
    (block,) = [block for block in blocks("console") if block.document == "README.md"]
    fault = FAULTS[block.text.splitlines()[0].partition("demo:")[2]]
    assert fault.causes[0] in [line.partition(": ")[0] for line in block.text.splitlines()]


def test_benchmarks_are_named() -> None:
    """Each script of the table is there, and each benchmark has its row."""
    named = set(re.findall(r"`python (benchmarks/b\d\w+\.py)`", (PROJECT / "README.md").read_text("utf-8")))
    assert named == {str(path.relative_to(PROJECT)) for path in (PROJECT / "benchmarks").glob("b[0-9]*.py")}


def test_bench_runs_every_benchmark() -> None:
    """`tox -e bench` leaves none of the README's benchmarks out, nor any after one that misses its bound."""
    bench = (PROJECT / "tox.ini").read_text("utf-8").partition("[testenv:bench]")[2].partition("\n[")[0]
    run = re.findall(r"^ +python (benchmarks/b\d\w+\.py)$", bench, re.MULTILINE)
    assert run == sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / "benchmarks").glob("b[0-9]*.py"))
    assert "\nignore_errors = true\n" in bench


def test_the_recipe_pipes_with_pipefail() -> None:
    """GitHub's default shell has no pipefail; `shell: bash` has."""
    assert "|" in STEPS["Gate"]["run"]
    assert RECIPE["defaults"]["run"]["shell"] == "bash"


@pytest.mark.parametrize("name", ["Summary", "Verdict"])
def test_the_recipe_reads_the_verdict_whatever_happened(name: str) -> None:
    """The steps after a red gate run too."""
    assert STEPS[name]["if"] == "always()"


@pytest.mark.parametrize(
    ("verdict", "green"),
    [
        ({"verdict": "pass", "complete": True}, True),
        ({"verdict": "pass", "complete": False}, False),
        ({"verdict": "degraded", "complete": True}, False),
        ({"verdict": "fail", "complete": True}, False),
        ({"verdict": "unfinished", "complete": False}, False),
        ({"verdict": "pass"}, False),
        (None, False),
    ],
)
def test_the_recipe_is_green_for_pass_alone(verdict: object, green: bool, tmp_path: Path) -> None:
    """Its step is run by bash as GitHub runs it: red for a fail, a partial run, an unfinished and a missing file."""
    (tmp_path / "out").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    if verdict is not None:
        (tmp_path / "out/verdict.json").write_text(json.dumps(verdict))
    script = tmp_path / "step.sh"
    script.write_text(STEPS["Verdict"]["run"])
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode == 0) is green
