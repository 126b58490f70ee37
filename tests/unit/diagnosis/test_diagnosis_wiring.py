"""What connects the workloads of a cluster is one cause with what fails above it, and a symptom of what lies below."""

from __future__ import annotations

from typing import Any

import described
import pytest

from pytest_prodcheck.diagnosis.diagnose import diagnose


def roots(shown: dict[str, Any]) -> dict[str, int]:
    """Cause → how many checks it explains."""
    results = described.checks(shown)
    told = diagnose(results, [seen for result in results for seen in result.observations])
    return {cause.code: len(cause.explains) for cause in told.causes}


KEY = {"code": "cluster.config.key_missing",
       "data": {"workload": "app", "object": "plan-secrets", "name": "plan-secrets",
                "key": "SESSION_PASSWORD"}}  # fmt: skip
NO_ENDPOINT = {"code": "cluster.service.no_endpoints", "data": {"service": "app", "workload": "app"}}
UNAVAILABLE = {"status": 503, "code": "http.upstream.none"}
CERTIFICATE = {"code": "cluster.certificate.expired", "data": {"name": "plan-tls"}}
TIMEOUT = "could not connect to server: connection timeout expired host postgres port 5432"
POLICY = {"code": "database.network.blocked_from_cluster",
          "message": "NetworkPolicy deny-egress keeps app from postgres",
          "target": "cluster", "data": {"policy": "deny-egress", "workload": "postgres"}}  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"cluster::test_wiring[references]": KEY, "cluster::test_pods": KEY,
          "cluster::test_wiring[services]": NO_ENDPOINT,
          "http::test_endpoint[tasks]": UNAVAILABLE,
          "graphql::test_operation[Tasks]": {"status": 503, "code": "http.upstream.none", "target": "graphql"}},
         {"cluster.config.key_missing": 5}),
        ({"cluster::test_wiring[services]": NO_ENDPOINT, "http::test_endpoint[tasks]": UNAVAILABLE},
         {"cluster.service.no_endpoints": 2}),
        ({"cluster::test_wiring[certificates]": CERTIFICATE, "http::test_certificate": {"code": "http.tls.expired"}},
         {"cluster.certificate.expired": 2}),
        ({"cluster::test_argocd": {"code": "cluster.argocd.out_of_sync"}, "http::test_endpoint[tasks]": UNAVAILABLE},
         {"cluster.argocd.out_of_sync": 1, "http.upstream.none": 1}),
        ({"cluster::test_wiring[nodes]": {"code": "cluster.node.lost", "data": {"node": "n2", "pods": ["postgres-0"]}},
          "database::test_ready": {"code": "database.tcp.timeout", "criterion": "ready"}},
         {"cluster.node.lost": 2}),
        ({"cluster::test_wiring[stale]": {"code": "cluster.config.changed_not_restarted",
                                          "data": {"replicas_disagree": True, "workload": "app", "object": "s"}},
          "http::test_endpoint[me]": {"status": 401, "user": "member", "code": "unknown"}},
         {"cluster.config.changed_not_restarted": 2}),
        ({"cluster::test_wiring[certificates]": {"code": "cluster.external_secret.not_synced",
                                                 "data": {"name": "plan-secrets", "kind": "Secret"}},
          "cluster::test_wiring[references]": KEY},
         {"cluster.external_secret.not_synced": 2}),
    ],
)  # fmt: skip
def test_a_chain_has_one_root(shown: dict[str, Any], expected: dict[str, int]) -> None:
    """The deepest that explains the others; what is only beside stays beside (R3, R17, R18, R19)."""
    assert roots(shown) == expected


def test_the_policy_that_keeps_the_application_from_its_database_is_named() -> None:
    """Our reader logs in, the application does not: one cause, in which the policy has its name (R2)."""
    results = described.checks({
        "cluster::test_wiring[network]": POLICY,
        "database::test_ready": "pass",
        "http::test_endpoint[tasks]": {"status": 500, "body": TIMEOUT},
    })  # fmt: skip
    (cause,) = diagnose(results, [seen for result in results for seen in result.observations]).causes
    assert cause.code == "database.network.blocked_from_cluster"
    assert "deny-egress" in " ".join([cause.message, *cause.evidence])
    assert len(cause.explains) == 2


def test_a_policy_that_admits_nobody_keeps_us_out_too() -> None:
    """Who asks the database by its service's name; one elsewhere is not behind it, nor we where it keeps out another
    (R2)."""
    closed = {
        **POLICY,
        "data": {"policy": "postgres", "workload": "statefulset/postgres", "service": "pg", "client": ""},
    }
    cases = [
        (closed, "pg.plan-prod.svc", 1),
        (closed, "postgres", 1),
        (closed, "db.elsewhere.test", 2),
        ({**closed, "data": {**closed["data"], "client": "deployment/app"}}, "postgres", 2),
    ]
    for policy, host, causes in cases:
        unreached = {"code": "database.tcp.timeout", "criterion": "ready", "data": {"host": host, "port": 5432}}
        shown = roots({"cluster::test_wiring[network]": policy, "database::test_ready": unreached})
        assert len(shown) == causes, (host, shown)
