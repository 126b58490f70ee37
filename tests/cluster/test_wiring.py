"""What connects the workloads, on what a real API server says: which area finds what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from clusters import Clusters, gate
from scenario import NOTHING


def found(clusters: Clusters, scenario: str) -> dict[str, set[str]]:
    """Check of the wiring, or of a deployer → the codes of its errors and warnings."""
    shown: dict[str, set[str]] = {}
    for check in clusters.of(scenario).verdict["checks"]:
        if any(f"::test_{name}" in check["id"] for name in ("wiring", "argocd", "helm")) and check["findings"]:
            shown[check["id"].rpartition("::")[2]] = {finding["code"] for finding in check["findings"]}
    return shown


def test_the_healthy_deployment_is_wired_rightly(clusters: Clusters) -> None:
    """Every area passes, and reads nothing twice."""
    checks = {check["id"].rpartition("::")[2]: check["verdict"] for check in clusters.of("").verdict["checks"]}
    areas = {name: verdict for name, verdict in checks.items() if name.startswith("test_wiring")}
    assert len(areas) == 10
    assert set(areas.values()) == {"pass"}


@pytest.mark.parametrize(
    ("scenario", "area", "code"),
    [
        ("secret-key-missing", "test_wiring[references]", "cluster.config.key_missing"),
        ("secret-missing", "test_wiring[references]", "cluster.config.secret_missing"),
        ("config-map-missing", "test_wiring[references]", "cluster.config.secret_missing"),
        ("secret-rotated", "test_wiring[stale]", "cluster.config.changed_not_restarted"),
        ("value-newline", "test_wiring[values]", "cluster.config.bad_value"),
        ("secret-newline", "test_wiring[values]", "cluster.config.bad_value"),
        ("no-endpoints", "test_wiring[services]", "cluster.service.no_endpoints"),
        ("wrong-port", "test_wiring[services]", "cluster.service.port_mismatch"),
        ("network-denied", "test_wiring[network]", "database.network.blocked_from_cluster"),
        ("autoscaler-blind", "test_wiring[scaling]", "cluster.hpa.no_metrics"),
        ("autoscaler-full", "test_wiring[scaling]", "cluster.hpa.at_maximum"),
        ("quota-exceeded", "test_wiring[quotas]", "cluster.quota.exceeded"),
        ("argo-out-of-sync", "test_argocd", "cluster.argocd.out_of_sync"),
        ("argo-degraded", "test_argocd", "cluster.argocd.degraded"),
        ("argo-sync-failed", "test_argocd", "cluster.argocd.sync_failed"),
    ],
)
def test_an_area_finds_what_is_wrong(clusters: Clusters, scenario: str, area: str, code: str) -> None:
    """And its cause is named (A11, A12, A13, A15, A46, A47, B19, R2, R3, R4)."""
    assert code in found(clusters, scenario)[area]
    assert code in clusters.of(scenario).codes


def test_an_application_at_another_revision_is_red(clusters: Clusters, tmp_path: Path) -> None:
    """Synced and healthy, and not what is being deployed; nor what `argocd.revision` names (A47)."""
    right, wrong = "3f2a9c41d07be65c8f1e2d3b4a5968778695a4b3", "90c1d5aa34be0f7729d8bb02c6e1f54ad3b7c810"
    promise = 'argocd = { application = "plan-prod"'
    cases = [(f'{promise}, revision = "{wrong}"', "", "fail"), (promise, wrong, "fail"), (promise, right, "pass")]
    for number, (promised, option, verdict) in enumerate(cases):
        kind = 'kind = "staging"'
        config = clusters.config(NOTHING).replace(promise, promised)
        config = config.replace(kind, f'{kind}\nrevision = "argocd"\nsettle = "0s"' if option else kind)
        options = [f"--prodcheck-revision={option}"] if option else []
        run = gate(tmp_path / str(number), config, "-k", "test_argocd", *options)
        (check,) = [one for one in run.verdict["checks"] if one["id"].endswith("::test_argocd")]
        assert check["verdict"] == verdict, run.output
        codes = {finding["code"] for finding in check["findings"]}
        assert codes == ({"cluster.argocd.wrong_revision"} if verdict == "fail" else set())


@pytest.mark.parametrize("scenario", ["certificate-expired"])
def test_a_certificate_that_cannot_be_renewed_is_found(clusters: Clusters, scenario: str) -> None:
    """By cert-manager's own words; that it has ended is seen in its Secret, too, which a recording makes anew (B62)."""
    assert "cluster.certificate.not_ready" in found(clusters, scenario)["test_wiring[certificates]"]


@pytest.mark.parametrize("scenario", ["secret-rotated", "secret-newline", "value-newline"])
def test_no_value_is_in_what_is_said(clusters: Clusters, scenario: str) -> None:
    """Of a Secret or ConfigMap: neither in the verdict nor in the terminal (T8)."""
    run = clusters.of(scenario)
    assert not re.search(r"canary|hasura\.plan\.example/v1", f"{run.verdict}{run.output}")


def test_who_may_not_read_secrets_is_blocked_by_area(clusters: Clusters, tmp_path: Path) -> None:
    """The areas that need them name the missing rule; the others are judged (R22)."""
    account = f'"{clusters.of_account("narrow")}"'
    checks = gate(tmp_path / "gate", clusters.config(NOTHING, kubeconfig=account)).verdict["checks"]
    areas = {check["id"].partition("[")[2]: check for check in checks if "::test_wiring" in check["id"]}
    blocked = {name.rstrip("]") for name, check in areas.items() if check["verdict"] == "blocked"}
    assert {"references", "values", "stale"} <= blocked <= {"references", "values", "stale", "certificates"}
    (finding,) = [one for one in areas["references]"]["findings"] if one["severity"] == "blocked"]
    assert "resources: [secrets]" in finding["remedy"]
