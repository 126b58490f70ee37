"""Lines of the containers of a compose project, both streams, page by page over the Docker daemon's API."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.observe.cluster import moment
from pytest_prodcheck.observe.containers import Container
from pytest_prodcheck.observe.log import Origin
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.docker import documents, logs
from pytest_prodcheck.targets.docker.api import DockerApi, quoted
from pytest_prodcheck.targets.logs.reading import Reading, Reason, SourceProblem, after, stamp

_PAGE = 2 * 1024 * 1024
"""Bytes of one answer."""
_PAGES = 1000
_FIRST_LINE = 4096
_SPARE = 60.0
"""Seconds that a program may take until it says its first line."""
_REASONS: Mapping[int | None, Reason] = {401: "refused", 403: "refused"}


class Containers:
    """The logs of one project's containers. A container's log goes on when it is started again."""

    def __init__(self, target: str, table: LogsTarget, cluster: ClusterTarget, project: str, page: int = _PAGE) -> None:
        """`page` bounds one answer, in bytes. Raises ConfigError where the SDK is missing, or the address is none."""
        self._target, self._table, self._project, self._page = target, table, project, page
        self._api = DockerApi(target, cluster.docker, table.timeout)
        self._seen: list[Container] | None = None
        self._services: set[str] = set()
        self._unseen: dict[str, Observation] = {}

    def look(self) -> None:
        """The daemon answers, there is a container, and the log of one may be read."""
        try:
            self._look()
        except SourceProblem:
            self._api.close()
            raise

    def rollout(self) -> float | None:
        """When the newest container was made: compose makes a new one of what has changed."""
        return max((one.created_at for one in self._containers()), default=None)

    def read(self, reading: Reading) -> None:
        """Every container; one whose log cannot be read (its driver keeps none) is a gap."""
        for name in self._look_again():
            reading.lose(name, "vanished", "the container was removed while the run went on")
        for one in self._containers():
            origin = _origin(one)
            if reading.open(origin.name):
                self._read(one, origin, reading)
            reading.fold.ends(origin)
        for name, seen in self._unseen.items():
            said = f"the daemon does not tell of it: {seen.message or seen.error or f'status {seen.status}'}"
            reading.lose(name, _REASONS.get(seen.status, "unreadable"), said)
        for name, said in self._lacking().items():
            reading.lose(name, "unreadable", said)
        self._api.close()

    def _look_again(self) -> list[str]:
        """Lists the containers once more: what came since the run began has a log, too. Gives those that are gone."""
        known, self._seen, self._unseen = {one.name for one in self._seen or ()}, None, {}
        return sorted(known - {one.name for one in self._containers()} - set(self._unseen))

    def _lacking(self) -> dict[str, str]:
        """Each declared service that has no container, with what is said of it."""
        here = {one.service for one in self._containers()}
        said = f"project {self._project} has no container of service"
        return {name: f"{said} {name}{nearest(name, self._services)}"
                for name in self._table.containers if name not in here}  # fmt: skip

    def _look(self) -> None:
        first = next(iter(self._containers()), None)
        if first is None:
            said = "; ".join(self._lacking().values()) or f"no container of project {self._project} has a log"
            raise SourceProblem(self._target, said, "logs.source.missing")
        _, seen = self._log(first, 0.0, _FIRST_LINE)
        if seen.status in (401, 403):
            raise self._problem(seen)

    def _read(self, one: Container, origin: Origin, reading: Reading) -> None:
        if not self._is_kept(one, origin, reading):
            return
        since, last = reading.window.before, b""
        for _ in range(_PAGES):
            limit = int(min(self._page, max(1, reading.left)))
            body, seen = self._log(one, since, limit)
            if seen.status != 200 or (seen.error and seen.error != "body.too_large"):
                reading.lose(origin.name, _REASONS.get(seen.status, "unreadable"), seen.message or seen.error)
                return
            whole = not seen.error
            fresh, newest = after(body if whole else body[: body.rfind(b"\n") + 1], last)
            if fresh and not reading.take(origin, fresh):
                return
            if whole:
                return
            if not newest or newest == last:
                reading.lose(origin.name, "bytes", f"more than {limit} bytes at one time")
                return
            last, since = newest, moment(newest.decode("ascii", "replace"))
        reading.lose(origin.name, "bytes", f"more than {_PAGES} pages")

    def _is_kept(self, one: Container, origin: Origin, reading: Reading) -> bool:
        """Whether the log can be read; what its driver has rotated away is lost, unless the first line is as old as the
        container or the window."""
        body, seen = self._log(one, 0.0, _FIRST_LINE)
        if seen.status != 200:
            reading.lose(origin.name, _REASONS.get(seen.status, "unreadable"), seen.message or seen.error)
            return False
        if one.created_at >= reading.window.since:
            reading.late.discard(origin.name)
        oldest = body.partition(b" ")[0].decode("ascii", "replace")
        first = moment(oldest)
        if first and first > max(one.created_at + _SPARE, reading.window.since):
            said = (
                f"its oldest line is of {oldest}, the container is of {stamp(one.created_at)}: older ones were rotated"
            )
            reading.lose(origin.name, "rotated", said)
        return True

    def _log(self, one: Container, since: float, limit: int) -> tuple[bytes, Observation]:
        """Both streams in one, each line with its time."""
        parameters = {"stdout": "1", "stderr": "1", "timestamps": "1", "since": f"{max(0.0, since):.6f}"}
        answer = self._api.read(f"/containers/{quoted(one.id)}/logs", parameters, limit)
        return logs.plain(answer.body), answer.observation

    def _containers(self) -> list[Container]:
        if self._seen is None:
            version = self._api.version()
            listed = self._api.get("/containers/json", {"all": "true"}) if version.good else version
            if not listed.good or not isinstance(listed.content, list):
                raise self._problem(listed.observation)
            ours = [one for one in listed.content if documents.is_of(one, self._project)]
            found = []
            for one in ours:
                answer = self._api.get(f"/containers/{quoted(documents.listed(one, 'Id'))}/json")
                if answer.good:
                    found.append(documents.container(answer.content))
                elif answer.observation.status != 404:  # removed since it was listed
                    self._unseen[documents.neighbour(one).name] = answer.observation
            wanted, self._services = self._table.containers, {one.service for one in found}
            self._seen = sorted(
                (one for one in found if not wanted or one.service in wanted), key=lambda one: (one.service, one.name)
            )
        return self._seen

    def _problem(self, seen: Observation) -> SourceProblem:
        where, said = seen.data.get("address", ""), seen.message or seen.error or f"status {seen.status}"
        if seen.status in (401, 403) or seen.data.get("reason") == "PermissionError":
            text = f"cannot read logs: forbidden (the Docker daemon at {where}): {said}"
            return SourceProblem(self._target, text, "logs.source.forbidden", refused=True)
        text = f"cannot read logs: the Docker daemon at {where} gave no answer to {seen.operation}: {said}"
        return SourceProblem(self._target, text, "logs.source.unreachable")


def _origin(one: Container) -> Origin:
    look = f"docker logs --since 1h {shlex.quote(one.name)}"
    ended = stamp(one.finished_at) if one.status in ("exited", "dead") else ""
    facts = {"container": one.name, "workload": one.service, "started_at": stamp(one.started_at), "ended_at": ended,
             "look": look}  # fmt: skip
    return Origin(one.name, stamped=True, facts=facts)
