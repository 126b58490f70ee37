"""Secrets in what is said outside a normal run: usage errors, plan, doctor, crashes, options that show everything."""

from __future__ import annotations

import sys

import pytest
from leak_project import FILES, Project, Run
from leak_secrets import ALL, Secret

GATE = (sys.executable, "-m", "pytest", "--prodcheck=staging")
_DATABASE = '\n[env.staging.database]\ndsn = "env:DATABASE_URL"\n'


def _clean(run: Run, *secrets: Secret) -> None:
    """Asserts that no channel of a run holds any of `secrets`, or any of all."""
    for channel, haystack in run.haystacks.items():
        for secret in secrets or ALL:
            assert not haystack.traces(secret), (channel, secret.name)


def _toml(more: str = "") -> str:
    return (FILES / "prodcheck.toml").read_text(encoding="utf-8").replace('suites = ["checks/"]', "") + more


_DSNS = {
    "postgresql://app_user:dummy%zzQ7pp@db.test:5432/shop": "invalid percent escape",
    "postgresql://app_user:dummyQ7/ppW3@db.test:5432/shop": "percent-encoded",
    "postgresql://app_user:dummyQ7#ppW3@db.test/shop": "percent-encoded",
    "postgresql://app_user:dummyQ7ppW3@db.test:dummyQ7ppW3/shop": "port",
    "postgresql://app_user:dummyQ7 ppW3@db.test/shop": "",
    "host=db.test password='dummyQ7ppW3": "",
    "host=db.test passwort=dummyQ7ppW3": "",
    "mysql://app_user:dummyQ7ppW3@db.test/shop": "",
    "dummyQ7ppW3": "",
}


def test_dsns_that_cannot_be_read(project: Project) -> None:
    """A DSN with a mistake is exit status 4, each by the name of its reference with the mistake; never a password."""
    names = {f"DSN_{number}": value for number, value in enumerate(_DSNS)}
    logins = ", ".join(f'{name} = "env:{name}"' for name in names)
    project.configure(f'[env.staging.database]\ndsn = "env:DSN_0"\nlogins = {{ {logins} }}\n')
    run = project.run(*GATE, env=names)
    assert run.status == 4, run.terminal
    for name, said in zip(names, _DSNS.values(), strict=True):
        lines = [line for line in run.terminal.splitlines() if f"env:{name}:" in line]
        assert not said or any(said in line for line in lines), (name, run.terminal)
    for piece in ("dummy", "Q7pp", "ppW3"):
        assert not [name for name, data in run.channels.items() if piece.encode() in data]


def test_headers_with_a_control_character(project: Project) -> None:
    """A header value that cannot be sent is exit status 4: the header, the reference, the line; not the value."""
    values = ("dummy-tok\nen-Q7pp", "dummy-tok\ten-Q7pp", "dummy-tok\r\nX-Evil: Q7pp", "dummy-tok\x7fQ7pp")
    names = {f"TOKEN_{number}": value for number, value in enumerate(values)}
    headers = ", ".join(f'X-{name} = "Bearer {{env:{name}}}"' for name in names)
    project.configure(f'[env.staging.http]\nurl = "{project.url}"\nheaders = {{ {headers} }}\nendpoints.home = "/"\n')
    run = project.run(*GATE, env=names)
    assert run.status == 4, run.terminal
    for name in names:
        assert f"header X-{name}: value contains a control character (env:{name} line" in run.terminal
    assert not [name for name, data in run.channels.items() if b"Q7pp" in data or b"dummy-tok" in data]


_LITERALS = (
    'client_secret = "dummyLiteralQ7pp"',
    "client_secret = 9876598765987",
    'token = ["dummyLiteralQ7pp"]',
    'token = { value = "dummyLiteralQ7pp" }',
    'tocken = "dummyLiteralQ7pp"',
)


@pytest.mark.parametrize("lines", [_LITERALS, ('token = "dummyLiteralQ7pp',)], ids=["values", "syntax"])
def test_literal_secrets(project: Project, lines: tuple[str, ...]) -> None:
    """Secrets that are written down are exit status 4 with file and line, and are not repeated."""
    users = "".join(f'[env.staging.users.u{n}]\ngrant = "static"\n{line}\n' for n, line in enumerate(lines))
    project.configure(f'[env.staging.http]\nurl = "{project.url}"\nendpoints.home = "/"\n{users}')
    run = project.run(*GATE)
    assert run.status == 4, run.terminal
    assert run.terminal.count("prodcheck.toml:") >= len(lines)
    assert not [name for name, data in run.channels.items() if b"Literal" in data or b"98765" in data]


def test_the_plan_names_references(project: Project) -> None:
    """The plan shows references by name and resolves none: it works where none is set, and sends nothing."""
    project.configure(_toml(_DATABASE))
    unset = {secret.name: "" for secret in ALL}
    run = project.run(*GATE, "--prodcheck-plan", env=unset)
    assert run.status == 0, run.terminal
    assert "env:DATABASE_URL" in run.terminal
    again = project.run(*GATE, "--prodcheck-plan")
    assert "env:DATABASE_URL" in again.terminal
    _clean(again)


@pytest.mark.parametrize("options", [(), ("--offline",)])
def test_the_doctor_names_references(project: Project, options: tuple[str, ...]) -> None:
    """The doctor says where each secret comes from and how long it is, coarsely; what targets answer is scrubbed."""
    project.configure(_toml(_DATABASE))
    run = project.run(sys.executable, "-m", "pytest_prodcheck.cli", "doctor", "staging", *options)
    assert "reference env:DATABASE_URL" in run.terminal
    assert run.status == (0 if options else 1), run.terminal
    _clean(run)


@pytest.mark.parametrize("hook", ["pytest_collection_modifyitems", "pytest_runtest_logstart"])
@pytest.mark.parametrize("options", [(), ("-n", "2", "-p", "tee")], ids=["alone", "xdist"])
def test_an_internal_error(project: Project, hook: str, options: tuple[str, ...]) -> None:
    """The traceback of a hook that raises is scrubbed, in a worker before it is sent."""
    project.check("def test_one(): pass\n")
    (project.path / "conftest.py").write_text(
        f"import os\ndef {hook}():\n    pw = os.environ['PG_PASSWORD']\n    raise RuntimeError(pw, [pw.encode()])\n"
    )
    run = project.pytest(*options)
    assert run.status != 0
    assert "[redacted env:PG_PASSWORD]" in run.terminal
    _clean(run)


@pytest.mark.parametrize("options", [(), ("-n", "2", "-p", "tee")], ids=["alone", "xdist"])
@pytest.mark.parametrize("error", ["pytest.UsageError", "pytest.exit"])
def test_a_run_that_is_ended(project: Project, error: str, options: tuple[str, ...]) -> None:
    """What ends a run says its reason without a secret."""
    text = f"import os, pytest\ndef pytest_collection_modifyitems():\n    raise {error}(os.environ['PG_PASSWORD'])\n"
    text = text.replace("raise pytest.exit", "pytest.exit")
    project.check("def test_one(): pass\n")
    (project.path / "conftest.py").write_text(text)
    run = project.pytest(*options)
    assert run.status != 0
    _clean(run)


def test_a_worker_that_dies(project: Project) -> None:
    """A worker that dies is named without what it knew."""
    project.check("import os\ndef test_one():\n    pw = os.environ['PG_PASSWORD']\n    print(pw)\n    os._exit(3)\n")
    run = project.pytest("-n", "2", "-p", "tee")
    assert run.status == 1
    assert "crashed" in run.terminal
    _clean(run)


def test_a_module_that_cannot_be_collected(project: Project) -> None:
    """A failed import shows its locals and its source lines scrubbed."""
    project.check("import os\npw = os.environ['PG_PASSWORD']\nprint(pw)\nassert pw == os.environ['API_KEY'], [pw]\n")
    run = project.pytest()
    assert run.status in (1, 2)
    assert "[redacted env:PG_PASSWORD]" in run.terminal
    _clean(run)


@pytest.mark.parametrize("options", [(), ("-n", "2", "-p", "tee")], ids=["alone", "xdist"])
def test_an_id_with_a_secret(project: Project, options: tuple[str, ...]) -> None:
    """An id that a test was given by hand is refused by the reference's name, before cache or worker have it."""
    project.check(
        "import os, pytest\n@pytest.mark.parametrize('one', [pytest.param(1, id=os.environ['BASIC_PASSWORD'])])\n"
        "def test_one(one): pass\n"
    )
    run = project.pytest(*options)
    assert run.status == 4, run.terminal
    assert "a test id contains the value of env:BASIC_PASSWORD" in run.terminal
    _clean(run)


def test_output_that_is_not_captured(project: Project) -> None:
    """With -s a warning comes first; what goes through this process's streams is scrubbed all the same."""
    project.check(
        "import os\ndef test_one():\n    print('told', os.environ['PG_PASSWORD'])\n    assert os.environ['API_KEY']\n"
    )
    run = project.pytest("-s")
    assert "is not scrubbed" in run.text("stderr")
    assert "told [redacted env:PG_PASSWORD]" in run.text("stdout")
    _clean(run)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_is_printed_after_the_run(project: Project, stream: str, options: tuple[str, ...]) -> None:
    """Exit handlers print when pytest is done: their output is scrubbed, too."""
    project.check("def test_one(): pass\n")
    (project.path / "conftest.py").write_text(
        f"import atexit, os, sys\natexit.register(lambda: print('bye', os.environ['PG_PASSWORD'], file=sys.{stream}))\n"
    )
    run = project.pytest(*options)
    assert "bye [redacted env:PG_PASSWORD]" in run.terminal
    _clean(run)


_SHOWING = [
    ("--pdb", "production"),
    ("--trace", "production"),
    ("--debug", "staging"),
    ("--debug", "local"),
    ("--pastebin=failed", "local"),
]


@pytest.mark.parametrize(("option", "kind"), _SHOWING)
def test_options_that_show_everything(project: Project, option: str, kind: str) -> None:
    """A debugger on production, and pytest's own debug log and a public paste anywhere, are refused."""
    project.configure(_toml().replace('kind = "staging"', f'kind = "{kind}"'))
    run = project.run(*GATE, option)
    assert run.status == 4, run.terminal
    assert f"{option.partition('=')[0]} " in run.terminal
    _clean(run)


def test_debugging_by_the_environment(project: Project) -> None:
    """PYTEST_DEBUG, which prints the arguments of every hook, is refused."""
    run = project.run(*GATE, env={"PYTEST_DEBUG": "1"})
    assert run.status == 4
    assert "PYTEST_DEBUG prints the arguments" in run.terminal
    _clean(run)


@pytest.mark.parametrize(
    ("value", "said"),
    [("731", "too short to scrub"), ("443", "too short"), ("staging", "common word"), ("password", "common word")],
)
def test_a_secret_that_cannot_be_scrubbed(project: Project, value: str, said: str) -> None:
    """A short value or a common word is warned about by its reference; numbers, names and times stay as they are."""
    head = '[env.staging.http]\nurl = "{system}"\nheaders = { X-Pin = "env:API_KEY" }\n'
    project.configure(head + 'endpoints.home = { path = "/x731443", latency = "< 443s" }\n')
    run = project.run(*GATE, "-v", env={"API_KEY": value})
    assert run.status == 0, run.terminal
    assert "env:API_KEY" in run.terminal
    assert said in run.terminal
    assert "PASS staging" in run.terminal
    assert not [name for name, data in run.channels.items() if b"[redacted" in data]


def test_a_healthy_run_masks_nothing(project: Project) -> None:
    """With twenty secrets configured, a green run has no marker in any channel, and its figures are figures."""
    project.configure(_toml().replace('path = "/echo/500"', 'path = "/fine"'))
    run = project.pytest()
    assert run.status == 0, run.terminal
    assert len(ALL) >= 20
    assert not [name for name, data in run.channels.items() if b"[redacted" in data]
    _clean(run)
