"""The cluster target as the owner asks it: a snapshot that is read once, and shared by all its checks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.observe.cluster import Cluster
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cluster.reader import Reader
    from pytest_prodcheck.targets.cluster.watching import Watcher
    from pytest_prodcheck.targets.kubernetes.api import Api

_TAIL = 4000


class ClusterProber:
    """Reads one namespace of one cluster; sends nothing but GET."""

    def __init__(
        self, wire: Wire, target: str, table: ClusterTarget, redactor: Redactor, remember: Callable[[str, str], object],
        environ: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.target, self.table, self.lane, self.width = target, table, target, 4
        self._wire, self._redactor, self._remember = wire, redactor, remember
        self._environ = os.environ if environ is None else environ
        self._api: Api | None = None
        self._cluster: Cluster | None = None

    def ready(self) -> Evidence:
        """The API server answers and knows us; what it lets us read, read once."""
        try:
            self._cluster = self._read()
        except ApiProblem as problem:
            facts = {"problem": {"code": problem.code, "message": problem.message, "remedy": problem.remedy}}
            return Evidence(self._observations(), facts)
        return Evidence(self._observations(), {"cluster": self._cluster})

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The snapshot; a later attempt reads it again. Raises ApiProblem."""
        del function, subject, user
        if attempt > 1 or self._cluster is None:
            self._cluster = self._read()
        return Evidence((), {"cluster": self._cluster})

    def watcher(self) -> Watcher:
        """Who looks at restarts, CPU and memory while load runs."""
        from pytest_prodcheck.targets.cluster.watching import Watcher

        return Watcher(self._reader, self.target)

    def rolling(self) -> Cluster | None:
        """How the rollouts are: the workloads and their ReplicaSets, read now; None where they cannot be."""
        from pytest_prodcheck.targets.cluster import snapshot

        try:
            return snapshot.rolling(self._reader())
        except ApiProblem:
            return None  # the readiness that follows says why

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Nothing of a cluster is sampled."""
        del function, subject, user
        return None

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """Nothing of a cluster is sampled."""
        return ()

    def _read(self) -> Cluster:
        from pytest_prodcheck.targets.cluster import snapshot

        return snapshot.read(self._reader())

    def _reader(self) -> Reader:
        from pytest_prodcheck.targets.cluster.reader import Reader
        from pytest_prodcheck.targets.kubernetes.api import Api
        from pytest_prodcheck.targets.kubernetes.kubeconfig import access

        if self._api is None:
            way = access(self.target, self.table, self._environ)
            self._api = Api(self._wire, self.target, self.table, way, self._remember)
        return Reader(self._api, self.table, self._cleaned)

    def _cleaned(self, said: bytes) -> str:
        """The end of a log, line by line, as it may be kept."""
        lines = said.decode("utf-8", "replace").splitlines()
        return "\n".join(self._redactor.clean(line, 500) for line in lines)[-_TAIL:]

    def _observations(self) -> tuple[Observation, ...]:
        return tuple(self._api.seen) if self._api else ()
