"""One reading of a compose project: the list, an inspection of each of its containers, the ids of its images."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.containers import Container, Containers
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.compose import reach
from pytest_prodcheck.targets.docker import documents, logs
from pytest_prodcheck.targets.docker.api import Answer, DockerApi, quoted

_TAIL = 40
_TAIL_BYTES = 64_000
_MANY = 1000
"""Containers of the project that are inspected, a few milliseconds each; of further ones the snapshot says so."""
_ID = re.compile(r"[0-9A-Za-z]{1,128}")
_LINE = 500
Clean = Callable[[str, int], str]
"""A text without secrets and control characters, at most so long."""


def snapshot(
    api: DockerApi, version: Answer, project: str, images: Iterable[str], clean: Clean
) -> tuple[Containers | None, list[Observation]]:
    """The project as it is now, and what was asked; None where the daemon did not answer one of the questions."""
    everything = api.get("/containers/json", {"all": "true"}, kind="readiness")
    seen = [everything.observation]
    if not everything.good or not isinstance(everything.content, list):
        return None, seen
    ours = [one for one in everything.content if documents.is_of(one, project)]
    ours, unseen = ours[:_MANY], ours[_MANY:]
    found: list[Container] = []
    for identifier in (documents.listed(one, "Id") for one in ours):
        if not _ID.fullmatch(identifier):
            return None, [replace(everything.observation, error="protocol", message="a container has no id")]
        answer = api.get(f"/containers/{identifier}/json", kind="readiness")
        if answer.observation.status == 404:  # removed since it was listed
            continue
        seen.append(answer.observation)
        if not answer.good:
            return None, seen
        found.append(_with_log(api, identifier, documents.container(answer.content), clean))
    found = _with_closed(api, found)
    names = dict.fromkeys([*images, *(one.image for one in found)])
    known = {name: _image(api, name, seen) for name in names if name}
    others = tuple(documents.neighbour(one) for one in everything.content if not documents.is_of(one, project))
    return Containers(
        everything.now,
        documents.listed(version.content, "Version"),
        documents.listed(version.content, "ApiVersion"),
        tuple(found),
        others,
        {name: identifier for name, identifier in known.items() if identifier is not None},
        tuple(documents.neighbour(one) for one in unseen),
    ), seen


def _with_closed(api: DockerApi, found: list[Container]) -> list[Container]:
    """The containers with their published ports that nobody serves. Only of a daemon of this machine: another one's
    ports are not ours, also where its socket is forwarded to us."""
    serving = [one for one in found if one.status == "running" and one.ports and one.health != "starting"]
    if not serving or documents.listed(api.get("/info").content, "Name") != socket.gethostname():
        return found
    gone = reach.closed(port for one in serving for port in one.ports)
    return [replace(one, closed=gone & frozenset(one.ports)) if one in serving else one for one in found]


def _image(api: DockerApi, name: str, seen: list[Observation]) -> str | None:
    """The id that a name stands for now; empty for none, None where the daemon did not say."""
    try:
        answer = api.get(f"/images/{quoted(name)}/json")
    except Refused:  # a name that is none: there is no such image
        return ""
    if answer.observation.status == 404:
        return ""
    seen.append(answer.observation)
    return documents.listed(answer.content, "Id") if answer.good else None


def _with_log(api: DockerApi, identifier: str, seen: Container, clean: Clean) -> Container:
    """The last lines of one that is not well: they say why."""
    if seen.status == "running" and seen.health != "unhealthy" and not seen.restarts:
        return seen
    if seen.status == "exited" and seen.exit_code == 0:
        return seen
    read = logs.read(api, identifier, tail=_TAIL, at_most=_TAIL_BYTES)
    return replace(seen, log=tuple(clean(line, _LINE) for _, line in read.lines if line.strip()))
