"""References: what they give, what must be scrubbed, and what a missing or unusable one says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from pytest_prodcheck.config import command, loader, references
from pytest_prodcheck.config.models import DatabaseTarget, Environment, HttpTarget
from pytest_prodcheck.errors import SecretError

DSN = "postgresql://app_user:dummy-DsnPa55-3vK@db.test:5432/shop"
FILE = """
[prodcheck]
commands = true
[env.staging]
revision = { path = "/v", expected = "env:GIT_SHA" }
[env.staging.auth]
issuer = "https://auth.test/"
[env.staging.users.member]
grant = "password"
username = "env:SMOKE_USER"
password = "env:PG_PASSWORD"
[env.staging.http]
url = "env:APP_URL"
headers = { X-Service-Key = "Key {env:SERVICE_KEY}", X-Run = "{run} {id}" }
endpoints.a = { path = "/a/{id}", query = { q = "env:QUERY" }, expect = { sha = "env:GIT_SHA" } }
[env.staging.database]
dsn = "env:DATABASE_URL"
"""
VALUES = {
    "GIT_SHA": "4f2a9c",
    "SMOKE_USER": "smoke@a.test",
    "PG_PASSWORD": "dummy-Pg-Pa55word-7Qx9",
    "APP_URL": "https://app.test",
    "SERVICE_KEY": "dummy-service-key-1",
    "QUERY": "dummy-query-value",
    "DATABASE_URL": DSN,
}


def load(folder: Path, toml: str = FILE) -> Environment:
    """The environment `staging` of a file."""
    (folder / "prodcheck.toml").write_text(toml, "utf-8")
    return loader.load(folder / "prodcheck.toml", "staging", date(2026, 11, 24))


def resolve(
    folder: Path, toml: str = FILE, environ: Mapping[str, str] = VALUES, commands: bool = True
) -> references.Resolved:
    """The environment with values, run tag `r1`."""
    return references.resolve(load(folder, toml), base=folder, environ=environ, commands=commands, run="r1")


def refused(folder: Path, toml: str = FILE, environ: Mapping[str, str] = VALUES, commands: bool = True) -> str:
    """What resolving says."""
    with pytest.raises(SecretError) as caught:
        resolve(folder, toml, environ, commands)
    return str(caught.value)


def header(value: str) -> str:
    """A file whose only reference is an Authorization header."""
    return f"[env.staging.http]\nurl = 'https://a.test'\nheaders = {{ Authorization = '{value}' }}\n"


def test_values_stand_in_place_of_references(tmp_path: Path) -> None:
    """Whole strings, embedded ones and the run's tag are filled in; other braces stay; nothing else changes."""
    environment = resolve(tmp_path).environment
    http, database = environment.targets["http"], environment.targets["database"]
    assert isinstance(http, HttpTarget)
    assert isinstance(database, DatabaseTarget)
    assert (http.url, database.dsn) == ("https://app.test", DSN)
    assert http.headers == {"X-Service-Key": "Key dummy-service-key-1", "X-Run": "r1 {id}"}
    assert http.endpoints["a"].path == "/a/{id}"
    assert http.endpoints["a"].expect == {"sha": "4f2a9c"}
    assert environment.users["member"].password == VALUES["PG_PASSWORD"]


def test_secrets_are_the_credentials_and_nothing_else(tmp_path: Path) -> None:
    """Passwords, header values, bodies and a DSN's password; not hosts, user names, revisions or claims."""
    assert set(resolve(tmp_path).secrets) == {
        ("env:PG_PASSWORD", "dummy-Pg-Pa55word-7Qx9"),
        ("env:SERVICE_KEY", "dummy-service-key-1"),
        ("env:QUERY", "dummy-query-value"),
        ("env:DATABASE_URL", "dummy-DsnPa55-3vK"),
    }


def test_an_encoded_dsn_password_is_scrubbed_in_both_spellings(tmp_path: Path) -> None:
    """The percent-encoded spelling is in the DSN, the decoded one in the server's messages."""
    values = VALUES | {"DATABASE_URL": "postgresql://u:dummy%20p%40ss@db.test/shop"}
    secrets = {value for name, value in resolve(tmp_path, environ=values).secrets if name == "env:DATABASE_URL"}
    assert secrets == {"dummy%20p%40ss", "dummy p@ss"}


def test_the_token_inside_a_whole_header_is_scrubbed_too(tmp_path: Path) -> None:
    """A server that echoes only what follows `Bearer`, or a Basic password, gives nothing away."""
    found = resolve(tmp_path, header("env:H"), {"H": "Basic c21va2U6ZHVtbXktcGFzcw=="}).secrets
    assert {value for _, value in found} >= {"c21va2U6ZHVtbXktcGFzcw==", "dummy-pass"}


def test_all_unresolved_references_are_said_at_once_with_their_lines(tmp_path: Path) -> None:
    """Every missing one, in the file's order; secrets are called so."""
    lines = refused(tmp_path, environ={}).splitlines()
    assert "secret env:PG_PASSWORD is not set (prodcheck.toml:11)" in lines
    assert "reference env:GIT_SHA is not set (prodcheck.toml:5, 15)" in lines
    assert len(lines) == 7


def test_an_empty_secret_is_unresolved(tmp_path: Path) -> None:
    """fg-secret-env-empty: a server that trusts local connections would accept it."""
    said = refused(tmp_path, environ=VALUES | {"PG_PASSWORD": ""})
    assert said == "secret env:PG_PASSWORD is empty (prodcheck.toml:11)"


def test_an_unset_token_is_never_sent_as_text(tmp_path: Path) -> None:
    """fg-secret-env-unset-in-header: neither `Bearer ` nor the reference itself is a token."""
    toml = "[env.staging.users.member]\ngrant = 'static'\ntoken = 'env:API_TOKEN'\n[env.staging.http]\nurl = 'https://a.test'\n"
    assert refused(tmp_path, toml, {}) == "secret env:API_TOKEN is not set (prodcheck.toml:3)"


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        ("postgresql://app_user:dummy%zz@db.test/shop", "env:DATABASE_URL: invalid percent escape"),
        ("postgresql://u:dummy-R3/dis@db.test/shop", "special characters must be percent-encoded"),
        ("postgresql://u:dummy#R3dis@db.test/shop", "special characters must be percent-encoded"),
        ("postgresql://u:dummy?R3dis@db.test/shop", "special characters must be percent-encoded"),
        ("postgresql://u:dummy@R3dis@db.test/shop", "special characters must be percent-encoded"),
        ("postgresql://u:dummy:R3dis@db.test/shop", "special characters must be percent-encoded"),
        ("postgresql://u:dummy R3dis@db.test/shop", "special characters must be percent-encoded"),
        ("postgresql://dummyhost:R3dis/shop", "the port is not a number"),
        ("host=db.test password='dummyR3dis", "not a DSN"),
        ("dummyR3dis", "not a DSN"),
    ],
)
def test_a_malformed_dsn_is_said_without_any_part_of_it(dsn: str, says: str, tmp_path: Path) -> None:
    """leak-dsn-bad-percent, leak-dsn-port-parse: the reference and the rule, no token of the value."""
    said = refused(tmp_path, environ=VALUES | {"DATABASE_URL": dsn})
    assert says in said
    assert said.startswith("env:DATABASE_URL: ")
    assert "dumm" not in said
    assert "R3" not in said


def test_one_newline_at_the_end_of_a_file_is_no_part_of_its_value(tmp_path: Path) -> None:
    """Editors and `echo` add it."""
    (tmp_path / "token").write_text("dummy-token-1\n")
    http = resolve(tmp_path, header("Bearer {file:token}"), {}).environment.targets["http"]
    assert isinstance(http, HttpTarget)
    assert http.headers["Authorization"] == "Bearer dummy-token-1"


@pytest.mark.parametrize("text", ["dummy-one\ndummy-two\n", "dummy-one\n\n", "x\r\n\r\n"])
def test_a_line_break_inside_a_header_value_is_refused(text: str, tmp_path: Path) -> None:
    """leak-header-illegal-value: header, file and line, no value."""
    (tmp_path / "token").write_bytes(text.encode())
    said = refused(tmp_path, header("Bearer {file:token}"), {})
    assert said.startswith("header Authorization: value contains a control character (file:token line ")
    assert "dummy" not in said


def test_a_token_with_a_control_character_is_refused_as_the_header_it_becomes(tmp_path: Path) -> None:
    """The static token of a user is sent as Authorization."""
    toml = "[env.staging.users.m]\ngrant = 'static'\ntoken = 'env:T'\n[env.staging.http]\nurl = 'https://a.test'\n"
    said = refused(tmp_path, toml, {"T": "dummy\x07bell"})
    assert "header Authorization: value contains a control character (env:T line 1)" in said
    assert "bell" not in said


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("file:nothing", "cannot be read: No such file"),
        ("file:.", "cannot be read: Is a directory"),
        ("cmd:false dummy-argument", "failed with exit status 1"),
        ("cmd:no-such-program-xyz dummy-argument", "cannot run: No such file"),
        ("cmd:cat latin", "gave no UTF-8 text"),
        ("file:latin", "is not UTF-8 text"),
        ("cmd:true dummy-argument", "is empty"),
        ("demo:DSN", "exists only under --prodcheck=demo"),
    ],
)
def test_what_gives_nothing_says_why_and_not_more(reference: str, says: str, tmp_path: Path) -> None:
    """A missing file, a failing command: the cause, never an argument or an output."""
    (tmp_path / "latin").write_bytes(b"dummy-argument\xff")
    said = refused(tmp_path, header(reference), {"PATH": "/usr/bin:/bin"})
    assert says in said
    assert "dummy-argument" not in said


def test_commands_run_only_where_the_file_permits_them(tmp_path: Path) -> None:
    """Without `[prodcheck] commands = true` nothing is executed."""
    assert "set commands = true" in refused(tmp_path, header("cmd:touch ran"), commands=False)
    assert not (tmp_path / "ran").exists()


def test_a_command_sees_little_of_our_environment(tmp_path: Path) -> None:
    """Other secrets of the run are none of its business."""
    value = command.output("env", tmp_path, {"PATH": "/usr/bin:/bin", "OTHER_SECRET": "dummy"})
    assert "PATH=" in value
    assert "OTHER_SECRET" not in value


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """A grandchild that keeps the pipe open cannot hang the run."""
    begin = time.monotonic()
    with pytest.raises(LookupError, match=r"did not end within 0.3 s"):
        command.output("sh -c 'sleep 30 & sleep 30'", tmp_path, {"PATH": "/usr/bin:/bin"}, deadline=0.3)
    assert time.monotonic() - begin < 5


def test_a_short_secret_is_not_scrubbed_and_warned_of(tmp_path: Path) -> None:
    """leak-short-secret: replacing 731 everywhere would wreck ports and times."""
    resolved = resolve(tmp_path, environ=VALUES | {"PG_PASSWORD": "731"})
    assert "env:PG_PASSWORD is too short to scrub" in resolved.warnings[0]
    assert "731" not in dict(resolved.secrets).values()
    assert "731" not in resolved.warnings[0]


@pytest.mark.parametrize("word", ["staging", "Member", "postgres"])
def test_a_common_word_is_not_scrubbed_and_warned_of(word: str, tmp_path: Path) -> None:
    """leak-common-word: the environment's own names stay readable."""
    resolved = resolve(tmp_path, environ=VALUES | {"PG_PASSWORD": word})
    assert resolved.warnings[0].startswith("env:PG_PASSWORD is not scrubbed: the value is a common word")
    assert word not in dict(resolved.secrets).values()


def test_used_lists_references_without_resolving_any(tmp_path: Path) -> None:
    """What the plan and the doctor show."""
    found = references.used(load(tmp_path))
    assert ("env:PG_PASSWORD", "users.member.password") in found
    assert ("env:SERVICE_KEY", "http.headers.X-Service-Key") in found
    assert len(found) == 8


def test_resolved_values_are_in_no_repr(tmp_path: Path) -> None:
    """`--showlocals` prints reprs."""
    resolved = resolve(tmp_path)
    text = repr(resolved) + repr(resolved.environment)
    for _, value in resolved.secrets:
        assert value not in text


THROWAWAY = """
[env.staging.containers]
database = { image = "pg", port = 5432, env = { POSTGRES_PASSWORD = "env:PG_PASSWORD" } }
app = { image = "app", port = 80, env = { DATABASE_URL = "container:database", PAGE = "{container:database}?a" } }
[env.staging.database]
dsn = "container:database"
[env.staging.http]
url = "{container:app}/api"
endpoints.home = "/"
"""


def test_a_containers_address_is_a_reference(tmp_path: Path) -> None:
    """Whole, and inside a longer text; its password is scrubbed. What another container is told is its address inside,
    which only that container's start gives."""
    addresses = {"database": DSN, "app": "http://localhost:4711"}
    found = references.resolve(load(tmp_path, THROWAWAY), base=tmp_path, environ=VALUES, containers=addresses)
    database, http = found.environment.targets["database"], found.environment.targets["http"]
    assert isinstance(database, DatabaseTarget)
    assert isinstance(http, HttpTarget)
    assert (database.dsn, http.url) == (DSN, "http://localhost:4711/api")
    assert ("container:database", "dummy-DsnPa55-3vK") in found.secrets
    assert found.environment.containers["database"].env == {"POSTGRES_PASSWORD": "dummy-Pg-Pa55word-7Qx9"}
    assert dict(found.environment.containers["app"].env) == {
        "DATABASE_URL": "container:database", "PAGE": "{container:database}?a",
    }  # fmt: skip


def test_no_container_is_there_without_a_gate(tmp_path: Path) -> None:
    """`doctor` and `pin` start none: that is said, with the lines."""
    said = refused(tmp_path, THROWAWAY)
    assert "container:database is there only while a gate runs: it starts the container (prodcheck.toml:6)" in said
    assert "container:app is there only while a gate runs" in said
