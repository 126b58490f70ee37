"""What a Docker daemon may say or not say: refusals, silence, nonsense and malice each have one clear end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import docker_stand_in
import pytest

from pytest_prodcheck.config.compose.model import ComposeFile, Service
from pytest_prodcheck.config.models.compose import ComposeTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria.containers import daemon
from pytest_prodcheck.criteria.containers.case import Case
from pytest_prodcheck.criteria.containers.running import running
from pytest_prodcheck.errors import ConfigError, Refused
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.targets.compose import snapshot as module
from pytest_prodcheck.targets.compose.prober import ComposeProber
from pytest_prodcheck.targets.docker.api import DockerApi

FILE = ComposeFile(("docker-compose.yml",), "shop", {"app": Service("app", "docker-compose.yml:2", "app:1")})
VERSION = {"ApiVersion": "1.41", "Version": "20.10.24"}
LABELS = {"com.docker.compose.project": "shop"}
ONE = {"Id": "a1", "Names": ["/shop_app_1"], "Labels": LABELS}


def ready(address: str, timeout: float = 5.0) -> Evidence:
    """What a prober sees of the daemon."""
    prober = ComposeProber("cluster", ComposeTarget(docker=address, timeout=timeout), FILE, Redactor().clean)
    try:
        return prober.ready()
    finally:
        prober.close()


def code(evidence: Evidence) -> str:
    """The cause that keeps checks from looking; empty where they can."""
    return next((one.code for one in daemon.ready("cluster", evidence)), "")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, "cluster.docker.unreachable"),
        ({"/version": (500, {"message": "out of order"})}, "cluster.docker.unreachable"),
        ({"/version": (403, {"message": "denied by policy"})}, "cluster.docker.forbidden"),
        ({"/version": (200, b"<html>a proxy</html>")}, "cluster.docker.unreachable"),
        ({"/version": (200, b"\xff\xfe")}, "cluster.docker.unreachable"),
        ({"/version": (200, [1, 2])}, "cluster.docker.unreachable"),
        ({"/version": (200, b"[" * 100_000)}, "cluster.docker.unreachable"),
        ({"/version": (200, b" " * 21_000_000)}, "cluster.docker.unreachable"),
        ({"/version": (200, {"ApiVersion": "1.18"})}, "cluster.docker.too_old"),
        ({"/version": (200, {"ApiVersion": "new"})}, "cluster.docker.too_old"),
        ({"/version": (200, VERSION)}, "cluster.docker.unreachable"),
        ({"/version": (200, VERSION), "/containers/json": (403, {"message": "no"})}, "cluster.docker.forbidden"),
        ({"/version": (200, VERSION), "/containers/json": (200, {"a": 1})}, "cluster.docker.unreachable"),
        ({"/version": (200, VERSION), "/containers/json": (200, [ONE]), "/containers/a1/json": (403, {})},
         "cluster.docker.forbidden"),
        ({"/version": (200, VERSION), "/containers/json": (200, [{**ONE, "Id": "../x"}])},
         "cluster.docker.unreachable"),
        ({"/version": (200, VERSION), "/containers/json": (200, [ONE])}, ""),
        ({"/version": (200, VERSION), "/containers/json": (200, [])}, ""),
    ],
)  # fmt: skip
def test_a_daemon_says_no_or_nonsense(tmp_path: Path, answers: docker_stand_in.Answers, expected: str) -> None:
    """Forbidden is blocked, nonsense is no answer, a container that went away in between is none."""
    with docker_stand_in.stand_in(tmp_path, answers) as (address, _):
        assert code(ready(address)) == expected


def test_a_daemon_that_drips_is_cut_off(tmp_path: Path) -> None:
    """The whole answer has its deadline, not each of its bytes."""
    with docker_stand_in.stand_in(tmp_path, {"/version": (200, 0.05)}) as (address, _):
        began = time.monotonic()
        evidence = ready(address, timeout=1.0)
    assert time.monotonic() - began < 5
    assert evidence.observations[-1].error == "timeout"
    assert code(evidence) == "cluster.docker.unreachable"


def test_nobody_listens(tmp_path: Path) -> None:
    """No socket, a socket that nobody holds, a port that is closed: the system's own words."""
    assert ready(f"unix://{tmp_path}/none.sock").observations[-1].message == "No such file or directory"
    with docker_stand_in.stand_in(tmp_path, {}) as (address, _):
        pass
    assert ready(address).observations[-1].message == "Connection refused"
    assert code(ready("tcp://127.0.0.1:1")) == "cluster.docker.unreachable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user, whom a socket refuses")
def test_a_socket_that_is_not_ours_is_forbidden(tmp_path: Path) -> None:
    """Permission denied is blocked, with the socket's name: never an empty list, never green."""
    script = (
        "import os, sys\n"
        "from pytest_prodcheck.targets.docker.api import DockerApi\n"
        "api = DockerApi('cluster', sys.argv[1], 2)\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "seen = api.version().observation\n"
        "print(seen.error, seen.data['reason'], seen.message, sep='|')\n"
    )
    with docker_stand_in.stand_in(tmp_path, {"/version": (200, VERSION)}) as (address, _):
        Path(address.removeprefix("unix://")).chmod(0o660)
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(folder.stat().st_mode | 0o055)
        done = subprocess.run([sys.executable, "-c", script, address], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "tcp.refused|PermissionError|Permission denied"


@pytest.mark.parametrize("nothing", [None, 1, "x", [], {}, [[[]]], {"State": 1, "Config": [], "Mounts": {}}])
def test_documents_of_any_shape_are_read(tmp_path: Path, nothing: Any) -> None:
    """An inspection that is none gives a container of which nothing is known: it does not run, and that is said."""
    listed = {**ONE, "Ports": nothing, "Names": nothing}
    answers = {"/version": (200, VERSION), "/containers/json": (200, [listed, nothing, "x"]),
               "/containers/a1/json": (200, nothing)}  # fmt: skip
    with docker_stand_in.stand_in(tmp_path, answers) as (address, _):
        seen = ready(address).facts["containers"]
    assert len(seen.containers) == 1
    assert running(Case(seen, FILE, FILE.services["app"], "cluster"))[0].code == "cluster.compose.service_absent"


def test_wrong_types_inside_are_nothing(tmp_path: Path) -> None:
    """Numbers as texts, texts as numbers, infinite ones: each is left out by itself."""
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "app"}
    document = {
        "Id": 7, "Name": None, "RestartCount": "many", "Created": "yesterday",
        "State": {"Status": "exited", "ExitCode": 1e400, "OOMKilled": "yes", "StartedAt": "9999-99-99", "Health": []},
        "Config": {"Labels": labels, "Healthcheck": {"Test": "curl"}},
        "HostConfig": {"Memory": "1g", "NanoCpus": None, "LogConfig": 3},
        "NetworkSettings": {"Ports": {"x/tcp": [{"HostPort": 5}], "80/tcp": None, "81/tcp": [{"HostPort": "y"}]}},
        "Mounts": [3, None, {"Destination": 4}],
    }  # fmt: skip
    body = __import__("json").dumps(document).replace("Infinity", "1e400").encode()
    answers = {"/version": (200, VERSION), "/containers/json": (200, [ONE]), "/containers/a1/json": (200, body),
               "/containers/a1/logs": (200, b"")}  # fmt: skip
    with docker_stand_in.stand_in(tmp_path, answers) as (address, _):
        (one,) = ready(address).facts["containers"].of("app")
    assert (one.id, one.restarts, one.exit_code, one.oom_killed, one.memory, one.ports) == ("", 0, 0, False, 0, ())


def test_what_a_container_says_reaches_no_terminal_raw(tmp_path: Path) -> None:
    """Escapes and control characters are taken out, invalid UTF-8 is replaced, long lines are cut."""
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "app"}
    document = {"Id": "a1", "Name": "/a", "State": {"Status": "exited", "ExitCode": 1}, "Config": {"Labels": labels}}
    said = b"\x1b[31mError\x1b[0m: \x07bad\xff" + b"x" * 3000 + b"\n"
    frame = b"\1\0\0\0" + len(said).to_bytes(4, "big") + said
    answers = {"/version": (200, VERSION), "/containers/json": (200, [ONE]), "/containers/a1/json": (200, document),
               "/containers/a1/logs": (200, frame)}  # fmt: skip
    with docker_stand_in.stand_in(tmp_path, answers) as (address, _):
        (one,) = ready(address).facts["containers"].of("app")
    assert one.log[0].startswith("Error: bad�xxx")
    assert len(one.log[0]) == 500


def test_secrets_of_an_environment_are_left_there(tmp_path: Path) -> None:
    """An inspection shows them all; what is kept has none."""
    document = {"Id": "a1", "State": {"Status": "running"}, "Config": {"Env": ["PASSWORD=hunter2"], "Labels": {}}}
    answers = {"/version": (200, VERSION), "/containers/json": (200, [ONE]), "/containers/a1/json": (200, document)}
    with docker_stand_in.stand_in(tmp_path, answers) as (address, _):
        assert "hunter2" not in repr(ready(address))


def test_containers_beyond_those_that_are_inspected_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project of many: some are inspected, of the others it is known that they are there."""
    monkeypatch.setattr(module, "_MANY", 3)
    many = [{**ONE, "Id": f"a{number}", "Names": [f"/shop_app_{number}"]} for number in range(5)]
    labels = {**LABELS, "com.docker.compose.service": "app"}
    many = [{**one, "Labels": labels} for one in many]
    document = {"Id": "a", "State": {"Status": "running"}, "Config": {"Labels": labels}}
    answers: dict[str, Any] = {"/version": (200, VERSION), "/containers/json": (200, many)}
    answers |= {f"/containers/a{number}/json": (200, document) for number in range(5)}
    with docker_stand_in.stand_in(tmp_path, answers) as (address, _):
        seen = ready(address).facts["containers"]
    assert len(seen.of("app")) == 3
    assert [one.name for one in seen.unseen_of("app")] == ["shop_app_3", "shop_app_4"]


def test_the_api_of_both_is_spoken(tmp_path: Path) -> None:
    """An older daemon is asked in its own version, a newer one in the newest that is known."""
    for version, prefix in (("1.30", "/v1.30"), ("1.99", "/v1.47")):
        folder = tmp_path / version
        folder.mkdir()
        answers = {"/version": (200, {"ApiVersion": version}), "/containers/json": (200, [])}
        with docker_stand_in.stand_in(folder, answers) as (address, got):
            ready(address)
        assert got[:2] == ["GET /version", f"GET {prefix}/containers/json?all=true"]


def test_the_transport_itself_refuses(tmp_path: Path) -> None:
    """Also what the SDK is told directly: nothing but listed reads leaves."""
    with docker_stand_in.stand_in(tmp_path, {"/version": (200, VERSION)}) as (address, got):
        api = DockerApi("cluster", address, 2)
        for act in (
            lambda: api._client.remove_container("app", force=True),
            lambda: api._client.create_container("app"),
            lambda: api._client.get_archive("app", "/etc/shadow"),
            lambda: api._client.exec_create("app", "sh"),
            lambda: api.get("/containers/app/export"),
        ):
            with pytest.raises(Refused, match="refused, not sent: docker"):
                act()
        api.close()
        assert (got, api.sent, api.refused) == ([], 0, 1)


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("ssh://host", "ssh:// is no address of a daemon that can be read: use unix:// or tcp://"),
        ("http://host", "http:// is no address"),
        ("tcp://", "no client for it"),
    ],
)
def test_an_address_that_is_none_is_said(address: str, part: str) -> None:
    """Before anything is asked, with what to do instead."""
    with pytest.raises(ConfigError) as raised:
        DockerApi("cluster", address, 1)
    assert part in str(raised.value)


def test_the_usual_variable_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_HOST, where no address is declared."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/mine.sock")
    api = DockerApi("cluster", "", 1)
    api.close()
    assert api.address == f"unix://{tmp_path}/mine.sock"
