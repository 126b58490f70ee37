"""Everything that a user can type has its heading in the documents, and each heading is about something there is."""

from __future__ import annotations

import argparse
import re

import pytest
from documents import PROJECT, first_commands, headings, read

from pytest_prodcheck import cli, markers, plugin
from pytest_prodcheck.config import keys
from pytest_prodcheck.diagnosis.causes import CAUSES
from pytest_prodcheck.options import OPTIONS

README = headings("README.md")
CONFIGURATION = read("docs/configuration.md")
FIXTURES = sorted(name for name in vars(plugin) if name.startswith("prodcheck_"))


def subcommands() -> list[str]:
    """What `prodcheck` can be told."""
    (choices,) = [action.choices for action in cli._parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return list(choices)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_has_its_heading(option: str) -> None:
    """With the word that stands for its value, as `pytest --help` shows it."""
    metavar = OPTIONS[option].get("metavar")
    assert (f"{option}={metavar}" if metavar else option) in README


@pytest.mark.parametrize("marker", markers.CRITERIA)
def test_every_criterion_has_its_heading(marker: str) -> None:
    """With an example whose arguments the marker itself takes."""
    (heading,) = [text for text in README if text.startswith(f"@pytest.mark.{marker}(")]
    arguments = eval(f"(lambda *args, **kwargs: (args, kwargs)){heading.removeprefix(f'@pytest.mark.{marker}')}")
    assert markers.read(marker, *arguments, "README.md")


@pytest.mark.parametrize("mark", markers.SELECTION)
def test_every_selection_mark_is_named(mark: str) -> None:
    """`smoke`, `contract`, `security` and the opt-in ones."""
    section = read("README.md").partition("\n## Markers\n")[2].partition("\n### ")[0]
    assert f"`{mark}`" in section


@pytest.mark.parametrize("fixture", FIXTURES)
def test_every_fixture_has_its_heading(fixture: str) -> None:
    """All five of them."""
    assert fixture in README


@pytest.mark.parametrize("command", subcommands())
def test_every_command_has_its_heading(command: str) -> None:
    """`prodcheck COMMAND`, with what it takes."""
    assert [text for text in README if text.split()[:2] == ["prodcheck", command]]


def test_no_heading_is_about_something_that_is_gone() -> None:
    """A renamed option, marker, fixture or command leaves no documentation behind."""
    known = {*OPTIONS, *(f"@pytest.mark.{name}" for name in markers.CRITERIA), *FIXTURES}
    known |= {f"prodcheck {command}" for command in subcommands()}
    name = re.compile(r"--[\w-]+|@pytest\.mark\.\w+|prodcheck_\w+|prodcheck \w+")
    documented = {match[0] for text in README if (match := name.match(text))}
    assert documented == known


@pytest.mark.parametrize("model", keys.KEYS)
def test_every_configuration_key_has_its_row(model: str) -> None:
    """A key that nobody explains is a key that nobody uses rightly."""
    assert [key for key in keys.KEYS[model] if f"| `{key}` |" not in CONFIGURATION] == []


def test_every_cause_has_its_heading() -> None:
    """`prodcheck explain` and docs/causes.md know the same codes."""
    assert [code for code in CAUSES if code not in headings("docs/causes.md")] == []


@pytest.mark.parametrize("status", range(7))
def test_every_exit_status_is_explained(status: int) -> None:
    """0 to 6, in one table."""
    assert re.search(rf"^\| (\d, )?{status}(, \d)? \|", read("README.md"), re.MULTILINE)


def test_every_room_is_in_the_drawing() -> None:
    """A new package or module at the top has its line in ARCHITECTURE.md."""
    drawing = read("ARCHITECTURE.md")
    package = PROJECT / "pytest_prodcheck"
    names = [path.name for path in package.glob("*.py") if path.name != "__init__.py"]
    rooms = [f"{path.parent.name}/" for path in package.glob("*/__init__.py")]
    tests = [
        f"`{path.name}/`" for path in (PROJECT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"
    ]
    assert [name for name in names + rooms if f"`{name}`" not in drawing] == []
    assert [name for name in tests if name not in drawing] == []
    assert len(drawing.splitlines()) <= 80


def test_ci_runs_what_the_readme_says() -> None:
    """`.ci/run` calls the README's second command line, word for word."""
    assert first_commands()[1] in read(".ci/run")
