"""Throwaway environments on a real daemon: containers up, set up, gated, and gone, whatever becomes of the run."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker_daemon
import postgres_image
import pytest
from throwaway_runs import begun, left, until
from throwaway_runs import verdict as verdict_of

CONFIG = """[env.ci]
kind = "local"
deadline = "150s"
[env.ci.containers]
database = { image = "prodcheck-test/postgres:1", port = 5432, env = { POSTGRES_DB = "plan" } }
setup = "SETUP"
[env.ci.containers.app]
image = "prodcheck-test/base:1"
port = 8000
ready = "/health"
timeout = "60s"
command = ["sh", "-c", "COMMAND"]
env = { DATABASE_URL = "container:database" }
[env.ci.http]
url = "container:app"
endpoints.health = { path = "/health", expect = "ok" }
[env.ci.database]
dsn = "container:database"
tables = ["tasks"]
queries.tasks = { sql = "select count(*) from tasks", expect = 1 }
"""
ONE = """[env.ci]
kind = "local"
deadline = "150s"
[env.ci.containers]
setup = "SETUP"
[env.ci.containers.app]
image = "prodcheck-test/base:1"
port = 8000
ready = "/health"
timeout = "60s"
command = ["sh", "-c", "COMMAND"]
[env.ci.http]
url = "{container:app}"
endpoints.health = { path = "/health", expect = "ok" }
"""
SERVE = "echo $DATABASE_URL > /www/url; exec httpd -f -p 8000 -h /www"
MIGRATE = """import os, pathlib, psycopg
with pathlib.Path("ran").open("a") as log:
    log.write(os.environ["DATABASE_URL"] + " " + os.environ["APP_PORT"] + "\\n")
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("create table tasks(id int primary key)")
    connection.execute("insert into tasks values (1)")
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A daemon with the images."""
    with docker_daemon.daemon() as found:
        postgres_image.made(found)
        yield found


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    """Looks what is left on the daemon; everything is gone afterwards."""
    import docker

    found = docker.DockerClient(base_url=address, version="1.41")
    with contextlib.closing(found):
        yield found
        for one in found.containers.list(all=True, ignore_removed=True):
            one.remove(force=True)


def written(folder: Path, config: str = CONFIG, command: str = SERVE, setup: str = "") -> None:
    """Writes the project."""
    ran = setup or f"{sys.executable} migrate.py"
    (folder / "migrate.py").write_text(MIGRATE)
    (folder / "prodcheck.toml").write_text(config.replace("COMMAND", command).replace("SETUP", ran))


def gate(folder: Path, address: str, *more: str, **env: str) -> tuple[int, str, Mapping[str, Any]]:
    """Exit status, output, and verdict of a gate."""
    process = begun(folder, address, *more, **env)
    output, _ = process.communicate(timeout=180)
    return process.returncode, output, verdict_of(folder)


def test_a_whole_environment_is_gated_and_gone(address: str, client: Any, tmp_path: Path) -> None:
    """The database is set up by its own command, the application knows its address, the suites pass, nothing stays."""
    written(tmp_path)
    status, output, verdict = gate(tmp_path, address)
    assert (status, verdict["verdict"]) == (0, "pass"), output
    assert {check["id"].partition("::")[2] for check in verdict["checks"]} >= {
        "http::test_endpoint[health]", "database::test_tables", "database::test_query[tasks]",
    }  # fmt: skip
    assert left(client) == []


def test_setup_runs_once_also_with_workers(address: str, client: Any, tmp_path: Path) -> None:
    """Two workers, one owner, one environment; and the password that it made up is in no output."""
    written(tmp_path)
    status, output, verdict = gate(tmp_path, address, "-n", "2", "--junitxml=junit.xml")
    assert status == 0, output
    (line,) = (tmp_path / "ran").read_text().splitlines()
    password = line.partition("postgres:")[2].partition("@")[0]
    assert len(password) == 32
    assert password not in output + json.dumps(verdict) + (tmp_path / "junit.xml").read_text()
    assert left(client) == []


def test_a_red_gate_quotes_the_containers_log(address: str, client: Any, tmp_path: Path) -> None:
    """What the server behind a failed check said stands with the evidence of its cause."""
    written(tmp_path, setup="true")
    status, output, verdict = gate(tmp_path, address)
    assert status == 1, output
    (cause,) = [one for one in verdict["causes"] if one["code"] == "database.schema.table_missing"]
    assert any(line.startswith("container database running: ") and "tasks" in line for line in cause["evidence"]), cause
    assert left(client) == []


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"setup": "false"}, ["containers.setup: 'false' ended with exit status 1: nothing was checked"]),
        ({"setup": "no-such-program"}, ["'no-such-program' cannot be run: No such file or directory"]),
        ({"setup": "sh -c 'echo relation exists already; exit 3'"}, ["exit status 3", "relation exists already"]),
        ({"config": ONE.replace("base:1", "absent:1")},
         ["container app (prodcheck-test/absent:1) could not be started"]),
        ({"command": "echo cannot bind; exit 3"},
         ["container app (prodcheck-test/base:1) exited with 3 before it was ready", "cannot bind"]),
        ({"command": "sleep 100", "config": ONE.replace('"60s"', '"1s"')},
         ["container app (prodcheck-test/base:1) was not ready within 1 s"]),
        ({"config": ONE.replace('"150s"', '"15s"'), "setup": "sleep 90"}, ["did not end within"]),
    ],
)  # fmt: skip
def test_what_does_not_come_up_is_a_usage_error(
    address: str, client: Any, tmp_path: Path, change: dict[str, str], parts: list[str]
) -> None:
    """Exit 4 with the reason and the last words; nothing was checked, nothing stays."""
    written(tmp_path, **{"config": ONE, **change})
    status, output, verdict = gate(tmp_path, address)
    assert status == 4, output
    assert verdict["verdict"] == "unfinished"
    assert [part for part in parts if part not in output] == []
    assert left(client) == []


def test_no_daemon_is_one_clear_usage_error(tmp_path: Path) -> None:
    """Exit 4: what needs Docker, where it was looked for, what to do."""
    written(tmp_path)
    status, output, _ = gate(tmp_path, f"unix://{tmp_path}/none.sock")
    assert status == 4
    assert f"[containers] needs Docker, and the daemon at unix://{tmp_path}/none.sock gives no answer" in output
    assert "start it, or set DOCKER_HOST" in output


def test_a_plan_starts_nothing(address: str, client: Any, tmp_path: Path) -> None:
    """--prodcheck-plan and --collect-only ask no daemon."""
    written(tmp_path)
    for option in ("--prodcheck-plan", "--collect-only"):
        process = begun(tmp_path, f"unix://{tmp_path}/none.sock", option)
        output, _ = process.communicate(timeout=90)
        assert process.returncode == 0, output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
@pytest.mark.parametrize("moment", ["setup", "start"])
def test_nothing_stays_after_an_end_by_force(
    address: str, client: Any, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    """Ctrl-C, SIGTERM, SIGKILL; while containers start and while they are set up."""
    written(tmp_path, ONE, SERVE if moment == "setup" else "sleep 60", "sh -c 'touch began; sleep 60'")
    process = begun(tmp_path, address)
    until(
        lambda: (tmp_path / "began").exists() if moment == "setup" else client.containers.list(ignore_removed=True), 90
    )
    process.send_signal(number)
    process.communicate(timeout=90)
    until(lambda: left(client) == [], 60)
    assert process.returncode != 0


def test_ryuk_is_used_where_it_can_be_had(address: str, client: Any, tmp_path: Path) -> None:
    """The image here is a stand-in for Ryuk, which no registry can give us: it answers as Ryuk's protocol does."""
    script = 'echo "Started!"; while true; do nc -l -p 8080 -e sh -c "read line; echo ACK; cat >/dev/null"; done'
    root = docker_daemon.root_of(shutil.which("busybox") or "")
    docker_daemon.imported(
        address, "prodcheck-test/ryuk:1", root, (f'CMD ["sh", "-c", {json.dumps(script)}]', "EXPOSE 8080")
    )
    written(tmp_path, ONE, setup="true")
    known = {"TESTCONTAINERS_RYUK_DISABLED": "false", "RYUK_CONTAINER_IMAGE": "prodcheck-test/ryuk:1"}
    status, output, verdict = gate(tmp_path, address, **known)
    assert status == 0, output
    assert not [note for note in verdict["notes"] if "Ryuk" in note]
    assert [one for one in left(client) if "testcontainers-ryuk" not in one] == []


def test_without_ryuks_image_our_own_process_does_it(address: str, client: Any, tmp_path: Path) -> None:
    """It is wanted and cannot be had: said in a note, and nothing stays all the same."""
    written(tmp_path, ONE, setup="true")
    known = {"TESTCONTAINERS_RYUK_DISABLED": "false", "RYUK_CONTAINER_IMAGE": "prodcheck-test/no-ryuk:1"}
    status, output, verdict = gate(tmp_path, address, **known)
    assert status == 0, output
    assert [note for note in verdict["notes"] if "Ryuk was not started" in note and "our own process" in note]
    assert left(client) == []
