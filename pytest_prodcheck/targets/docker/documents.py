"""The daemon's documents → plain data. What it says is hostile: any type may stand anywhere, any text may be long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from pytest_prodcheck.observe.containers import Container, Disk, HealthRun, Neighbour, PublishedPort, Usage

_COMPOSE = "com.docker.compose."
_TEXT = 2000
_LIST = 200


def container(document: object, log: tuple[str, ...] = ()) -> Container:
    """One inspected container; the values of its environment are left where they are."""
    root = _table(document)
    state, host, config = _table(root.get("State")), _table(root.get("HostConfig")), _table(root.get("Config"))
    health, labels = _table(state.get("Health")), _table(config.get("Labels"))
    logging = _table(host.get("LogConfig"))
    return Container(
        _text(root.get("Id")),
        _text(root.get("Name")).removeprefix("/"),
        _text(labels.get(f"{_COMPOSE}project")),
        _text(labels.get(f"{_COMPOSE}service")),
        tuple(PurePosixPath(name).name for name in _text(labels.get(f"{_COMPOSE}project.config_files")).split(",")),
        _text(config.get("Image")),
        _text(root.get("Image")),
        _text(state.get("Status")),
        _number(state.get("ExitCode")),
        state.get("OOMKilled") is True,
        _text(state.get("Error")),
        _moment(root.get("Created")),
        _moment(state.get("StartedAt")),
        _moment(state.get("FinishedAt")),
        _number(root.get("RestartCount")),
        _text(_table(host.get("RestartPolicy")).get("Name")),
        _text(health.get("Status")).replace("none", ""),
        tuple(_text(word) for word in _list(_table(config.get("Healthcheck")).get("Test"))),
        _number(health.get("FailingStreak")),
        tuple(
            HealthRun(_number(_table(run).get("ExitCode")), _text(_table(run).get("Output")).strip())
            for run in _list(health.get("Log"))
        ),
        _number(host.get("Memory")),
        _number(host.get("MemoryReservation")),
        _number(host.get("NanoCpus")) / 1e9,
        _text(logging.get("Type")),
        {str(key): _text(value) for key, value in _table(logging.get("Config")).items()},
        tuple(_published(_table(root.get("NetworkSettings")).get("Ports"))),
        volumes=dict(_mounts(root.get("Mounts"))),
        log=log,
    )


def is_of(document: object, project: str) -> bool:
    """Whether a listed container is one of the project's own, and no `docker compose run`."""
    labels = _table(_table(document).get("Labels"))
    return labels.get(f"{_COMPOSE}project") == project and _text(labels.get(f"{_COMPOSE}oneoff")).lower() != "true"


def neighbour(document: object) -> Neighbour:
    """A listed container of somebody else."""
    root = _table(document)
    labels, names = _table(root.get("Labels")), _list(root.get("Names"))
    ports = [_table(port) for port in _list(root.get("Ports"))]
    return Neighbour(
        _text(names[0]).removeprefix("/") if names else "",
        _text(labels.get(f"{_COMPOSE}project")),
        _text(labels.get(f"{_COMPOSE}service")),
        root.get("State") == "running",
        tuple(
            PublishedPort(_number(port.get("PrivatePort")), _text(port.get("Type")), _text(port.get("IP")), number)
            for port in ports
            if (number := _number(port.get("PublicPort")))
        ),
    )


def listed(document: object, key: str) -> str:
    """A text of a listed container."""
    return _text(_table(document).get(key))


def usage(document: object, seen: Container) -> Usage:
    """One look at a container's statistics, as `docker stats` reckons them."""
    root = _table(document)
    memory = _table(root.get("memory_stats"))
    inside = _table(memory.get("stats"))
    cache = _number(inside.get("total_inactive_file", inside.get("inactive_file")))
    used = _number(memory.get("usage"))
    return Usage(
        seen.name, seen.service, used - cache if cache < used else used, _number(memory.get("limit")),
        _cpu(root), _processors(root), seen.cpus,
    )  # fmt: skip


def _cpu(root: Mapping[str, Any]) -> float | None:
    now, before = _table(root.get("cpu_stats")), _table(root.get("precpu_stats"))
    spent = _number(_table(now.get("cpu_usage")).get("total_usage")) - _number(
        _table(before.get("cpu_usage")).get("total_usage")
    )
    passed = _number(now.get("system_cpu_usage")) - _number(before.get("system_cpu_usage"))
    if passed <= 0 or spent < 0 or not before.get("system_cpu_usage"):
        return None
    return spent / passed * _processors(root)


def _processors(root: Mapping[str, Any]) -> int:
    return max(1, _number(_table(root.get("cpu_stats")).get("online_cpus")))


def disk(document: object) -> Disk:
    """What `docker system df` adds up."""
    root = _table(document)
    volumes = [_number(_table(_table(one).get("UsageData")).get("Size")) for one in _all(root.get("Volumes"))]
    return Disk(
        _number(root.get("LayersSize")),
        sum(_number(_table(one).get("SizeRw")) for one in _all(root.get("Containers"))),
        sum(size for size in volumes if size > 0),
        sum(_number(_table(one).get("Size")) for one in _all(root.get("BuildCache")) if not _table(one).get("Shared")),
    )


def _published(ports: object) -> Iterator[PublishedPort]:
    for name, bindings in _table(ports).items():
        number, _, protocol = str(name).partition("/")
        for binding in _list(bindings):
            one = _table(binding)
            host = _text(one.get("HostPort"))
            if number.isdecimal() and host.isdecimal():
                yield PublishedPort(int(number), protocol or "tcp", _text(one.get("HostIp")), int(host))


def _mounts(mounts: object) -> Iterator[tuple[str, str]]:
    for mount in map(_table, _list(mounts)):
        source = mount.get("Name") if mount.get("Type") == "volume" else mount.get("Source")
        yield _text(mount.get("Destination")), _text(source)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value[:_LIST] if isinstance(value, list) else ()


def _all(value: object) -> Sequence[Any]:
    """A list that is added up, and not kept."""
    return value if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value[:_TEXT] if isinstance(value, str) else ""


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) < 1 << 63 else 0


def _moment(value: object) -> float:
    """Seconds since the epoch of `2026-11-29T11:20:12.701037686Z`; the year 1 means never."""
    text = _text(value)
    try:
        moment = datetime.fromisoformat(text[:19] + "+00:00")
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.year > 1 else 0.0
