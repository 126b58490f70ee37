"""The criteria of containers over what a real daemon said of a project in which everything is wrong
(A45, B28, B29, B42–B45, B50, B51, B59, C2, C8, C9, C36);
`tests/targets/test_compose_faults.py` records it, and has the same table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_prodcheck.config.compose.model import ComposeFile, DeclaredPort, Service
from pytest_prodcheck.config.compose.reader import read
from pytest_prodcheck.config.models.compose import ComposeTarget
from pytest_prodcheck.criteria.containers import daemon, health, promised, running, usage
from pytest_prodcheck.criteria.containers.case import Case
from pytest_prodcheck.diagnosis.causes import CAUSES
from pytest_prodcheck.observe.containers import Container, Containers, Disk, Neighbour, PublishedPort, Usage
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.docker import documents

HERE = Path(__file__).parent
FAULTS: dict[str, Any] = yaml.safe_load((HERE / "compose_faults.yaml").read_text())
RECORDED: dict[str, Any] = json.loads((HERE / "compose_recorded.json").read_text())
HYGIENE = {"cluster.compose.limit_missing", "cluster.compose.log_unbounded", "cluster.compose.health_check_missing"}


def recorded(document: dict[str, Any]) -> Container:
    """One container, with its last lines and its ports that nobody served."""
    name = document["Name"].removeprefix("/")
    one = documents.container(document, tuple(RECORDED["logs"].get(name, ())))
    gone = (
        frozenset(port for port in one.ports if ":" not in port.address) if name in RECORDED["closed"] else frozenset()
    )
    return replace(one, closed=gone)


SEEN = Containers(
    RECORDED["now"],
    RECORDED["version"],
    "1.41",
    tuple(map(recorded, RECORDED["inspected"])),
    tuple(documents.neighbour(one) for one in RECORDED["others"]),
    RECORDED["images"],
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> ComposeFile:
    """What is promised."""
    path = tmp_path_factory.mktemp("shop") / "docker-compose.yml"
    path.write_text(FAULTS["edited"])
    return read([path], {}, "shop")


def found(seen: Containers, file: ComposeFile, service: Service) -> list[Finding]:
    """All findings about a service."""
    case = Case(seen, file, service, "cluster")
    if service.optional and not case.containers:
        return []
    return [*running.running(case), *health.health(case), *promised.ports(case), *promised.promised(case)]


@pytest.mark.parametrize("service", FAULTS["shows"])
def test_every_fault_shows(file: ComposeFile, service: str) -> None:
    """Its code, with the words that name what is wrong; and nothing else."""
    findings = [one for one in found(SEEN, file, file.services[service]) if one.code not in HYGIENE]
    shown = FAULTS["shows"][service]
    assert {one.code for one in findings} == set(shown), [one.message for one in findings]
    for code, part in shown.items():
        assert any(part.replace("PROJECT", "shop") in one.message for one in findings if one.code == code), findings


def test_every_finding_can_be_acted_on(file: ComposeFile) -> None:
    """A known cause, a remedy, and a next command that only reads, with its names filled in."""
    findings = [one for service in file.services.values() for one in found(SEEN, file, service)]
    assert findings
    for one in findings:
        assert one.code in CAUSES
        assert one.next.startswith(("docker inspect ", "docker compose ", "docker image ")), one.next
        assert not {"up", "rm", "restart", "kill", "prune", "start", "stop"} & set(one.next.split())
        assert "shop" in one.next or "image" in one.next or one.code == "cluster.compose.other_project"


ONE = Container("1", "shop_app_1", "shop", "app", image="app:1", image_id="sha256:1", status="running", created_at=1.0,
                started_at=1.0, health="healthy", memory=1, log_driver="local")  # fmt: skip
FILE = ComposeFile(("docker-compose.yml",), "shop", {})


def judged(service: Service, *containers: Container, **seen: Any) -> list[Finding]:
    """The findings about containers made by hand, at 10,000 s."""
    return found(Containers(10_000.0, "", "", containers, **seen), FILE, service)


APP = Service("app", "docker-compose.yml:3")


def test_a_healthy_container_has_no_finding() -> None:
    """Running, healthy, limited, with a log that ends."""
    assert judged(APP, ONE) == []


@pytest.mark.parametrize(
    ("changed", "code", "severity"),
    [
        ({"restarts": 3, "started_at": 1_000.0}, "cluster.container.restarted", "warning"),
        ({"restarts": 3, "started_at": 9_900.0}, "cluster.container.crash_loop", "error"),
        ({"restarts": 3, "started_at": 9_900.0, "oom_killed": True}, "cluster.container.oom_killed", "error"),
        ({"status": "dead"}, "cluster.container.exited", "error"),
        ({"status": "created", "error": "port is already allocated"}, "cluster.container.not_started", "error"),
        ({"status": "created", "error": "exec: nope", "exit_code": 127}, "cluster.container.bad_command", "error"),
        ({"memory": 0}, "cluster.compose.limit_missing", "warning"),
        ({"log_driver": "json-file"}, "cluster.compose.log_unbounded", "warning"),
        ({"health": ""}, "cluster.compose.health_check_missing", "warning"),
        ({"health": "starting"}, "cluster.container.starting", "insufficient"),
        ({"config_files": ("docker-compose.yml", "docker-compose.prod.yml")}, "cluster.compose.files_differ",
         "insufficient"),
    ],
)  # fmt: skip
def test_one_thing_is_wrong(changed: dict[str, Any], code: str, severity: str) -> None:
    """It is named, alone, as grave as it is."""
    (one,) = judged(APP, replace(ONE, **changed))
    assert (one.code, one.severity) == (code, severity)


@pytest.mark.parametrize(("memory", "hinted"), [(64 << 20, True), (0, False)])
def test_a_killed_container_hints_at_its_limit(memory: int, hinted: bool) -> None:
    """A daemon can miss the kernel's word of an OOM kill; it is no OOM for that, and the limit is worth a look."""
    (one,) = [
        one
        for one in judged(APP, replace(ONE, status="exited", exit_code=137, memory=memory))
        if one.severity == "error"
    ]
    assert one.code == "cluster.container.exited"
    assert ("or its limit of 64 MiB did, of which the daemon heard nothing" in one.message) == hinted


@pytest.mark.parametrize(
    ("address", "declared", "good"),
    [
        ("0.0.0.0", DeclaredPort(80, "tcp", (8080, 8080)), True),
        ("::", DeclaredPort(80, "tcp", (8080, 8080)), True),
        ("127.0.0.1", DeclaredPort(80, "tcp", (8080, 8080)), False),
        ("127.0.0.1", DeclaredPort(80, "tcp", (8080, 8080), "127.0.0.1"), True),
        ("0.0.0.0", DeclaredPort(80, "tcp", (8080, 8080), "127.0.0.1"), False),
        ("0.0.0.0", DeclaredPort(80, "tcp", (8000, 8090)), True),
        ("0.0.0.0", DeclaredPort(80), True),
        ("0.0.0.0", DeclaredPort(80, "udp", (8080, 8080)), False),
        ("0.0.0.0", DeclaredPort(81, "tcp", (8080, 8080)), False),
    ],
)
def test_a_port_is_published_as_declared(address: str, declared: DeclaredPort, good: bool) -> None:
    """On the host's port and address, by its protocol (B59)."""
    container = replace(ONE, ports=(PublishedPort(80, "tcp", address, 8080),))
    assert [one.code for one in judged(replace(APP, ports=(declared,)), container)] == (
        [] if good else ["cluster.compose.port_not_published"]
    )


def test_a_port_of_what_is_down_is_no_second_finding() -> None:
    """A container that ended publishes nothing: that it ended is said, once."""
    service = replace(APP, ports=(DeclaredPort(80),))
    assert [one.code for one in judged(service, replace(ONE, status="exited"))] == ["cluster.container.exited"]


@pytest.mark.parametrize(
    ("runs", "declared", "good"),
    [
        ("postgres", "docker.io/library/postgres:latest", True),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1", True),
        ("localhost:5000/a", "localhost:5000/a:latest", True),
        ("a:1", "a:2", False),
        ("a@sha256:1", "a:1", False),
    ],
)
def test_names_of_images_are_compared(runs: str, declared: str, good: bool) -> None:
    """A tag that is left out is latest; the registry is Docker's."""
    codes = [one.code for one in judged(replace(APP, image=declared), replace(ONE, image=runs))]
    assert codes == ([] if good else ["cluster.compose.not_recreated"])


def test_another_project_is_named() -> None:
    """A container of that service is there, and belongs to somebody else."""
    (one,) = judged(APP, neighbours=(Neighbour("old_app_1", "old", "app", True),))
    assert one.code == "cluster.compose.other_project"
    assert "old_app_1 of project old is there; docker-compose.yml:3 declares it" in one.message


@pytest.mark.parametrize(
    ("seen", "limits", "codes"),
    [
        (Usage("a", "app", 95, 100, 0.1), {"memory": "< 90%"}, ["cluster.container.memory_high"]),
        (Usage("a", "app", 85, 100, 0.1), {"memory": "< 90%"}, []),
        (Usage("a", "app", 95, 0, 0.1), {"memory": "< 90%"}, []),
        (Usage("a", "app", 1, 100, 1.9, 2), {"cpu": "< 90%"}, ["cluster.container.cpu_high"]),
        (Usage("a", "app", 1, 100, 0.4, 2, 0.5), {"cpu": "< 90%"}, []),
        (Usage("a", "app", 1, 100, 0.49, 2, 0.5), {"cpu": "< 90%"}, ["cluster.container.cpu_high"]),
        (Usage("a", "app", 1, 100, None), {"cpu": "< 90%"}, ["cluster.container.cpu_high"]),
        (Usage("a", "app", 1, 100, 0.0), {"disk": "< 1kB"}, ["cluster.docker.disk_used"]),
    ],
)
def test_usage_keeps_its_limits(seen: Usage, limits: dict[str, Any], codes: list[str]) -> None:
    """Of the memory limit, of the processors that it may use, of the disk (B37, B49, B52, D28)."""
    found = usage.usage([seen], Disk(images=2048), ComposeTarget(**limits), "cluster")
    assert [one.code for one in found] == codes


def test_what_the_daemon_did_not_say_is_insufficient() -> None:
    """No second look at the processors is no proof of anything; neither is disk use that did not come."""
    (cpu,) = usage.usage([Usage("a", "app", 1, 100, None)], None, ComposeTarget(cpu="< 90%"), "cluster")
    (disk,) = usage.usage([], None, ComposeTarget(disk="< 1kB"), "cluster")
    assert (cpu.severity, disk.severity) == ("insufficient", "insufficient")


@pytest.mark.parametrize(
    ("seen", "facts", "code", "part"),
    [
        ({"error": "tcp.refused", "message": "No such file or directory"}, {}, "cluster.docker.unreachable",
         "gave no answer to GET /version: nothing listens there (No such file or directory)"),
        ({"error": "tcp.refused", "data": {"reason": "PermissionError", "address": "unix:///s"}}, {},
         "cluster.docker.forbidden", "at unix:///s may not be asked"),
        ({"status": 403, "message": "denied by policy"}, {}, "cluster.docker.forbidden", "denied by policy"),
        ({"status": 200}, {"too_old": "1.18"}, "cluster.docker.too_old", "speaks API 1.18"),
        ({"status": 500, "message": "boom"}, {}, "cluster.docker.unreachable", "status 500 (boom)"),
    ],
)  # fmt: skip
def test_a_daemon_that_cannot_be_asked_is_named(
    seen: dict[str, Any], facts: dict[str, Any], code: str, part: str
) -> None:
    """Not there, not for us, too old: each has its cause."""
    observation = Observation("cluster", "GET /version", **seen)
    (one,) = daemon.ready("cluster", Evidence((observation,), facts))
    assert one.code == code
    assert part in one.message


def test_a_daemon_that_was_read_is_ready() -> None:
    """The snapshot is there: nothing keeps checks from looking."""
    assert daemon.ready("cluster", Evidence((), {"containers": SEEN})) == []


def test_containers_that_were_not_looked_at_are_not_well(file: ComposeFile) -> None:
    """A project of more than are inspected: its service is there, and nothing about the others is green."""
    service = file.services["optional"]
    one = replace(SEEN.containers[0], service=service.name, status="running", restarts=0, health="", exit_code=0)
    others = tuple(Neighbour(f"shop_{number}", "shop", service.name, running=True) for number in (301, 302))
    seen = replace(SEEN, containers=(one,), unseen=others)
    for judge in (running.running, promised.promised):
        (finding,) = [one for one in judge(Case(seen, file, service, "cluster")) if one.severity == "insufficient"]
        assert finding.code == "cluster.compose.too_many"
        assert finding.message == (
            "optional: 1 of 3 containers were looked at: of one project no more than 1 are; the first of the others "
            "is shop_301"
        )
    nobody = running.running(Case(replace(seen, containers=()), file, service, "cluster"))
    assert [one.code for one in nobody] == ["cluster.compose.too_many"]


def test_containers_without_figures_keep_no_limit() -> None:
    """The daemon did not say what they use: neither within the limit nor beyond it."""
    table = ComposeTarget(compose=("docker-compose.yml",), memory="< 90%")
    (finding,) = usage.usage((), None, table, "cluster", ("shop_app_1", "shop_db_1"))
    assert (finding.severity, finding.promised) == ("insufficient", "< 90%")
    assert finding.message == "2 containers gave no figures of what they use, the first is shop_app_1"


def test_all_that_the_daemon_keeps_is_added_up() -> None:
    """However many volumes there are."""
    volumes = [{"UsageData": {"Size": 10}} for _ in range(1000)]
    assert documents.disk({"Volumes": volumes}).volumes == 10_000
