"""The revision that was deployed, by images and by Argo CD: rolled out, and alone (R18)."""

from __future__ import annotations

from typing import Any

import pytest
from snapshots import IMAGE, PROMISED, lab, named, of, read

from pytest_prodcheck.config.models import ArgoCd, ClusterTarget, Revision
from pytest_prodcheck.criteria.cluster.carriers import carries
from pytest_prodcheck.criteria.cluster.revision import judge, serving
from pytest_prodcheck.observe.cluster import Cluster

COMMIT = "4f2a1c9d0b7e6a5f4c3d2e1f0a9b8c7d6e5f4a3b"
UNNAMED = PROMISED.model_copy(update={"images": {}})
ARGO = ClusterTarget(context="lab", argocd=ArgoCd(application="plan"))


def wanted(expected: str = "", source: str = "image") -> Revision:
    """What is promised."""
    return Revision(source=source, expected=expected, target="cluster")


def codes(cluster: Cluster, expected: str, table: ClusterTarget = UNNAMED) -> list[str]:
    """The codes of the findings."""
    return [one.code for one in judge(cluster, table, wanted(expected), "cluster")]


def several(*images: str, **promised: Any) -> tuple[Cluster, ClusterTarget]:
    """plan-app alone, with a container for each image."""
    data = read("healthy")
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    named(data, "deployments.apps", "plan-app")["spec"]["template"]["spec"]["containers"] = containers
    return of(data), ClusterTarget(context="lab", deployments={"plan-app": 2}, **promised)


def test_the_deployed_revision_is_rolled_out_and_alone() -> None:
    """By the tag of the workload that `images` names; the others have revisions of their own."""
    assert codes(lab(), "1.4.2", PROMISED) == []
    assert serving(lab(), PROMISED, wanted("1.4.2")) == ["1.4.2"]
    assert codes(lab(), "") == []


def test_one_workload_that_carries_it_is_not_enough_where_none_is_named() -> None:
    """An old worker beside it looks like another program: not proven, with the workloads and the line that tells."""
    (found,) = judge(lab(), UNNAMED, wanted("1.4.2"), "cluster")
    assert (found.code, found.severity) == ("cluster.revision.not_told", "insufficient")
    assert "rolled out in deployment/plan-app" in found.message
    assert "deployment/hasura has" in found.message
    assert "statefulset/postgres has" in found.message
    assert found.remedy.endswith('images = { plan-app = "env:IMAGE" }')
    assert serving(lab(), UNNAMED, wanted("1.4.2")) == ["1.4.2"]


def test_each_workload_that_images_names_carries_it() -> None:
    """One of them that does not is red, whoever else does."""
    both = PROMISED.model_copy(update={"images": {"plan-app": IMAGE, "hasura": ":v2"}})
    (found,) = judge(lab(), both, wanted("1.4.2"), "cluster")
    assert (found.code, found.severity) == ("cluster.revision.not_deployed", "error")
    assert found.message.startswith("1.4.2 is not deployed: deployment/hasura has")
    assert "plan-app" not in found.message


def test_containers_of_one_workload_are_told_apart_by_images() -> None:
    """A sidecar has a tag of its own, a worker of the same program must not have: who knows is `images`."""
    cluster, table = several("a.test/app:1.4.2", "a.test/worker:1.4.1")
    (found,) = judge(cluster, table, wanted("1.4.2"), "cluster")
    assert (found.code, found.severity) == ("cluster.revision.not_told", "insufficient")
    assert "deployment/plan-app has a.test/worker:1.4.1 in c1" in found.message
    assert found.remedy.endswith('images = { "plan-app/c0" = "env:IMAGE" }')
    assert codes(*several_named("plan-app/c0")) == []
    assert codes(*several_named("plan-app")) == []
    assert codes(*several_named("plan-app/c0", "plan-app/c1")) == ["cluster.revision.not_deployed"]
    assert codes(*several_named("plan-app/c9")) == ["cluster.revision.not_deployed"]
    cluster, table = several("a.test/app:1.4.2", "a.test/worker:1.4.2")
    assert judge(cluster, table, wanted("1.4.2"), "cluster") == []


def several_named(*keys: str) -> tuple[Cluster, str, ClusterTarget]:
    """An application and an older worker in one pod, of which `images` names some."""
    images = {"plan-app/c1": "a.test/worker:1.4.1"}
    chosen = {key: images.get(key, "a.test/app:1.4.2") for key in keys}
    cluster, table = several("a.test/app:1.4.2", "a.test/worker:1.4.1", images=chosen)
    return cluster, "1.4.2", table


def test_a_named_workload_that_is_not_there_is_no_revision() -> None:
    """Nor is it waited for as if it had the wanted one already."""
    data = read("healthy")
    data["objects"]["deployments.apps"].remove(named(data, "deployments.apps", "plan-app"))
    assert codes(of(data), "1.4.2", PROMISED) == ["cluster.workload.missing"]


def test_the_image_of_a_job_says_no_revision() -> None:
    """Only what is rolled out does."""
    table = ClusterTarget(
        context="lab", deployments={"plan-app": 2}, jobs=("plan-migrate",), images={"plan-migrate": IMAGE}
    )
    assert codes(lab(), "1.4.2", table) == []
    assert codes(lab(), "1.5.0", table) == ["cluster.revision.not_deployed"]


def test_what_is_not_deployed_says_what_is() -> None:
    """No declared workload carries it."""
    (found,) = judge(lab(), PROMISED, wanted("1.5.0"), "cluster")
    assert found.code == "cluster.revision.not_deployed"
    assert f"1.5.0 is not deployed: deployment/plan-app has {IMAGE}" in found.message
    assert (found.seen, found.promised) == ("1.4.2", "1.5.0")


def test_where_several_images_could_carry_it_the_key_that_tells_is_named() -> None:
    """Of workloads with images of their own, none may be the one that is meant."""
    (found,) = judge(lab(), UNNAMED, wanted("1.5.0"), "cluster")
    assert found.severity == "error"
    assert found.message.endswith("(where they differ, images names those that carry the revision)")
    (named_,) = judge(lab(), PROMISED, wanted("1.5.0"), "cluster")
    assert "where they differ" not in named_.message


def test_a_rollout_that_hangs_names_what_still_serves() -> None:
    """The new image is declared, and the old ReplicaSet serves."""
    (found,) = judge(lab("image-pull"), PROMISED, wanted("1.5.0-typo"), "cluster")
    assert found.code == "cluster.image.pull_failed"
    assert f"old version serving ({IMAGE})" in found.message
    assert serving(lab("image-pull"), PROMISED, wanted("1.5.0-typo")) == ["1.4.2"]


def test_two_revisions_that_serve_are_a_finding_whatever_is_wanted() -> None:
    """The rollout calls itself complete, and pods of the ReplicaSet before are ready."""
    data = read("image-pull")
    named(data, "deployments.apps", "plan-app")["status"] = named(read("healthy"), "deployments.apps", "plan-app")[
        "status"
    ] | {"observedGeneration": 99}
    assert codes(of(data), "") == ["cluster.rollout.old_version_serving"]


def test_what_may_not_be_read_is_blocked() -> None:
    """R22."""
    (found,) = judge(of(read("healthy"), {"deployments.apps": "list"}), PROMISED, wanted("1"), "cluster")
    assert found.severity == "blocked"


@pytest.mark.parametrize(
    ("image", "revision", "same"),
    [
        ("a.test/x:1.5.0", "1.5.0", True),
        ("a.test/x:v1.5.0", "1.5.0", True),
        ("a.test/x:1.5.0", "v1.5.0", True),
        ("a.test/x:1.5.01", "1.5.0", False),
        ("a.test/x:4f2a1c9", COMMIT, True),
        (f"a.test/x:main-{COMMIT}", "4f2a1c9", True),
        ("a.test/x:main-4f2a1c9-17", COMMIT, True),
        ("a.test/x:4f2a1", COMMIT, False),
        ("a.test/x:1234567", "12345678", False),
        ("a.test:5000/x", "5000", False),
        ("a.test/x@sha256:ab", "sha256:ab", True),
        ("a.test/x", "1.5.0", False),
    ],
)
def test_an_image_carries_a_revision(image: str, revision: str, same: bool) -> None:
    """As its tag, as a part of it, as an abbreviated commit, as a digest; numbers are no commits."""
    assert carries((image,), revision) is same


def application(**status: Any) -> Cluster:
    """The namespace with an Application in that state."""
    data = read("healthy")
    data["objects"]["applications.argoproj.io"] = [{"metadata": {"name": "plan"}, "status": status}]
    return of(data)


@pytest.mark.parametrize(
    ("sync", "health", "phase", "code"),
    [
        ({"revision": COMMIT}, "Healthy", "Succeeded", ""),
        ({"revisions": [COMMIT]}, "Suspended", "Succeeded", ""),
        ({"revision": "90c1d5a" + "0" * 33}, "Healthy", "Succeeded", "revision.not_deployed"),
        ({"revision": COMMIT}, "Progressing", "Succeeded", "rollout.in_progress"),
        ({"revision": COMMIT}, "Healthy", "Running", "rollout.in_progress"),
        ({}, "", "", "revision.not_deployed"),
        ({"revision": COMMIT, "status": "Synced"}, "Healthy", "Succeeded", ""),
        ({"revisions": ["0" * 40, COMMIT], "status": "Synced"}, "Healthy", "Succeeded", ""),
        ({"revision": COMMIT, "status": "OutOfSync"}, "Healthy", "Succeeded", "revision.not_deployed"),
        ({"revision": COMMIT, "status": "Unknown"}, "Healthy", "Succeeded", "rollout.in_progress"),
    ],
)
def test_argo_cd_says_its_revision(sync: dict[str, Any], health: str, phase: str, code: str) -> None:
    """Synced to it, done with it, and healthy."""
    cluster = application(sync=sync, health={"status": health}, operationState={"phase": phase})
    found = judge(cluster, ARGO, wanted("4f2a1c9", "argocd"), "cluster")
    assert [one.code for one in found] == ([f"cluster.{code}"] if code else [])


def test_an_application_that_is_not_there_is_said() -> None:
    """Or may not be read."""
    (found,) = judge(lab(), ARGO, wanted("x", "argocd"), "cluster")
    assert "there is no Application plan" in found.message
    (blocked,) = judge(of(read("healthy"), {"applications.argoproj.io": "get"}), ARGO, wanted("x", "argocd"), "cluster")
    assert blocked.severity == "blocked"


def test_out_of_sync_what_the_repository_has_is_not_what_runs() -> None:
    """`status.sync.revision` is then the commit that waits; the last sync says what serves."""
    last = {"phase": "Succeeded", "syncResult": {"revision": "90c1d5a" + "0" * 33}}
    cluster = application(
        sync={"revision": COMMIT, "status": "OutOfSync"}, health={"status": "Healthy"}, operationState=last
    )
    (found,) = judge(cluster, ARGO, wanted("4f2a1c9", "argocd"), "cluster")
    assert "is at 90c1d5a" in found.message
    assert "not at 4f2a1c9" in found.message
    assert serving(cluster, ARGO, wanted("4f2a1c9", "argocd")) == ["90c1d5a" + "0" * 33]
    (found,) = judge(cluster, ARGO, wanted("90c1d5a", "argocd"), "cluster")
    assert (found.code, "Healthy, sync Succeeded, OutOfSync" in found.message) == ("cluster.rollout.in_progress", True)


@pytest.mark.parametrize("strategy", [{"type": "OnDelete"}, {"rollingUpdate": {"partition": 1}}])
def test_a_revision_that_is_kept_back_on_purpose_does_not_serve(strategy: dict[str, Any]) -> None:
    """Where it was asked for, pods of the one before are red; which one that is, is not made up of the template."""
    data = read("healthy")
    postgres = named(data, "statefulsets.apps", "postgres")
    postgres["spec"]["updateStrategy"] = strategy
    postgres["status"].update(updatedReplicas=0, updateRevision="b", currentRevision="a")
    table = ClusterTarget(context="lab", statefulsets={"postgres": 1})
    (found,) = judge(of(data), table, wanted("15.14"), "cluster")
    assert (found.code, found.severity) == ("cluster.rollout.old_version_serving", "error")
    assert serving(of(data), table, wanted("15.14")) == []
    assert [one.severity for one in judge(of(data), table, wanted(), "cluster")] == ["warning"]


def test_a_daemon_set_that_is_not_updated_everywhere_does_not_serve_its_template() -> None:
    """Its pods are of one revision or the other; its template says only what they shall be."""
    data = read("healthy")
    agent = {**named(data, "statefulsets.apps", "postgres"), "metadata": {"name": "agent"}}
    agent["status"] = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 1, "numberAvailable": 3}
    data["objects"]["daemonsets.apps"] = [agent]
    table = ClusterTarget(context="lab", daemonsets=("agent",))
    assert codes(of(data), "15.14", table) == ["cluster.rollout.old_version_serving"]
    assert serving(of(data), table, wanted("15.14")) == []
