"""What is there before anything goes wrong: room, probes, limits, a way back; and what deployers and operators say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from wired import NAMESPACE, PROMISED, Objects, cluster, judged, meta, objects, workload

from pytest_prodcheck.config.models import ArgoCd, ClusterTarget, Helm
from pytest_prodcheck.criteria.cluster import argocd, helm, standards, usage
from pytest_prodcheck.criteria.cluster.scene import Scene
from pytest_prodcheck.observe.cluster import Cluster, Table
from pytest_prodcheck.observe.cluster_parts import quantity, selects
from pytest_prodcheck.observe.finding import Finding


def scene(seen: Cluster, **promised: Any) -> Scene:
    """The scene of a snapshot and some promises."""
    return Scene(seen, PROMISED.model_copy(update=promised), "cluster", "x")


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    """Code and severity of each."""
    return [(finding.code, finding.severity) for finding in findings]


def scaler(*conditions: tuple[str, str, str], desired: int = 2) -> Objects:
    """A namespace with an autoscaler that says so of itself."""
    listed = [
        {"type": kind, "status": status, "reason": reason, "message": "why"} for kind, status, reason in conditions
    ]
    found = {
        "metadata": meta("app"),
        "spec": {"minReplicas": 2, "maxReplicas": 6, "scaleTargetRef": {"kind": "Deployment", "name": "app"}},
        "status": {"desiredReplicas": desired, "conditions": listed},
    }
    return {**objects(), "horizontalpodautoscalers.autoscaling": [found]}


@pytest.mark.parametrize(
    ("conditions", "desired", "expected"),
    [
        ([("ScalingActive", "True", "ValidMetricFound")], 2, []),
        ([("ScalingActive", "False", "FailedGetResourceMetric")], 2, [("cluster.hpa.no_metrics", "error")]),
        ([("ScalingActive", "False", "ScalingDisabled")], 2, []),
        ([("AbleToScale", "False", "FailedGetScale")], 2, [("cluster.hpa.unable_to_scale", "error")]),
        ([("ScalingLimited", "True", "TooManyReplicas")], 6, [("cluster.hpa.at_maximum", "warning")]),
        ([("ScalingLimited", "True", "TooFewReplicas")], 2, []),
        ([], 6, [("cluster.hpa.at_maximum", "warning")]),
    ],
)
def test_an_autoscaler_scales(conditions: list[Any], desired: int, expected: list[Any]) -> None:
    """Without metrics it does not; at its ceiling it cannot; at its floor it need not (B19)."""
    assert told(judged("scaling", scaler(*conditions, desired=desired))) == expected


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"disruptionsAllowed": 1, "expectedPods": 2, "desiredHealthy": 1, "currentHealthy": 2}, ""),
        ({"disruptionsAllowed": 0, "expectedPods": 2, "desiredHealthy": 2, "currentHealthy": 2}, "it needs all 2 pods"),
        ({"disruptionsAllowed": 0, "expectedPods": 2, "desiredHealthy": 1, "currentHealthy": 1}, "1 of 1 needed pods"),
        ({"disruptionsAllowed": 0, "expectedPods": 0}, ""), ({}, ""),
    ],
)  # fmt: skip
def test_a_budget_allows_a_disruption(status: dict[str, int], words: str) -> None:
    """Else no node can be drained: a warning."""
    found = {**objects(), "poddisruptionbudgets.policy": [{"metadata": meta("app"), "spec": {}, "status": status}]}
    findings = judged("scaling", found)
    assert told(findings) == ([("cluster.pdb.blocks", "warning")] if words else [])
    assert all(words in finding.message for finding in findings)


def test_a_budget_that_nobody_has_looked_at_says_nothing() -> None:
    """Its status is of another generation."""
    stale = {"metadata": meta("app", generation=2), "status": {"observedGeneration": 1, "expectedPods": 2}}
    assert judged("scaling", {**objects(), "poddisruptionbudgets.policy": [stale]}) == []


def quota(used: str, hard: str, refused: bool = False) -> Objects:
    """A namespace with a quota of pods, and perhaps a workload that it has stopped."""
    found = {**objects(), "resourcequotas": [
        {"metadata": meta("pods"), "status": {"hard": {"pods": hard}, "used": {"pods": used}}}]}  # fmt: skip
    message = 'pods "app-x" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=4, limited: pods=4'
    if refused:
        found["deployments.apps"][0]["status"] = {
            "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]
        }
    return found


@pytest.mark.parametrize(
    ("used", "hard", "refused", "expected"),
    [
        ("1", "4", False, []), ("0", "0", False, []), ("x", "4", False, []),
        ("9", "10", False, [("cluster.quota.nearly_used", "warning")]),
        ("4", "4", False, [("cluster.quota.exceeded", "warning")]),
        ("4", "4", True, [("cluster.quota.exceeded", "error")]),
    ],
)  # fmt: skip
def test_a_quota_leaves_room(used: str, hard: str, refused: bool, expected: list[Any]) -> None:
    """Red where it keeps a workload from its pods."""
    assert told(judged("quotas", quota(used, hard, refused))) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("2Gi", 2.0**31), ("4", 4.0), ("1e3", 1000.0), ("12E6", 12e6), (3, 3.0), ("", None), ("Gi", None),
     (True, None), (None, None), ("nan-sense", None)],
)  # fmt: skip
def test_quantities_are_read_as_the_api_writes_them(text: Any, number: float | None) -> None:
    """apimachinery, resource.Quantity."""
    assert quantity(text) == number


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ({}, True), ({"matchLabels": {"app": "a"}}, True), ({"matchLabels": {"app": "b"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "x", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "x", "operator": "?"}]}, False),
    ],
)  # fmt: skip
def test_label_selectors_select_as_the_api_says(selector: dict[str, Any], chosen: bool) -> None:
    """matchLabels and matchExpressions, all of them."""
    assert selects(selector, {"app": "a"}) is chosen


def node(name: str, ready: str, *more: tuple[str, str], cordoned: bool = False) -> dict[str, Any]:
    """A node that reports so."""
    said = [("Ready", ready), *more]
    listed = [{"type": kind, "status": status, "reason": "Kubelet", "message": "why"} for kind, status in said]
    return {"metadata": {"name": name}, "spec": {"unschedulable": cordoned}, "status": {"conditions": listed}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (node("n1", "True"), []),
        (node("n1", "Unknown"), [("cluster.node.lost", "error")]),
        (node("n2", "Unknown"), [("cluster.node.lost", "warning")]),
        (node("n1", "False"), [("cluster.node.not_ready", "error")]),
        (node("n1", "True", ("DiskPressure", "True")), [("cluster.node.pressure", "error")]),
        (node("n1", "True", cordoned=True), [("cluster.node.cordoned", "warning")]),
    ],
)
def test_a_node_with_pods_of_ours_is_well(found: dict[str, Any], expected: list[Any]) -> None:
    """Elsewhere it is a warning: the others carry the load."""
    seen = cluster(
        {**objects(), "nodes": [found]}, rows=(("postgres-0", "Running", "3d", "n1"), ("j", "Completed", "3d", "n2"))
    )
    findings = judged("nodes", seen)
    assert told(findings) == expected
    assert all(("postgres-0" in one.message) is (one.data["node"] == "n1") for one in findings)


def released(**changes: Any) -> list[Finding]:
    """What the releases of an application find."""
    found = objects()
    found["deployments.apps"][0]["spec"].update(changes)
    return judged("releases", found)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""), ({"revisionHistoryLimit": 0}, "cluster.rollout.no_earlier_revision"),
        ({"strategy": {"type": "Recreate"}}, "cluster.rollout.recreate"),
        ({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}}},
         "cluster.rollout.recreate"),
        ({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}}, ""),
    ],
)  # fmt: skip
def test_a_release_can_be_taken_back_and_has_no_gap(changes: dict[str, Any], code: str) -> None:
    """Warnings (A55, A57)."""
    assert told(released(**changes)) == ([(code, "warning")] if code else [])


def test_without_an_earlier_replica_set_there_is_no_way_back() -> None:
    """The Deployment is at its third revision, and only one ReplicaSet is left (A55)."""
    found = objects()
    found["deployments.apps"][0]["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "3"}
    left = {
        "metadata": {"name": "app-5d9f", "ownerReferences": [{"kind": "Deployment", "name": "app", "controller": True}]}
    }
    for count, expected in ((1, ["cluster.rollout.no_earlier_revision"]), (2, [])):
        sets = Table(("Name",), tuple((f"app-{at}",) for at in range(count)), (left,) * count)
        seen = replace(cluster(found), tables={"replicasets.apps": sets})
        assert [one.code for one in judged("releases", seen)] == expected


@pytest.mark.parametrize(
    ("image", "moves"),
    [("app", True), ("images.test:5000/app", True), ("app:latest", True), ("app:1.4", False),
     ("app@sha256:0a", False), ("app:latest@sha256:0a", False)],
)  # fmt: skip
def test_a_tag_that_moves_is_a_warning(image: str, moves: bool) -> None:
    """Nobody knows what runs, and a restart may bring another version (A45)."""
    found = objects()
    found["deployments.apps"][0]["spec"]["template"]["spec"]["containers"][0]["image"] = image
    assert told(judged("releases", found)) == ([("cluster.image.latest", "warning")] if moves else [])


def test_promised_probes_and_resources_are_there() -> None:
    """Of containers that serve, and of all containers (A46, B51)."""
    probed = {"httpGet": {"path": "/", "port": "main"}}
    found = objects(deployments__apps=[])
    found["deployments.apps"] = [
        workload("app", 3000, [], readinessProbe=probed, resources={"limits": {"memory": "1Gi"}})
    ]
    seen = scene(cluster(found), probes=("readiness",), resources=("limits.memory",))
    assert [one.message for one in standards.probes(seen)] == [
        "postgres of statefulset/postgres has no readiness probe"
    ]
    assert [one.message for one in standards.resources(seen)] == [
        "postgres of statefulset/postgres has no limits.memory"
    ]


@pytest.mark.parametrize(
    ("port", "expected"), [("main", []), (3000, []), ("3000", []), ("web", ["error"]), (3001, ["warning"])]
)
def test_a_probe_asks_a_port_that_there_is(port: Any, expected: list[str]) -> None:
    """A name that no port has makes the kubelet fail; a number need not be declared (B2)."""
    found = objects()
    container = found["deployments.apps"][0]["spec"]["template"]["spec"]["containers"][0]
    container["readinessProbe"] = {"httpGet": {"path": "/healthz", "port": port}}
    assert [one.severity for one in standards.probes(scene(cluster(found)))] == expected


def measured(memory: str) -> Cluster:
    """A namespace whose application uses so much of its gibibyte."""
    found = objects()
    container = found["deployments.apps"][0]["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"memory": "1Gi"}}
    used = {
        "metadata": meta("app-5d9f-aaaa1"),
        "containers": [{"name": "app", "usage": {"memory": memory, "cpu": "3n"}}],
    }
    return cluster({**found, "pods.metrics.k8s.io": [used]})


@pytest.mark.parametrize(
    ("memory", "expected"), [("512Mi", []), ("1000Mi", [("cluster.resources.near_limit", "error")])]
)
def test_usage_stays_below_its_limit(memory: str, expected: list[Any]) -> None:
    """By metrics.k8s.io (A49, B18, B22, B49); a CPU without a limit has none."""
    assert told(usage.judge(scene(measured(memory), usage={"memory": "< 90%", "cpu": "< 90%"}))) == expected


def test_without_metrics_usage_is_not_proven() -> None:
    """The API is not there, or knows no pod: insufficient, never green."""
    for seen in (cluster(objects()), cluster({**objects(), "pods.metrics.k8s.io": []})):
        assert told(usage.judge(scene(seen, usage={"memory": "< 90%"}))) == [
            ("cluster.resources.no_metrics", "insufficient")
        ]


def application(**status: Any) -> Scene:
    """The scene of an Application with this status beside a healthy one."""
    healthy = {"sync": {"status": "Synced", "revision": "3f2a9c4"}, "health": {"status": "Healthy"},
               "operationState": {"phase": "Succeeded"}}  # fmt: skip
    found = {"metadata": {"name": "plan"}, "status": {**healthy, **status}}
    return scene(cluster({**objects(), argocd.APPLICATIONS: [found]}), argocd=ArgoCd(application="plan"))


ILL = [{"kind": "Deployment", "name": "app", "status": "OutOfSync", "health": {"status": "Degraded"}}]


@pytest.mark.parametrize(
    ("status", "expected", "words"),
    [
        ({}, [], ""),
        ({"sync": {"status": "OutOfSync"}, "resources": ILL},
         [("cluster.argocd.out_of_sync", "error")], "Deployment app"),
        ({"health": {"status": "Degraded"}, "resources": ILL}, [("cluster.argocd.degraded", "error")],
         "Deployment app (Degraded)"),
        ({"health": {"status": "Progressing"}}, [("cluster.argocd.degraded", "insufficient")], "not over"),
        ({"health": {"status": "Suspended"}}, [], ""),
        ({"operationState": {"phase": "Failed", "message": "one hook failed"}},
         [("cluster.argocd.sync_failed", "error")], "one hook failed"),
        ({"operationState": {"phase": "Running"}},
         [("cluster.argocd.degraded", "insufficient")], "its end was not seen"),
        ({"operationState": {"phase": "Succeeded", "syncResult": {"revision": "90c1d5a"}}}, [], ""),
        ({"operationState": {"phase": "Succeeded", "syncResult": {"revision": "90c1d5a"}},
          "sync": {"status": "OutOfSync", "revision": "3f2a9c4"}},
         [("cluster.argocd.out_of_sync", "error")], "the repository is at 3f2a9c4, the last sync was of 90c1d5a"),
        ({"conditions": [{"type": "ComparisonError", "message": "no such path"}]},
         [("cluster.argocd.condition", "error")], "ComparisonError: no such path"),
        ({"conditions": [{"type": "OrphanedResourceWarning", "message": "2"}]},
         [("cluster.argocd.condition", "warning")], "OrphanedResourceWarning"),
    ],
)  # fmt: skip
def test_argo_cd_calls_the_application_synced_and_healthy(status: Any, expected: list[Any], words: str) -> None:
    """Sync, health, operation, revision, conditions; what is ill is named (A47)."""
    findings = argocd.judge(application(**status))
    assert told(findings) == expected
    assert all(words in finding.message and "application plan" in finding.message for finding in findings)


def test_a_commit_that_nobody_asked_for_is_mentioned_and_no_finding() -> None:
    """The repository moved on, and nothing of it differs from what runs (A47)."""
    last = {"phase": "Succeeded", "syncResult": {"revision": "90c1d5a"}}
    scene = application(operationState=last)
    (line,) = argocd.mentions(scene.cluster, scene.promised)
    assert "the repository is at 3f2a9c4, the last sync was of 90c1d5a, and nothing of it differs" in line
    for quiet in (application(), application(operationState=last, sync={"status": "OutOfSync", "revision": "3f2a9c4"})):
        assert argocd.mentions(quiet.cluster, quiet.promised) == []


@pytest.mark.parametrize(
    ("revision", "wrong"), [("", False), ("3f2a9c4", False), ("3f2a9c4d0", True), ("90c1d5a", True)]
)
def test_the_revision_is_the_one_that_is_deployed(revision: str, wrong: bool) -> None:
    """Where one is named (A47)."""
    assert bool(argocd.judge(application(), revision)) is wrong


def test_an_application_that_is_not_there_is_named() -> None:
    """And so is a kind that the API server does not know."""
    promised = {"argocd": ArgoCd(application="plan")}
    seen = cluster(objects())
    assert "namespace argocd has no Application plan" in argocd.judge(scene(seen, **promised))[0].message
    without = replace(seen, absent=frozenset({argocd.APPLICATIONS}))
    assert "does not know the kind Application" in argocd.judge(scene(without, **promised))[0].message


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["superseded", "deployed"], []), (["deployed", "failed"], [("cluster.helm.failed", "error")]),
        (["deployed", "pending-upgrade"], [("cluster.helm.pending", "error")]),
        ([], [("cluster.helm.missing", "error")]), (["uninstalling"], [("cluster.helm.failed", "error")]),
    ],
)  # fmt: skip
def test_the_last_revision_of_the_release_is_deployed(statuses: list[str], expected: list[Any]) -> None:
    """By the labels of its secrets, whose content is not asked for."""
    metadata = tuple(
        {
            "metadata": meta(
                f"sh.helm.release.v1.plan.v{at}", labels={"name": "plan", "status": status, "version": str(at)}
            )
        }
        for at, status in enumerate(statuses, 9)
    )
    seen = replace(cluster(objects()), tables={"secrets": Table(("Name",), (), metadata)})
    assert told(helm.judge(scene(seen, helm=Helm(release="plan")))) == expected


def operated(kind: str, ready: str, *more: dict[str, str]) -> dict[str, Any]:
    """An object of an operator that says so of itself."""
    conditions = [{"type": "Ready", "status": ready, "reason": "Why", "message": "said"}, *more]
    return {"metadata": meta(kind), "spec": {"secretName": "plan-tls"}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("resource", "found", "code"),
    [
        ("certificates.cert-manager.io", operated("plan-tls", "True"), ""),
        ("certificates.cert-manager.io", operated("plan-tls", "False"), "cluster.certificate.not_ready"),
        ("certificates.cert-manager.io",
         operated("plan-tls", "True", {"type": "Issuing", "status": "False", "reason": "Failed"}),
         "cluster.certificate.not_ready"),
        ("externalsecrets.external-secrets.io", operated("plan", "True"), ""),
        ("externalsecrets.external-secrets.io", operated("plan", "False"), "cluster.external_secret.not_synced"),
    ],
)  # fmt: skip
def test_operators_keep_their_objects(resource: str, found: dict[str, Any], code: str) -> None:
    """cert-manager and external-secrets, by the condition Ready."""
    assert [one.code for one in judged("certificates", {**objects(), resource: [found]})] == [
        one for one in [code] if one
    ]


def test_a_kind_that_is_not_installed_is_missed_only_where_it_is_promised() -> None:
    """Absent CRDs are said, not failed, unless declared."""
    absent = frozenset({"certificates.cert-manager.io", "externalsecrets.external-secrets.io"})
    seen = replace(cluster(objects()), absent=absent)
    assert judged("certificates", seen) == []
    promised = ClusterTarget(context="lab", namespace=NAMESPACE, certificates=("plan-tls",), external_secrets=("plan",))
    assert [finding.message for finding in judged("certificates", seen, promised)] == [
        "the API server does not know the kind Certificate, which certificates promises",
        "the API server does not know the kind ExternalSecret, which external_secrets promises",
    ]
