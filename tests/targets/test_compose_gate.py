"""Whole gates on a compose project: what is down explains what does not answer, and who may not look is blocked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker_stand_in

COMPOSE = """services:
  app:
    image: app:1
    ports: ["{port}:8000"]
    mem_limit: 64m
    logging: {{driver: local}}
    healthcheck: {{test: [CMD, "true"]}}
"""
LABELS = {f"com.docker.compose.{name}": value for name, value in {"project": "shop", "service": "app"}.items()}
APP: Mapping[str, Any] = {
    "Id": "a1", "Name": "/shop_app_1", "Image": "sha256:1", "RestartCount": 0, "Created": "2026-11-29T10:00:00Z",
    "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-29T10:00:00Z", "Health": {"Status": "healthy"}},
    "Config": {"Image": "app:1", "Labels": LABELS, "Healthcheck": {"Test": ["CMD", "true"]}},
    "HostConfig": {"Memory": 64 << 20, "LogConfig": {"Type": "local"}},
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a gate left."""

    status: int
    text: str
    verdict: Mapping[str, Any]

    @property
    def words(self) -> dict[str, str]:
        """Verdict by the last part of the id."""
        return {check["id"].partition("::")[2]: check["verdict"] for check in self.verdict["checks"]}


def daemon(port: int, **changed: Any) -> docker_stand_in.Answers:
    """A daemon that has the container, changed."""
    ports = {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(port)}]}
    document = {**APP, "NetworkSettings": {"Ports": ports}, **changed}
    said = b"panic: no such table: tasks\n"
    return {
        "/version": (200, {"ApiVersion": "1.41", "Version": "20.10.24"}),
        "/containers/json": (200, [{"Id": "a1", "Names": ["/shop_app_1"], "Labels": LABELS}]),
        "/containers/a1/json": (200, document),
        "/containers/a1/logs": (200, b"\2\0\0\0" + len(said).to_bytes(4, "big") + said),
        "/images/app:1/json": (200, {"Id": "sha256:1"}),
    }


def gate(folder: Path, address: str, port: int, more: str = "") -> Outcome:
    """Runs the gate on the project, and on its published port."""
    (folder / "docker-compose.yml").write_text(COMPOSE.format(port=port))
    (folder / "prodcheck.toml").write_text(
        f'[env.staging.cluster]\ncompose = "docker-compose.yml"\nproject = "shop"\ndocker = "{address}"\n{more}'
        f'[env.staging.http]\nurl = "http://127.0.0.1:{port}"\nendpoints.home = "/"\n'
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--prodcheck=staging"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    verdict = json.loads((folder / ".prodcheck/staging/verdict.json").read_text())
    return Outcome(done.returncode, done.stdout + done.stderr, verdict)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_what_is_down_explains_what_does_not_answer(tmp_path: Path) -> None:
    """One cause: the container that ended; the refused connection is its symptom, and its last words the evidence."""
    port = closed_port()
    ended = {"Status": "exited", "ExitCode": 2, "FinishedAt": "2026-11-29T10:00:05Z"}
    with docker_stand_in.stand_in(tmp_path, daemon(port, State=ended, NetworkSettings={})) as (address, _):
        outcome = gate(tmp_path, address, port)
    assert outcome.status == 1
    (cause,) = outcome.verdict["causes"]
    assert cause["code"] == "cluster.container.exited"
    assert "its log says: panic: no such table: tasks" in cause["message"]
    assert cause["next"] == "docker compose -p shop logs --tail 50 app"
    assert {"prodcheck.toml::http::test_ready", "prodcheck.toml::http::test_endpoint[home]"} <= set(cause["explains"])


def test_a_missing_hygiene_explains_nothing(tmp_path: Path) -> None:
    """A log without an end is a warning of its own: it refuses no connection."""
    port = closed_port()
    host = {"Memory": 64 << 20, "LogConfig": {"Type": "json-file"}}
    with docker_stand_in.stand_in(tmp_path, daemon(port, HostConfig=host)) as (address, _):
        outcome = gate(tmp_path, address, port)
    causes = {cause["code"]: cause["explains"] for cause in outcome.verdict["causes"]}
    assert causes["cluster.compose.log_unbounded"] == ["prodcheck.toml::cluster::test_compose_file"]
    assert "prodcheck.toml::http::test_ready" in causes["http.tcp.refused"]


def test_who_may_not_look_is_blocked(tmp_path: Path) -> None:
    """Exit 1, the cause by its name, and no check of a container green."""
    with docker_stand_in.stand_in(tmp_path, {"/version": (403, {"message": "denied by policy"})}) as (address, _):
        outcome = gate(tmp_path, address, closed_port())
    assert outcome.status == 1
    assert "cluster.docker.forbidden" in {cause["code"] for cause in outcome.verdict["causes"]}
    assert {
        outcome.words[f"cluster::{name}"] for name in ("test_ready", "test_compose_service[app]", "test_compose_file")
    } == {"blocked"}


def test_no_daemon_is_one_cause(tmp_path: Path) -> None:
    """Named with its address; what it runs is blocked, not failed."""
    outcome = gate(tmp_path, f"unix://{tmp_path}/none.sock", closed_port())
    (cause,) = [cause for cause in outcome.verdict["causes"] if cause["code"].startswith("cluster.")]
    assert cause["code"] == "cluster.docker.unreachable"
    assert f"unix://{tmp_path}/none.sock gave no answer" in cause["message"]
    assert outcome.words["cluster::test_compose_service[app]"] == "blocked"


def test_what_was_sent_is_counted(tmp_path: Path) -> None:
    """A gate of a healthy container asks the daemon five things, once."""
    port = closed_port()
    with docker_stand_in.stand_in(tmp_path, daemon(port)) as (address, got):
        outcome = gate(tmp_path, address, port)
    assert outcome.words["cluster::test_compose_service[app]"] == "pass"
    assert outcome.words["cluster::test_compose_file"] == "pass"
    assert outcome.verdict["sent"]["docker"] == len(got) == 5
