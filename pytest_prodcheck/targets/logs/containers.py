"""Lines of a compose project's containers, as their Docker daemon keeps them, page by page."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.cluster import moment
from pytest_prodcheck.observe.containers import Container
from pytest_prodcheck.observe.log import Origin
from pytest_prodcheck.targets.docker import documents, logs
from pytest_prodcheck.targets.docker.api import DockerApi, quoted
from pytest_prodcheck.targets.logs.reading import Reading, SourceProblem, stamp

_PAGE = 2 * 1024 * 1024
_PAGES = 1000
_WITHOUT = ("none", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "gcplogs")
"""Log drivers of which the daemon itself may keep nothing."""


class Containers:
    """The logs of one compose project."""

    def __init__(self, target: str, table: LogsTarget, cluster: ClusterTarget, project: str) -> None:
        """Raises ConfigError where the Docker SDK is missing, or the daemon's address is none."""
        self._target, self._table, self._project = target, table, project
        self._api = DockerApi(target, cluster.docker, cluster.timeout)
        self._seen: list[Container] | None = None

    def look(self) -> None:
        """The daemon answers, and the project has containers."""
        if not self._containers():
            raise SourceProblem(self._target, f"no container of project {self._project}", "logs.source.missing")

    def rollout(self) -> float | None:
        """When the newest container was made: `docker compose up` makes those that changed anew."""
        return max((one.created_at for one in self._containers() if one.created_at), default=None)

    def read(self, reading: Reading) -> None:
        """Every container; one that cannot be read is a gap."""
        for one in self._containers():
            if self._table.containers and one.service not in self._table.containers:
                continue
            origin = _origin(one)
            if one.log_driver in _WITHOUT:
                reading.lose(origin.name, "unreadable", f"its log driver {one.log_driver} keeps nothing to be read")
            elif reading.open(origin.name):
                self._read(one, origin, reading)
            reading.fold.ends(origin)

    def _read(self, one: Container, origin: Origin, reading: Reading) -> None:
        since, last = reading.window.before, ""
        if one.started_at < reading.window.since and one.log_options.get("max-size"):
            reading.late.add(origin.name)
        for _ in range(_PAGES):
            page = logs.read(self._api, one.id, since=since, at_most=int(min(_PAGE, reading.left)), times=True)
            if page.observation.status != 200:
                reading.lose(origin.name, "unreadable", f"the daemon says {page.observation.message or 'no'}")
                return
            fresh = [line for _, line in page.lines if line.partition(" ")[0] > last]
            fresh = fresh if page.whole else fresh[:-1]  # the last one may be cut off
            block = "".join(f"{line}\n" for line in fresh).encode("utf-8", "replace")
            if (block and not reading.take(origin, block)) or page.whole:
                return
            newest = max((line.partition(" ")[0] for line in fresh), default=last)
            if newest == last:
                reading.lose(origin.name, "bytes", f"more than {_PAGE} bytes at one moment")
                return
            since, last = moment(newest), newest
        reading.lose(origin.name, "bytes", f"more than {_PAGES} pages")

    def _containers(self) -> list[Container]:
        if self._seen is None:
            self._seen = sorted(self._listed(), key=lambda one: one.name)
        return self._seen

    def _listed(self) -> Iterator[Container]:
        self._api.version()
        try:
            listed = self._api.get("/containers/json", {"all": "true"}, kind="readiness")
            if not listed.good or not isinstance(listed.content, list):
                raise self._problem(listed.observation.status, listed.observation.message)
            for one in listed.content:
                if documents.is_of(one, self._project):
                    seen = self._api.get(f"/containers/{quoted(documents.listed(one, 'Id'))}/json", kind="readiness")
                    if seen.good:
                        yield documents.container(seen.content)
        except Refused as refusal:
            raise SourceProblem(self._target, str(refusal), "logs.source.rejected") from None

    def _problem(self, status: int | None, message: str) -> SourceProblem:
        refused = status in (401, 403) or "ermission denied" in message
        code = "logs.source.forbidden" if refused else "logs.source.unreachable"
        return SourceProblem(self._target, f"cannot read logs: the Docker daemon: {message}", code, refused=refused)


def _origin(one: Container) -> Origin:
    started = stamp(one.started_at) if one.started_at else ""
    facts = {"container": one.name, "workload": one.service, "started_at": started,
             "look": f"docker logs --since 1h {shlex.quote(one.name)}"}  # fmt: skip
    return Origin(one.name, stamped=True, facts=facts)
