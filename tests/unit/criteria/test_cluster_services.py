"""Services, routes and policies lead from who asks to who answers."""

from __future__ import annotations

from typing import Any

import pytest
from wired import PROMISED, Objects, cluster, held, judged, meta, objects, secret, service, slices

from pytest_prodcheck.criteria.cluster.tls_secrets import covers


def spec(found: Objects, resource: str, at: int = 0) -> dict[str, Any]:
    """The spec of an object."""
    inner: dict[str, Any] = found[resource][at]["spec"]
    return inner


def test_a_selector_that_matches_no_workload_is_named_with_the_nearest() -> None:
    """The commonest reason of a 503 (A46)."""
    found = objects(endpointslices__discovery__k8s__io=[slices("postgres", True)])
    found["endpointslices.discovery.k8s.io"] = [slices("postgres", True)]
    spec(found, "services")["selector"] = {"app": "ap"}
    (finding,) = judged("services", found)
    assert finding.code == "cluster.service.no_endpoints"
    assert finding.message == (
        "service app has no ready endpoint: its selector app=ap matches no workload; deployment/app carries app=app"
    )


def test_a_service_whose_pods_are_not_ready_has_no_endpoint() -> None:
    """An address that is not ready is none (B2)."""
    found = objects()
    found["endpointslices.discovery.k8s.io"] = [slices("app", False, False), slices("postgres", True)]
    (finding,) = judged("services", found)
    assert finding.message == "service app has no ready endpoint: 2 pods are there, none is ready"
    assert (finding.seen, finding.data["workload"]) == ("0 of 2 ready", "app")


@pytest.mark.parametrize(("promised", "count"), [({}, 1), ({"app": 1}, 0)])
def test_a_service_of_a_workload_without_replicas_leads_nowhere(promised: dict[str, Any], count: int) -> None:
    """Scaled to zero, and nobody promised it: only its Service shows that; of a promised one its rollout says so."""
    found = objects()
    spec(found, "deployments.apps")["replicas"] = 0
    found["endpointslices.discovery.k8s.io"] = [slices("app"), slices("postgres", True)]
    told = judged("services", found, PROMISED.model_copy(update={"deployments": promised}))
    assert [one.message for one in told] == [
        "service app has no ready endpoint: deployment/app is scaled to zero"
    ] * count


@pytest.mark.parametrize(
    "change",
    [
        {"type": "ExternalName", "selector": None, "externalName": "db.example"},
        {"publishNotReadyAddresses": True},
    ],
)
def test_a_service_that_wants_no_ready_pod_is_not_missed(change: dict[str, Any]) -> None:
    """An alias of another host; a headless service of peers that find each other first."""
    found = objects()
    found["endpointslices.discovery.k8s.io"] = [slices("postgres", True)]
    spec(found, "services").update(change)
    assert judged("services", found) == []


@pytest.mark.parametrize(("target", "shown"), [(3001, "3001"), ("http", "http"), ("3001", "3001")])
def test_a_port_that_no_container_has_is_a_mismatch(target: Any, shown: str) -> None:
    """By number or by name (A46, fault-k8s-port)."""
    found = objects()
    spec(found, "services")["ports"][0]["targetPort"] = target
    (finding,) = judged("services", found)
    assert finding.code == "cluster.service.port_mismatch"
    assert finding.message == f"service app targets port {shown}, app of deployment/app listens on 3000 (main)"


def test_containers_need_not_declare_their_ports() -> None:
    """Without any, nothing is known."""
    found = objects()
    del spec(found, "deployments.apps")["template"]["spec"]["containers"][0]["ports"]
    assert judged("services", found) == []


def ingress(name: str, port: dict[str, Any], secret_name: str = "") -> dict[str, Any]:
    """An Ingress of one path."""
    backend = {"service": {"name": name, "port": port}}
    tls = [{"hosts": ["plan.example"], "secretName": secret_name}] if secret_name else []
    rules = [{"host": "plan.example", "http": {"paths": [{"path": "/api", "backend": backend}]}}]
    return {"metadata": meta("plan"), "spec": {"rules": rules, "tls": tls}}


def route(name: str, port: int, **status: Any) -> dict[str, Any]:
    """An HTTPRoute of one rule."""
    rules = [{"matches": [{"path": {"value": "/api"}}], "backendRefs": [{"name": name, "port": port}]}]
    return {"metadata": meta("plan"), "spec": {"hostnames": ["plan.example"], "rules": rules}, "status": status}


@pytest.mark.parametrize(
    ("name", "port", "code"),
    [
        ("app", {"name": "http"}, ""), ("app", {"number": 80}, ""),
        ("ap", {"number": 80}, "cluster.route.backend_missing"),
        ("app", {"name": "web"}, "cluster.route.port_missing"), ("app", {"number": 3000}, "cluster.route.port_missing"),
    ],
)  # fmt: skip
def test_an_ingress_leads_to_a_service_and_its_port(name: str, port: dict[str, Any], code: str) -> None:
    """The Service's port, not the container's (A46)."""
    found = {**objects(), "ingresses.networking.k8s.io": [ingress(name, port)]}
    assert [finding.code for finding in judged("routes", found)] == [one for one in [code] if one]


def test_a_route_of_the_gateway_api_leads_to_a_service_and_is_taken() -> None:
    """The same of an HTTPRoute, and what its gateway says of it."""
    conditions = [{"type": "Accepted", "status": "False", "reason": "NotAllowedByListeners", "message": "no"}]
    refused = {"parents": [{"parentRef": {"name": "public"}, "conditions": conditions}]}
    gateway = {"metadata": meta("public"), "spec": {}, "status": {"conditions": [
        {"type": "Programmed", "status": "False", "reason": "AddressNotAssigned", "message": "none"}]}}  # fmt: skip
    found = {
        **objects(),
        "httproutes.gateway.networking.k8s.io": [route("ap", 80), route("app", 80, **refused)],
        "gateways.gateway.networking.k8s.io": [gateway],
    }
    assert [finding.message for finding in judged("routes", found)] == [
        "httproute/plan sends plan.example/api to service ap, which does not exist",
        "gateway public does not take httproute plan: NotAllowedByListeners: no",
        "gateway public is not programmed: AddressNotAssigned: none",
    ]


DAY = 86400.0


@pytest.mark.parametrize(
    ("start", "end", "names", "code"),
    [
        (-90, 30, ["plan.example"], ""), (-90, 30, ["*.example"], ""),
        (-90, -1, ["plan.example"], "cluster.certificate.expired"),
        (-90, 10, ["plan.example"], "cluster.certificate.expires_soon"),
        (1, 90, ["plan.example"], "cluster.certificate.not_yet_valid"),
        (-90, 30, ["other.example"], "cluster.certificate.wrong_host"),
        (-90, 30, [], "cluster.certificate.wrong_host"),
    ],
)  # fmt: skip
def test_a_served_certificate_holds_and_is_for_its_hosts(start: int, end: int, names: list[str], code: str) -> None:
    """As long as promised, by the API server's clock (B62, D46)."""
    from wired import NOW, PROMISED

    tls = secret("plan-tls", {"tls.crt": "x", "tls.key": "x"})
    tls["certificate"] = {"not_before": NOW + start * DAY, "not_after": NOW + end * DAY, "names": names}
    found = {**objects(), "ingresses.networking.k8s.io": [ingress("app", {"number": 80}, "plan-tls")]}
    found["secrets"].append(tls)
    promised = PROMISED.model_copy(update={"valid_for": 14 * DAY})
    assert [one.code for one in judged("certificates", found, promised)] == [one for one in [code] if one]


def test_a_served_secret_that_is_missing_or_unreadable_is_named() -> None:
    """The controller then serves its own certificate."""
    found = {**objects(), "ingresses.networking.k8s.io": [ingress("app", {"number": 80}, "missing")]}
    assert [one.code for one in judged("certificates", found)] == ["cluster.config.secret_missing"]
    broken = secret("plan-tls", {"tls.crt": "x"})
    broken["certificate"] = {}
    found = {**objects(), "ingresses.networking.k8s.io": [ingress("app", {"number": 80}, "plan-tls")]}
    found["secrets"].append(broken)
    assert [one.code for one in judged("certificates", found)] == ["cluster.certificate.unreadable"]


@pytest.mark.parametrize(
    ("host", "held_for"),
    [("plan.example", True), ("PLAN.example.", True), ("a.plan.example", False), ("example", False)],
)
def test_a_wildcard_stands_for_one_label(host: str, held_for: bool) -> None:
    """RFC 6125."""
    assert covers(["*.example"], host) is held_for


def policy(name: str, selects: str, **rules: Any) -> dict[str, Any]:
    """A NetworkPolicy for the pods of that name."""
    kinds = [{"ingress": "Ingress", "egress": "Egress"}[key] for key in rules]
    return {
        "metadata": meta(name),
        "spec": {"podSelector": {"matchLabels": {"app": selects}}, "policyTypes": kinds, **rules},
    }


FROM_APP = {"from": [{"podSelector": {"matchLabels": {"app": "app"}}}]}
FROM_NOBODY = {"from": [{"podSelector": {"matchLabels": {"app": "ap"}}}]}
TO_DATABASE = {"to": [{"podSelector": {"matchLabels": {"app": "postgres"}}}], "ports": [{"port": 5432}]}
UDP_53 = {"ports": [{"port": 53, "protocol": "UDP"}]}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"ingress": []}, "NetworkPolicy p selects statefulset/postgres and admits nobody (port 5432)"),
        ({"ingress": [FROM_NOBODY]}, "NetworkPolicy p selects statefulset/postgres and admits nobody (port 5432)"),
        ({"ingress": [{**FROM_APP, "ports": [{"port": 6432}]}]}, "admits nobody"),
        ({"ingress": [FROM_APP]}, ""), ({"ingress": [{}]}, ""),
        ({"ingress": [{"from": [{"namespaceSelector": {}}]}]}, ""),
        ({"ingress": [{**FROM_APP, "ports": [{"port": 5000, "endPort": 6000}]}]}, ""),
        ({"ingress": [{**FROM_APP, "ports": [{"port": "main"}]}]}, ""),
    ],
)  # fmt: skip
def test_a_policy_that_admits_nobody_to_the_database_is_its_cause(rules: dict[str, Any], words: str) -> None:
    """A cause of the database's layer, where it is PostgreSQL's port (A10, R2)."""
    found = {**objects(), "networkpolicies.networking.k8s.io": [policy("p", "postgres", **rules)]}
    findings = judged("network", found)
    assert [one.code for one in findings] == (["database.network.blocked_from_cluster"] if words else [])
    assert all(words in one.message for one in findings)


@pytest.mark.parametrize(
    ("rules", "kept"), [([], True), ([{"to": [], "ports": [{"port": 53}]}], True), ([TO_DATABASE, UDP_53], False)]
)
def test_a_policy_that_keeps_a_client_in_names_the_variable(rules: list[Any], kept: bool) -> None:
    """The client is known by the host in its variables; their values are not in the snapshot (A10, R2)."""
    found = {**objects(), "networkpolicies.networking.k8s.io": [policy("out", "app", egress=rules)]}
    findings = judged("network", found)
    assert [one.message for one in findings] == (
        ["NetworkPolicy out keeps deployment/app from statefulset/postgres, which its DATABASE_URL names (port 5432)"]
        if kept
        else []
    )
    assert "canary" not in repr(cluster(found))


NAMES = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ([TO_DATABASE], True),
        ([TO_DATABASE, {"ports": [{"port": 53}]}], True),
        ([TO_DATABASE, {**UDP_53, "to": [{"podSelector": {}}]}], True),
        ([TO_DATABASE, UDP_53], False),
        ([TO_DATABASE, {**UDP_53, "to": NAMES}], False),
        ([TO_DATABASE, {"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]}], False),
        ([{}], False),
    ],
    ids=[
        "forgotten",
        "TCP alone",
        "its own namespace",
        "to anywhere",
        "to kube-system",
        "a cache of the node's",
        "all",
    ],
)
def test_a_policy_that_lets_out_no_question_for_names_is_a_cause(rules: list[Any], kept: bool) -> None:
    """The database's port is open, and its name resolves nowhere (A10, R2)."""
    found = {**objects(), "networkpolicies.networking.k8s.io": [policy("out", "app", egress=rules)]}
    findings = judged("network", found)
    assert [(one.code, one.message) for one in findings] == (
        [("cluster.network.blocked",
          "NetworkPolicy out keeps deployment/app from the name service (port 53): it resolves no name")]
        if kept
        else []
    )  # fmt: skip


def test_a_config_map_names_the_client_too() -> None:
    """By valueFrom and by envFrom; without any mention nobody is known to need it."""
    found = {**objects(), "networkpolicies.networking.k8s.io": [policy("out", "app", egress=[])]}
    spec(found, "deployments.apps")["template"]["spec"]["containers"][0]["env"] = []
    assert judged("network", found) == []
    found["configmaps"] = [held("plan-config", {"DATABASE_HOST": "postgres"})]
    (finding,) = judged("network", found)
    assert finding.data["policy"] == "out"
    assert "DATABASE_HOST" in finding.message


def test_hostile_objects_are_read_without_a_crash() -> None:
    """Numbers, nulls and lists in the place of everything."""
    found = objects()
    for resource in ("services", "ingresses.networking.k8s.io", "httproutes.gateway.networking.k8s.io",
                     "gateways.gateway.networking.k8s.io", "networkpolicies.networking.k8s.io",
                     "endpointslices.discovery.k8s.io", "deployments.apps"):  # fmt: skip
        shapes: list[Any] = [
            {"metadata": None, "spec": 3},
            {"metadata": {"name": 4}, "spec": {"rules": [None, 3], "ports": {}}},
            {"spec": {"tls": "x", "rules": [{"http": []}], "listeners": [1], "template": []}},
        ]
        found[resource] = [*found.get(resource, []), *shapes]
    for area in ("references", "values", "stale", "services", "routes", "certificates", "network", "releases"):
        assert isinstance(judged(area, found), list)


def test_a_service_of_nobody_is_no_service() -> None:
    """No selector and no address."""
    found = objects(services=[service("app", 80), {"metadata": meta("dead"), "spec": {"ports": [{"port": 1}]}}])
    assert [one.message for one in judged("services", found)] == [
        "service dead has no ready endpoint: it has no selector, and nobody gave it addresses"
    ]
