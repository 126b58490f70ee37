"""The demo's process: quick to start, really serving, and gone with its parent, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import demo_contract
import psycopg
import pytest
from demo_raw import Raw

from pytest_prodcheck.demo import stack as module
from pytest_prodcheck.demo.database import COLLEAGUE, MEMBER
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.demo.stack import Stack

ROOT = Path(module.__file__).parents[2]
START_AND_SAY = """
import json, sys, time
from pytest_prodcheck.demo.stack import Stack
stack = Stack.start()
print(json.dumps([stack.pid, dict(stack.addresses)]), flush=True)
{rest}
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with Stack.start() as stack:
        yield stack


@pytest.fixture(scope="module")
def raw(running: Stack) -> Iterator[Raw]:
    client = Raw(running.addresses)
    yield client
    client.close()


def leftovers(pid: int, addresses: dict[str, str]) -> list[str]:
    """What is still there of a demo: its process, its files, its database."""
    found = (
        [f"process {pid}"]
        if Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()
        else []
    )
    found += [addresses["ca"]] if Path(addresses["ca"]).parent.exists() else []
    try:
        psycopg.connect(addresses["reader_dsn"], connect_timeout=2).close()
    except psycopg.OperationalError:
        return found
    return [*found, "the database answers"]


def wait_until_gone(pid: int, addresses: dict[str, str]) -> list[str]:
    deadline = time.monotonic() + 10
    while (left := leftovers(pid, addresses)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def start_in_a_script(rest: str) -> tuple[subprocess.Popen[str], int, dict[str, str]]:
    script = START_AND_SAY.format(rest=rest)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    line = parent.stdout.readline() if parent.stdout else ""
    pid, addresses = json.loads(line)
    return parent, pid, addresses


def finish(parent: subprocess.Popen[str]) -> None:
    parent.wait(30)
    if parent.stdout:
        parent.stdout.close()


def test_the_pinned_contract_is_what_pinning_gives(running: Stack) -> None:
    """The demo's contract is no hand's work: made anew by `python tests/targets/demo_contract.py`, it is the same."""
    assert demo_contract.FILE.read_text("utf-8") == demo_contract.text(running)


def test_start_takes_less_than_three_seconds() -> None:
    """From nothing to serving in under 3 s."""
    began = time.monotonic()
    with Stack.start():
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("/", "", "200"),
        ("/login", "", "302"),
        ("/login/form", "", "200"),
        ("/auth/start", "", "302"),
        ("/health", "", "200"),
        ("/health/detailed", "", "200"),
        ("/api/version", "", "200"),
        ("/api/tasks", "member", "200"),
        ("/api/tasks", "", "401"),
        ("/api/projects", "colleague", "200"),
        ("/api/report", "member", "200"),
        ("/api/me", "probe", "200"),
        ("/api/admin", "member", "403"),
        ("/api/admin", "", "401"),
        ("/nothing", "", "404"),
    ],
)
def test_api_answers(raw: Raw, path: str, user: str, status: str) -> None:
    """Each route of the API gives its status."""
    assert raw.get(path, user).startswith(status)


def test_every_address_is_given(running: Stack) -> None:
    """What the packaged prodcheck.toml refers to is there, and nothing is empty."""
    named = {
        word.split('"')[0] for word in (ROOT / "pytest_prodcheck/demo/prodcheck.toml").read_text().split('"demo:')[1:]
    }
    assert named
    assert named <= {name for name, value in running.addresses.items() if value}


def test_rows_are_the_callers_own(raw: Raw) -> None:
    """Row-level security applies through the API and through GraphQL, for both users."""
    for user, own, others in (("member", MEMBER, COLLEAGUE), ("colleague", COLLEAGUE, MEMBER)):
        for answer in (raw.get("/api/tasks", user), raw.graphql("{ tasks { user_id } }", user)):
            assert own in answer
            assert others not in answer


def test_engine_admin_sees_everything(raw: Raw) -> None:
    """The admin secret lifts the row filter, as Hasura's does."""
    answer = raw.graphql("{ tasks { user_id } }", "admin")
    assert MEMBER in answer
    assert COLLEAGUE in answer


def test_reader_cannot_write(raw: Raw) -> None:
    """The gate's role may read and not write."""
    assert raw.sql("select count(*) from tasks") == "[(24,)]"
    assert raw.sql("delete from tasks returning 1").startswith("42501")


def test_password_is_checked(running: Stack) -> None:
    """A wrong password is refused: the server does not trust everybody."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(running.addresses["reader_dsn"].replace("reader:", "reader:x"))


def test_engine_has_the_shapes_of_hasura(raw: Raw) -> None:
    """Health, version, metadata, unknown resources and missing tokens are answered as Hasura answers them."""
    assert raw.get("/healthz", host="graphql_url").endswith("OK")
    assert '"server_type"' in raw.get("/v1/version", host="graphql_url")
    assert '"is_consistent":true' in raw.metadata()
    assert "resource does not exist" in raw.get("/v1/graphql", host="graphql_url")
    missing = raw.graphql("{ tasks { id } }", "")
    assert missing.startswith("200")
    assert "invalid-headers" in missing


def test_token_endpoint_refuses_as_rfc_6749_says(raw: Raw) -> None:
    """Wrong client, unknown grant and wrong password have their own errors."""
    url = raw.addresses["issuer"].replace("/demo/", "/token/")
    client = (raw.addresses["client_id"], raw.addresses["client_secret"])
    assert "invalid_client" in raw.ask("POST", url, data={"grant_type": "client_credentials"}, auth=("x", "y"))
    assert "unsupported_grant_type" in raw.ask("POST", url, data={"grant_type": "magic"}, auth=client)
    form = {"grant_type": "password", "username": "carl", "password": "wrong"}
    assert "invalid_grant" in raw.ask("POST", url, data=form, auth=client)


def test_child_gets_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child sees PATH, HOME, LANG, TMPDIR and PYTHONPATH, and no secret of the user's."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@production/db")
    with Stack.start() as stack:
        seen = {entry.split(b"=")[0] for entry in Path(f"/proc/{stack.pid}/environ").read_bytes().split(b"\0") if entry}
    assert seen <= {b"PATH", b"HOME", b"LANG", b"TMPDIR", b"PYTHONPATH"}


def test_stop_leaves_nothing() -> None:
    """After stop, also when called twice, there is no process, no file and no database."""
    stack = Stack.start()
    stack.stop()
    stack.stop()
    assert leftovers(stack.pid, dict(stack.addresses)) == []


def test_exception_leaves_nothing() -> None:
    """An exception in the body of the context manager ends the demo."""
    with pytest.raises(ZeroDivisionError), Stack.start() as stack:
        raise ZeroDivisionError
    assert leftovers(stack.pid, dict(stack.addresses)) == []


def test_crash_of_the_parent_leaves_nothing() -> None:
    """A parent that exits without stopping the demo takes it along."""
    parent, pid, addresses = start_in_a_script("raise SystemExit(1)")
    finish(parent)
    assert wait_until_gone(pid, addresses) == []


def test_sigkill_of_the_parent_leaves_nothing() -> None:
    """A parent that is killed takes the demo along."""
    parent, pid, addresses = start_in_a_script("time.sleep(60)")
    os.kill(parent.pid, signal.SIGKILL)
    finish(parent)
    assert wait_until_gone(pid, addresses) == []


def test_unknown_fault_names_the_nearest() -> None:
    """A misspelt fault is refused with the name that was meant, before anything starts."""
    with pytest.raises(RuntimeError, match="did you mean database-password"):
        Stack.start("database-pasword")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the message says what to install."""
    monkeypatch.setattr(module, "PACKAGES", ("starlette", "no_such_package"))
    with pytest.raises(RuntimeError, match=r"no_such_package: pip install 'pytest-prodcheck\[demo\]'"):
        Stack.start()


def test_failed_start_quotes_the_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child that does not come up is quoted."""
    (tmp_path / "trustme.py").write_text("raise ImportError('this trustme is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"(?s)ended before it was ready.*this trustme is broken"):
        Stack.start()


def test_start_has_a_deadline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child that never says that it is ready is ended at the deadline."""
    (tmp_path / "trustme.py").write_text("import time; time.sleep(2)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(module, "START_SECONDS", 0.5)
    with pytest.raises(RuntimeError, match=r"not ready within 0\.5 s"):
        Stack.start()


def test_an_interrupted_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ctrl-C while the child is not up yet ends it, too."""
    said = tmp_path / "pid"
    (tmp_path / "trustme.py").write_text(
        f"import os, pathlib, time; pathlib.Path({str(said)!r}).write_text(f'{{os.getpid()}} '); time.sleep(20)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def interrupt() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if said.exists() and said.read_text().endswith(" "):
                return os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        return None

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        Stack.start()
    interrupting.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(said.read_text()), 0)


def test_a_server_that_does_not_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PostgreSQL with a setting that it refuses says so, and its files are gone."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)  # as root, PostgreSQL runs as another user
        monkeypatch.setattr(tempfile, "tempdir", place)
        with pytest.raises(RuntimeError, match=r"(?s)did not start.*shared_buffers"):
            Postgres({"shared_buffers": "none"})
        assert list(Path(place).iterdir()) == []
