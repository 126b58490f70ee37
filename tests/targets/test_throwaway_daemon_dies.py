"""A Docker daemon that dies while the gate runs on its containers; a daemon of its own, for it is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import docker_daemon
from throwaway_runs import begun, undertakers, until, verdict, written


def test_a_daemon_that_dies_is_one_cause(tmp_path: Path) -> None:
    """The system behind it does not answer any more: red, with the command that removes what may be left; our
    own process tries on, for the daemon may come back."""
    before = undertakers()
    with docker_daemon.daemon() as address:
        written(tmp_path, setup="sh -c 'touch began; while [ ! -e go ]; do sleep 0.1; done'")
        gate = begun(tmp_path, address)
        until((tmp_path / "began").exists, 90)
        pid = int(Path(address.removeprefix("unix://")).with_name("pid").read_text())
        os.kill(pid, signal.SIGTERM)  # it takes its containers with it
        until(lambda: "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text())
        (tmp_path / "go").touch()
        output, _ = gate.communicate(timeout=120)
    assert gate.returncode == 1, output
    assert "the Docker daemon gives no answer" in output
    assert "docker rm -fv $(docker ps -aq --filter label=pytest-prodcheck.run=" in output
    assert len(verdict(tmp_path)["causes"]) == 1
    (waiting,) = [pid for pid in undertakers() if pid not in before]  # it tries on for minutes: nothing comes back here
    os.kill(waiting, signal.SIGTERM)
