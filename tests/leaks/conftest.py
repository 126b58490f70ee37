"""Runs that the leak tests share: each is made once, as loud as pytest can be, and only read afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leak_forms import forms
from leak_project import FILES, Project, Run
from leak_secrets import ALL
from leak_server import Said, Teller, telling

_EACH = '[env.staging.http.endpoints.{name}]\npath = "/say/{name}"\nas = "member"\n'


@pytest.fixture(scope="session")
def teller() -> Iterator[Teller]:
    """The system that tells everything."""
    with telling() as one:
        yield one


@pytest.fixture(scope="session")
def runs(teller: Teller, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """The finished run of a name: `failing`, `passing`, `failing -n`, `passing -n`, `forms`."""
    done: dict[str, Run] = {}

    def run(name: str) -> Run:
        if name not in done:
            project = Project(tmp_path_factory.mktemp("leaks") / "project", teller.url)
            done[name] = _forms(project, teller) if name == "forms" else _checks(project, *name.split())
        return done[name]

    return run


@pytest.fixture
def project(teller: Teller, tmp_path: Path) -> Project:
    """A project of this test alone."""
    return Project(tmp_path / "project", teller.url)


def _checks(project: Project, module: str, *options: str) -> Run:
    project.checks(module)
    return project.pytest(*(("-n", "2", "-p", "tee") if options else ()))


def _forms(project: Project, teller: Teller) -> Run:
    """Each secret in each spelling in one answer of an endpoint of its own, none of them as expected."""
    text = (FILES / "prodcheck.toml").read_text(encoding="utf-8").replace('suites = ["checks/"]', "")
    bodies = {
        f"s{number}-{part}-{count}": body
        for number, secret in enumerate(ALL)
        for part, needle in enumerate(secret.secret)
        for count, (_, body) in enumerate(forms(needle))
    }
    teller.said.update({f"/say/{name}": _said(body, number) for number, (name, body) in enumerate(bodies.items())})
    project.configure(text + "".join(_EACH.format(name=name) for name in bodies))
    command = (sys.executable, "-m", "pytest", "--prodcheck=staging", "-v", "--junitxml=junit.xml")
    return project.run(*command, env={"GITHUB_ACTIONS": "true"})


def _said(body: bytes, number: int) -> Said:
    """Every third answer comes in two chunks, cut in the middle of the secret."""
    middle = len(body) // 2
    return Said(body, chunks=(body[:middle], body[middle:])) if number % 3 == 0 and len(body) > 1 else Said(body)
