"""What must hold between throwaway containers, and what refers to them."""

from __future__ import annotations

import re

from pytest_prodcheck.config import references
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.config.problems import Problems, nearest

_NAME = compiled(r"[a-z][a-z0-9-]{0,62}")
"""A host name, for the other containers."""
_PLACES = ("host", "port", "password")


def check(environment: Environment, problems: Problems) -> None:
    """Adds a problem for each name that is no host name, place of a URL that is none, and reference to a container that
    is not there, or not yet."""
    containers = environment.containers
    for name, promised in containers.items():
        if not _NAME.fullmatch(name):
            text = "a container's name is a host name: small letters, digits and -, a letter first"
            problems.add(("containers", name), text, 'database = { image = "postgres:17", port = 5432 }')
        for place in re.findall(r"\{(\w+)\}", promised.url):
            if place not in _PLACES:
                text = f"url has no place {place}{nearest(place, _PLACES)}"
                problems.add(("containers", name, "url"), text, 'url = "http://{host}:{port}/api"')
    if environment.setup and not containers:
        problems.add(("containers", "setup"), "setup has no container to set up", 'setup = "alembic upgrade head"')
    for reference, path in references.places(environment):
        scheme, _, name = reference.partition(":")
        if scheme != "container":
            continue
        if name not in containers:
            problems.add(path, f"no such container{nearest(name, containers)}", 'dsn = "container:database"')
        elif path[0] == "containers" and list(containers).index(name) >= list(containers).index(str(path[1])):
            problems.add(path, f"{name} starts after {path[1]}: containers start in the order of the file", "")
