"""A real Docker daemon of our own, where `dockerd` is installed and we are root; images are made from a root file
system, because no registry can be asked."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_APPLETS = ("sh", "httpd", "sleep", "echo", "cat", "wget", "mkdir", "dd", "true", "false", "kill", "nc")
IMAGE = "prodcheck-test/base:1"
_START_SECONDS = 90
_BRIDGE = Path("/sys/class/net/docker0")
"""Every daemon's default bridge; that of a daemon that was here before is used as it is, and left."""


@contextlib.contextmanager
def daemon() -> Iterator[str]:
    """The address of a fresh daemon that has the image `IMAGE`; everything of it is gone afterwards.

    Without rules of iptables, and with addresses by our process: networks and published ports work, and another daemon
    of this machine is left alone. Skips the test where it cannot be had.
    """
    binary, busybox = shutil.which("dockerd", path=_PATH), shutil.which("busybox")
    if binary is None:
        pytest.skip("no Docker daemon: dockerd is not installed: apt-get install docker.io")
    if os.geteuid() != 0:
        pytest.skip("no Docker daemon: only root can start one")
    if busybox is None or b"statically linked" not in _kind(busybox):
        pytest.skip("no image: busybox is not statically linked: apt-get install busybox-static")
    with _alone(), _started(binary, busybox) as address:
        yield address


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One daemon at a time: two take each other's ports and bridges."""
    with Path(tempfile.gettempdir(), "prodcheck-test-docker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _started(binary: str, busybox: str) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="prodcheck-d-", dir="/tmp"))  # sockets have short paths
    address = f"unix://{folder}/docker.sock"
    log = folder / "log"
    bridged = _BRIDGE.exists()
    command = [
        binary, "--data-root", str(folder / "data"), "--exec-root", str(folder / "run"), "--pidfile",
        str(folder / "pid"), "-H", address, "--iptables=false", "--ip6tables=false",
        "--ip-forward=false", "--ip-masq=false", "--default-address-pool",
        f"base=10.{200 + os.getpid() % 50}.0.0/16,size=24",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={"PATH": _PATH}, start_new_session=True)
    try:
        _answers(process, folder / "docker.sock", log)
        imported(address, IMAGE, root_of(busybox))
        yield address
    finally:
        if process.poll() is None:
            _remove_all(address)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait(10)
        if not bridged and (ip := shutil.which("ip", path=_PATH)):
            subprocess.run([ip, "link", "delete", _BRIDGE.name], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_all(address: str) -> None:
    """Containers and networks: a daemon that ends leaves the bridges of its networks on the machine, and waits ten
    seconds for each container that ignores SIGTERM."""
    import docker
    import requests

    client = docker.APIClient(base_url=address, version="1.41")
    with contextlib.closing(client), contextlib.suppress(requests.RequestException):
        for container in client.containers(all=True):
            with contextlib.suppress(docker.errors.APIError):
                client.remove_container(container["Id"], force=True, v=True)
        for network in client.networks():
            if network["Name"] not in ("bridge", "host", "none"):
                client.remove_network(network["Id"])


def compose(address: str, folder: Path, *arguments: str, check: bool = True) -> str:
    """What Debian's `docker-compose` says. Skips the test where it is not installed."""
    binary = shutil.which("docker-compose")
    if binary is None:
        pytest.skip("docker-compose is not installed: apt-get install docker-compose")
    environment = {"PATH": _PATH, "DOCKER_HOST": address, "HOME": str(folder)}
    done = subprocess.run(
        [binary, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if check and done.returncode:
        raise RuntimeError(f"docker-compose {' '.join(arguments)}: {done.stderr}")
    return done.stdout + done.stderr


def imported(address: str, name: str, root: bytes, changes: tuple[str, ...] = ()) -> None:
    """Makes an image of a root file system (a tar)."""
    import docker

    client = docker.APIClient(base_url=address, version="1.41")
    repository, _, tag = name.rpartition(":")
    with contextlib.closing(client):
        client.import_image_from_data(root, repository=repository, tag=tag, changes=list(changes))


def root_of(busybox: str, files: Mapping[str, str] | None = None, trees: Mapping[str, Path] | None = None) -> bytes:
    """The tar of a file system with busybox, these files, and copies of these files and folders."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(busybox, "bin/busybox")
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for name, path in (trees or {}).items():
            tar.add(path, name)
        everybodys = tarfile.TarInfo("tmp")
        everybodys.type, everybodys.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(everybodys)
        for name, text in {"www/health": "ok", **(files or {})}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _kind(binary: str) -> bytes:
    """`statically linked`, as an ELF file without an interpreter says it."""
    with Path(binary).resolve().open("rb") as file:
        return b"dynamically linked" if b"/ld-linux" in file.read(4096) else b"statically linked"


def _answers(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    """Waits until the daemon listens. Skips where this machine does not let one run (a container, often)."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").splitlines()
            pytest.skip(f"no Docker daemon: dockerd ended: {lines[-1][:200] if lines else 'it said nothing'}")
        if socket.exists() and "API listen on" in log.read_text(errors="replace"):
            return
        time.sleep(0.05)
    pytest.skip(f"no Docker daemon: dockerd did not listen within {_START_SECONDS} s")
