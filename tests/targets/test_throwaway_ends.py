"""How throwaway environments end where something goes wrong: during a pull, with a daemon that dies, beside another
gate, with what `setup` leaves running. Nothing stays, and one line says why."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker_daemon
import pytest
from throwaway_runs import begun, left, until, written


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A daemon with an image."""
    with docker_daemon.daemon() as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    """Looks what is left on the daemon."""
    import docker

    found = docker.DockerClient(base_url=address, version="1.41")
    with contextlib.closing(found):
        yield found


@pytest.fixture
def registry() -> Iterator[str]:
    """A registry that takes connections and never answers."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                held.append(server.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.close()
    for one in held:
        one.close()


def test_two_gates_at_once_do_not_meet(address: str, client: Any, tmp_path: Path) -> None:
    """The same names, on one daemon: each has its own network and port, each removes its own."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        written(folder)
    gates = [begun(folder, address, "-n", "2") for folder in folders]
    said = [gate.communicate(timeout=180)[0] for gate in gates]
    assert [gate.returncode for gate in gates] == [0, 0], said
    assert left(client) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_a_pull_is_ended_by_force(
    address: str, client: Any, registry: str, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """Ctrl-C and SIGTERM while the registry keeps us waiting: at once, and nothing stays."""
    written(tmp_path, image=f"{registry}/slow:1")
    gate = begun(tmp_path, address)
    until(lambda: any(one.attrs for one in client.networks.list(filters={"label": "pytest-prodcheck.run"})))
    time.sleep(1)
    gate.send_signal(number)
    output, _ = gate.communicate(timeout=60)
    assert gate.returncode == status, output
    until(lambda: left(client) == [])


def test_a_pull_that_does_not_end_is_said(address: str, client: Any, registry: str, tmp_path: Path) -> None:
    """A registry that never answers: exit 4 before the run's deadline, with the image and the reason."""
    written(tmp_path, image=f"{registry}/slow:1", deadline="12s")
    gate = begun(tmp_path, address)
    output, _ = gate.communicate(timeout=100)
    assert gate.returncode == 4, output
    assert f"container app ({registry}/slow:1): the image was not pulled within " in output
    assert "s, which the run's deadline left for it" in output
    assert left(client) == []


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_what_setup_left_running_ends_with_the_run(
    address: str, client: Any, tmp_path: Path, number: signal.Signals | None
) -> None:
    """A process in the background may serve the run, and is gone after it, however it ends."""
    script = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(300)"
    (tmp_path / "serve.py").write_text(script)
    hang = "; touch began; sleep 60" if number else ""
    command = f"sh -c '{sys.executable} serve.py >/dev/null 2>&1 & while [ ! -s pid ]; do sleep 0.1; done{hang}'"
    written(tmp_path, setup=command)
    gate = begun(tmp_path, address)
    if number:
        until((tmp_path / "began").exists, 90)
        gate.send_signal(number)
    output, _ = gate.communicate(timeout=120)
    assert (gate.returncode == 0) is (number is None), output
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not Path(f"/proc/{pid}").exists())
    until(lambda: left(client) == [])
