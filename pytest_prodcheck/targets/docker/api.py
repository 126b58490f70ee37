"""The Engine API over the docker SDK: GET only, held at the transport; every answer bounded in bytes and time."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from pytest_prodcheck.errors import ConfigError, Refused
from pytest_prodcheck.observe.observation import Kind, Observation
from pytest_prodcheck.targets.guard import docker as guard

DEFAULT = "unix:///var/run/docker.sock"
OLDEST = (1, 24)
"""The oldest API that is understood: health checks came with it."""
_NEWEST = (1, 47)
"""The newest API whose documents were looked at; a newer daemon still speaks it."""
_LONGEST = 20_000_000
_CHUNK = 65536
_CHAIN = 10
"""Errors behind one another that are looked through for the system's own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the observation, the document where there is one, and the daemon's clock."""

    observation: Observation
    content: Any = None
    body: bytes = b""
    now: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the daemon gave what was asked for."""
        return not self.observation.error and self.observation.status == 200


class DockerApi:
    """Reads one daemon. Safe to call from many threads."""

    def __init__(self, target: str, address: str, timeout: float, clock: Callable[[], float] = time.time) -> None:
        """`address` is `unix://…` or `tcp://…`; empty means DOCKER_HOST, then the usual socket. Raises ConfigError
        where the SDK is not installed or the address is none."""
        self.target, self.timeout, self._clock = target, timeout, clock
        self.address = address or os.environ.get("DOCKER_HOST", "") or DEFAULT
        self._client, self._failures = _client(self.address, timeout)
        self._prefix = ""
        self.sent = self.refused = 0

    def version(self) -> Answer:
        """The daemon's version; every later request speaks the newest API that both know."""
        answer = self._asked("/version", {}, "readiness", _LONGEST, as_json=True, knock=True)
        if answer.good and isinstance(answer.content, Mapping):
            spoken = min(api_version(answer.content), _NEWEST)
            self._prefix = f"/v{spoken[0]}.{spoken[1]}"
        return answer

    def get(self, path: str, parameters: Mapping[str, str] | None = None, *, kind: Kind = "declared") -> Answer:
        """One document. Raises errors.Refused; all else that fails is in the observation."""
        return self._asked(path, parameters or {}, kind, _LONGEST, as_json=True)

    def read(self, path: str, parameters: Mapping[str, str], at_most: int) -> Answer:
        """At most so many bytes of a stream; what is longer is cut, and `body.too_large` says so."""
        return self._asked(path, parameters, "declared", at_most, as_json=False)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _asked(
        self, path: str, parameters: Mapping[str, str], kind: Kind, at_most: int, *, as_json: bool, knock: bool = False
    ) -> Answer:
        began, started = time.perf_counter(), self._clock()
        self.sent += 1
        try:
            if knock:
                _knock(self.address, self.timeout)
            came = self._exchange(path, parameters, at_most, began + self.timeout, as_json=as_json)
        except Refused:
            self.sent, self.refused = self.sent - 1, self.refused + 1
            raise
        except self._failures as failure:
            came = _classified(failure)
        spent = time.perf_counter() - began
        observation = Observation(
            self.target, f"GET {path}", kind, started_at=started, phases={"first_byte": spent}, wall=spent,
            status=came.status, error=came.error, message=came.message, size=len(came.body),
            expected=not came.error and came.status == 200,
            data={"address": self.address, **({"reason": came.reason} if came.reason else {})},
        )  # fmt: skip
        return Answer(observation, came.content, came.body, came.now or started)

    def _exchange(
        self, path: str, parameters: Mapping[str, str], at_most: int, deadline: float, *, as_json: bool
    ) -> _Came:
        url = f"{self._client.base_url}{self._prefix}{path}"
        with self._client.get(url, params=parameters, stream=True, timeout=self.timeout) as response:
            status, now = response.status_code, _seconds(response.headers.get("date", ""))
            body, whole = _bounded(response, at_most, deadline)
        if not whole or (status == 200 and not as_json):
            return _Came(status, "" if whole else "body.too_large", body=body, now=now)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return _Came(status, "protocol", "the answer is no JSON: is it a Docker daemon?", now=now)
        told = content.get("message") if status != 200 and isinstance(content, dict) else ""
        return _Came(status, message=str(told or "")[:500], content=content, body=body, now=now)


@dataclass(frozen=True, slots=True)
class _Came:
    """What an exchange gave."""

    status: int | None = None
    error: str = ""
    message: str = ""
    reason: str = ""
    content: Any = None
    body: bytes = b""
    now: float = 0.0


def _knock(address: str, timeout: float) -> None:
    """Raises OSError where nobody opens the socket: the SDK would leave its own one open then."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
            knocking.settimeout(timeout)
            knocking.connect(address.removeprefix("unix://"))


def api_version(document: Mapping[str, Any]) -> tuple[int, int]:
    """The API version of a daemon; `(0, 0)` where it says none."""
    major, _, minor = str(document.get("ApiVersion", "")).partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)


def quoted(name: str) -> str:
    """A name as it stands in a path."""
    return quote(name, safe="/:@")


def _client(address: str, timeout: float) -> tuple[Any, tuple[type[Exception], ...]]:
    try:
        import docker
        import requests
        import urllib3
    except ImportError:
        raise ConfigError("Docker needs its SDK: pip install 'pytest-prodcheck[containers]'") from None
    from docker.utils import kwargs_from_env

    if not address.startswith(("unix://", "tcp://")):
        raise ConfigError(
            f"{address.partition('://')[0]}:// is no address of a daemon that can be read: use unix:// or tcp://; "
            "for ssh, forward the socket: ssh -L /tmp/docker.sock:/var/run/docker.sock HOST"
        )
    try:
        tls = kwargs_from_env().get("tls", False) if address.startswith("tcp://") else False
        client = docker.APIClient(base_url=address, version=f"{OLDEST[0]}.{OLDEST[1]}", timeout=int(timeout), tls=tls)
    except (docker.errors.DockerException, OSError) as error:
        raise ConfigError(f"{address}: no client for it: {error}") from None
    client.trust_env = False
    for prefix, adapter in list(client.adapters.items()):
        client.mount(prefix, _read_only(adapter, requests.adapters.BaseAdapter))
    return client, (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


def _read_only(adapter: Any, base: Any) -> Any:
    """The transport, with the guard before it: whatever the SDK is told, nothing but reads leaves."""

    class ReadOnly(base):  # type: ignore[misc]
        """Sends what the guard passes."""

        def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
            """Raises errors.Refused."""
            guard.check(request.method, request.url)
            return adapter.send(request, *arguments, **options)

        def close(self) -> None:
            """Closes the connections behind it."""
            adapter.close()

    return ReadOnly()


def _bounded(response: Any, at_most: int, deadline: float) -> tuple[bytes, bool]:
    """The body, and whether that is all of it. Raises TimeoutError where it drips past the deadline."""
    parts: list[bytes] = []
    left = at_most
    while part := response.raw.read1(_CHUNK, decode_content=True):
        parts.append(part[:left])
        left -= len(part)
        if left < 0:
            return b"".join(parts), False
        if time.perf_counter() > deadline:
            raise TimeoutError("the answer did not end in time")
    return b"".join(parts), True


def _classified(failure: BaseException) -> _Came:
    """Error class, name of the error where the system gave one, and its words."""
    told: BaseException | None = failure
    for _ in range(_CHAIN):
        if isinstance(told, TimeoutError):
            return _Came(error="timeout", message="no complete answer in time")
        if isinstance(told, OSError) and isinstance(told.errno, int):
            return _Came(error="tcp.refused", reason=type(told).__name__, message=str(told.strerror or told))
        told = _before(told) if told is not None else None
    words = str(failure)
    return _Came(error="timeout" if "timed out" in words.lower() else "tcp.reset", message=words[:300])


def _before(error: BaseException) -> BaseException | None:
    """The error behind one: its cause, its context, or what urllib3 and requests carry as an argument."""
    inside = [one for one in (*error.args, getattr(error, "reason", None)) if isinstance(one, BaseException)]
    return error.__cause__ or error.__context__ or (inside[0] if inside else None)


def _seconds(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return 0.0
