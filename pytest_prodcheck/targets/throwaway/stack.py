"""The throwaway containers of one run, over testcontainers."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from pytest_prodcheck.config.models.throwaway import Throwaway
from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.targets.throwaway import addresses, setup
from pytest_prodcheck.targets.throwaway.labels import LABEL, sweep
from pytest_prodcheck.targets.throwaway.undertaker import Undertaker

LogIn = Callable[[str], str]
"""A DSN → why a login fails; empty where it succeeds."""
_TICK_SECONDS = 0.1
_LAST_LINES = 200
_BEFORE_THE_END = 1.0
"""Seconds before the run's deadline at which a pull is given up: what was waited for is said, and not only that."""


@dataclass(slots=True)
class _One:
    """One started container."""

    promised: Throwaway
    container: Any
    host: str = ""
    port: int = 0
    url: str = field(default="", repr=False)
    inside: str = field(default="", repr=False)


class Stack:
    """Starts the containers in the order of the file, and removes them. `addresses` holds secrets."""

    def __init__(self, promised: Mapping[str, Throwaway], run: str, log_in: LogIn, seconds: float) -> None:
        """`seconds` bounds the whole start."""
        self._promised, self._run, self._log_in = promised, run, log_in
        self._until = time.monotonic() + seconds
        self._started: dict[str, _One] = {}
        self._client: Any = None
        self._network: Any = None
        self._undertaker: Undertaker | None = None
        self.notes: list[str] = []
        self.left = ""
        """What may be left, and how it is removed; empty where nothing is."""

    def __enter__(self) -> Stack:
        """Raises UsageProblem where Docker is absent, an image cannot be had, or a container is not ready in time."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    @property
    def addresses(self) -> Mapping[str, str]:
        """What `container:NAME` stands for."""
        return {name: one.url for name, one in self._started.items()}

    @property
    def variables(self) -> dict[str, str]:
        """The environment of `setup`."""
        found = (addresses.variables(name, one.url, one.host, one.port) for name, one in self._started.items())
        return {name: value for variables in found for name, value in variables.items()}

    def set_up(self, command: str, folder: Path, seconds: float) -> None:
        """Runs one command of `setup`; what it leaves in the background ends with the run. Raises UsageProblem."""
        if self._undertaker is not None:
            setup.run(command, folder, self.variables, seconds, self._undertaker.watch)

    def log(self, name: str) -> tuple[str, tuple[str, ...]]:
        """State of a container (`running`, `exited with 1`) and its last lines; nothing where it cannot be asked."""
        import docker
        import requests

        with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
            wrapped = self._started[name].container.get_wrapped_container()
            wrapped.reload()
            state = wrapped.attrs["State"]
            ended = "" if state["Status"] == "running" else f"{state['Status']} with {state['ExitCode']}"
            said = wrapped.logs(tail=_LAST_LINES).decode(errors="replace")
            return ended or "running", tuple(line for line in said.splitlines() if line.strip())
        return "", ()

    def stop(self) -> None:
        """Removes everything; harmless when called twice. What the daemon does not let go is the undertaker's."""
        import docker
        import requests

        swept = self._client is None
        if self._client is not None:
            with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
                sweep(self._client, self._run, looks=1)
                swept = True
        for one in self._started.values():
            one.container.get_docker_client().client.close()
        if self._network is not None:
            self._network._docker.client.close()
        if self._client is not None:
            self._client.close()
        if self._undertaker is not None:
            self._undertaker.finish(swept=swept)
        if not swept:
            self.left = (
                "the Docker daemon gives no answer: containers of this run may be left; our own process tries on for "
                f"minutes, then it is yours: docker rm -fv $(docker ps -aq --filter label={LABEL}={self._run})"
            )
        self._started, self._client, self._network, self._undertaker = {}, None, None, None

    def _start(self) -> None:
        import docker
        import requests

        try:
            from testcontainers.core.docker_client import DockerClient
            from testcontainers.core.network import Network
        except ImportError:
            raise UsageProblem("containers need testcontainers: pip install 'pytest-prodcheck[containers]'") from None
        try:
            self._client = DockerClient().client
            self._client.ping()
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            raise UsageProblem(_absent(error)) from None
        self._undertaker = Undertaker(self._run)
        self._with_or_without_ryuk()
        self._network = Network(docker_network_kw={"labels": {LABEL: self._run}})
        self._network.create()
        for name, promised in self._promised.items():
            with _told(name, promised):
                self._start_one(name, promised)

    def _with_or_without_ryuk(self) -> None:
        """Ryuk where it is wanted and can be had; else the undertaker alone, which a note says."""
        import docker
        import requests
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import Reaper

        if testcontainers_config.ryuk_disabled:
            return
        try:
            Reaper.get_instance()
        except (docker.errors.DockerException, requests.RequestException, OSError, TimeoutError) as error:
            testcontainers_config.ryuk_disabled = True
            self.notes.append(f"Ryuk was not started ({_words(error)}): our own process removes the containers")

    def _start_one(self, name: str, promised: Throwaway) -> None:
        from testcontainers.core.container import DockerContainer

        password = secrets.token_hex(16)
        inside = {other: one.inside for other, one in self._started.items()}
        env = addresses.environment(promised, password, inside)
        container = DockerContainer(promised.image, env=dict(env), ports=[promised.port])
        container.with_network(self._network).with_network_aliases(name).with_kwargs(labels={LABEL: self._run})
        if promised.command:
            container.with_command(list(promised.command))
        one = self._started[name] = _One(promised, container)
        self._pull(name, promised)
        container.start()
        self._until_ready(name, one, lambda: _unlocated(one))
        one.url = addresses.url(promised, env, one.host, one.port, password)
        one.inside = addresses.url(promised, env, name, promised.port, password)
        self._until_ready(name, one, lambda: self._unready(one))

    def _pull(self, name: str, promised: Throwaway) -> None:
        """Has the image there, within the run's time: the daemon itself may wait for a registry for ever."""
        import docker
        import requests

        client, failed = self._client, list[BaseException]()
        with contextlib.suppress(docker.errors.ImageNotFound):
            client.images.get(promised.image)
            return

        def pull() -> None:
            try:
                client.images.pull(promised.image)
            except (docker.errors.DockerException, requests.RequestException) as error:
                failed.append(error)

        begun, until = time.monotonic(), self._until - _BEFORE_THE_END
        pulling = threading.Thread(target=pull, name=f"pull {name}", daemon=True)
        pulling.start()
        while pulling.is_alive() and time.monotonic() < until:
            pulling.join(_TICK_SECONDS)
        if pulling.is_alive():
            waited = time.monotonic() - begun
            raise UsageProblem(
                f"container {name} ({promised.image}): the image was not pulled within {waited:.0f} s, which the run's "
                "deadline left for it; pull it before, or lengthen `deadline`"
            )
        if failed:
            raise failed[0]

    def _until_ready(self, name: str, one: _One, unready: Callable[[], str]) -> None:
        """Waits until `unready` has nothing to say. Raises UsageProblem where it ends, or is not ready in time."""
        seconds = min(one.promised.timeout, self._until - time.monotonic())
        until = time.monotonic() + seconds
        while why := unready():
            state, lines = self.log(name)
            last = [f"  {line[:300]}" for line in lines[-5:]]
            if state not in ("running", "created with 0", ""):
                raise UsageProblem(f"container {name} ({one.promised.image}) {state} before it was ready", *last)
            if time.monotonic() > until:
                raise UsageProblem(
                    f"container {name} ({one.promised.image}) was not ready within {seconds:.0f} s: {why}", *last
                )
            time.sleep(_TICK_SECONDS)

    def _unready(self, one: _One) -> str:
        """Why it is not ready yet; empty where it is."""
        if stopped := _stopped(one.container):
            return stopped
        health = one.container.get_wrapped_container().attrs["State"].get("Health") or {}
        if health.get("Status", "healthy") not in ("healthy", "none"):
            return f"its health check says {health['Status']}"
        if one.promised.port == addresses.POSTGRES:
            return self._log_in(one.url)
        return _silent(one.host, one.port, one.promised.ready)


def _unlocated(one: _One) -> str:
    """Finds where it is reached. Why it cannot be yet; empty where it can."""
    if stopped := _stopped(one.container):
        return stopped
    client, wrapped = one.container.get_docker_client(), one.container.get_wrapped_container()
    bindings = wrapped.attrs["NetworkSettings"]["Ports"].get(f"{one.promised.port}/tcp") or []
    mapped = client.get_connection_mode().use_mapped_port
    if mapped and not bindings:
        return "its port is not published"
    one.host = one.container.get_container_host_ip()
    one.port = int(bindings[0]["HostPort"]) if mapped else one.promised.port
    return ""


def _stopped(container: Any) -> str:
    """What it is where it does not run; empty where it does."""
    wrapped = container.get_wrapped_container()
    wrapped.reload()
    return "" if wrapped.status == "running" else f"it is {wrapped.status}"


@contextlib.contextmanager
def _told(name: str, promised: Throwaway) -> Iterator[None]:
    """What the daemon refuses, as a usage problem."""
    import docker
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise UsageProblem(f"container {name} ({promised.image}) could not be started: {_words(error)}") from None


def _silent(host: str, port: int, path: str) -> str:
    """Why a port takes no connection, or a path gives no 2xx; empty where all is well."""
    try:
        if not path:
            with socket.create_connection((host, port), 1):
                return ""
        connection = http.client.HTTPConnection(host, port, timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", path)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return "" if 200 <= status < 300 else f"GET {path} answers {status}"


def _absent(error: BaseException) -> str:
    where = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return (
        f"[containers] needs Docker, and the daemon at {where} gives no answer: {_words(error)}; start it, or set "
        "DOCKER_HOST; an environment without [containers] needs none"
    )


def _words(error: BaseException) -> str:
    """The daemon's own words, in a line."""
    told = getattr(error, "explanation", None) or str(error)
    return " ".join(str(told).split())[:300]
