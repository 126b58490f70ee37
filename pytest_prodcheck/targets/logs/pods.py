"""Lines of the pods of a namespace: all containers, the instance before a restart, too; page by page over the API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING

from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.observe.cluster import Object, at, items, labels, moment, name_of, number, owner_kind, text
from pytest_prodcheck.observe.cluster_rules import rule
from pytest_prodcheck.observe.log import Origin
from pytest_prodcheck.observe.observation import Json
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem
from pytest_prodcheck.targets.logs.reading import Reading, Reason, SourceProblem, after
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from pytest_prodcheck.targets.kubernetes.api import Api

_PAGE = 2 * 1024 * 1024
"""Bytes of one answer."""
_PAGES = 1000
_EPOCH = "1970-01-01T00:00:00Z"
_FIRST_LINE = 4096
_REASONS: Mapping[int, Reason] = {401: "refused", 403: "refused", 404: "vanished"}
_NOT_STARTED = ("waiting to start", "ContainerCreating", "PodInitializing", "is not available", "previous terminated")


class Pods:
    """The logs of one namespace's pods."""

    def __init__(
        self, wire: Wire, target: str, table: LogsTarget, cluster: ClusterTarget,
        remember: Callable[[str, str], object], environ: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._wire, self._target, self._table, self._cluster = wire, target, table, cluster
        self._remember, self._environ = remember, os.environ if environ is None else environ
        self._made: Api | None = None
        self._seen: list[Object] | None = None

    def look(self) -> None:
        """The pods can be listed, there are some, and the log of one may be read."""
        first = next(iter(self._containers()), None)
        if first is None:
            where = self._namespace() + (f" with {self._cluster.selector}" if self._cluster.selector else "")
            said = "; ".join(self._lacking().values()) or f"no pod in {where} has a log"
            raise SourceProblem(self._target, said, "logs.source.missing")
        origin, _ = first
        try:
            self._log(origin, _EPOCH, _FIRST_LINE)
        except ApiProblem as problem:
            if not _not_started(problem):
                raise self._problem(problem, f"pods/log of {origin.name}") from None

    def rollout(self) -> float | None:
        """When the newest revision of any workload got its first pod; a job is none, unless there are only jobs."""
        begun: dict[tuple[str, str], dict[str, float]] = {}
        for pod in self._pods():
            revision, workload = _revision(pod)
            created = moment(at(pod, "metadata", "creationTimestamp"))
            of_workload = begun.setdefault(workload, {})
            of_workload[revision] = min(created, of_workload.get(revision, created))
        first = {workload: max(revisions.values()) for workload, revisions in begun.items()}
        serving = [moment for (kind, _), moment in first.items() if kind != "Job"]
        return max(serving or first.values(), default=None)

    def read(self, reading: Reading) -> None:
        """Every container of every pod; one that cannot be read is a gap."""
        for name in self._look_again():
            reading.lose(name, "vanished", "the pod was deleted while the run went on")
        for origin, started in self._containers():
            if not reading.open(origin.name):
                continue
            try:
                self._read(origin, started, reading)
            except ApiProblem as problem:
                gone = origin.previous and moment(origin.facts["ended_at"]) > reading.window.since
                if gone or not _not_started(problem):
                    reading.lose(origin.name, _REASONS.get(problem.status, "unreadable"), problem.message)
            reading.fold.ends(origin)
        for name, said in self._forgotten(reading.window.since):
            reading.lose(name, "rotated", said)
        for name, said in self._lacking().items():
            reading.lose(name, "unreadable", said)

    def _look_again(self) -> list[str]:
        """Lists the pods once more, for those that crashed or came since the run began. Gives those that are gone."""
        known, self._seen = {name_of(pod) for pod in self._seen or ()}, None
        return sorted(known - {name_of(pod) for pod in self._pods()})

    def _forgotten(self, since: float) -> Iterator[tuple[str, str]]:
        """Containers with instances within the window whose lines nobody has any more: kubelet keeps those of the
        instance that runs, or ran last, and of one before it."""
        for pod, status in self._read_of():
            restarts = number(status, "restartCount")
            kept = [moment(text(state, "startedAt")) for state in (_current(status), _before(status)) if state]
            lost = restarts + 1 - len(kept)
            if restarts and lost > 0 and min(kept, default=inf) > since:
                times = "once" if restarts == 1 else f"{restarts} times"
                what = "one earlier instance" if lost == 1 else f"{lost} earlier instances"
                said = f"it was restarted {times}, and kubelet has not the lines of {what} any more"
                yield f"{name_of(pod)}/{text(status, 'name')}", said

    def _read_of(self) -> Iterator[tuple[Object, Object]]:
        """Each pod, and the status of each of its containers that is to be read."""
        for pod in self._pods():
            for status in _statuses(pod):
                if not self._table.containers or text(status, "name") in self._table.containers:
                    yield pod, status

    def _lacking(self) -> dict[str, str]:
        """Each declared container that there is not, with what is said of it."""
        known = {text(status, "name") for pod in self._pods() for status in _statuses(pod)}
        said = f"no pod in {self._namespace()} has a container"
        return {name: f"{said} {name}{nearest(name, known)}" for name in self._table.containers if name not in known}

    def _read(self, origin: Origin, started: float, reading: Reading) -> None:
        begin = reading.window.before
        self._is_kept(origin, started, reading)
        since, last = _rfc3339(begin), b""
        for _ in range(_PAGES):
            limit = int(min(_PAGE, max(1, reading.left)))
            body = self._log(origin, since, limit)
            whole = body if len(body) < limit else body[: body.rfind(b"\n") + 1]
            fresh, newest = after(whole, last)
            if fresh and not reading.take(origin, fresh):
                return
            if len(body) < limit:
                return
            if not newest or newest == last:
                reading.lose(origin.name, "bytes", f"more than {limit} bytes within one second")
                return
            last, since = newest, newest.decode()
        reading.lose(origin.name, "bytes", f"more than {_PAGES} pages")

    def _is_kept(self, origin: Origin, started: float, reading: Reading) -> None:
        """Kubelet serves a container's current file only: what was rotated away is lost, unless the first line is as
        old as the container or the window."""
        oldest = self._log(origin, _EPOCH, _FIRST_LINE).partition(b" ")[0].decode("ascii", "replace")
        first = moment(oldest)
        if first and first > max(started + 60, reading.window.since):
            text_ = (
                f"its oldest line is of {oldest}, the container runs since {_rfc3339(started)}: older ones were rotated"
            )
            reading.lose(origin.name, "rotated", text_)

    def _log(self, origin: Origin, since: str, limit: int) -> bytes:
        facts = origin.facts
        return self._api().log(
            facts["pod"],
            facts["container"],
            self._namespace(),
            previous=origin.previous,
            lines=0,
            since=since,
            limit=limit,
        )

    def _containers(self) -> Iterator[tuple[Origin, float]]:
        """Each container that has a log, with when it started; of those that were restarted also the one before."""
        kubectl = self._api().way.kubectl
        for pod, status in self._read_of():
            if (before := _before(status)) is not None:
                yield _origin(pod, status, before, kubectl, previous=True)
            if (state := _current(status)) is not None:
                yield _origin(pod, status, state, kubectl, previous=False)

    def _pods(self) -> list[Object]:
        if self._seen is None:
            try:
                listed = self._api().list("pods", self._namespace(), labels=self._cluster.selector)
            except ApiProblem as problem:
                raise self._problem(problem, "pods") from None
            self._seen = sorted(listed.items, key=name_of)
        return self._seen

    def _api(self) -> Api:
        if self._made is None:
            from pytest_prodcheck.targets.kubernetes.api import Api
            from pytest_prodcheck.targets.kubernetes.kubeconfig import access

            try:
                way = access(self._target, self._cluster, self._environ)
                self._made = Api(self._wire, self._target, self._cluster, way, self._remember, line=self._target)
            except ApiProblem as problem:
                raise self._problem(problem, "the API server") from None
        return self._made

    def _namespace(self) -> str:
        return self._cluster.namespace or self._api().way.namespace

    def _problem(self, problem: ApiProblem, what: str) -> SourceProblem:
        if problem.status in (401, 403):
            said = f"cannot read logs: forbidden ({what}): {problem.message}"
            rules = "\n".join((rule("pods", "list"), rule("pods/log", "get")))
            remedy = f"add to the runner's Role in {self._namespace()}:\n{rules}"
            return SourceProblem(self._target, said, "logs.source.forbidden", refused=True, remedy=remedy)
        return SourceProblem(self._target, f"cannot read logs ({what}): {problem.message}", problem.code)


def _statuses(pod: Object) -> Iterator[Object]:
    yield from items(pod, "status", "initContainerStatuses")
    yield from items(pod, "status", "containerStatuses")


def _current(status: Object) -> Json:
    """The state of the instance that runs, or has ended and is not started again yet; None where one is awaited."""
    return at(status, "state", "running") or at(status, "state", "terminated")


def _before(status: Object) -> Json:
    """The end of the instance before; None where kubelet tells of none."""
    return at(status, "lastState", "terminated")


def _origin(pod: Object, status: Object, state: Json, kubectl: str, *, previous: bool) -> tuple[Origin, float]:
    started = text(state, "startedAt")
    name, container = name_of(pod), text(status, "name")
    _, (kind, workload) = _revision(pod)
    look = f"{kubectl} logs {name} -c {container}" + (" --previous" if previous else " --since=1h")
    facts = {"pod": name, "container": container, "workload": workload, "kind": kind, "started_at": started,
             "node": text(pod, "spec", "nodeName"), "namespace": text(pod, "metadata", "namespace"),
             "ended_at": text(state, "finishedAt"), "look": look}  # fmt: skip
    shown = f"{name}/{container}" + (" (previous)" if previous else "")
    return Origin(shown, stamped=True, facts=facts, previous=previous), moment(started)


def _revision(pod: Object) -> tuple[str, tuple[str, str]]:
    """The revision's hash, and kind and name of the workload without it."""
    marks, (kind, owner) = labels(pod, "metadata", "labels"), owner_kind(pod)
    mark = marks.get("pod-template-hash") or marks.get("controller-revision-hash") or ""
    return mark, (kind, owner.removesuffix(f"-{mark}") if kind == "ReplicaSet" and mark else owner or name_of(pod))


def _rfc3339(at_: float) -> str:
    return datetime.fromtimestamp(max(0.0, at_), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _not_started(problem: ApiProblem) -> bool:
    return problem.status in (400, 404, 500) and any(words in problem.message for words in _NOT_STARTED)
