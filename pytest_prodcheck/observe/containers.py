"""The containers of one Docker daemon as plain data: one reading a run. Values of environments are never kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port of a container that the host listens on."""

    container: int
    protocol: str
    address: str
    """The host's address; `0.0.0.0` and `::` are all of them."""
    host: int


@dataclass(frozen=True, slots=True)
class HealthRun:
    """One run of a health check."""

    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Container:
    """One container, as the daemon inspects it. Times are seconds since the epoch, 0.0 where there is none."""

    id: str
    name: str
    project: str = ""
    """The compose project that it belongs to; empty for none."""
    service: str = ""
    config_files: tuple[str, ...] = ()
    """Names of the compose files that it was made from."""
    image: str = ""
    """The image's name, as it was given."""
    image_id: str = ""
    status: str = ""
    """`created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`."""
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    """What the daemon could not do for it: `port is already allocated`."""
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    restarts: int = 0
    """How often the daemon started it again since it was created."""
    restart_policy: str = ""
    health: str = ""
    """`starting`, `healthy` or `unhealthy`; empty where it has no health check."""
    health_test: tuple[str, ...] = ()
    failing_streak: int = 0
    health_runs: tuple[HealthRun, ...] = ()
    memory: int = 0
    """Limit in bytes; 0 for none."""
    reservation: int = 0
    cpus: float = 0.0
    log_driver: str = ""
    log_options: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[PublishedPort, ...] = ()
    closed: frozenset[PublishedPort] = frozenset()
    """Published ports that nobody in the container serves; looked at where the daemon is of this machine."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Path in the container → the volume's name, or the host's path."""
    log: tuple[str, ...] = ()
    """Its last lines, where it is not well."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A container of the same daemon as it is listed: it is not of our project, or was not looked at."""

    name: str
    project: str
    service: str
    running: bool
    ports: tuple[PublishedPort, ...] = ()


@dataclass(frozen=True, slots=True)
class Containers:
    """What the daemon says of one project."""

    now: float
    """The daemon's own clock."""
    version: str
    api: str
    containers: tuple[Container, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    """Name of each image that is asked for → its id now; empty where the daemon has none of that name."""
    unseen: tuple[Neighbour, ...] = ()
    """Containers of the project that were listed and not inspected: there are too many."""

    def of(self, service: str) -> tuple[Container, ...]:
        """The containers of one service."""
        return tuple(one for one in self.containers if one.service == service)

    def unseen_of(self, service: str) -> tuple[Neighbour, ...]:
        """The containers of one service that were not inspected."""
        return tuple(one for one in self.unseen if one.service == service)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container uses now."""

    name: str
    service: str
    memory: int
    """Bytes in use, without the page cache that can be given back."""
    limit: int
    """Bytes that it may use; the machine's memory where nothing limits it."""
    cpu: float | None
    """Processors in use over the last second; None where there was no second look."""
    processors: int = 1
    """Processors of the machine."""
    cpus: float = 0.0
    """Processors that it may use; 0.0 where nothing limits it."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What the daemon keeps on the disk, in bytes."""

    images: int = 0
    containers: int = 0
    volumes: int = 0
    cache: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.images + self.containers + self.volumes + self.cache
