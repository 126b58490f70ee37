"""The command `prodcheck`: statuses, no traceback, no secret."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from pytest_prodcheck import cli
from pytest_prodcheck.config import loader
from pytest_prodcheck.config import schema as config_schema

CONFIG = (
    "[env.staging.http]\nurl = 'https://a.test'\nheaders = { Authorization = 'Bearer {env:API_TOKEN}' }\n"
    "[env.staging.database]\ndsn = 'env:PRODCHECK_DSN'\nrequired = false\n"
)
VALUES = {"API_TOKEN": "dummy-token-123456", "PRODCHECK_DSN": "postgresql://u:dummy-pg-9@db.test/shop"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a configuration."""
    (tmp_path / "prodcheck.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **attributes: Any) -> None:
    """A module that another room provides."""
    module = ModuleType(name)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)


def test_init_writes_a_file_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commented file is right as it is, and the next command is said."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init"]) == 0
    assert "next: " in capsys.readouterr().out
    assert list(loader.load(tmp_path / "prodcheck.toml", "staging").targets) == ["http"]


def test_what_init_proposes_loads_when_it_is_taken(tmp_path: Path) -> None:
    """Every commented line, as it stands: tables of each kind, keys of today, references that doctor lists."""
    template = resources.files("pytest_prodcheck").joinpath("init_template.toml").read_text("utf-8")
    taken = re.sub(r"^# (?=\[|\w+ = )", "", template, flags=re.MULTILINE)
    document = tomllib.loads(taken)
    staging = document["env"]["staging"]
    assert {"http", "auth", "graphql", "database", "cluster", "logs", "cache", "websocket", "load"} <= staging.keys()
    assert (staging["cluster"]["namespace"], staging["logs"]["since"]) == ("app", "rollout")
    schema = jsonschema.Draft202012Validator(config_schema.config())
    assert list(schema.iter_errors(json.loads(json.dumps(document, default=str)))) == []
    until = date.today() + timedelta(days=30)
    (tmp_path / "prodcheck.toml").write_text(re.sub(r"until = \S+", f"until = {until}", taken))
    for name in ("checks", "alembic/versions"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "alembic/versions/4f2a_add_tasks.py").write_text("revision = '4f2a'\ndown_revision = None\n")
    for file in ("graphql/a.graphql", "contracts/schema.graphql", "contracts/database.toml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("query A { a }" if file.startswith("graphql") else "")
    loaded = loader.load(tmp_path / "prodcheck.toml", "staging", pinning=True)
    assert {"cluster", "logs"} <= loaded.targets.keys()


def test_init_never_overwrites(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An existing file stays, byte by byte."""
    assert cli.main(["init"]) == 4
    assert (folder / "prodcheck.toml").read_text() == CONFIG
    assert "exists and is left as it is" in capsys.readouterr().err


def test_init_says_where_it_cannot_write(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing directory is a usage problem, not a traceback."""
    assert cli.main(["init", "--path", "no/such/prodcheck.toml"]) == 4
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_doctor_offline_lists_references_and_resolves_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Targets, references, their places; it works on a machine without any secret."""
    assert cli.main(["doctor", "staging", "--offline"]) == 0
    out = capsys.readouterr().out
    assert "target database (not required)" in out
    assert "reference env:API_TOKEN for http.headers.Authorization (prodcheck.toml:3)" in out
    assert "nothing was sent" in out


def test_doctor_shows_length_classes_and_hands_over_to_the_targets(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """leak-doctor-output: name and length class, never a value or a part of one; the targets decide the status."""
    given: list[Mapping[str, str]] = []

    def try_targets(environment: Any, *, secrets: tuple[tuple[str, str], ...]) -> int:
        given.append(dict(secrets))
        return 1

    stand_in(monkeypatch, "pytest_prodcheck.gate.doctor", try_targets=try_targets)
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["doctor", "staging"]) == 1
    out = capsys.readouterr().out
    assert "env:API_TOKEN (16 to 31 characters)" in out
    assert "env:PRODCHECK_DSN (32 to 63 characters)" in out
    assert not [value for value in ("dummy", "123456", "pg-9") if value in out]
    assert given == [{"env:API_TOKEN": "dummy-token-123456", "env:PRODCHECK_DSN": "dummy-pg-9"}]


def test_doctor_lists_every_unresolved_reference(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 4, each with its line, before any target is tried."""
    for name in VALUES:
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["doctor", "staging"]) == 4
    error = capsys.readouterr().err
    assert "secret env:API_TOKEN is not set (prodcheck.toml:3)" in error
    assert "secret env:PRODCHECK_DSN is not set (prodcheck.toml:5)" in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["doctor", "stagign", "--offline"], "did you mean staging?"),
        (["doctor", "staging", "--config", "no.toml"], "no.toml not found; looked in"),
        (["doctor", "demo:table-dropped"], "only the gate runs it: pytest --prodcheck=demo"),
        (["doctro"], "invalid choice"),
        ([], "required"),
        (["schema", "verdicts"], "invalid choice"),
    ],
)
def test_a_wrong_call_is_status_4(
    arguments: list[str], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 would mean "interrupted" to whoever reads our statuses."""
    try:
        status: object = cli.main(arguments)
    except SystemExit as end:
        status = end.code
    assert status == 4
    assert says in capsys.readouterr().err


def test_faults_are_one_a_line_name_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """So that `prodcheck faults | cut -d' ' -f1` is a list for a loop."""
    stand_in(monkeypatch, "pytest_prodcheck.demo.faults", FAULTS={"b-fault": object(), "a": object()})
    assert cli.main(["faults"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["a", "b-fault"]


def test_explain_prints_the_explanation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The words are diagnosis'; the command only prints them."""
    stand_in(monkeypatch, "pytest_prodcheck.diagnosis.explain", explain=lambda code: f"about {code}")
    assert cli.main(["explain", "a.b.c"]) == 0
    assert capsys.readouterr().out == "about a.b.c\n"


def test_schema_config_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """An editor can be pointed at it."""
    assert cli.main(["schema", "config"]) == 0
    assert '"title": "prodcheck.toml"' in capsys.readouterr().out


def test_a_closed_pipe_is_no_error() -> None:
    """`prodcheck schema config | head -1` ends quietly."""
    command = f"{sys.executable} -W error -m pytest_prodcheck.cli schema config | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('[env.staging.http]\nurl = "https://a.test"\nerror_rate = "< 0.01%"\n', "needs 29956 requests"),
        (
            '[env.staging.database]\ndsn = "env:DSN"\nqueries.old = { sql = "delete from tasks", expect = 0 }\n',
            "prodcheck.toml:3: database.queries.old.sql: refused, not sent",
        ),
    ],
)
def test_doctor_says_what_a_run_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], toml: str, problem: str
) -> None:
    """A limit that no run could prove, and a statement that is no read, are exit 4 for `doctor --offline` too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prodcheck.toml").write_text(toml)
    assert cli.main(["doctor", "staging", "--offline"]) == 4
    assert problem in capsys.readouterr().err


def test_doctor_says_a_target_that_is_not_ready_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """libpq's words about a refused connection have two lines; whoever filters doctor's output by target sees both."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("READER_DSN", f"postgresql://reader@127.0.0.1:{port}/plan")
    (tmp_path / "prodcheck.toml").write_text('[env.staging.database]\ndsn = "env:READER_DSN"\ntables = ["tasks"]\n')
    assert cli.main(["doctor", "staging"]) == 1
    (told,) = [line for line in capsys.readouterr().out.splitlines() if "NOT READY" in line or "TCP/IP" in line]
    assert told.startswith("  NOT READY  database: database.tcp.refused: ")
    assert told.endswith("accepting TCP/IP connections?")
