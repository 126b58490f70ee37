"""Every fault of a compose deployment, produced on a real daemon by a real `docker-compose`
(A45, B28, B29, B42–B45, B50, B51, B59, C2, C8, C9, C36)."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker_daemon
import pytest
import yaml

from pytest_prodcheck.config.compose.model import ComposeFile
from pytest_prodcheck.config.compose.reader import read
from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.config.models.compose import ComposeTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria.containers import health, promised, running, usage
from pytest_prodcheck.criteria.containers.case import Case
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.observe.containers import Containers as Seen
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.log import Digest
from pytest_prodcheck.targets.compose.prober import ComposeProber
from pytest_prodcheck.targets.docker import logs
from pytest_prodcheck.targets.logs.containers import Containers
from pytest_prodcheck.targets.logs.prober import LogsProber

UNIT = Path(__file__).parents[1] / "unit" / "criteria"
FAULTS: dict[str, Any] = yaml.safe_load((UNIT / "compose_faults.yaml").read_text())
_HYGIENE = {
    "cluster.compose.limit_missing", "cluster.compose.log_unbounded", "cluster.compose.health_check_missing",
}  # fmt: skip
"""What nearly every service of the file shows, and one test is about."""
_PROJECT = "shop"


class Deployment:
    """The project as it was started, and what is promised of it."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        self.file: ComposeFile = read([folder / "docker-compose.yml"], {}, _PROJECT)
        self.table = ComposeTarget(
            docker=address, compose=("docker-compose.yml",), memory="< 1%", cpu="< 90%", disk="< 1kB"
        )
        self.prober = ComposeProber("cluster", self.table, self.file, Redactor().clean)
        self.ready: Evidence = self.prober.ready()
        self.seen: Seen = self.ready.facts["containers"]

    def found(self, service: str) -> list[Finding]:
        """Everything that the criteria of a service find."""
        case = Case(self.seen, self.file, self.file.services[service], "cluster")
        if self.file.services[service].optional and not case.containers:
            return []
        return [*running.running(case), *health.health(case), *promised.ports(case), *promised.promised(case)]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Started from `file`, damaged, and promised as `edited` says."""
    folder = tmp_path_factory.mktemp("shop")
    other = tmp_path_factory.mktemp("other")
    busybox = shutil.which("busybox") or ""
    with docker_daemon.daemon() as address:
        for name in ("prodcheck-test/moving:1", "prodcheck-test/gone:1"):
            docker_daemon.imported(address, name, docker_daemon.root_of(busybox, {"etc/name": name}))
        (folder / "docker-compose.yml").write_text(FAULTS["file"])
        docker_daemon.compose(address, folder, "-p", _PROJECT, "up", "-d")
        docker_daemon.compose(address, folder, "-p", _PROJECT, "pause", "paused")
        docker_daemon.compose(address, folder, "-p", _PROJECT, "kill", "killed")
        (other / "docker-compose.yml").write_text(
            "version: '3'\nservices:\n  elsewhere: {image: 'prodcheck-test/base:1', command: [sleep, '1000'], "
            "ports: ['18934:80']}\n"
        )
        docker_daemon.compose(address, other, "-p", "other", "up", "-d")
        docker_daemon.imported(address, "prodcheck-test/moving:1", docker_daemon.root_of(busybox, {"etc/name": "new"}))
        docker_daemon.imported(address, "prodcheck-test/gone:1", docker_daemon.root_of(busybox, {"etc/name": "newer"}))
        _untag(address, "prodcheck-test/gone:1")
        (folder / "docker-compose.yml").write_text(FAULTS["edited"])
        yield _settled(address, folder)


def _untag(address: str, name: str) -> None:
    import docker

    client = docker.APIClient(base_url=address, version="1.41")
    client.remove_image(name)
    client.close()


def _settled(address: str, folder: Path) -> Deployment:
    """The deployment when its health checks have failed and its loops have turned.

    A busy daemon misses the kernel's word of an OOM kill at times: what was killed is then started once more.
    """
    end = time.monotonic() + 90
    while True:
        found = Deployment(address, folder)
        states = {one.service: one for one in found.seen.containers}
        unwell = all(states[name].health == "unhealthy" for name in ("curl", "shell", "sick"))
        well = all(states[name].health == "healthy" for name in ("app", "loopback"))
        turned = states["loop"].restarts > 1 and states["hog"].oom_killed
        if (unwell and well and turned) or time.monotonic() > end:
            return found
        found.prober.close()
        if states["hog"].status == "exited" and not states["hog"].oom_killed:
            docker_daemon.compose(address, folder, "-p", _PROJECT, "start", "hog")
        time.sleep(0.3)


@pytest.mark.parametrize("service", FAULTS["shows"])
def test_every_fault_shows(deployment: Deployment, service: str) -> None:
    """Its code, with the words that name what is wrong; and nothing else."""
    found = [one for one in deployment.found(service) if one.code not in _HYGIENE]
    shown = FAULTS["shows"][service]
    assert {one.code for one in found} == set(shown), [one.message for one in found]
    for code, part in shown.items():
        assert any(part.replace("PROJECT", _PROJECT) in one.message for one in found if one.code == code), found


def test_every_difference_is_named(deployment: Deployment) -> None:
    """Limits and mounts that differ are a finding each (B51)."""
    assert {one.data["what"] for one in deployment.found("limits") if "what" in one.data} == {
        "memory limit", "memory reservation", "limit of processors",
    }  # fmt: skip
    assert {one.data["what"] for one in deployment.found("mounts") if "what" in one.data} == {
        "mount at /data", "mount at /etc/app",
    }  # fmt: skip


def test_what_is_missing_is_a_warning(deployment: Deployment) -> None:
    """No health check, no limit, a log without an end: of a service that has none of them, and not of one that has
    (C36)."""
    assert {one.code: one.severity for one in deployment.found("ports") if one.code in _HYGIENE} == dict.fromkeys(
        _HYGIENE, "warning"
    )
    assert deployment.found("app") == []


def test_restarts_have_their_rate(deployment: Deployment) -> None:
    """How often an hour, from the daemon's own clock (B42)."""
    (looping,) = [one for one in deployment.found("loop") if one.code == "cluster.container.crash_loop"]
    assert looping.data["restarts"] > 1
    assert looping.data["per_hour"] > 100
    assert looping.data["exit_code"] == 3


def test_usage_is_held_against_its_limits(deployment: Deployment) -> None:
    """Memory of its limit, processors, and what Docker keeps on the disk (B37, B49, B52, D28)."""
    one = deployment.seen.of("app")[0]
    deployment.prober._seen = Seen(deployment.seen.now, "", "", (one,))
    evidence = deployment.prober.probe("test_compose_usage", "", "", 1)
    found = usage.usage(evidence.facts["usage"], evidence.facts["disk"], deployment.table, "cluster")
    deployment.prober._seen = deployment.seen
    (seen,) = evidence.facts["usage"]
    assert seen.limit == 64 * 1024 * 1024
    assert seen.cpu is not None
    assert 0 <= seen.cpu < 1
    assert {one.code for one in found} <= {"cluster.container.memory_high", "cluster.docker.disk_used"}
    assert "cluster.docker.disk_used" in {one.code for one in found}


def test_a_log_is_read_by_stream_and_time(deployment: Deployment) -> None:
    """Standard output and error apart, since a moment, at most so many bytes."""
    one = deployment.seen.of("db")[0]
    whole = logs.read(deployment.prober.api, one.id)
    assert set(whole.lines) == {
        ("stdout", "starting"), ("stderr", "FATAL: database files are incompatible with server"), ("stdout", "bye"),
    }  # fmt: skip
    assert logs.read(deployment.prober.api, one.id, since=one.finished_at + 5).lines == ()
    cut = logs.read(deployment.prober.api, one.id, at_most=20)
    assert not cut.whole
    assert logs.read(deployment.prober.api, one.id, tail=1).lines != whole.lines


def test_a_terminal_has_one_stream(deployment: Deployment) -> None:
    """What is not framed is all standard output; a line is cut where the stream cuts it."""
    assert list(logs.lines(b"one\r\ntwo")) == [("stdout", "one"), ("stdout", "two")]
    assert list(logs.lines(b"\1\0\0\0\0\0\0\2on\2\0\0\0\0\0\0\4bad\n\1\0\0\0\0\0\0\2e\n\1\0\0")) == [
        ("stderr", "bad"), ("stdout", "one"),
    ]  # fmt: skip


def digest(deployment: Deployment, page: int = 1_000_000, **keys: Any) -> Digest:
    """What a logs target of the project reads."""
    table = LogsTarget(since="10m", **keys)
    cluster = ClusterTarget(compose=("docker-compose.yml",), docker=deployment.address)
    prober = LogsProber("logs", table, Folder, Containers("logs", table, cluster, _PROJECT, page))
    assert not any(seen.message for seen in prober.ready().observations)
    found: Digest = prober.probe("", "", "", 1).facts["digest"]
    return found


def test_the_projects_logs_are_a_source(deployment: Deployment) -> None:
    """All of its containers, both streams, of those that ended, too; a driver that keeps nothing is a gap (B29, C9)."""
    found = digest(deployment)
    streams = {stream.name: stream.lines for stream in found.streams}
    assert streams[f"{_PROJECT}_db_1"] == 3
    assert streams[f"{_PROJECT}_chatty_1"] == 3000
    assert "other_elsewhere_1" not in streams
    assert any("asyncpg" in group.line for group in found.groups)
    assert {gap.origin: gap.reason for gap in found.gaps} == {f"{_PROJECT}_mute_1": "unreadable"}


def test_a_long_log_is_read_page_by_page(deployment: Deployment) -> None:
    """The same lines, no one twice, whatever a page holds; only of the services that are named."""
    found = digest(deployment, page=10_000, containers=("chatty", "db"))
    assert {stream.name: stream.lines for stream in found.streams} == {
        f"{_PROJECT}_chatty_1": 3000, f"{_PROJECT}_db_1": 3,
    }  # fmt: skip
    assert found.gaps == ()


def test_a_bound_is_a_gap(deployment: Deployment) -> None:
    """What `at_most` leaves out is not silence."""
    found = digest(deployment, containers=("chatty",), at_most="<= 4kB")
    assert [gap.reason for gap in found.gaps] == ["bytes"]


def test_no_value_of_an_environment_is_kept(deployment: Deployment) -> None:
    """The daemon shows every secret of every container; of them nothing is in what we keep."""
    assert "PATH=" not in repr(deployment.seen)


def test_only_reads_were_sent(deployment: Deployment) -> None:
    """A snapshot is a list, and one inspection a container of the project: what others run is not inspected."""
    asked = [one.operation for one in deployment.ready.observations]
    assert all(operation.startswith("GET /") for operation in asked)
    assert sum(operation.startswith("GET /containers/") for operation in asked) == len(deployment.seen.containers) + 1
    assert deployment.prober.sent["refused"] == 0


if os.environ.get("PRODCHECK_RECORD"):

    def test_record(deployment: Deployment) -> None:
        """`PRODCHECK_RECORD=1` writes anew what the daemon said, for the tests that need none."""
        api = deployment.prober.api
        documents = [api.get(f"/containers/{one.id}/json").content for one in deployment.seen.containers]
        recorded = {
            "now": deployment.seen.now,
            "version": deployment.seen.version,
            "inspected": [_read_of(document, _READ) for document in documents],
            "closed": sorted({one.name for one in deployment.seen.containers if one.closed}),
            "logs": {one.name: one.log for one in deployment.seen.containers if one.log},
            "others": [_read_of(one, _LISTED) for one in api.get("/containers/json").content if "other" in str(one)],
            "images": deployment.seen.images,
        }
        assert {one["Name"] for one in recorded["inspected"]} >= {"/shop_app_1", "/shop_hog_1"}
        (UNIT / "compose_recorded.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


_READ: Mapping[str, Any] = {
    "Id": {}, "Name": {}, "Image": {}, "Created": {}, "RestartCount": {}, "State": {},
    "Config": {"Image": {}, "Env": {}, "Healthcheck": {}, "Labels": {
        f"com.docker.compose.{name}": {} for name in ("project", "service", "oneoff", "project.config_files")
    }},
    "HostConfig": {"LogConfig": {}, "RestartPolicy": {}, "Memory": {}, "MemoryReservation": {}, "NanoCpus": {}},
    "Mounts": [{"Type": {}, "Name": {}, "Destination": {}}], "NetworkSettings": {"Ports": {}},
}  # fmt: skip
_LISTED: Mapping[str, Any] = {"Names": {}, "State": {}, "Ports": {}, "Labels": _READ["Config"]["Labels"]}
"""What is read of a document; the rest is of that machine."""


def _read_of(document: Any, wanted: Any) -> Any:
    if isinstance(wanted, list):
        return [_read_of(one, wanted[0]) for one in document]
    return (
        {key: _read_of(document[key], inner) for key, inner in wanted.items() if key in document}
        if wanted
        else document
    )
