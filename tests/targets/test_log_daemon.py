"""Logs of a compose project, by what a daemon says; `test_compose_faults` asks a real one (B29, C9, R22, T22)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker_stand_in

from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.targets.logs.containers import Containers
from pytest_prodcheck.targets.logs.prober import LogsProber

LABELS = {"com.docker.compose.project": "shop", "com.docker.compose.service": "app"}


def ago(seconds: float) -> str:
    """RFC 3339, so many seconds ago."""
    return datetime.fromtimestamp(time.time() - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")


def daemon(created: float, *lines: str, **more: Any) -> docker_stand_in.Answers:
    """A daemon with one container of the project, which says these lines."""
    said = "".join(f"{line}\n" for line in lines).encode()
    document = {"Id": "a1", "Name": "/shop_app_1", "Created": ago(created), "Config": {"Labels": LABELS}}
    return {
        "/version": (200, {"ApiVersion": "1.41"}),
        "/containers/json": (200, [{"Id": "a1", "Labels": LABELS}, {"Id": "b2", "Labels": {}}]),
        "/containers/a1/json": (200, document),
        "/containers/a1/logs": (200, b"\1\0\0\0" + len(said).to_bytes(4, "big") + said),
        **more,
    }


def prober(address: str, **keys: Any) -> LogsProber:
    """A prober of the project's logs."""
    table = LogsTarget(**keys)
    cluster = ClusterTarget(compose=("docker-compose.yml",), docker=address)
    return LogsProber("logs", table, Folder, Containers("logs", table, cluster, "shop"))


def problem(folder: Path, answers: docker_stand_in.Answers) -> Mapping[str, Any]:
    """What keeps the source from being read; empty where it can be."""
    with docker_stand_in.stand_in(folder, answers) as (address, _):
        found: Mapping[str, Any] = prober(address).ready().facts.get("problem", {})
        return found


def test_what_we_may_not_read_is_blocked(tmp_path: Path) -> None:
    """A daemon, or one log, that is refused: forbidden, never an empty log (R22)."""
    refused = (403, {"message": "denied by policy"})
    assert problem(tmp_path / "a", {"/version": refused})["code"] == "logs.source.forbidden"
    found = problem(tmp_path / "b", daemon(10, ago(5), **{"/containers/a1/logs": refused}))
    assert (found["code"], found["refused"]) == ("logs.source.forbidden", True)
    assert "denied by policy" in found["message"]


def test_a_project_without_containers_is_no_quiet_one(tmp_path: Path) -> None:
    """The source is missing."""
    found = problem(tmp_path, daemon(10, **{"/containers/json": (200, [])}))
    assert found["code"] == "logs.source.missing"
    assert "no container of project shop has a log" in found["message"]


def test_no_daemon_has_its_own_cause(tmp_path: Path) -> None:
    """With its address, and the system's own words."""
    found = prober(f"unix://{tmp_path}/none.sock").ready().facts["problem"]
    assert found["code"] == "logs.source.unreachable"
    assert "No such file or directory" in found["message"]


def test_what_was_rotated_away_is_a_gap(tmp_path: Path) -> None:
    """The oldest line is younger than the container and the window: zero errors proves nothing (T22)."""
    with docker_stand_in.stand_in(tmp_path, daemon(3600, f"{ago(60)} GET / 200")) as (address, _):
        digest = prober(address, since="10m").probe("", "", "", 1).facts["digest"]
    assert [gap.reason for gap in digest.gaps] == ["rotated"]


def test_a_log_that_goes_back_far_enough_has_no_gap(tmp_path: Path) -> None:
    """To the container's beginning, or beyond the window's."""
    for name, created, first in (("a", 300, 299), ("b", 7200, 3600)):
        with docker_stand_in.stand_in(tmp_path / name, daemon(created, f"{ago(first)} started")) as (address, _):
            assert prober(address, since="10m").probe("", "", "", 1).facts["digest"].gaps == ()


def test_the_rollout_is_the_newest_container(tmp_path: Path) -> None:
    """Compose makes a new one of what has changed."""
    with docker_stand_in.stand_in(tmp_path, daemon(120, f"{ago(119)} started")) as (address, _):
        digest = prober(address).probe("", "", "", 1).facts["digest"]
    assert abs(time.time() - 120 - 2 - digest.window.since) < 3
    assert digest.window.why.startswith("the rollout at ")


def test_what_ended_with_a_page_is_asked_again_from_there(tmp_path: Path) -> None:
    """The daemon takes a moment, not a position."""
    lines = [f"{ago(60 - number)} line {number}" for number in range(30)]
    with docker_stand_in.stand_in(tmp_path, daemon(61, *lines)) as (address, got):
        prober(address, since="10m").probe("", "", "", 1)
    asked = [path for path in got if "/logs?" in path]
    assert all("timestamps=1" in path and "since=" in path and "follow" not in path for path in asked)
