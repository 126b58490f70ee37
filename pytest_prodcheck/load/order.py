"""An order: all that the processes of one scenario are told, over a pipe, for secrets are in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_prodcheck.observe.load import Model


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a shape."""

    duration: float
    level: float
    """Users, or arrivals a second, at its end."""
    step: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """One declared read that a shipped scenario sends."""

    name: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str = field(default="", repr=False)
    status: tuple[int, ...] = ()
    """Statuses that are no error; empty for 200 to 299."""
    weight: int = 1
    user: str = ""
    """As whom it is sent: the headers come with each request, for tokens are renewed."""
    graphql: bool = False
    """Whether an answer with `errors` is an error, whatever its status."""


@dataclass(frozen=True, slots=True)
class Session:
    """One declared WebSocket that a shipped scenario opens."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    subprotocol: str = ""
    hold: float = 1.0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    """How one scenario is run. Times are seconds."""

    scenario: str
    file: str = ""
    """Absolute path of a Locust file; empty for a shipped scenario."""
    host: str = ""
    model: Model = "closed"
    users: int = 1
    spawn_rate: float = 100.0
    rate: float = 0.0
    stages: tuple[Stage, ...] = ()
    duration: float = 60.0
    warm_up: float = 0.0
    pacing: float = 0.0
    abort: tuple[str, ...] = ()
    per_second: float = 1000.0
    """Cap of requests a second, of all processes together."""
    most_users: int = 1000
    """Cap of users, and of arrivals under way."""
    workers: int = 1
    port: int = 0
    master: str = ""
    origins: tuple[str, ...] = ()
    """`scheme://host:port` of everything that may be contacted; empty where no guard holds (plain `locust`)."""
    posts: tuple[str, ...] = ()
    """`METHOD path` of declared reads beyond GET, HEAD and OPTIONS."""
    graphql: tuple[str, ...] = ()
    """Paths where a POST is a read if its document is a query."""
    writes: bool = False
    """Whether the scenario is a declared write that is permitted here."""
    timeout: float = 10.0
    grace: float = 10.0
    """How long answers are waited for after the last request was started."""
    ca: str = "system"
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """User → the headers that identify it."""
    as_: str = ""
    reads: tuple[Read, ...] = field(default=(), repr=False)
    sessions: tuple[Session, ...] = field(default=(), repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables with secrets, which the process's environment does not show."""
    folder: str = ""
    """Where this process writes its columns."""

    def dumps(self) -> bytes:
        """The order as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def loads(line: bytes) -> Order:
    """The order that a line spells."""
    data: dict[str, Any] = json.loads(line)
    data["stages"] = tuple(Stage(**one) for one in data["stages"])
    data["reads"] = tuple(Read(**one | {"status": tuple(one["status"])}) for one in data["reads"])
    data["sessions"] = tuple(Session(**one) for one in data["sessions"])
    for key in ("abort", "origins", "posts", "graphql"):
        data[key] = tuple(data[key])
    return Order(**data)


def level(stages: tuple[Stage, ...], at: float, start: float = 0.0) -> float:
    """Users, or arrivals a second, `at` seconds after the start: straight lines between stages, or steps."""
    for stage in stages:
        if at < stage.duration:
            return stage.level if stage.step else start + (stage.level - start) * at / stage.duration
        at, start = at - stage.duration, stage.level
    return start


def arrivals(stages: tuple[Stage, ...]) -> tuple[tuple[float, float, float, float], ...]:
    """Each stage as begin, duration, rate at its begin and rate at its end."""
    rows, begin, before = [], 0.0, 0.0
    for stage in stages:
        rows.append((begin, stage.duration, stage.level if stage.step else before, stage.level))
        begin, before = begin + stage.duration, stage.level
    return tuple(rows)


def due(stages: tuple[Stage, ...], number: int) -> float | None:
    """When arrival `number` (0, 1, …) is due: the integral of the rate reaches it; None after the end."""
    left = float(number)
    for begin, duration, first, last in arrivals(stages):
        many = (first + last) / 2 * duration
        if left < many - 1e-9:
            return begin + _within(left, duration, first, last)
        left -= many
    return None


def _within(count: float, duration: float, first: float, last: float) -> float:
    """Seconds until the integral of a line from `first` to `last` is `count`."""
    slope = (last - first) / duration
    if abs(slope) < 1e-12:
        return count / first
    root: float = (first * first + 2 * slope * count) ** 0.5
    return (root - first) / slope


def total(stages: tuple[Stage, ...], until: float | None = None) -> int:
    """How many arrivals are due, up to `until` seconds."""
    whole = 0.0
    for begin, duration, first, last in arrivals(stages):
        spent = duration if until is None else min(duration, max(0.0, until - begin))
        at_end = first + (last - first) * spent / duration
        whole += (first + at_end) / 2 * spent
    return int(whole + 1 - 1e-9)
