"""Which source a target's lines come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.targets.logs.reading import Source
from pytest_prodcheck.targets.wire import Wire


def of(
    target: str,
    table: LogsTarget,
    cluster: ClusterTarget | None,
    project: str,
    wire: Wire,
    base: Path,
    remember: Callable[[str, str], object],
) -> Source:
    """The source, loaded now. `cluster` is where pods are read, or the containers of the compose `project`.
    Raises TypeError where there is none."""
    if table.file:
        from pytest_prodcheck.targets.logs.files import Files

        return Files(target, table, base)
    if table.loki or table.google:
        from pytest_prodcheck.targets.logs.web import Web

        web = Web(wire, target, table)
        if table.loki:
            from pytest_prodcheck.targets.logs.loki import Loki

            return Loki(web, table.loki)
        if table.google:
            from pytest_prodcheck.targets.logs.google import Google

            return Google(web, table.google)
    if cluster is None:
        raise TypeError(f"{target} has no source")
    if project:
        from pytest_prodcheck.targets.logs.containers import Containers

        return Containers(target, table, cluster, project)
    from pytest_prodcheck.targets.logs.pods import Pods

    return Pods(wire, target, table, cluster, remember)
