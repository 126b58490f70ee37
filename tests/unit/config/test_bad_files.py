"""Wrong configurations: each is refused with its line, key and gist, and without any value that may be secret."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_prodcheck.config import loader
from pytest_prodcheck.errors import ConfigError

TODAY = date(2026, 11, 24)
CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("bad_files.yaml").read_text("utf-8"))


def problems(folder: Path, toml: str, environment: str = "staging") -> tuple[str, ...]:
    """What the loader says about a file."""
    path = folder / "prodcheck.toml"
    path.write_text(toml, "utf-8")
    with pytest.raises(ConfigError) as caught:
        loader.load(path, environment, TODAY)
    return caught.value.problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a few contracts beside the file."""
    (tmp_path / "bad.json").write_text('{"type":\n"object"', "utf-8")
    (tmp_path / "empty.json").write_text("{}", "utf-8")
    (tmp_path / "typo.json").write_text('{"title": "Tasks", "propertis": {"id": {}}}', "utf-8")
    (tmp_path / "compose.yml").write_text("services: {app: {}, cache: {}}", "utf-8")
    (tmp_path / "tasks.graphql").write_text("query Tasks { tasks { id } }", "utf-8")
    for name, text in {
        "broken/1a_bad.py": "revision = '1a'\ndown_revision = (\n",
        "computed/1a_computed.py": "revision = str(1)\n",
        "good/1a_good.py": "revision = '1a'\n",
        "lost/2b_lost.py": "revision = '2b'\ndown_revision = '1a'\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_wrong_file_is_refused_at_its_line(case: dict[str, Any], folder: Path) -> None:
    """One problem, on the marked line, with the gist and without the value."""
    line = next(number for number, text in enumerate(case["toml"].splitlines(), 1) if text.endswith("#!"))
    found = problems(folder, case["toml"])
    assert [problem.split(": ")[0] for problem in found] == [f"prodcheck.toml:{line}"], found
    for gist in case["says"]:
        assert gist in found[0]
    for absent in case.get("absent", ()):
        assert absent not in "\n".join(found)


def test_all_problems_are_said_at_once_in_the_order_of_the_file(folder: Path) -> None:
    """Three mistakes in three tables are three lines."""
    toml = (
        "[env.staging]\ndedline = '2s'\n[env.staging.http]\nurl = 'https://a.test'\nlatency = '< 2'\n"
        "[env.staging.database]\ndsn = 'env:A'\ntabels = ['a']\n"
    )
    found = problems(folder, toml)
    assert [problem.split(": ")[0] for problem in found] == [f"prodcheck.toml:{line}" for line in (2, 5, 8)]


def test_an_extends_cycle_is_drawn(folder: Path) -> None:
    """fg-extends-cycle: the whole cycle is in the message, at the line that closes it."""
    toml = "[env.staging]\nextends = 'base'\n[env.base]\nextends = 'staging'\n"
    assert problems(folder, toml) == (
        "prodcheck.toml:4: env.base.extends: extends forms a cycle: staging -> base -> staging",
    )


def test_an_unknown_environment_names_the_nearest_and_all(folder: Path) -> None:
    """fg-env-typo: the nearest name with its line, and every name that can be run."""
    toml = "[env._base]\nkind = 'local'\n[env.production.http]\nurl = 'https://a.test'\n[env.staging]\n"
    (found,) = problems(folder, toml, "stagign")
    assert found == "prodcheck.toml:5: unknown environment stagign; did you mean staging? known: production, staging"


def test_a_base_cannot_be_run(folder: Path) -> None:
    """An environment whose name begins with an underscore only serves others."""
    (found,) = problems(folder, "[env._base.http]\nurl = 'https://a.test'\n[env.ci]\nextends = '_base'\n", "_base")
    assert found.startswith("prodcheck.toml:1: ")
    assert "only a base" in found


def test_two_names_with_one_id_are_refused_with_both_lines(folder: Path) -> None:
    """fg-duplicate-check-ids: one result would hide the other."""
    toml = (
        "[env.staging.http]\nurl = 'https://a.test'\n"
        "[env.staging.http.endpoints]\n'api health' = '/a'\napi-health = '/b'\n"
    )
    (found,) = problems(folder, toml)
    assert "duplicate check id api-health (prodcheck.toml:4 and 5)" in found


def test_ids_are_unique_across_a_family(folder: Path) -> None:
    """`http.a` with `b-c` and `http.a-b` with `c` would be one id."""
    toml = (
        "[env.staging.http.a]\nurl = 'https://a.test'\nendpoints.b-c = '/'\n"
        "[env.staging.http.a-b]\nurl = 'https://b.test'\nendpoints.c = '/'\n"
    )
    (found,) = problems(folder, toml)
    assert "duplicate check id a-b-c (prodcheck.toml:3 and 6)" in found


@pytest.mark.parametrize(
    "toml", ["", "kind = 1\n", "[env]\n", "env = 3\n"], ids=["empty", "other", "no-table", "number"]
)
def test_a_file_without_environments_is_refused(toml: str, folder: Path) -> None:
    """Nothing declared is nothing checked; the message says how to begin."""
    assert "prodcheck init" in problems(folder, toml)[0] or "unknown key" in problems(folder, toml)[0]


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    """A Latin-1 file has a line too."""
    path = tmp_path / "prodcheck.toml"
    path.write_bytes(b"[env.staging]\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"prodcheck.toml:2: not UTF-8"):
        loader.load(path, "staging", TODAY)


def test_the_file_is_looked_for_at_the_rootdir_then_upward(tmp_path: Path) -> None:
    """The rootdir wins; without one there the working directory and its parents are asked."""
    below = tmp_path / "project" / "deep"
    below.mkdir(parents=True)
    (tmp_path / "project" / "prodcheck.toml").touch()
    assert loader.find(tmp_path / "elsewhere", below, None) == tmp_path / "project" / "prodcheck.toml"
    (tmp_path / "prodcheck.toml").touch()
    assert loader.find(tmp_path, below, None) == tmp_path / "prodcheck.toml"
    assert loader.find(tmp_path, below, "../prodcheck.toml").samefile(tmp_path / "project" / "prodcheck.toml")


def test_a_missing_file_lists_the_places_and_the_next_command(tmp_path: Path) -> None:
    """fg-no-config-file: both places and `prodcheck init`."""
    with pytest.raises(ConfigError) as caught:
        loader.find(tmp_path / "root", tmp_path / "here", None)
    message = str(caught.value)
    assert f"{tmp_path / 'root' / 'prodcheck.toml'}, {tmp_path / 'here' / 'prodcheck.toml'}" in message
    assert "prodcheck.toml not found; looked in: " in message
    assert message.endswith("next: prodcheck init")


@pytest.mark.parametrize(
    ("toml", "example"),
    [
        ('[env.staging.http]\nlatancy = "< 2s"\n[env.staging.http.app]\nurl = "https://a.test"\n', "latency = "),
        ('[env.staging.http]\nurl = "https://a.test"\nendpoints.x = { path = "/", as = "membr" }\n', 'as = "member"'),
        ('[env.staging.http]\nurl = "a.test"\n', 'url = "https://app.example"'),
        ('[env.staging.database]\ndsn = "env:DSN"\ntables = []\n', 'tables = ["projects", "tasks"]'),
        ('[env.staging]\nwrites = ["x"]\n[env.staging.http]\nurl = "https://a.test"\n', 'writes = ["login"]'),
    ],
)
def test_a_problem_of_a_key_shows_an_example(toml: str, example: str, folder: Path) -> None:
    """Whatever is wrong with a key of ours, its own example is beside the problem."""
    assert f"; example: {example}" in problems(folder, toml)[0]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("[" * 3000 + "]" * 3000, "tables or arrays are nested deeper than 64 levels"),
        ("{a=" * 80 + "1" + "}" * 80, "tables or arrays are nested deeper than 64 levels"),
        ("9" * 5000, "prodcheck.toml:4: not TOML: a number has too many digits"),
    ],
    ids=["arrays", "tables", "digits"],
)
def test_what_python_itself_does_not_read(value: str, says: str, tmp_path: Path) -> None:
    """Nesting that would end in a recursion, and numbers that Python refuses, are told like any other mistake."""
    head = "[env.staging.http]\nurl = 'https://a.test'\n[env.staging.http.endpoints]\n"
    text = f"{head}a = {{path = '/', expect = {value}}}\n"
    assert any(says in problem for problem in problems(tmp_path, text))


def test_text_that_begins_like_a_reference_may_be_sent_and_expected(tmp_path: Path) -> None:
    """Bodies and expectations hold any text: only a name that can be looked up makes a reference of it."""
    (tmp_path / "prodcheck.toml").write_text(
        "[env.staging.http]\nurl = 'https://a.test'\n[env.staging.http.endpoints.a]\npath = '/'\n"
        "expect = 'env: production'\n[env.staging.http.endpoints.b]\npath = '/b'\nmethod = 'POST'\neffect = 'read'\n"
        "json.tags = 'env:prod,team:web'\n",
        "utf-8",
    )
    endpoints = loader.load(tmp_path / "prodcheck.toml", "staging", TODAY).targets["http"].endpoints  # type: ignore[union-attr]
    assert endpoints["a"].expect == "env: production"
    assert endpoints["b"].json_ == {"tags": "env:prod,team:web"}
