"""What a compose file declares, as plain data: only what can be held against running containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeclaredPort:
    """One port that a service publishes."""

    container: int
    protocol: str = "tcp"
    host: tuple[int, int] | None = None
    """First and last of the host's ports that are allowed; None where the daemon chooses one."""
    address: str = ""
    """The host's address that it is bound to; empty for all of them."""

    def __str__(self) -> str:
        first, last = self.host or (0, 0)
        ports = "" if self.host is None else str(first) if first == last else f"{first}-{last}"
        return ":".join(part for part in (self.address, ports, str(self.container)) if part) + (
            "" if self.protocol == "tcp" else f"/{self.protocol}"
        )


@dataclass(frozen=True, slots=True)
class DeclaredHealth:
    """`healthcheck` of a service; what is not written is the image's."""

    test: tuple[str, ...] = ()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `unset` names the variables without a value that a key needs: it cannot be judged then."""

    name: str
    where: str
    """`docker-compose.yml:12`."""
    image: str = ""
    container_name: str = ""
    replicas: int = 1
    finishes: bool = False
    """Whether another service waits for it with `service_completed_successfully`: it is meant to end, with 0."""
    restart: str = ""
    ports: tuple[DeclaredPort, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Path in the container → what is mounted there: the name of a volume, or a path; empty for an anonymous one."""
    memory: int = 0
    """Limit in bytes; 0 for none."""
    reservation: int = 0
    cpus: float = 0.0
    health: DeclaredHealth | None = None
    log_driver: str = ""
    log_options: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    unset: Mapping[str, str] = field(default_factory=dict)
    """Key → the variable that it needs and that has no value here."""
    optional: bool = False
    """Whether it has `profiles`: it runs only where one of them is asked for."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the file itself."""

    kind: str
    """`unknown_key`, `obsolete_version`, `unset_variable`, `invalid_value`."""
    where: str
    subject: str
    """The key's path: `services.app.helthcheck`."""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """One deployment: all files merged."""

    names: tuple[str, ...]
    """The files' names, without their folders."""
    project: str
    services: Mapping[str, Service]
    remarks: tuple[Remark, ...] = ()
