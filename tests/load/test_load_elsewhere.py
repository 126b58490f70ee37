"""A Locust master elsewhere, with workers of its own: the gate starts it, reads its samples, and judges them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from load_lab import BROWSE, Known, Lab

DEPLOY = Path(__file__).parents[2] / "deploy" / "locust" / "locust.yaml"


def free() -> int:
    """A port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Cluster:
    """A master and four workers, as `deploy/locust/` starts them."""

    def __init__(self, folder: Path, origin: str) -> None:
        self.port, bound = free(), free()
        file = folder / "elsewhere.py"
        file.write_text(BROWSE)
        self.disk = folder / "disk"
        self.disk.mkdir()
        environ = {**os.environ, "PRODCHECK_ORIGINS": origin, "TMPDIR": str(self.disk)}
        start = [sys.executable, "-m", "pytest_prodcheck.load.remote", "-f", str(file)]
        ways = [["--master", "--web-host", "127.0.0.1", "--web-port", str(self.port), "--master-bind-port", str(bound)]]
        ways += [["--worker", "--master-host", "127.0.0.1", "--master-port", str(bound)]] * 4
        self.log = (folder / "locust.log").open("wb")
        self.processes = [
            subprocess.Popen([*start, *way], env=environ, stdout=self.log, stderr=self.log, start_new_session=True)
            for way in ways
        ]
        self.address = f"127.0.0.1:{self.port}"
        until = time.monotonic() + 40
        while len(json.loads(self.live() or '{"workers": []}')["workers"]) < 4:
            assert time.monotonic() < until, (folder / "locust.log").read_text()
            time.sleep(0.2)

    def live(self) -> str:
        """What the master says of itself."""
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://{self.address}/prodcheck/live", timeout=5).read().decode()
        return ""

    def close(self) -> None:
        """Ends all of it."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.log.close()


@pytest.fixture
def elsewhere(tmp_path: Path, serve: Callable[..., Known]) -> Iterator[tuple[Cluster, Known]]:
    """A server, and a Locust cluster that may ask it."""
    server = serve(delays=[0.01])
    cluster = Cluster(tmp_path, server.url)
    yield cluster, server
    cluster.close()


def test_a_master_elsewhere_gives_exact_samples(elsewhere: tuple[Cluster, Known], lab: Lab) -> None:
    """Every request of four workers, one of them killed: the result says so, and a second run goes well."""
    cluster, server = elsewhere
    order = lab.order(BROWSE, server.url, master=cluster.address, users=8, spawn_rate=100, duration=3.0)
    whole = lab.run(order)
    found = lab.samples(whole)
    assert (whole.ending, whole.workers, whole.workers_lost, whole.remote) == ("finished", 4, (), True), whole.message
    assert len(found.parts) == 4
    assert found.names == ("GET /",)
    assert whole.samples == len(found) > 100
    assert whole.seconds
    left = list(cluster.disk.glob("prodcheck-load-*"))
    assert left
    assert {one.stat().st_mode & 0o777 for one in left} == {0o700}  # names of requests may hold what nobody else reads

    began = time.monotonic()

    def kill_one() -> str:
        if cluster.processes[1].poll() is None and time.monotonic() - began > 2:
            os.killpg(cluster.processes[1].pid, signal.SIGKILL)
        return ""

    lab.hooks = {"stopped": kill_one}
    broken = lab.run(lab.order(BROWSE, server.url, master=cluster.address, users=8, spawn_rate=100, duration=8.0))
    assert broken.ending == "finished", broken.message
    assert len(broken.workers_lost) == 1


def test_a_run_that_nobody_asks_after_ends(elsewhere: tuple[Cluster, Known]) -> None:
    """Whoever began it was killed: the master stops it."""
    cluster, server = elsewhere
    body = f'{{"users": 4, "spawn_rate": 100, "host": "{server.url}", "grace": 1}}'.encode()
    urllib.request.urlopen(f"http://{cluster.address}/prodcheck/start", body, timeout=10).read()
    time.sleep(9)
    before = cluster.live()
    assert '"state":"stopped"' in before.replace(" ", "")


def test_a_master_that_is_not_there_is_named(lab: Lab) -> None:
    """One clear cause."""
    run = lab.run(lab.order(BROWSE, "http://127.0.0.1:9", master=f"127.0.0.1:{free()}"))
    assert (run.ending, run.code) == ("failed", "load.master.unreachable")
    assert "does not answer" in run.message


def test_what_is_no_master_of_ours_is_named(serve: Callable[..., Known], lab: Lab) -> None:
    """A web server that says 404, or HTML."""
    server = serve(statuses=[404])
    run = lab.run(lab.order(BROWSE, server.url, master=server.url.removeprefix("http://")))
    assert (run.ending, run.code) == ("failed", "load.master.unreachable")
    assert "deploy/locust" in run.message


def test_the_manifests_fit_each_other() -> None:
    """Workers find the master's service; nothing is root; what is started is there."""
    documents = [one for one in yaml.safe_load_all(DEPLOY.read_text("utf-8")) if one]
    (service,) = [one for one in documents if one["kind"] == "Service"]
    master, worker = [one for one in documents if one["kind"] == "Deployment"]
    arguments = worker["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[arguments.index("--master-host") + 1] == service["metadata"]["name"]
    assert {one["port"] for one in service["spec"]["ports"]} == {8089, 5557}
    assert service["spec"]["selector"] == master["spec"]["template"]["metadata"]["labels"]
    for one in (master, worker):
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["containers"][0]["command"] == ["python", "-m", "pytest_prodcheck.load.remote"]
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
