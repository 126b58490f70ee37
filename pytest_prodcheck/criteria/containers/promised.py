"""What runs is what the file declares: image, ports, volumes, limits, health check, log (A45, B51, B59, C36).

Compose changes a container only by making a new one: a difference means that the file was edited, or an image built or
pulled, and nobody ran `up` afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.compose.model import DeclaredPort
from pytest_prodcheck.criteria.containers.case import Case, inspect_command
from pytest_prodcheck.criteria.containers.running import shown_size, unseen
from pytest_prodcheck.observe.containers import Container, PublishedPort
from pytest_prodcheck.observe.finding import Finding

_EVERYWHERE = ("", "0.0.0.0", "::")
_STALE = "cluster.compose.not_recreated"


def promised(case: Case) -> list[Finding]:
    """The differences between a service as declared and its containers."""
    found = list(_unset(case))
    for one in case.containers:
        for differences in (_image, _volumes, _limits, _health_check, _log, _files):
            found += differences(case, one)
    return [*found, *unseen(case)]


def ports(case: Case) -> list[Finding]:
    """The declared ports that no running container of the service publishes, and those with nobody behind them."""
    alive = [one for one in case.containers if one.status == "running"]
    missing = [_unpublished(case, port, alive[0]) for port in case.service.ports if alive and not _any(port, alive)]
    return [*missing, *(_closed(case, one, port) for one in alive for port in sorted(one.closed, key=_number))]


def _number(port: PublishedPort) -> int:
    return port.host


def _closed(case: Case, one: Container, port: PublishedPort) -> Finding:
    """Nobody serves a published port (B44)."""
    well = "healthy, and " if one.health == "healthy" else ""
    message = (
        f"{one.name} is {well}published on port {port.host}, and nothing in it listens on {port.container} for others: "
        "it is bound to 127.0.0.1, or to another port"
    )
    return case.found(
        "cluster.container.port_closed", message, "connection closed at once", f"a server on {port.container}",
        container=one, port=port.host,
    )  # fmt: skip


def _any(port: DeclaredPort, containers: list[Container]) -> bool:
    return any(
        found.container == port.container
        and found.protocol == port.protocol
        and (port.host is None or port.host[0] <= found.host <= port.host[1])
        and (found.address == port.address or (found.address in _EVERYWHERE and not port.address))
        for one in containers
        for found in one.ports
    )


def _unpublished(case: Case, port: DeclaredPort, one: Container) -> Finding:
    mine = [found for found in one.ports if found.container == port.container]
    shown = ", ".join(dict.fromkeys(f"{found.address}:{found.host}:{found.container}" for found in mine)) or "none"
    wanted = port.host[0] if port.host else 0
    taken = next(
        (other for other in case.seen.neighbours if any(held.host == wanted for held in other.ports) and wanted), None
    )
    if taken is not None:
        whose = f"project {taken.project}" if taken.project else "no project"
        message = f"{one.name} does not publish {port}: {taken.name} of {whose} holds port {wanted}"
        return case.found(
            "cluster.compose.other_project", message, f"{taken.name} of {whose}", str(port), container=one,
            next="docker compose ls -a", other=taken.name, other_project=taken.project, port=wanted,
        )  # fmt: skip
    message = f"{case.service.where} says {port}, {one.name} publishes {shown}: recreate it"
    return case.found(
        "cluster.compose.port_not_published", message, shown, str(port), container=one,
        next=inspect_command(one, "NetworkSettings.Ports"), port=wanted or port.container,
    )  # fmt: skip


def _stale(case: Case, one: Container, what: str, seen: str, declared: str, path: str) -> Finding:
    message = f"{one.name}: its {what} is {seen}, {case.service.where} declares {declared}: recreate it"
    return case.found(_STALE, message, seen, declared, container=one, next=inspect_command(one, path), what=what)


def _image(case: Case, one: Container) -> Iterator[Finding]:
    declared = case.service.image
    if declared and not one.image.startswith("sha256:") and _reference(one.image) != _reference(declared):
        yield _stale(case, one, "image", one.image, declared, "Config.Image")
        return
    name = declared if one.image.startswith("sha256:") else one.image
    now = case.seen.images.get(name)
    if now is None or now == one.image_id:
        return
    if not now:
        message = f"{one.name} runs an image that is called {name} no longer: it could not be made again from here"
        yield case.found(
            "cluster.compose.image_gone", message, "no such image", name, severity="warning", container=one,
            next=f"docker image ls {name.partition('@')[0].rpartition(':')[0] or name}", image=name,
        )  # fmt: skip
        return
    message = f"{one.name} runs {_short(one.image_id)} of {name}, the tag is {_short(now)} now: it was not recreated"
    yield case.found(
        "cluster.compose.image_outdated", message, _short(one.image_id), _short(now), container=one,
        next=f"docker image inspect -f '{{{{.Id}}}} {{{{.Created}}}}' {name}", image=name,
    )  # fmt: skip


def _reference(name: str) -> str:
    """`postgres` and `docker.io/library/postgres:latest` are one image."""
    plain = name.removeprefix("docker.io/").removeprefix("library/")
    return plain if ":" in plain.rpartition("/")[2] or "@" in plain else f"{plain}:latest"


def _short(identifier: str) -> str:
    return identifier.removeprefix("sha256:")[:12]


def _volumes(case: Case, one: Container) -> Iterator[Finding]:
    for path, source in case.service.volumes.items():
        mounted = one.volumes.get(path)
        named = source and not source.startswith(("/", ".", "~"))
        if mounted is None:
            yield _stale(case, one, f"mount at {path}", "none", source or "a volume", "Mounts")
        elif named and mounted not in (source, f"{case.file.project}_{source}") and not mounted.endswith(f"_{source}"):
            yield _stale(case, one, f"mount at {path}", mounted, source, "Mounts")


def _limits(case: Case, one: Container) -> Iterator[Finding]:
    service = case.service
    for what, seen, declared, path in (
        ("memory limit", one.memory, service.memory, "HostConfig.Memory"),
        ("memory reservation", one.reservation, service.reservation, "HostConfig.MemoryReservation"),
    ):
        if declared and seen != declared:
            yield _stale(case, one, what, shown_size(seen) if seen else "none", shown_size(declared), path)
    if service.cpus and abs(one.cpus - service.cpus) > 0.001:
        yield _stale(case, one, "limit of processors", f"{one.cpus:g}", f"{service.cpus:g}", "HostConfig.NanoCpus")
    if not one.memory and not service.memory:
        message = f"{one.name} has no memory limit: one leak takes the whole machine with it"
        yield case.found(
            "cluster.compose.limit_missing", message, "no limit", "a memory limit", severity="warning", container=one,
            next=inspect_command(one, "HostConfig.Memory"),
        )  # fmt: skip


def _health_check(case: Case, one: Container) -> Iterator[Finding]:
    declared = case.service.health
    if declared and declared.test and not declared.disabled and one.health_test != declared.test:
        seen = " ".join(one.health_test) or "none"
        yield _stale(case, one, "health check", seen[:120], " ".join(declared.test)[:120], "Config.Healthcheck")
    elif one.status == "running" and not (one.health or case.service.finishes or (declared and declared.disabled)):
        message = f"{one.name} has no health check: that it runs says nothing about whether it works"
        yield case.found(
            "cluster.compose.health_check_missing", message, "none", "a health check", severity="warning",
            container=one, next=inspect_command(one, "Config.Healthcheck"),
        )  # fmt: skip


def _log(case: Case, one: Container) -> Iterator[Finding]:
    if case.service.log_driver and one.log_driver != case.service.log_driver:
        yield _stale(case, one, "log driver", one.log_driver, case.service.log_driver, "HostConfig.LogConfig")
    if one.log_driver == "json-file" and not one.log_options.get("max-size"):
        message = f"{one.name} logs to {one.log_driver} without max-size: its log grows until the disk is full"
        yield case.found(
            "cluster.compose.log_unbounded", message, f"{one.log_driver} without max-size", "max-size",
            severity="warning", container=one, next=inspect_command(one, "HostConfig.LogConfig"),
        )  # fmt: skip


def _files(case: Case, one: Container) -> Iterator[Finding]:
    """Made from a file that is not declared, it cannot be judged by the others alone."""
    more = [name for name in one.config_files if name and name not in case.file.names]
    if more and any(name in case.file.names for name in one.config_files):
        message = f"{one.name} was made from {', '.join(one.config_files)}; {', '.join(more)} is not declared here"
        yield case.found(
            "cluster.compose.files_differ", message, ", ".join(one.config_files), ", ".join(case.file.names),
            severity="insufficient", container=one, next=case.list_command,
        )  # fmt: skip


def _unset(case: Case) -> Iterator[Finding]:
    for key, variable in case.service.unset.items():
        message = f"{case.service.name}.{key} needs ${variable}, which has no value here: it was not judged"
        yield case.found(
            "cluster.compose.variable_unset", message, "no value", f"a value of {variable}", severity="insufficient",
            next=f"docker compose -p {case.file.project} config --environment", variable=variable, key=key,
        )  # fmt: skip
