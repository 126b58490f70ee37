"""What pods need to start is there, is well-formed, and is what they run with."""

from __future__ import annotations

import re
from typing import Any

import pytest
from wired import Objects, cluster, held, judged, objects, pod, secret, secret_env, workload

from pytest_prodcheck.config.models.cluster import AREAS
from pytest_prodcheck.observe import cluster_references, cluster_templates


def app(found: Objects) -> dict[str, Any]:
    """The pod template of the application."""
    spec: dict[str, Any] = found["deployments.apps"][0]["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("area", [*AREAS, "nodes"])
def test_a_namespace_that_is_wired_rightly_has_no_finding(area: Any) -> None:
    """No area finds anything in it, not even a warning."""
    assert judged(area, objects()) == []


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"env": [secret_env("A", "DATABASE_PASSWROD")]}, "cluster.config.key_missing",
         "Secret plan-secrets lacks key DATABASE_PASSWROD, used by env A of app (deployment/app); "
         "similar: DATABASE_PASSWORD"),
        ({"env": [secret_env("A", "K", "missing")]}, "cluster.config.secret_missing",
         "Secret missing does not exist, wanted by env A of app (deployment/app)"),
        ({"envFrom": [{"configMapRef": {"name": "missing"}}]}, "cluster.config.secret_missing",
         "ConfigMap missing does not exist, wanted by envFrom of app (deployment/app)"),
        ({"envFrom": [{"secretRef": {"name": "missing"}}]}, "cluster.config.secret_missing", "Secret missing does not"),
    ],
)  # fmt: skip
def test_what_a_variable_takes_is_there(change: dict[str, Any], code: str, words: str) -> None:
    """Object and key of every valueFrom and envFrom (A11, A12, B5, R3)."""
    found = objects()
    app(found)["containers"][0].update(change)
    (finding,) = judged("references", found)
    assert (finding.code, finding.severity) == (code, "error")
    assert finding.message.startswith(words)
    assert (finding.data["workload"], finding.data["owner"]) == ("app", "deployment/app")
    assert finding.next.startswith("kubectl --context lab -n plan-prod ")


def test_what_a_secret_holds_does_not_read_as_what_it_lacks() -> None:
    """The evidence of a missing key, of which nothing that is there is a misspelling."""
    found = objects()
    app(found)["containers"][0]["env"] = [secret_env("A", "ACCESS_PASSWORD")]
    (finding,) = judged("references", found)
    assert finding.seen.startswith("has the keys DATABASE_PASSWORD")
    assert "similar" not in finding.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"volumes": [{"name": "v", "secret": {"secretName": "missing"}}]}, "cluster.config.secret_missing"),
        ({"volumes": [{"name": "v", "configMap": {"name": "plan-config", "items": [{"key": "NO"}]}}]},
         "cluster.config.key_missing"),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "missing"}}]}}]},
         "cluster.config.secret_missing"),
        ({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "no"}}]}, "cluster.volume.claim_missing"),
        ({"imagePullSecrets": [{"name": "missing"}]}, "cluster.config.secret_missing"),
        ({"serviceAccountName": "nobody"}, "cluster.config.account_missing"),
    ],
)  # fmt: skip
def test_what_a_pod_mounts_and_runs_as_is_there(change: dict[str, Any], code: str) -> None:
    """Volumes, projected ones, claims, pull secrets, the service account (A12)."""
    found = objects()
    app(found).update(change)
    assert [finding.code for finding in judged("references", found)] == [code]


@pytest.mark.parametrize(
    "change",
    [
        {"serviceAccountName": "runner"}, {"serviceAccountName": "default"},
        {"volumes": [{"name": "v", "secret": {"secretName": "missing", "optional": True}}]},
        {"volumes": [{"name": "v", "emptyDir": {}}, {"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]},
        {"volumes": "no list", "imagePullSecrets": [None, 3, {"name": 5}], "serviceAccountName": ["x"]},
    ],
)  # fmt: skip
def test_what_is_optional_or_no_reference_is_not_missed(change: dict[str, Any]) -> None:
    """`optional` is honoured, and whatever an API server might send is read without a crash."""
    found = objects()
    app(found).update(change)
    assert judged("references", found) == []


def test_a_claim_without_a_volume_is_named() -> None:
    """Pending is a warning while nobody mounts it, Lost is red."""
    found = objects()
    found["persistentvolumeclaims"][0]["status"]["phase"] = "Lost"
    assert [(one.code, one.severity) for one in judged("references", found)] == [
        ("cluster.volume.claim_unbound", "error")
    ]


def test_what_may_not_be_read_is_blocked() -> None:
    """With the missing rule; what can be seen without it is judged all the same (R22)."""
    found = objects()
    app(found)["serviceAccountName"] = "nobody"
    seen = cluster(found, refused=("secrets",))
    shown = {finding.code: finding.severity for finding in judged("references", seen)}
    assert shown == {"cluster.config.account_missing": "error", "cluster.rbac.forbidden": "blocked"}
    assert [one.severity for one in judged("scaling", cluster(found, refused=("poddisruptionbudgets.policy",)))] == [
        "blocked"
    ]


@pytest.mark.parametrize(
    ("value", "severity", "words"),
    [
        ("https://hasura.example/v1/graphql\n", "error", "ends with a line break"),
        ('"https://hasura.example"', "error", "stands in quotes"),
        ("https://<host>/v1/graphql", "error", "is a placeholder"),
        ("https://host:80a/", "error", "is an address that cannot be parsed"),
        (" spaced", "warning", "begins or ends with a space"),
        ("http://localhost:8080/v1/graphql", "warning", "points to localhost"),
        ("http://hasura.example/v1/graphql", "warning", "is http to a host outside"),
    ],
)
def test_a_malformed_value_is_named_and_not_shown(value: str, severity: str, words: str) -> None:
    """A literal, a ConfigMap's and a Secret's alike (A13, A14, B5)."""
    literal = objects()
    app(literal)["containers"][0]["env"].append({"name": "GQL_HOST", "value": value})
    for found in (
        literal,
        objects(configmaps=[held("plan-config", {"GQL_HOST": value})]),
        objects(secrets=[secret("plan-secrets", {"DATABASE_PASSWORD": value, "SESSION_PASSWORD": "s" * 40})]),
    ):
        (finding,) = judged("values", found)
        assert (finding.code, finding.severity) == ("cluster.config.bad_value", severity)
        assert words in finding.message
        assert value.strip() not in repr(finding)


def test_localhost_beside_another_container_may_be_a_proxy() -> None:
    """The Cloud SQL proxy listens there, and so do many."""
    found = objects()
    app(found)["containers"][0]["env"].append({"name": "URL", "value": "http://localhost:8080/"})
    app(found)["containers"].append({"name": "proxy", "image": "images.test/proxy:1"})
    assert judged("values", found) == []


def test_a_variable_that_nothing_defines_stays_as_it_is() -> None:
    """`$(NAME)` is replaced only by what stands before it, or comes with envFrom."""
    found = objects()
    app(found)["containers"][0]["env"] += [{"name": "A", "value": "$(GQL_HOST)"}, {"name": "B", "value": "$(LATER)"}]
    (finding,) = judged("values", found)
    assert "B of app (deployment/app) uses $(LATER), which nothing before it defines" in finding.message


def test_a_session_secret_needs_32_characters() -> None:
    """By its class of length: with fewer, every login is a 500 (A29)."""
    short = {"DATABASE_PASSWORD": "canary-password", "SESSION_PASSWORD": "s" * 31}
    (finding,) = judged("values", objects(secrets=[secret("plan-secrets", short)]))
    assert finding.code == "auth.session_secret.too_short"
    assert "SESSION_PASSWORD in Secret plan-secrets has 16-31 characters, 32 are needed" in finding.message


def running(*started: str) -> list[dict[str, Any]]:
    """Pods of the application, one for each start."""
    containers = objects()["deployments.apps"][0]["spec"]["template"]["spec"]["containers"]
    return [pod(f"app-5d9f-aaaa{at}", ("ReplicaSet", "app-5d9f"), one, containers) for at, one in enumerate(started)]


ROTATED = secret("plan-secrets", {"DATABASE_PASSWORD": "canary-new", "SESSION_PASSWORD": "s" * 40},
                 at="2026-11-29T11:00:00Z")  # fmt: skip


def test_a_container_that_is_older_than_its_secret_runs_with_the_old_value() -> None:
    """Variables are read once, at the start (A15, R4)."""
    (finding,) = judged("stale", objects(secrets=[ROTATED], pods=running("2026-11-29T10:00:00Z")))
    assert (finding.code, finding.severity) == ("cluster.config.changed_not_restarted", "error")
    assert "changed 2026-11-29 11:00:00 UTC, deployment/app runs since 2026-11-29 10:00:00 UTC" in finding.message
    assert "kubectl rollout restart deployment/app is yours to run" in finding.remedy
    assert re.fullmatch(
        r"kubectl --context lab -n plan-prod get pod/\S+ secret/plan-secrets -o 'custom-columns=KIND:\.kind,\S+"
        r"startedAt,WRITTEN:\.metadata\.managedFields\[\*\]\.time'",
        finding.next,
    )


def test_replicas_that_started_before_and_after_disagree() -> None:
    """Half of them hold the old value (R19)."""
    both = running("2026-11-29T10:00:00Z", "2026-11-29T11:30:00Z")
    (finding,) = judged("stale", objects(secrets=[ROTATED], pods=both))
    assert "1 of 2 pods of deployment/app still run with what it held before; its replicas disagree" in finding.message
    assert finding.data["replicas_disagree"]


def test_a_change_of_labels_alone_is_no_proof() -> None:
    """The manager that wrote owns labels, too: a warning."""
    labelled = {**ROTATED, "metadata": {**ROTATED["metadata"]}}
    fields = labelled["metadata"]["managedFields"][0]["fieldsV1"]
    labelled["metadata"]["managedFields"] = [
        {"time": "2026-11-29T11:00:00Z", "fieldsV1": {**fields, "f:metadata": {"f:labels": {}}}}
    ]
    (finding,) = judged("stale", objects(secrets=[labelled], pods=running("2026-11-29T10:00:00Z")))
    assert finding.severity == "warning"


def test_what_started_later_or_is_refreshed_is_not_stale() -> None:
    """A pod from after the change; a volume, which the kubelet keeps up to date; another key's change."""
    assert judged("stale", objects(secrets=[ROTATED], pods=running("2026-11-29T11:00:30Z"))) == []
    found = objects(secrets=[ROTATED], pods=running("2026-11-29T10:00:00Z"))
    found["pods"][0]["spec"] = {
        "containers": [{"name": "app"}],
        "volumes": [{"name": "s", "secret": {"secretName": "plan-secrets"}}],
    }
    assert judged("stale", found) == []
    other = secret("plan-secrets", {"OTHER": "x"}, at="2026-11-29T11:00:00Z")
    assert judged("stale", objects(secrets=[other], pods=running("2026-11-29T10:00:00Z"))) == []


def test_a_file_by_sub_path_is_never_refreshed() -> None:
    """The kubelet leaves such a mount as it was (A15)."""
    found = workload("app", 3000, [], volumeMounts=[{"name": "s", "subPath": "a"}])
    found["spec"]["template"]["spec"]["volumes"] = [{"name": "s", "secret": {"secretName": "x"}}]
    (template,) = cluster_templates.of({"deployments.apps": (found,)})
    assert [one.fixed for one in cluster_references.of(template)] == [True]


def made(at: str) -> dict[str, Any]:
    """The Secret, as it was created at that moment."""
    written = [{**ROTATED["metadata"]["managedFields"][0], "time": at}]
    metadata = {**ROTATED["metadata"], "creationTimestamp": at, "managedFields": written}
    return {**ROTATED, "metadata": metadata}


def test_an_object_that_was_made_anew_is_younger_than_who_reads_it() -> None:
    """A container does not start without it, so this one had another of that name; what was in it nobody knows."""
    found = objects(secrets=[made("2026-11-29T11:00:00Z")], pods=running("2026-11-29T10:00:00Z"))
    (finding,) = judged("stale", found)
    assert (finding.code, finding.severity) == ("cluster.config.changed_not_restarted", "warning")
    assert "Secret plan-secrets was made anew 2026-11-29 11:00:00 UTC, deployment/app runs since" in finding.message
    assert "(if it holds something else than the one before, which is gone)" in finding.message


def test_a_change_after_it_was_made_anew_is_a_change() -> None:
    """And no doubt is left."""
    rotated = {**ROTATED, "metadata": {**ROTATED["metadata"], "creationTimestamp": "2026-11-29T10:30:00Z"}}
    (finding,) = judged("stale", objects(secrets=[rotated], pods=running("2026-11-29T10:00:00Z")))
    assert finding.severity == "error"
    assert "changed 2026-11-29 11:00:00 UTC" in finding.message


def test_what_was_deployed_together_is_not_made_anew() -> None:
    """A node's clock may be late by seconds; what is optional may have been made when everything ran; and who started
    later has read it."""
    late = running("2026-11-29T10:58:30Z")
    assert judged("stale", objects(secrets=[made("2026-11-29T11:00:00Z")], pods=late)) == []
    found = objects(secrets=[made("2026-11-29T11:00:00Z")], pods=running("2026-11-29T10:00:00Z"))
    (container,) = found["pods"][0]["spec"]["containers"]
    optional = {"name": "plan-secrets", "key": "DATABASE_PASSWORD", "optional": True}
    container["env"] = [{"name": "A", "valueFrom": {"secretKeyRef": optional}}]
    assert judged("stale", found) == []
    assert judged("stale", objects(secrets=[made("2026-11-29T11:00:00Z")], pods=running("2026-11-29T11:05:00Z"))) == []
