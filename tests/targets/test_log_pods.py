"""Logs of pods, page by page, by what an API server answers; `tests/cluster` asks a real one (A60, C28, R22, T22)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubeconfigs
import pytest
from small_server import Answer, Asked, serving

from pytest_prodcheck.config.models import ClusterTarget, LogsTarget, Requests
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.observe.log import Digest
from pytest_prodcheck.targets.logs import pods as module
from pytest_prodcheck.targets.logs.pods import Pods
from pytest_prodcheck.targets.logs.prober import LogsProber
from pytest_prodcheck.targets.wire import Wire

PODS = "/api/v1/namespaces/plan-prod/pods"
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _moment() -> None:
    """Times are counted from when the test runs: in a long session its module was loaded long before."""
    global NOW
    NOW = datetime.now(UTC)


def ago(seconds: float) -> str:
    """RFC 3339, so many seconds ago."""
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def pod(name: str = "plan-app-7d-a", created: float = 3000, restarts: int = 0, revision: str = "7d") -> dict[str, Any]:
    """A pod with one running container, restarted or not."""
    status: dict[str, Any] = {
        "name": "app",
        "restartCount": restarts,
        "state": {"running": {"startedAt": ago(created)}},
    }
    if restarts:
        status["lastState"] = {"terminated": {"startedAt": ago(created + 500), "exitCode": 1}}
    owner = {"kind": "ReplicaSet", "name": f"plan-app-{revision}", "controller": True}
    return {
        "metadata": {"name": name, "namespace": "plan-prod", "creationTimestamp": ago(created),
                     "labels": {"pod-template-hash": revision}, "ownerReferences": [owner]},
        "spec": {"nodeName": "node-1"},
        "status": {"containerStatuses": [status]},
    }  # fmt: skip


def log(lines: list[tuple[float, str]]) -> Any:
    """A container's log out of (seconds ago, text), as kubelet serves it: by `sinceTime` and `limitBytes`."""

    def answer(asked: Asked) -> Answer:
        query = {key: values[0] for key, values in parse_qs(urlsplit(asked.path).query).items()}
        since = query["sinceTime"][:19]
        text = "".join(f"{ago(at)} {line}\n" for at, line in lines if ago(at)[:19] >= since)
        return 200, {"content-type": "text/plain"}, text.encode()[: int(query["limitBytes"])]

    return answer


def reading(routes: dict[str, Any], folder: Path, ask: Any = None, **keys: Any) -> tuple[Any, list[Asked]]:
    """What a prober makes of an API server with these routes."""
    with serving() as server:
        server.routes |= {f"GET {path}": route for path, route in routes.items()}
        file = kubeconfigs.write(folder / "config", server.url)
        table, wire = LogsTarget(**keys), Wire(Requests(), Redactor(), "test")
        cluster = ClusterTarget(context="lab", kubeconfig=str(file))
        prober = LogsProber("logs", table, Folder, Pods(wire, "logs", table, cluster, lambda *_: None, {}))
        return (ask or (lambda one: one.probe("", "", "", 1).facts["digest"]))(prober), server.asked


def listing(*items: dict[str, Any]) -> Answer:
    """A LIST."""
    return 200, {}, {"items": list(items), "metadata": {}}


def test_all_containers_and_the_instance_before(tmp_path: Path) -> None:
    """Since the rollout, which is when the newest revision got its first pod."""
    old = [(3400, "panic: boom")]
    new = [(2990, "INFO started"), (60, "ERROR app: no queue")]
    routes = {
        PODS: listing(pod(restarts=1), pod("plan-app-6c-z", 90_000, revision="6c")),
        f"{PODS}/plan-app-7d-a/log": lambda asked: log(old if "previous=true" in asked.path else new)(asked),
        f"{PODS}/plan-app-6c-z/log": log([(89_000, "INFO old"), (50, "ERROR app: old pod")]),
    }
    found, _ = reading(routes, tmp_path, traffic=False)
    digest: Digest = found
    names = {stream.name: (stream.lines, stream.previous) for stream in digest.streams}
    assert names == {
        "plan-app-7d-a/app (previous)": (0, True), "plan-app-7d-a/app": (2, False), "plan-app-6c-z/app": (1, False),
    }  # fmt: skip
    assert digest.window.why.startswith("the rollout at ")
    assert abs(digest.window.since - (NOW.timestamp() - 3002)) < 1
    assert sorted(group.title for group in digest.groups if group.count) == ["app: no queue", "app: old pod"]
    assert digest.gaps == ()
    begin = f"kubectl --kubeconfig {tmp_path / 'config'} --context lab -n plan-prod"
    assert digest.streams[0].facts["look"] == f"{begin} logs plan-app-6c-z -c app --since=1h"


def test_a_job_is_no_rollout(tmp_path: Path) -> None:
    """The window begins with the newest revision of what serves, however young the job of a migration is."""
    job = pod("plan-migrate-x", 30)
    job["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "plan-migrate", "controller": True}]
    routes = {
        PODS: listing(pod(), job),
        f"{PODS}/plan-app-7d-a/log": log([(2990, "INFO started")]),
        f"{PODS}/plan-migrate-x/log": log([(20, "INFO migrated")]),
    }
    digest, _ = reading(routes, tmp_path, traffic=False)
    assert abs(digest.window.since - (NOW.timestamp() - 3002)) < 1
    alone, _ = reading({**routes, PODS: listing(job)}, tmp_path, traffic=False)
    assert abs(alone.window.since - (NOW.timestamp() - 32)) < 1


def test_pages_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full answer ends within a line, and the next one begins at that second again: each line counts once."""
    monkeypatch.setattr(module, "_PAGE", 2000)
    lines = [(2000 - n * 0.4, f"INFO line {n}") for n in range(500)]
    routes = {PODS: listing(pod()), f"{PODS}/plan-app-7d-a/log": log([(2995, "INFO started"), *lines])}
    found, asked = reading(routes, tmp_path)
    assert found.streams[0].read == 501
    assert found.gaps == ()
    assert len(asked) > 10


def test_more_within_a_second_than_a_page_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cannot be read past, and is said."""
    monkeypatch.setattr(module, "_PAGE", 2000)
    routes = {PODS: listing(pod()), f"{PODS}/plan-app-7d-a/log": log([(100, f"INFO line {n}") for n in range(500)])}
    found, _ = reading(routes, tmp_path)
    assert "bytes" in [gap.reason for gap in found.gaps]


def test_what_kubelet_rotated_away_is_a_gap(tmp_path: Path) -> None:
    """The container runs for 50 minutes, its oldest line is of a minute ago."""
    routes = {PODS: listing(pod()), f"{PODS}/plan-app-7d-a/log": log([(60, "INFO x")])}
    found, _ = reading(routes, tmp_path)
    assert [(gap.origin, gap.reason) for gap in found.gaps] == [("plan-app-7d-a/app", "rotated")]


def test_pods_that_may_not_be_read_are_blocked(tmp_path: Path) -> None:
    """403 for pods/log: at the look for it, and as a gap of the one pod."""
    forbidden = (403, {}, {"kind": "Status", "message": 'pods "plan-app-7d-a" is forbidden: cannot get pods/log'})
    routes = {PODS: listing(pod()), f"{PODS}/plan-app-7d-a/log": forbidden}
    problem, _ = reading(routes, tmp_path, lambda one: one.ready().facts["problem"])
    assert (problem["code"], problem["refused"]) == ("logs.source.forbidden", True)
    assert problem["message"].startswith("cannot read logs: forbidden (pods/log of plan-app-7d-a/app)")
    assert problem["remedy"].splitlines()[1:] == [
        '- {apiGroups: [""], resources: [pods], verbs: [list]}',
        '- {apiGroups: [""], resources: [pods/log], verbs: [get]}',
    ]
    found, _ = reading(routes, tmp_path)
    assert [gap.reason for gap in found.gaps] == ["refused"]


def test_no_pod_is_no_source(tmp_path: Path) -> None:
    """A selector that matches nothing is not `0 lines, all fine`."""
    problem, _ = reading({PODS: listing()}, tmp_path, lambda one: one.ready().facts["problem"])
    assert problem["code"] == "logs.source.missing"
    assert "no pod in plan-prod has a log" in problem["message"]


def test_a_pod_that_vanished_is_a_gap(tmp_path: Path) -> None:
    """Between the list and its log."""
    gone = (404, {}, {"kind": "Status", "message": 'pods "plan-app-7d-a" not found'})
    found, _ = reading({PODS: listing(pod()), f"{PODS}/plan-app-7d-a/log": gone}, tmp_path)
    assert [gap.reason for gap in found.gaps] == ["vanished"]


def test_a_container_that_waits_has_no_log(tmp_path: Path) -> None:
    """And is no gap."""
    one = pod()
    one["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ContainerCreating"}}
    found, _ = reading({PODS: listing(one, pod("plan-app-7d-b")),
                        f"{PODS}/plan-app-7d-b/log": log([(2999, "INFO x")])}, tmp_path)  # fmt: skip
    assert [stream.name for stream in found.streams] == ["plan-app-7d-b/app"]
    assert found.gaps == ()


def test_a_named_container_that_no_pod_has_is_a_gap(tmp_path: Path) -> None:
    """Its name may be wrong: what it says is unread."""
    routes = {PODS: listing(pod()), f"{PODS}/plan-app-7d-a/log": log([(2990, "INFO started")])}
    digest, _ = reading(routes, tmp_path, traffic=False, containers=("app", "wroker"))
    assert [(gap.origin, gap.text) for gap in digest.gaps] == [
        ("wroker", "no pod in plan-prod has a container wroker; known: app"),
    ]


def test_containers_that_no_pod_has_are_no_source(tmp_path: Path) -> None:
    """What was meant is said."""
    look = lambda prober: prober.ready().facts["problem"]  # noqa: E731
    problem, _ = reading({PODS: listing(pod())}, tmp_path, look, containers=("apps",))
    assert (problem["code"], problem["message"]) == (
        "logs.source.missing", "no pod in plan-prod has a container apps; did you mean app?",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("restarts", "before", "ended", "says"),
    [
        (1, (200, {"content-type": "text/plain"}, b""), 60, []),
        (3, (200, {"content-type": "text/plain"}, b""), 60, ["it was restarted 3 times"]),
        (1, (400, {}, {"kind": "Status", "message": "previous terminated container not found"}), 60, ["previous"]),
        (1, (400, {}, {"kind": "Status", "message": "previous terminated container not found"}), 9000, []),
    ],
    ids=["kept", "earlier ones", "gone", "gone before the window"],
)
def test_an_instance_whose_lines_are_gone_is_a_gap(
    tmp_path: Path, restarts: int, before: Answer, ended: float, says: list[str]
) -> None:
    """Kubelet keeps the lines of one instance before the one that runs."""
    restarted = pod(created=50, restarts=restarts)
    (status,) = restarted["status"]["containerStatuses"]
    status["lastState"]["terminated"] |= {"startedAt": ago(ended + 30), "finishedAt": ago(ended)}
    new = log([(49, "INFO started")])
    routes = {
        PODS: listing(restarted),
        f"{PODS}/plan-app-7d-a/log": lambda asked: before if "previous=true" in asked.path else new(asked),
    }
    digest, _ = reading(routes, tmp_path, traffic=False, since="10m")
    assert len(digest.gaps) == len(says)
    assert all(words in gap.text for words, gap in zip(says, digest.gaps, strict=True))


@pytest.mark.parametrize(
    ("restarts", "state", "last", "says"),
    [
        (1, "running", True, []),
        (2, "running", True, ["it was restarted 2 times, and kubelet has not the lines of one earlier instance"]),
        (5, "running", True, ["it was restarted 5 times, and kubelet has not the lines of 4 earlier instances"]),
        (1, "running", False, ["it was restarted once, and kubelet has not the lines of one earlier instance"]),
        (1, "waiting", True, ["it was restarted once, and kubelet has not the lines of one earlier instance"]),
        (0, "waiting", True, []),
        (3, "waiting", False, ["it was restarted 3 times, and kubelet has not the lines of 4 earlier instances"]),
        (3, "terminated", True, ["it was restarted 3 times, and kubelet has not the lines of 2 earlier instances"]),
        (0, "terminated", False, []),
    ],
)
def test_instances_that_nobody_can_read_are_a_gap(
    tmp_path: Path, restarts: int, state: str, last: bool, says: list[str]
) -> None:
    """Those before the one before; of a container that waits for its next start one more, and where kubelet tells of
    no instance before, that one, too."""
    one = pod(created=50)
    (status,) = one["status"]["containerStatuses"]
    ended = {"startedAt": ago(200), "finishedAt": ago(100), "exitCode": 0}
    status |= {"restartCount": restarts, "lastState": {"terminated": ended} if last else {}}
    states = {"running": {"startedAt": ago(50)}, "waiting": {"reason": "CrashLoopBackOff"},
              "terminated": {"startedAt": ago(50), "finishedAt": ago(20), "exitCode": 0}}  # fmt: skip
    status["state"] = {state: states[state]}
    routes = {PODS: listing(one), f"{PODS}/plan-app-7d-a/log": log([])}
    digest, _ = reading(routes, tmp_path, traffic=False, since="10m")
    assert [gap.text.removesuffix(" any more") for gap in digest.gaps] == says
    assert {(gap.origin, gap.reason) for gap in digest.gaps} <= {("plan-app-7d-a/app", "rotated")}


def test_instances_of_before_the_window_are_no_gap(tmp_path: Path) -> None:
    """The one before began before it: the earlier ones had ended by then."""
    one = pod(created=500, restarts=4)
    (status,) = one["status"]["containerStatuses"]
    status["lastState"]["terminated"] |= {"startedAt": ago(700), "finishedAt": ago(510)}
    before, new = log([(699, "INFO started")]), log([(499, "INFO started")])
    routes = {
        PODS: listing(one),
        f"{PODS}/plan-app-7d-a/log": lambda asked: (before if "previous=true" in asked.path else new)(asked),
    }
    digest, _ = reading(routes, tmp_path, traffic=False, since="10m")
    assert digest.gaps == ()


def test_only_named_containers(tmp_path: Path) -> None:
    """`containers` leaves the others out."""
    found, asked = reading({PODS: listing(pod())}, tmp_path, containers=("sidecar",), since="10m")
    assert found.streams == ()
    assert len(asked) == 1


def test_what_crashed_while_the_run_went_on_is_read(tmp_path: Path) -> None:
    """The pods are listed again when logs are read: a container that our own requests killed has its last lines in the
    instance before, and a new pod has lines of its own."""
    lists = [listing(pod()), listing(pod(restarts=1), pod("plan-app-7d-b"))]

    def listed(asked: Asked) -> Answer:
        return lists.pop(0) if len(lists) > 1 else lists[0]

    def told(asked: Asked) -> Answer:
        words = "ERROR crashed" if "previous=true" in asked.path else "INFO started"
        return log([(60, words)])(asked)

    routes = {PODS: listed, f"{PODS}/plan-app-7d-a/log": told, f"{PODS}/plan-app-7d-b/log": log([(50, "ERROR beside")])}
    found, _ = reading(routes, tmp_path)
    assert {group.title for group in found.groups if group.kind == "error"} == {"crashed", "beside"}


def test_a_pod_that_is_gone_when_logs_are_read_is_a_gap(tmp_path: Path) -> None:
    """Its lines were of the window, and nobody has them any more."""
    lists = [listing(pod(), pod("plan-app-7d-b")), listing(pod())]
    routes = {PODS: lambda asked: lists.pop(0) if len(lists) > 1 else lists[0],
              f"{PODS}/plan-app-7d-a/log": log([(2995, "INFO started")])}  # fmt: skip
    found, _ = reading(routes, tmp_path)
    assert [(gap.origin, gap.reason) for gap in found.gaps] == [("plan-app-7d-b", "vanished")]
