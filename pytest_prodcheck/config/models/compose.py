"""A deployment by docker compose: what a cluster target promises where it has `compose`."""

from __future__ import annotations

from pytest_prodcheck.config.models.base import Target
from pytest_prodcheck.config.scalars import Names, SizeLimit, UsageLimit


class ComposeTarget(Target):
    """Containers of one compose project, as their Docker daemon tells."""

    compose: Names = ()
    """The compose file, or several that are merged as `docker compose -f` does."""
    services: Names = ()
    """The services that must run; without it all of the file but those with `profiles`."""
    project: str = ""
    """The project's name, where it is neither the file's `name` nor that of its folder."""
    docker: str = ""
    """Address of the daemon: `unix://…` or `tcp://…`; by default DOCKER_HOST, then the usual socket."""
    memory: UsageLimit | None = None
    """Share of its limit that a container may use."""
    cpu: UsageLimit | None = None
    """Share of the processors that it may use (its `cpus`, else all) that a container may use."""
    disk: SizeLimit | None = None
    """What images, containers, volumes and the build cache may take."""
