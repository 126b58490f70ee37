"""How the containers and networks of a run are found again, and removed."""

from __future__ import annotations

import contextlib
import time
from typing import Any

LABEL = "pytest-prodcheck.run"
"""Label of everything that a run starts; its value is the run's id."""
_QUIET_SECONDS = 0.5
_PASSES = 20


def sweep(client: Any, run: str, looks: int = 2) -> None:
    """Removes all that is labelled with the run, until so many looks find nothing: what was being made when its maker
    died shows late. Raises what the daemon's client raises where it does not answer."""
    import docker

    label = {"label": f"{LABEL}={run}"}
    quiet = 0
    for _ in range(_PASSES):
        containers = client.containers.list(all=True, filters=label, ignore_removed=True)
        networks = client.networks.list(filters=label)
        quiet = 0 if containers or networks else quiet + 1
        if quiet >= looks:
            return
        for one in containers:
            with contextlib.suppress(docker.errors.APIError):  # it is already being removed
                one.remove(force=True, v=True)
        for network in networks:
            with contextlib.suppress(docker.errors.APIError):  # one of its containers is still there
                network.remove()
        time.sleep(_QUIET_SECONDS if quiet else 0)
