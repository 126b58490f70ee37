"""A compose deployment as the owner asks it: one snapshot a run; judging it costs no further request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_prodcheck.config.compose.model import ComposeFile
from pytest_prodcheck.config.models.compose import ComposeTarget
from pytest_prodcheck.observe.containers import Containers, Usage
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.compose.snapshot import Clean, snapshot
from pytest_prodcheck.targets.docker import documents
from pytest_prodcheck.targets.docker.api import OLDEST, DockerApi, api_version, quoted


class ComposeProber:
    """Asks one Docker daemon about one project; never writes."""

    def __init__(self, target: str, table: ComposeTarget, file: ComposeFile, clean: Clean) -> None:
        """`clean` makes a text of the daemon's harmless. Raises ConfigError where the SDK is missing, or the address is
        none."""
        self.target, self.table, self.file, self._clean = target, table, file, clean
        self.api = DockerApi(target, table.docker, table.timeout)
        self.lane, self.width = target, 4
        self._seen: Containers | None = None

    @property
    def sent(self) -> Mapping[str, int]:
        """How many requests were sent to the daemon, and how many were refused."""
        return {"docker": self.api.sent, "refused": self.api.refused}

    def ready(self) -> Evidence:
        """The daemon answers, and the snapshot of the project."""
        version = self.api.version()
        if not version.good or not isinstance(version.content, Mapping):
            return Evidence((version.observation,))
        spoken = api_version(version.content)
        if spoken < OLDEST:
            return Evidence((version.observation,), {"too_old": f"{spoken[0]}.{spoken[1]}"})
        images = [service.image for service in self.file.services.values()]
        self._seen, observations = snapshot(self.api, version, self.file.project, images, self._clean)
        return Evidence((version.observation, *observations), {"containers": self._seen})

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        del subject, user
        if attempt > 1:
            self.ready()
        if function == "test_compose_usage":
            return self._usage()
        return Evidence((), {"containers": self._seen})

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Nothing is repeated: no check of a cluster has a limit of its own."""
        del function, subject, user
        return None

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """A look at the daemon, where the whole target has a limit."""
        return [lambda: self.api.version().observation]

    def close(self) -> None:
        """Closes the connections."""
        self.api.close()

    def _usage(self) -> Evidence:
        """One look at each running container, about a second each, and at the disk."""
        observations: list[Observation] = []
        found: list[Usage] = []
        limited = self._seen if self.table.memory or self.table.cpu else None
        running = limited.containers if limited else ()
        silent = [one.name for one in limited.unseen if one.running] if limited else []
        for one in running:
            if one.status == "running":
                answer = self.api.get(f"/containers/{quoted(one.id)}/stats", {"stream": "false"})
                observations.append(answer.observation)
                if answer.good:
                    found.append(documents.usage(answer.content, one))
                elif answer.observation.status != 404:  # removed since it was listed
                    silent.append(one.name)
        facts = {"usage": tuple(found), "silent": tuple(silent)}
        if not self.table.disk:
            return Evidence(tuple(observations), facts)
        answer = self.api.get("/system/df")
        disk = documents.disk(answer.content) if answer.good else None
        return Evidence((*observations, answer.observation), {**facts, "disk": disk})
