"""Real Redis servers on free ports, started for a test and gone afterwards: alone, in pairs, a cluster, sentinels."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from pytest_prodcheck.config.models import CacheTarget
from pytest_prodcheck.targets.cache.prober import CacheProber

BINARY = os.environ.get("PRODCHECK_TEST_REDIS") or shutil.which("redis-server") or shutil.which("valkey-server") or ""
"""The server that the tests run on."""
READY_SECONDS = 20.0


def or_skip() -> str:
    """The server's binary; skips the test where there is none."""
    if not BINARY:
        pytest.skip("no redis-server here: apt-get install redis-server")
    return BINARY


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on; below the range of outgoing connections, and so that a cluster's bus
    (port + 10000) fits."""
    for _ in range(100):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1] % 20000 + 20000
            with contextlib.suppress(OSError):
                other.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no free port")


class Redis:
    """One server; `settings` are lines of its configuration file."""

    def __init__(self, *settings: str, tls: bool = False, port: int = 0, sentinel: bool = False) -> None:
        self.port, self.directory = port or free_port(), Path(tempfile.mkdtemp(prefix="prodcheck-redis-"))
        listens = [f"tls-port {self.port}", "port 0"] if tls else [f"port {self.port}"]
        lines = [*listens, "bind 127.0.0.1", f"dir {self.directory}", "loglevel warning", "logfile log"]
        lines += [] if sentinel else ['save ""']
        (self.directory / "redis.conf").write_text("\n".join([*lines, *settings]) + "\n")
        command = [or_skip(), str(self.directory / "redis.conf"), *(["--sentinel"] if sentinel else [])]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        until(self._listens, f"redis-server on {self.port}")

    def ask(self, *words: str | int, password: str = "") -> list[bytes]:
        """The lines that the server answers to one command, as somebody with all rights sends it."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as client:
            if password:
                client.sendall(_packed("AUTH", password))
                client.recv(100)
            client.sendall(_packed(*map(str, words)))
            client.settimeout(5)
            return client.recv(1 << 20).split(b"\r\n")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """A connection that the server has let in, for as long as this lasts."""
        held: list[socket.socket] = []

        def lets_in() -> bool:
            client = socket.create_connection(("127.0.0.1", self.port), 5)
            client.sendall(_packed("PING"))
            with contextlib.suppress(OSError):
                if client.recv(5) == b"+PONG":
                    held.append(client)
                    return True
            client.close()
            return False

        until(lets_in, "a free slot")
        yield
        held[0].close()

    def url(self, credentials: str = "", scheme: str = "redis", database: int = 0) -> str:
        """Its URL; `credentials` are `user:password@`."""
        return f"{scheme}://{credentials}127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Ends it, and removes its folder."""
        self._process.kill()
        self._process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def _listens(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError((self.directory / "log").read_text("utf-8", "replace")[-2000:])
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits until something holds; a busy machine has time. Raises TimeoutError."""
    end = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} is not ready within {READY_SECONDS:g} s")
        time.sleep(0.02)


@contextlib.contextmanager
def cluster(nodes: int = 3) -> Iterator[list[Redis]]:
    """A cluster of primaries that serve all hash slots."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Redis("cluster-enabled yes", "cluster-node-timeout 2000")) for _ in range(nodes)]
        share = 16384 // nodes + 1
        for number, server in enumerate(servers):
            last = min(16383, (number + 1) * share - 1)
            server.ask("CLUSTER", "ADDSLOTSRANGE", number * share, last)
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in servers[1:]:
            server.ask("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        for server in servers:
            until(lambda one=server: b"cluster_state:ok" in one.ask("CLUSTER", "INFO"), "the cluster")  # type: ignore[misc]
            until(lambda one=server: f"cluster_known_nodes:{nodes}".encode() in one.ask("CLUSTER", "INFO"), "its nodes")  # type: ignore[misc]
        yield servers


@contextlib.contextmanager
def asking(url: str, run: str = "test", **keys: object) -> Iterator[CacheProber]:
    """A prober of a target at `url`, with a deadline that a busy machine keeps."""
    prober = CacheProber("cache", CacheTarget.model_validate({"url": url, "timeout": 5.0, **keys}), run)
    yield prober
    prober.close()


def _packed(*words: str) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
