"""What containers use of their limits, and the daemon of the disk (B37, B49, B52, D28)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models.compose import ComposeTarget
from pytest_prodcheck.criteria.containers.case import CRITERION
from pytest_prodcheck.criteria.containers.running import shown_size
from pytest_prodcheck.observe.containers import Disk, Usage
from pytest_prodcheck.observe.finding import Finding


def usage(
    seen: Sequence[Usage], disk: Disk | None, promised: ComposeTarget, target: str, silent: Sequence[str] = ()
) -> list[Finding]:
    """The limits that do not hold; of the `silent` containers there are no figures."""
    found = [finding for one in seen for finding in (*_memory(one, promised, target), *_cpu(one, promised, target))]
    return [*found, *_silent(silent, promised, target), *_disk(disk, promised, target)]


def _silent(names: Sequence[str], promised: ComposeTarget, target: str) -> Iterator[Finding]:
    """Containers whose use nobody knows keep no limit for it."""
    if names:
        text = f"{len(names)} containers gave no figures of what they use, the first is {names[0]}"
        code = "cluster.container.memory_high" if promised.memory else "cluster.container.cpu_high"
        limit = str(promised.memory or promised.cpu)
        yield Finding(
            CRITERION, target, text, code, "insufficient", "no figures", limit,
            next=f"docker stats --no-stream {names[0]}", data={"container": names[0], "count": len(names)},
        )  # fmt: skip


def _memory(one: Usage, promised: ComposeTarget, target: str) -> Iterator[Finding]:
    limit = grammar.comparison(promised.memory or "")
    if limit is None or not one.limit or limit.holds(one.memory / one.limit):
        return
    text = f"{shown_size(one.memory)} of {shown_size(one.limit)} ({one.memory / one.limit:.0%})"
    yield Finding(
        CRITERION, target, f"{one.name} uses {text} of its memory, promised {promised.memory}",
        "cluster.container.memory_high", seen=text, promised=str(promised.memory), subject=one.service,
        next=f"docker stats --no-stream {one.name}",
        data={"container": one.name, "service": one.service, "memory": one.memory, "limit": one.limit},
    )  # fmt: skip


def _cpu(one: Usage, promised: ComposeTarget, target: str) -> Iterator[Finding]:
    limit = grammar.comparison(promised.cpu or "")
    if limit is None:
        return
    data = {"container": one.name, "service": one.service, "cpu": one.cpu}
    if one.cpu is None:
        yield Finding(
            CRITERION, target, f"{one.name}: the daemon gave no second look at its processors",
            "cluster.container.cpu_high", "insufficient", "one look", str(promised.cpu), one.service,
            next=f"docker stats --no-stream {one.name}", data=data,
        )  # fmt: skip
        return
    most = one.cpus or one.processors
    if not limit.holds(one.cpu / most):
        text = f"{one.cpu:.2f} of {most:g} processors ({one.cpu / most:.0%})"
        yield Finding(
            CRITERION, target, f"{one.name} uses {text}, promised {promised.cpu}", "cluster.container.cpu_high",
            seen=text, promised=str(promised.cpu), subject=one.service, next=f"docker stats --no-stream {one.name}",
            data=data,
        )  # fmt: skip


def _disk(disk: Disk | None, promised: ComposeTarget, target: str) -> Iterator[Finding]:
    if not promised.disk:
        return
    if disk is None:
        yield Finding(
            CRITERION, target, "the daemon did not say what it keeps on the disk", "cluster.docker.disk_used",
            "insufficient", "no answer", promised.disk, next="docker system df",
        )  # fmt: skip
        return
    if grammar.size_limit(promised.disk).holds(disk.total):
        return
    parts = {"images": disk.images, "containers": disk.containers, "volumes": disk.volumes, "build cache": disk.cache}
    shown = ", ".join(f"{name} {shown_size(size)}" for name, size in parts.items() if size)
    message = f"Docker keeps {shown_size(disk.total)} on the disk ({shown}), promised {promised.disk}"
    yield Finding(
        CRITERION, target, message, "cluster.docker.disk_used", seen=shown_size(disk.total),
        promised=promised.disk, next="docker system df -v", data={"bytes": disk.total, **parts},
    )  # fmt: skip
