"""Gates on throwaway environments in the hands of tests: written, begun, and what they leave."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import docker_daemon

ONE = """[env.ci]
kind = "local"
deadline = "DEADLINE"
[env.ci.containers]
setup = "SETUP"
[env.ci.containers.app]
image = "IMAGE"
port = 8000
ready = "/health"
timeout = "TIMEOUT"
command = ["sh", "-c", "exec httpd -f -p 8000 -h /www"]
[env.ci.http]
url = "{container:app}"
endpoints.health = { path = "/health", expect = "ok" }
"""


def written(
    folder: Path, image: str = docker_daemon.IMAGE, setup: str = "true", deadline: str = "150s", timeout: str = "60s"
) -> None:
    """Writes the project."""
    folder.mkdir(exist_ok=True)
    text = ONE.replace("IMAGE", image).replace("SETUP", setup).replace("DEADLINE", deadline)
    (folder / "prodcheck.toml").write_text(text.replace("TIMEOUT", timeout))


def begun(folder: Path, address: str, *more: str, **env: str) -> subprocess.Popen[str]:
    """A gate that runs."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--prodcheck=ci", *more]
    environ = {**os.environ, "DOCKER_HOST": address, "TESTCONTAINERS_RYUK_DISABLED": "true", **env}
    return subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def verdict(folder: Path) -> dict[str, Any]:
    """What the run left."""
    found: dict[str, Any] = json.loads((folder / ".prodcheck/ci/verdict.json").read_text())
    return found


def left(client: Any) -> list[str]:
    """Containers, networks and volumes that are still there."""
    containers = [one.name for one in client.containers.list(all=True, ignore_removed=True)]
    networks = [one.name for one in client.networks.list() if one.name not in ("bridge", "host", "none")]
    return containers + networks + [one.name for one in client.volumes.list()]


def until(holds: Any, seconds: float = 60) -> None:
    """Waits until it holds. Fails where it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)


def undertakers() -> list[int]:
    """Processes of ours that wait for the end of a run."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"pytest_prodcheck.targets.throwaway.undertaker" in words:
                found.append(int(entry.name))
    return found
