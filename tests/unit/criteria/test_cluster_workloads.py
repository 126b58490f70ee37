"""Rollouts, jobs, images and declared keys, on what a real API server says and on changes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from snapshots import IMAGE, PROMISED, lab, named, of, read

from pytest_prodcheck.criteria.cluster.configuration import keys
from pytest_prodcheck.criteria.cluster.images import image, matches
from pytest_prodcheck.criteria.cluster.jobs import cronjob, job
from pytest_prodcheck.criteria.cluster.pods import pods
from pytest_prodcheck.criteria.cluster.rollouts import rollout
from pytest_prodcheck.observe.cluster import Cluster
from pytest_prodcheck.observe.finding import Finding


def changed(change: Callable[[dict[str, Any]], object], name: str = "healthy") -> Cluster:
    """A snapshot of the lab after a change of its data."""
    data = read(name)
    change(data)
    return of(data)


def of_app(cluster: Cluster, subject: str = "deployment/plan-app") -> list[Finding]:
    """The findings about one rollout."""
    return rollout(cluster, PROMISED, "cluster", subject)


@pytest.mark.parametrize("subject", ["deployment/plan-app", "deployment/hasura", "statefulset/postgres"])
def test_a_finished_rollout_is_silent(subject: str) -> None:
    """By kubectl's own rules (A2)."""
    assert of_app(lab(), subject) == []


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("image-pull", "image.pull_failed", f"; old version serving ({IMAGE})"),
        ("crash-loop", "container.crash_loop", f"; old version serving ({IMAGE})"),
        ("secret-key-missing", "config.key_missing", "; old version serving"),
        ("unschedulable", "pod.unschedulable", "; old version serving"),
        ("quota-exceeded", "quota.exceeded", "no quota is left for pods of plan-app"),
        ("not-ready", "pod.not_ready", "pod plan-app-"),
    ],
)
def test_a_rollout_that_hangs_says_which_pod_and_what_serves(fault: str, code: str, says: str) -> None:
    """Available is no proof: the old ReplicaSet serves (fg-old-replicaset-serving, R18)."""
    (found,) = of_app(lab(fault))
    assert found.code == f"cluster.{code}"
    assert says in found.message
    assert found.data["workload"] == "plan-app"


@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (
            "image-pull",
            "image images.plan.example/plan-app:1.5.0-typo cannot be pulled: it is not in the registry",
        ),
        ("crash-loop", "plan-app ends by itself with exit code 1: [nitro] [uncaughtException] Error: NUXT_PUBLIC_"),
        ("secret-key-missing", "plan-app needs the key NUXT_SESSION_PASSWORD of Secret plan-secrets"),
        ("not-ready", "plan-app runs and is not ready: Readiness probe failed"),
        ("unschedulable", "pod plan-app-"),
    ],
)
def test_the_reason_comes_before_the_pod_and_before_what_serves(fault: str, first: str) -> None:
    """A line of a terminal ends after a hundred characters, and that of the pod's check as well."""
    cluster = lab(fault)
    for found in (*of_app(cluster), *pods(cluster, PROMISED, "cluster")[:1]):
        assert found.message.startswith(first)
        assert "pod plan-app-" in found.message


def _app(data: dict[str, Any]) -> dict[str, Any]:
    return named(data, "deployments.apps", "plan-app")


def _status(data: dict[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = _app(data)["status"]
    return status


def _paused(data: dict[str, Any]) -> None:
    _app(data)["spec"]["paused"] = True
    _status(data)["updatedReplicas"] = 0


def _one(data: dict[str, Any]) -> None:
    _app(data)["spec"]["replicas"] = 1
    _status(data).update(replicas=1, updatedReplicas=1, availableReplicas=1)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda data: _app(data)["spec"].update(replicas=0), "deployment.scaled_to_zero", "plan-app is scaled to 0"),
        (
            lambda data: _app(data)["metadata"].update(generation=70),
            "rollout.not_observed",
            "has not seen generation 70 of plan-app yet",
        ),
        (lambda data: _status(data).update(updatedReplicas=1), "rollout.in_progress", "1 of 2 new pods"),
        (lambda data: _status(data).update(replicas=3), "rollout.in_progress", "1 old"),
        (
            lambda data: _status(data).update(
                conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]
            ),
            "rollout.deadline_exceeded",
            "no progress within its deadline (ProgressDeadlineExceeded)",
        ),
        (
            lambda data: _status(data).update(
                conditions=[{"type": "ReplicaFailure", "status": "True", "message": "quota"}], updatedReplicas=0
            ),
            "quota.exceeded",
            "cannot be created: quota",
        ),
        (_paused, "rollout.paused", "is paused"),
        (_one, "rollout.replicas_differ", "wants 1 pods, promised are >= 2"),
        (
            lambda data: _app(data)["metadata"].update(name="plan-ap"),
            "workload.missing",
            "deployment/plan-app is not in namespace plan-prod; did you mean plan-ap?",
        ),
    ],
)
def test_each_condition_of_a_rollout_has_its_cause(
    change: Callable[[dict[str, Any]], object], code: str, says: str
) -> None:
    """Zero pods, an unseen generation, a deadline, a pause, another number (fg-scaled-to-zero, fg-stale-generation)."""
    (found,) = of_app(changed(change))
    assert (found.code, found.severity) == (f"cluster.{code}", "error")
    assert says in found.message


@pytest.mark.parametrize(
    ("resource", "subject"),
    [("deployments.apps", "deployment/plan-app"), ("statefulsets.apps", "statefulset/postgres")],
)
def test_what_is_scaled_to_zero_is_shown_as_it_is_declared(resource: str, subject: str) -> None:
    """The status of a rollout of no pod is a success."""
    kind, _, name = subject.partition("/")
    (found,) = of_app(changed(lambda data: named(data, resource, name)["spec"].update(replicas=0)), subject)
    assert found.next == f"kubectl --context lab -n plan-prod get {kind} {name} -o wide"


def test_an_older_version_that_serves_without_a_reason_is_said() -> None:
    """The new ReplicaSet is not ready, and no pod says why."""

    def change(data: dict[str, Any]) -> None:
        data["objects"]["pods"] = []
        data["objects"]["events"] = []

    (found,) = of_app(changed(change, "image-pull"))
    assert found.code == "cluster.rollout.old_version_serving"
    assert f"old version serving ({IMAGE})" in found.message


OLD = {"readyReplicas": 1, "updatedReplicas": 0, "updateRevision": "b", "currentRevision": "a"}


@pytest.mark.parametrize(
    ("status", "strategy", "code", "severity"),
    [
        ({"readyReplicas": 0}, {}, "rollout.in_progress", "error"),
        (OLD, {}, "rollout.old_version_serving", "error"),
        (OLD, {"type": "OnDelete"}, "rollout.old_version_serving", "warning"),
        (OLD, {"rollingUpdate": {"partition": 1}}, "rollout.old_version_serving", "warning"),
        ({**OLD, "updatedReplicas": 1}, {}, "", ""),
    ],
)
def test_a_stateful_set_keeps_its_own_rules(
    status: dict[str, Any], strategy: dict[str, Any], code: str, severity: str
) -> None:
    """Ready replicas and revisions; what OnDelete and a partition keep back on purpose is a warning."""

    def change(data: dict[str, Any]) -> None:
        postgres = named(data, "statefulsets.apps", "postgres")
        postgres["status"].update(status)
        postgres["spec"]["updateStrategy"] = strategy

    found = of_app(changed(change), "statefulset/postgres")
    assert [(one.code, one.severity) for one in found] == ([(f"cluster.{code}", severity)] if code else [])


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ({"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}, ""),
        (
            {"desiredNumberScheduled": 3, "updatedNumberScheduled": 2, "numberAvailable": 3},
            "rollout.old_version_serving",
        ),
        ({"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}, "rollout.in_progress"),
        ({"desiredNumberScheduled": 0}, "workload.no_pods"),
    ],
)
def test_a_daemon_set_runs_on_every_node_that_it_wants(status: dict[str, int], code: str) -> None:
    """And on one at least."""

    def change(data: dict[str, Any]) -> None:
        data["objects"]["daemonsets.apps"] = [{"metadata": {"name": "agent"}, "spec": {}, "status": status}]

    found = of_app(changed(change), "daemonset/agent")
    assert [one.code for one in found] == ([f"cluster.{code}"] if code else [])


def test_what_may_not_be_read_is_blocked() -> None:
    """Of every kind of workload, of jobs and of keys (R22)."""
    kinds = ("deployments.apps", "statefulsets.apps", "jobs.batch", "cronjobs.batch", "secrets", "pods")
    cluster = of(read("healthy"), dict.fromkeys(kinds, "list") | {"secrets": "get"})
    found = [
        *of_app(cluster),
        *of_app(cluster, "statefulset/postgres"),
        *job(cluster, "cluster", "plan-migrate"),
        *cronjob(cluster, "cluster", "x"),
        *keys(cluster, "secrets", PROMISED.secrets, "cluster"),
        *image(cluster, PROMISED, "cluster", "plan-app"),
    ]
    assert [one.severity for one in found] == ["blocked"] * 6


def test_a_job_that_succeeded_is_silent_and_a_failed_one_says_its_last_words() -> None:
    """The migration job (B15)."""
    assert job(lab(), "cluster", "plan-migrate") == []
    (found,) = job(lab("job-failed"), "cluster", "plan-migrate")
    assert found.code == "cluster.job.failed"
    assert "BackoffLimitExceeded" in found.message
    assert "exit code 1" in found.message


@pytest.mark.parametrize(
    ("status", "severity", "code"),
    [
        ({"active": 1}, "insufficient", "job.running"),
        ({"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}, "error", "job.failed"),
    ],
)
def test_a_job_that_has_not_ended_is_not_proven(status: dict[str, Any], severity: str, code: str) -> None:
    """One that took too long has failed."""
    cluster = changed(lambda data: named(data, "jobs.batch", "plan-migrate").update(status=status))
    (found,) = job(cluster, "cluster", "plan-migrate")
    assert (found.severity, found.code) == (severity, f"cluster.{code}")


def test_a_hooks_job_is_known_by_the_beginning_of_its_name() -> None:
    """Argo CD's hooks have generated names; the newest counts."""

    def change(data: dict[str, Any]) -> None:
        done = {"conditions": [{"type": "Complete", "status": "True"}]}
        data["objects"]["jobs.batch"] = [
            {"metadata": {"name": "seed-1", "creationTimestamp": "2026-11-01T00:00:00Z"}, "status": {"active": 1}},
            {"metadata": {"name": "seed-2", "creationTimestamp": "2026-11-02T00:00:00Z"}, "status": done},
        ]

    assert job(changed(change), "cluster", "seed") == []
    (found,) = job(changed(change), "cluster", "sed")
    assert found.code == "cluster.workload.missing"


@pytest.mark.parametrize(
    ("name", "same"),
    [("seed-4f2a1c9-presync-1764414000", True), ("seed-abcdefa", True), ("seed-v2", True), ("seed-x2k4z", True),
     ("seed-kqzxw", True), ("seed-20261129", True), ("seed-1.4.2", True), ("seed-cleanup", False),
     ("seed-cleanup-29394050", False), ("seed-", False), ("seeds-1", False)],
)  # fmt: skip
def test_another_job_does_not_stand_for_one_that_was_never_made(name: str, same: bool) -> None:
    """A name that goes on with a word is another job's, however well that ended."""
    done = {"metadata": {"name": name}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    found = job(changed(lambda data: data["objects"].update({"jobs.batch": [done]})), "cluster", "seed")
    assert [one.code for one in found] == ([] if same else ["cluster.workload.missing"])


LONG_AGO = {"lastScheduleTime": "2026-11-25T03:00:00Z", "lastSuccessfulTime": "2026-11-25T03:00:09Z"}


@pytest.mark.parametrize(
    ("spec", "status", "code"),
    [
        ({"suspend": True}, {"lastScheduleTime": "2026-11-29T03:00:00Z"}, "suspended"),
        ({"schedule": "0 3 * * *"}, {}, "never_ran"),
        ({"schedule": "0 3 1 * *"}, {}, ""),
        ({}, {"lastScheduleTime": "2026-11-29T03:00:00Z", "lastSuccessfulTime": "2026-11-28T03:00:09Z"}, "failing"),
        ({}, {"lastScheduleTime": "2026-11-29T03:00:00Z"}, "failing"),
        ({}, {"lastScheduleTime": "2026-11-29T03:00:00Z", "lastSuccessfulTime": "2026-11-29T03:00:09Z"}, ""),
        ({}, {"lastScheduleTime": "2026-11-29T03:00:00Z", "active": [{"name": "x"}]}, ""),
        ({"schedule": "0 3 * * *"}, LONG_AGO, "overdue"),
        ({"schedule": "@daily"}, LONG_AGO, "overdue"),
        ({"schedule": "17 * * * *"}, LONG_AGO, "overdue"),
        ({"schedule": "0 3 * * 1"}, LONG_AGO, ""),
        ({"schedule": "0 3 * * *"}, {**LONG_AGO, "active": [{"name": "x"}]}, "overdue"),
        ({"schedule": "@every 72h"}, LONG_AGO, ""),
        ({"schedule": "0 3 1 * *"}, LONG_AGO, ""),
        (
            {"schedule": "0 3 * * *"},
            {"lastScheduleTime": "2026-11-28T03:00:00Z", "lastSuccessfulTime": "2026-11-28T03:00:09Z"},
            "",
        ),
    ],
)
def test_a_cron_job_is_on_and_its_last_run_succeeded(spec: dict[str, Any], status: dict[str, Any], code: str) -> None:
    """One that should have run and never did proves nothing; one that is not due yet is well. That it succeeded once is
    no success of what is not started any more."""

    def change(data: dict[str, Any]) -> None:
        made = {"name": "backup", "creationTimestamp": "2026-11-27T00:00:00Z"}
        data["objects"]["cronjobs.batch"] = [{"metadata": made, "spec": spec, "status": status}]

    found = cronjob(changed(change), "cluster", "backup")
    assert [one.code for one in found] == ([f"cluster.cronjob.{code}"] if code else [])
    assert all((one.severity == "insufficient") == (code == "never_ran") for one in found)


def test_the_promised_image_runs_by_one_digest() -> None:
    """Declared, running, and the same in all pods (A45)."""
    assert image(lab(), PROMISED, "cluster", "plan-app") == []
    (drift,) = image(lab("image-drift"), PROMISED, "cluster", "plan-app")
    assert drift.code == "cluster.image.digests_differ"
    assert "2 different images by the tag" in drift.message
    (wrong,) = image(lab("image-pull"), PROMISED, "cluster", "plan-app")
    assert wrong.code == "cluster.image.wrong"
    assert f"declared with images.plan.example/plan-app:1.5.0-typo, promised is {IMAGE}" in wrong.message
    other = PROMISED.model_copy(update={"images": {"plan-app": "sha256:00"}})
    assert [one.code for one in image(lab(), other, "cluster", "plan-app")] == ["cluster.image.wrong"]


def test_pods_of_one_tag_run_one_digest_whatever_is_promised() -> None:
    """A tag that was moved between two starts is seen without a promise, too."""
    unpromised = PROMISED.model_copy(update={"images": {}})
    (found,) = rollout(lab("image-drift"), unpromised, "cluster", "deployment/plan-app")
    assert found.code == "cluster.image.digests_differ"
    assert rollout(lab(), unpromised, "cluster", "deployment/plan-app") == []


def test_an_image_without_a_pod_cannot_be_seen() -> None:
    """Declared is not running."""
    cluster = changed(lambda data: data["objects"].update(pods=[]))
    assert [one.code for one in image(cluster, PROMISED, "cluster", "plan-app")] == ["cluster.workload.no_pods"]


@pytest.mark.parametrize(
    ("reference", "digest", "wanted", "same"),
    [
        ("a.test/x:1", "", "a.test/x:1", True),
        ("a.test/x:1", "", "a.test/x:2", False),
        ("a.test/x:1", "", ":1", True),
        ("a.test/x:11", "", ":1", False),
        ("nginx", "", "docker.io/library/nginx:latest", True),
        ("a.test:5000/x", "", "a.test:5000/x:latest", True),
        ("a.test/x:1", "sha256:ab", "sha256:ab", True),
        ("a.test/x:1", "sha256:ab", "a.test/x@sha256:ab", True),
        ("a.test/y:1", "sha256:ab", "a.test/x@sha256:ab", False),
        ("a.test/x:1", "sha256:ab", "sha256:cd", False),
        ("a.test/x:1@sha256:ab", "sha256:ab", "a.test/x:1", True),
    ],
)
def test_images_are_compared_as_docker_reads_them(reference: str, digest: str, wanted: str, same: bool) -> None:
    """By reference, by tag, by digest."""
    assert matches(reference, digest, wanted) is same


def test_declared_keys_are_there_and_sound() -> None:
    """Missing objects, missing and empty keys are red, a malformed value warns (A11, A13, B5, R3)."""
    assert keys(lab(), "secrets", PROMISED.secrets, "cluster") == []

    def change(data: dict[str, Any]) -> None:
        known = data["secrets"]["plan-secrets"]["keys"]
        known |= {"EMPTY": {"length": "empty", "flaws": []}}
        known |= {"LINE": {"length": "8-15", "flaws": ["ends with a line break"]}}

    wanted = {"plan-secrets": ("NUXT_SESSION_PASSWORT", "EMPTY", "LINE"), "none": ("A",)}
    found = keys(changed(change), "secrets", wanted, "cluster")
    assert [(one.code.removeprefix("cluster.config."), one.severity) for one in found] == [
        ("key_missing", "error"), ("key_empty", "error"), ("bad_value", "warning"), ("secret_missing", "error"),
    ]  # fmt: skip
    assert "did you mean NUXT_SESSION_PASSWORD?" in found[0].message
    assert "LINE of Secret plan-secrets ends with a line break" in found[2].message
    assert found[0].seen.startswith("has the keys DATABASE_PASSWORD, ")
    assert [one.seen for one in found[1:]] == ["empty", "ends with a line break", "absent"]


def test_a_key_that_only_ends_alike_is_not_suggested() -> None:
    """Most of a Secret's keys end in `_PASSWORD`; who takes the suggestion writes the wrong one."""
    data = read("healthy")
    known = data["secrets"]["plan-secrets"]["keys"]
    data["secrets"]["plan-secrets"]["keys"] = {"NUXT_SESSION_PASSWORD": known["NUXT_SESSION_PASSWORD"]}
    (found,) = keys(of(data), "secrets", {"plan-secrets": ("DATABASE_PASSWORD",)}, "cluster")
    assert found.message == "Secret plan-secrets lacks the key DATABASE_PASSWORD; known: NUXT_SESSION_PASSWORD"
    assert found.seen == "has the keys NUXT_SESSION_PASSWORD"
