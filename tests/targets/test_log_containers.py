"""Logs of compose containers, by what a daemon answers (A60, D28, T22); a stand-in, which says that it is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docker_stand_in import stand_in

from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.targets.logs.containers import Containers
from pytest_prodcheck.targets.logs.prober import LogsProber

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _moment() -> None:
    """Times are counted from when the test runs: in a long session its module was loaded long before."""
    global NOW
    NOW = datetime.now(UTC)


def framed(*lines: tuple[float, str]) -> bytes:
    """Lines as the daemon sends them: each in a frame, behind its time."""
    told = (
        f"{(NOW - timedelta(seconds=at)).isoformat().replace('+00:00', 'Z')} {line}\n".encode() for at, line in lines
    )
    return b"".join(b"\1\0\0\0" + len(line).to_bytes(4, "big") + line for line in told)


def container(name: str, driver: str = "json-file") -> dict[str, Any]:
    """One inspected container of the project `plan`."""
    labels = {"com.docker.compose.project": "plan", "com.docker.compose.service": name}
    started = (NOW - timedelta(seconds=300)).isoformat()
    return {
        "Id": f"{name}id", "Name": f"/plan-{name}-1", "Created": started, "Labels": labels,
        "Config": {"Labels": labels}, "State": {"Status": "running", "StartedAt": started},
        "HostConfig": {"LogConfig": {"Type": driver, "Config": {}}},
    }  # fmt: skip


def reading(folder: Path, answers: dict[str, Any], ask: Any, **keys: Any) -> Any:
    """What a prober makes of a daemon with these answers."""
    known = {"/version": (200, {"Version": "29.0", "ApiVersion": "1.52", "MinAPIVersion": "1.44"}), **answers}
    with stand_in(folder, known) as (address, _):
        table, cluster = LogsTarget(**keys), ClusterTarget(compose=("docker-compose.yml",), docker=address)
        return ask(LogsProber("logs", table, Folder, Containers("logs", table, cluster, "plan")))


def digest(prober: LogsProber) -> Any:
    """The digest of a reading."""
    return prober.probe("", "", "", 1).facts["digest"]


@pytest.fixture
def answers() -> dict[str, Any]:
    """Two containers of the project, one of which logs elsewhere; and one of another project."""
    other = container("x") | {"Labels": {"com.docker.compose.project": "other"}}
    return {
        "/containers/json": (200, [container("app"), container("worker", "syslog"), other]),
        "/containers/appid/json": (200, container("app")),
        "/containers/workerid/json": (200, container("worker", "syslog")),
        "/containers/appid/logs": (200, framed((290, "INFO listening"), (9, "ERROR app: boom"))),
    }


def test_containers_of_the_project_are_read(tmp_path: Path, answers: dict[str, Any]) -> None:
    """Since the newest was made; one whose driver keeps nothing is a gap."""
    found = reading(tmp_path, answers, digest)
    assert [(stream.name, stream.lines) for stream in found.streams] == [("plan-app-1", 2), ("plan-worker-1", 0)]
    assert [(group.title, group.count) for group in found.groups] == [("app: boom", 1)]
    assert [(gap.origin, gap.reason) for gap in found.gaps] == [("plan-worker-1", "unreadable")]
    assert found.window.why.startswith("the rollout at ")
    assert found.streams[0].facts["look"] == "docker logs --since 1h plan-app-1"


def test_a_container_that_has_ended_says_so(tmp_path: Path, answers: dict[str, Any]) -> None:
    """A migration that is done never has to say that it is ready."""
    ended = container("app")
    ended["State"] |= {"Status": "exited", "FinishedAt": NOW.isoformat()}
    found = reading(tmp_path, answers | {"/containers/appid/json": (200, ended)}, digest)
    assert [bool(stream.facts["ended_at"]) for stream in found.streams] == [True, False]


def test_only_named_services(tmp_path: Path, answers: dict[str, Any]) -> None:
    """`containers` leaves the others out."""
    assert [one.name for one in reading(tmp_path, answers, digest, containers=("app",)).streams] == ["plan-app-1"]


def test_a_named_service_without_a_container_is_a_gap(tmp_path: Path, answers: dict[str, Any]) -> None:
    """Its name may be wrong: what it says is unread."""
    (gap,) = reading(tmp_path, answers, digest, containers=("app", "wroker")).gaps
    assert (gap.origin, gap.text) == (
        "wroker", "project plan has no container of service wroker; did you mean worker?",
    )  # fmt: skip


def test_services_without_a_container_are_no_source(tmp_path: Path, answers: dict[str, Any]) -> None:
    """What was meant is said."""
    problem = reading(tmp_path, answers, lambda prober: prober.ready().facts["problem"], containers=("wroker",))
    assert problem["message"] == "project plan has no container of service wroker; did you mean worker?"


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        ((403, {"message": "no"}), ["refused"]),
        ((500, {"message": "x"}), ["unreadable"]),
        ((404, {"message": "gone"}), []),
    ],
)
def test_a_container_that_cannot_be_looked_at_is_a_gap(
    tmp_path: Path, answers: dict[str, Any], answer: Any, reasons: list[str]
) -> None:
    """One of two is unread; one that was removed meanwhile is none."""
    found = reading(tmp_path, answers | {"/containers/workerid/json": answer}, digest)
    assert [gap.reason for gap in found.gaps] == reasons


@pytest.mark.parametrize(
    ("changed", "code", "refused"),
    [
        ({"/containers/json": (200, [])}, "logs.source.missing", False),
        ({"/containers/json": (403, {"message": "no"})}, "logs.source.forbidden", True),
        ({"/containers/json": (500, {"message": "broken"})}, "logs.source.unreachable", False),
    ],
)
def test_what_is_no_source(tmp_path: Path, answers: dict[str, Any], changed: Any, code: str, refused: bool) -> None:
    """No container, a daemon that refuses, a daemon that fails."""
    problem = reading(tmp_path, answers | changed, lambda one: one.ready().facts["problem"])
    assert (problem["code"], problem["refused"]) == (code, refused)


def test_a_log_that_cannot_be_read_is_a_gap(tmp_path: Path, answers: dict[str, Any]) -> None:
    """Whatever the daemon says to it."""
    broken = answers | {
        "/containers/appid/logs": (500, {"message": "configured logging driver does not support reading"})
    }
    found = reading(tmp_path, broken, digest, containers=("app",))
    assert [gap.reason for gap in found.gaps] == ["unreadable"]
