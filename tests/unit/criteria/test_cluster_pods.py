"""Each way in which a pod is not well has one cause, with what shows it and the next command."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from snapshots import PROMISED, lab, of, pod, read, with_pod

from pytest_prodcheck.criteria.cluster.pods import pods
from pytest_prodcheck.criteria.cluster.restarts import restarts
from pytest_prodcheck.observe.cluster import Cluster, moment
from pytest_prodcheck.observe.finding import Finding

NOT_FOUND = 'rpc error: code = NotFound desc = "images.test/app:1": not found'


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """A waiting state."""
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    """A terminated state that lasted two seconds."""
    times = {"startedAt": "2026-11-29T11:00:00Z", "finishedAt": "2026-11-29T11:00:02Z"}
    return {"exitCode": code, "reason": reason, **times}


def event(reason: str, message: str) -> dict[str, Any]:
    """A warning about the pod."""
    return {"reason": reason, "message": message, "type": "Warning"}


def only(cluster: Cluster) -> Finding:
    """The one finding."""
    (found,) = pods(cluster, PROMISED, "cluster")
    return found


def test_healthy_pods_are_silent() -> None:
    """A completed job's pod is well, too (A1)."""
    assert pods(lab(), PROMISED, "cluster") == []


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (
            "image-pull",
            "cluster.image.pull_failed",
            "image images.plan.example/plan-app:1.5.0-typo cannot be pulled",
        ),
        ("crash-loop", "cluster.container.crash_loop", "exit code 1: [nitro] [uncaughtException] Error: NUXT_PUBLIC"),
        ("oom-killed", "cluster.container.oom_killed", "killed by its memory limit of 1Gi (exit code 137, OOMKilled)"),
        ("secret-key-missing", "cluster.config.key_missing", "needs the key NUXT_SESSION_PASSWORD of Secret plan-secr"),
        ("volume-missing", "cluster.config.secret_missing", "needs the ConfigMap plan-config-v2, which does not exist"),
        ("unschedulable", "cluster.pod.unschedulable", "fits no node: 0/3 nodes are available"),
        ("not-ready", "cluster.pod.not_ready", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        ("evicted", "cluster.pod.evicted", "The node was low on resource: ephemeral-storage"),
        ("job-failed", "cluster.job.failed", "migrate ends by itself with exit code 1"),
        ("restarting", "cluster.container.crash_loop", "ends by itself with exit code 1 after 3 s; restarted"),
    ],
)
def test_a_fault_of_the_lab_has_its_cause(fault: str, code: str, says: str) -> None:
    """As the real API server shows it (A1, A12, B1, B4, B9, B50)."""
    found = pods(lab(fault), PROMISED, "cluster")
    assert {finding.code for finding in found} == {code}
    assert all(says in finding.message and finding.subject in finding.message for finding in found)
    assert all({"pod", "workload", "namespace"} <= finding.data.keys() for finding in found)
    assert all(not finding.next or finding.next.startswith("kubectl --context lab -n plan-prod ") for finding in found)


@pytest.mark.parametrize(
    ("state", "events", "code", "says"),
    [
        (waiting("ErrImagePull", NOT_FOUND), [], "image.pull_failed", "it is not in the registry"),
        (waiting("ImagePullBackOff"), [event("Failed", "Failed to pull image: 403 denied")], "image.pull_failed",
         "the registry refuses the credential"),
        (waiting("RegistryUnavailable", "dial tcp: i/o timeout"), [], "image.pull_failed", "does not answer"),
        (waiting("ImageInspectError", "x"), [], "image.pull_failed", "image images.test/app:1 cannot be pulled"),
        (waiting("ErrImageNeverPull", "x"), [], "image.not_on_node", "ErrImageNeverPull"),
        (waiting("InvalidImageName", "x"), [], "image.invalid_name", "InvalidImageName"),
        (waiting("CreateContainerConfigError", 'configmap "plan" not found'), [], "config.secret_missing",
         "needs the ConfigMap plan, which does not exist"),
        (waiting("CreateContainerConfigError", "couldn't find key A in ConfigMap plan-prod/plan"), [],
         "config.key_missing", "needs the key A of ConfigMap plan"),
        (waiting("CreateContainerConfigError", "container has runAsNonRoot"), [], "container.create_failed", "NonRoot"),
        (waiting("CreateContainerError", "no command specified"), [], "container.bad_command", "no command"),
        (waiting("RunContainerError", 'exec: "/srv": permission denied'), [], "container.create_failed", "denied"),
        (waiting("RunContainerError", 'exec: "x": executable file not found in $PATH'), [], "container.bad_command",
         "executable file not found"),
        (waiting("KillContainerError", "x"), [], "container.create_failed", "KillContainerError"),
        (waiting("PreCreateHookError", "x"), [], "container.hook_failed", "PreCreateHookError"),
        (waiting("PreStartHookError", "x"), [], "container.hook_failed", "PreStartHookError"),
        (waiting("PostStartHookError", "exited with 126"), [], "container.hook_failed", "exited with 126"),
        (waiting("CreatePodSandboxError", "no IP"), [], "pod.sandbox_failed", "no IP"),
        (waiting("ConfigPodSandboxError", "x"), [], "pod.sandbox_failed", "ConfigPodSandboxError"),
        (waiting("KillPodSandboxError", "x"), [], "pod.sandbox_failed", "KillPodSandboxError"),
        (waiting("ContainerCreating"), [event("FailedMount", "timed out waiting")], "volume.mount_failed", "timed out"),
        (waiting("ContainerCreating"), [event("FailedAttachVolume", "Multi-Attach")], "volume.mount_failed", "Multi"),
        (waiting("PodInitializing"), [event("FailedCreatePodSandBox", "cni")], "pod.sandbox_failed", "cni"),
        (waiting("ContainerCreating"), [event("FailedMount", "references non-existent secret key: K")],
         "config.key_missing", "needs the key K"),
        (waiting("ContainerCreating"), [], "pod.starting", "nothing says why"),
        (waiting("SomethingNew", "words"), [], "pod.starting", "SomethingNew: words"),
    ],
)  # fmt: skip
def test_every_waiting_reason_has_its_cause(
    state: dict[str, Any], events: list[dict[str, Any]], code: str, says: str
) -> None:
    """The kubelet's constants, and what its events add."""
    found = only(with_pod(pod(state), str(state["waiting"]["reason"]), "0/1", *events))
    assert (found.code, found.severity) == (f"cluster.{code}", "error")
    assert says in found.message


def test_what_memory_killed_is_shown_with_its_limit_and_its_last_end() -> None:
    """A restarted container uses little: its usage says nothing of what killed the one before."""
    found = pods(lab("oom-killed"), PROMISED, "cluster")
    assert {one.next for one in found} == {
        f"kubectl --context lab -n plan-prod describe pod {one.subject}" for one in found
    }


@pytest.mark.parametrize(
    "told",
    ['secret "x; rm -rf ~" not found', "couldn't find key $(id) in Secret plan-prod/plan",
     "couldn't find key K in Secret `id`", "references non-existent secret key: K;id"],
)  # fmt: skip
def test_no_word_of_an_event_becomes_a_command(told: str) -> None:
    """Whoever may write events could write what somebody types at three in the morning."""
    for message, event_ in ((told, []), ("", [event("FailedMount", told)])):
        state = waiting("CreateContainerConfigError" if message else "ContainerCreating", message)
        found = only(
            with_pod(pod(state), "CreateContainerConfigError" if message else "ContainerCreating", "0/1", *event_)
        )
        assert not re.search(
            r"[;$`]|\bid\b", found.next + str(found.data.get("object", "")) + str(found.data.get("key", ""))
        )


@pytest.mark.parametrize(
    ("last", "events", "code", "says"),
    [
        (ended(137, "OOMKilled"), [], "oom_killed", "killed by its memory limit"),
        (ended(1, "OOMKilled"), [], "oom_killed", "OOMKilled"),
        (ended(137), [event("Unhealthy", "Liveness probe failed: timeout")], "liveness_killed", "not by memory"),
        (ended(143), [event("Unhealthy", "Liveness probe failed: timeout")], "liveness_killed", "time-out 1 s"),
        (ended(1), [event("Unhealthy", "Liveness probe failed: refused")], "crash_loop", "exit code 1 after 2 s"),
        (ended(137), [event("Unhealthy", "Readiness probe failed")], "crash_loop", "neither its memory limit nor"),
        (ended(139), [], "crash_loop", "crashed (SIGSEGV)"),
        (ended(126), [], "bad_command", "is not executable"),
        (ended(127), [], "bad_command", "is not in the image"),
        (ended(128, "StartError"), [], "bad_command", "cannot be run"),
        (ended(128, "ContainerCannotRun"), [], "bad_command", "cannot be run"),
        (ended(1), [], "crash_loop", "ends by itself with exit code 1 after 2 s: ModuleNotFoundError: No module"),
    ],
)
def test_memory_probe_command_and_program_are_told_apart(
    last: dict[str, Any], events: list[dict[str, Any]], code: str, says: str
) -> None:
    """OOMKilled, a liveness kill, 126, 127 and exit 1 look alike from afar (B1, B2, B42)."""
    tail = "Traceback (most recent call last):\n  File \"x\"\nModuleNotFoundError: No module named 'x'\n"
    told = tail if code == "crash_loop" and last["exitCode"] == 1 else ""
    found = only(with_pod(pod(waiting("CrashLoopBackOff"), last=last), "CrashLoopBackOff", "0/1", *events, tail=told))
    assert found.code == f"cluster.container.{code}"
    assert says in found.message
    assert (found.data["exit_code"], found.data["container"]) == (last["exitCode"], "app")


@pytest.mark.parametrize(
    ("changes", "status", "code", "says"),
    [
        (
            {"status": {"phase": "Failed", "reason": "Evicted", "message": "disk"}},
            "Evicted",
            "pod.evicted",
            "node-1: disk",
        ),
        (
            {"status": {"phase": "Failed", "reason": "NodeLost"}},
            "NodeLost",
            "node.lost",
            "its node node-1 does not report",
        ),
        (
            {"status": {"phase": "Failed", "reason": "UnexpectedAdmissionError"}},
            "UnexpectedAdmissionError",
            "pod.failed",
            "has failed: UnexpectedAdmissionError",
        ),
        (
            {
                "status": {
                    "phase": "Pending",
                    "conditions": [
                        {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "gate"}
                    ],
                }
            },
            "SchedulingGated",
            "pod.gated",
            "waits behind a scheduling gate",
        ),
        (
            {"metadata": {"name": "app-5d9f-x2k4z", "deletionTimestamp": "2026-11-29T10:00:00Z"}},
            "Terminating",
            "pod.terminating",
            "should have ended",
        ),
    ],
)
def test_a_pod_as_a_whole_has_its_cause(changes: dict[str, Any], status: str, code: str, says: str) -> None:
    """Evicted, lost with its node, refused by a kubelet, gated, not ending."""
    found = only(with_pod(pod({}, **changes), status))
    assert found.code == f"cluster.{code}"
    assert says in found.message


def test_a_node_that_does_not_report_is_the_cause_of_its_pods_end() -> None:
    """The pod is Terminating because its node is lost, not by itself."""
    gone = pod({}, metadata={"name": "app-5d9f-x2k4z", "deletionTimestamp": "2026-11-29T10:00:00Z"})
    found = only(with_pod(gone, "Terminating", "1/1", event("NodeNotReady", "Node is not ready")))
    assert (found.code, found.data["node"]) == ("cluster.node.lost", "node-1")


@pytest.mark.parametrize(
    ("told", "port", "code"),
    [
        ("Readiness probe failed: HTTP probe failed with statuscode: 404", "http", "probe.misconfigured"),
        ("Readiness probe failed: connection refused", "nope", "probe.misconfigured"),
        ("Readiness probe failed: connection refused", "http", "pod.not_ready"),
        ("Startup probe failed: HTTP probe failed with statuscode: 500", "http", "pod.not_ready"),
    ],
)
def test_a_probe_that_asks_elsewhere_is_told_from_one_that_fails(told: str, port: str, code: str) -> None:
    """404, and a port's name that the container does not have (B2)."""
    container = {"name": "app", "ports": [{"name": "http", "containerPort": 80}],
                 "readinessProbe": {"httpGet": {"path": "/", "port": port}}}  # fmt: skip
    unready = pod({"running": {}}, spec={"nodeName": "node-1", "containers": [container]})
    unready["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
    assert only(with_pod(unready, "Running", "0/1", event("Unhealthy", told))).code == f"cluster.{code}"


def test_pods_that_fail_alike_have_the_cause_of_the_one_that_was_read() -> None:
    """Fifty pods of one kind are named, two are read in full."""
    data = read("crash-loop")
    rows = data["tables"]["pods"]["rows"]
    bad = next(row for row in rows if row[2] == "CrashLoopBackOff")
    rows += [[f"{bad[0][:-5]}{number:05}", *bad[1:]] for number in range(50)]
    found = pods(of(data), PROMISED, "cluster")
    assert len(found) == 51
    assert {one.code for one in found} == {"cluster.container.crash_loop"}
    assert len({one.subject for one in found}) == 51


def test_a_pod_that_nobody_could_read_is_red_by_its_row() -> None:
    """The row's status alone is enough for red."""
    data = read("crash-loop")
    data["objects"]["pods"] = []
    assert only(of(data)).code == "cluster.container.crash_loop"


def test_a_pod_that_is_starting_is_not_proven() -> None:
    """Seconds old, and nothing wrong with it yet: neither green nor red."""
    fresh = pod(
        waiting("ContainerCreating"), metadata={"name": "app-5d9f-x2k4z", "creationTimestamp": "2999-01-01T00:00:00Z"}
    )
    found = only(with_pod(fresh, "ContainerCreating"))
    assert (found.severity, found.code) == ("insufficient", "cluster.pod.starting")


def test_a_pod_whose_init_containers_run_is_not_proven() -> None:
    """A migration, a wait for the database: neither green nor red, until it takes too long."""
    metadata = {"name": "app-5d9f-x2k4z", "creationTimestamp": "2999-01-01T00:00:00Z"}
    fresh = pod(waiting("PodInitializing"), metadata=metadata)
    fresh["status"]["initContainerStatuses"] = [{"name": "migrate", "state": {"running": {}}}]
    found = only(with_pod(fresh, "Init:0/1"))
    assert (found.severity, found.code) == ("insufficient", "cluster.pod.starting")
    fresh["metadata"]["creationTimestamp"] = "2026-11-01T00:00:00Z"
    assert only(with_pod(fresh, "Init:0/1")).severity == "error"


@pytest.mark.parametrize(
    ("container", "code"), [("app", "liveness_killed"), ("sidecar", "crash_loop"), ("", "liveness_killed")]
)
def test_a_probe_of_another_container_explains_nothing(container: str, code: str) -> None:
    """Events say whose probe failed (`fieldPath`)."""
    about = {"kind": "Pod", "name": "app-5d9f-x2k4z"} | (
        {"fieldPath": f"spec.containers{{{container}}}"} if container else {}
    )
    told = {**event("Unhealthy", "Liveness probe failed: timeout"), "involvedObject": about}
    found = only(with_pod(pod(waiting("CrashLoopBackOff"), last=ended(137)), "CrashLoopBackOff", "0/1", told))
    assert found.code == f"cluster.container.{code}"


@pytest.mark.parametrize(("at", "says"), [("11:00:01", "restarted by its startup probe"), ("10:40:00", "SIGKILL")])
def test_a_startup_probe_that_stopped_the_container_is_told(at: str, says: str) -> None:
    """And not one that failed a while before, and then passed."""
    told = {**event("Unhealthy", "Startup probe failed: refused"), "lastTimestamp": f"2026-11-29T{at}Z"}
    found = only(with_pod(pod(waiting("CrashLoopBackOff"), last=ended(137)), "CrashLoopBackOff", "0/1", told))
    assert says in found.message


@pytest.mark.parametrize(
    ("reason", "states"),
    [("Terminated", [{"name": "app", "state": {"terminated": ended(143)}}]), ("NodeAffinity", [])],
)
def test_a_pod_that_was_replaced_long_ago_is_a_warning(reason: str, states: list[dict[str, Any]]) -> None:
    """A node that was shut down, or refused a pod, leaves it listed; its ReplicaSet has made another one."""
    status = {"phase": "Failed", "reason": reason, "containerStatuses": states, "startTime": "2026-11-29T11:00:00Z"}
    cluster = with_pod(pod({}, status=status), reason)
    end = moment("2026-11-29T11:00:02Z")
    assert only(replace(cluster, now=end + 60)).severity == "error"
    assert only(replace(cluster, now=end + 7200)).severity == "warning"


@pytest.mark.parametrize(
    ("cell", "ago"), [(3, 60), ("3", 60), ("3", 7200), ("3 (5 minutes ago)", 7200), ("many", 7200)]
)
def test_a_count_of_restarts_in_other_words_is_not_none(cell: Any, ago: float) -> None:
    """Old servers do not say when: the pod does; what cannot be read counts as now."""
    running = pod({"running": {}}, last=ended(1))
    cluster = with_pod(running, "Running", "1/1")
    table = cluster.tables["pods"]
    rows = (*table.rows[:-1], (*table.rows[-1][:3], cell, *table.rows[-1][4:]))
    cluster = replace(cluster, tables={**cluster.tables, "pods": replace(table, rows=rows)})
    cluster = replace(cluster, now=moment("2026-11-29T11:00:02Z") + ago)
    found = pods(cluster, PROMISED, "cluster")
    assert bool(found) is not (ago > 3600 and str(cell) == "3")
    (judged,) = restarts(cluster, PROMISED.model_copy(update={"restarts": 0}), "cluster")
    assert "restarted" in judged.message


def test_a_pod_whose_first_probe_is_on_its_way_is_not_proven() -> None:
    """It runs for seconds, and no probe has failed; later it is red."""
    data = read("not-ready")
    data["objects"]["events"] = []
    assert {one.severity for one in pods(of(data), PROMISED, "cluster")} == {"insufficient"}
    data["now"] += 300
    assert {one.code for one in pods(of(data), PROMISED, "cluster")} == {"cluster.pod.not_ready"}


def test_a_failed_attempt_of_a_job_that_succeeded_is_past() -> None:
    """Its pod stays listed, with Error."""
    data = read("job-failed")
    for job in data["objects"]["jobs.batch"]:
        job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    assert pods(of(data), PROMISED, "cluster") == []


def test_an_eviction_of_long_ago_is_a_warning() -> None:
    """Events are kept for an hour; the dead pod stays listed."""
    data = read("evicted")
    data["objects"]["events"] = []
    assert [one.severity for one in pods(of(data), PROMISED, "cluster")] == ["warning"]


def test_a_jobs_pod_that_failed_long_ago_is_a_warning() -> None:
    """A cron job keeps the pods of its last failed run for as long as its history is."""
    data = read("job-failed")
    assert [one.severity for one in pods(of(data), PROMISED, "cluster")] == ["error"]
    data["now"] += 7200
    assert [one.severity for one in pods(of(data), PROMISED, "cluster")] == ["warning"]


def test_no_pod_at_all_is_red() -> None:
    """A selector with a typo: an empty list with HTTP 200 is no health (fg-pods-empty-list)."""
    data = read("healthy")
    data["tables"]["pods"]["rows"] = []
    found = pods(of(data), PROMISED.model_copy(update={"selector": "app=plan-ap"}), "cluster")
    assert [one.code for one in found] == ["cluster.workload.no_pods"]
    assert "0 pods match app=plan-ap in namespace plan-prod" in found[0].message
    assert "deployment plan-app selects app=plan-app" in found[0].message
    (whole,) = pods(of(data), PROMISED, "cluster")
    assert "there is no pod in namespace plan-prod" in whole.message


def test_what_may_not_be_listed_is_blocked() -> None:
    """With the rule that is missing (R22)."""
    (found,) = pods(of(read("healthy"), {"pods": "list"}), PROMISED, "cluster")
    assert (found.severity, found.code) == ("blocked", "cluster.rbac.forbidden")
    assert '- {apiGroups: [""], resources: [pods], verbs: [list]}' in found.remedy


def test_restarts_are_counted_against_their_limit() -> None:
    """However long ago; without a limit only those of the last hour are looked at (B42)."""
    data = read("healthy")
    data["tables"]["pods"]["rows"][0][3] = "3 (2d4h ago)"
    assert pods(of(data), PROMISED, "cluster") == []
    (found,) = restarts(of(data), PROMISED.model_copy(update={"restarts": "<= 2"}), "cluster")
    assert (found.code, found.promised) == ("cluster.container.restarting", "<= 2")
    assert "restarted 3 times" in found.message
    assert restarts(of(data), PROMISED.model_copy(update={"restarts": 3}), "cluster") == []
    data["tables"]["pods"]["rows"][0][3] = "1 (59m ago)"
    assert [one.code for one in pods(of(data), PROMISED, "cluster")] == ["cluster.container.restarting"]


@pytest.mark.parametrize("thing", [None, 3, "x", [], [1], {"a": {"b": None}}])
def test_an_object_of_the_wrong_shape_is_no_crash(thing: Any) -> None:
    """What a server sends is hostile."""
    odd = {
        "metadata": {"name": "app-5d9f-x2k4z", "labels": thing, "ownerReferences": thing},
        "spec": thing,
        "status": thing,
    }
    assert only(with_pod(odd, "Error")).code == "cluster.container.crash_loop"
