"""What the cluster explains, and what it does not (R1, R2, R3, R18)."""

from __future__ import annotations

from typing import Any

import described
import pytest

from pytest_prodcheck.diagnosis.diagnose import Diagnosis, diagnose

FAILS = {"status": 500, "body": "Internal Server Error"}
CRASH = {"code": "cluster.container.crash_loop", "message": "pod plan-app-1: ends by itself", "criterion": "pods"}
TIMEOUT = "psycopg.OperationalError: connection timeout expired"


def told(**checks: Any) -> Diagnosis:
    """The diagnosis of some results; `__` stands for the colons of a check's id."""
    named = {name.replace("__", "::"): shown for name, shown in checks.items()}
    results = described.checks(named)
    return diagnose(results, [one for result in results for one in result.observations])


def codes(**checks: Any) -> list[str]:
    """The causes."""
    return [cause.code for cause in told(**checks).causes]


def crash(workload: str = "plan-app", **data: Any) -> dict[str, Any]:
    """A crash loop of a workload."""
    return {**CRASH, "data": {"pod": f"{workload}-1", "workload": workload, "exit_code": 1, **data}}


def test_a_crash_that_leaves_nobody_to_serve_explains_a_5xx() -> None:
    """None of two pods is available."""
    assert codes(cluster__test_pods=crash(available=0, wanted=2), http__test_endpoint=FAILS) == [CRASH["code"]]


def test_a_rollout_that_hangs_explains_no_5xx_while_all_old_pods_serve() -> None:
    """The application's error is its own."""
    found = codes(cluster__test_pods=crash(available=2, wanted=2), http__test_endpoint=FAILS)
    assert found == [CRASH["code"], "http.application.unhandled_exception"]


def test_restarts_explain_a_5xx_although_all_pods_are_there_now() -> None:
    """They were not, a moment ago."""
    found = codes(cluster__test_pods=crash(available=2, wanted=2, restarts=3), http__test_endpoint=FAILS)
    assert found == [CRASH["code"]]


def test_what_we_cannot_see_explains_nothing() -> None:
    """An API server that we do not reach, a right that we lack, an expired token of ours: nobody but us is hurt by it,
    so what users get comes first."""
    for code in ("cluster.api.unreachable", "cluster.rbac.forbidden", "cluster.credential.expired"):
        unseen = {"code": code, "criterion": "ready", "message": "no way"}
        assert codes(cluster__test_ready=unseen, http__test_endpoint=FAILS) == [
            "http.application.unhandled_exception",
            code,
        ]


def test_two_workloads_are_two_causes() -> None:
    """And their next commands differ."""
    found = told(cluster__test_pods=crash(), cluster__test_rollout=crash("hasura")).causes
    assert [cause.code for cause in found] == [CRASH["code"]] * 2
    assert len({cause.next for cause in found}) == 2


def test_a_pod_of_the_database_explains_that_it_does_not_answer() -> None:
    """By its name, or by that of the host; another workload does not."""
    database = {
        "code": "database.tcp.timeout",
        "criterion": "ready",
        "data": {"host": "plan-store", "error": "tcp.timeout"},
    }
    for workload, explained in (("postgres", True), ("plan-store", True), ("plan-mailer", False)):
        found = codes(cluster__test_pods=crash(workload, available=0, wanted=1), database__test_ready=database)
        assert found == [CRASH["code"], *([] if explained else ["database.tcp.timeout"])]


def test_the_clusters_name_service_explains_names_that_do_not_resolve_in_it() -> None:
    """An application's look-up fails; ours does not."""
    lookup = {"status": 500, "body": 'psycopg.OperationalError: could not translate host name "db" to address'}
    for workload, explained in (("coredns", True), ("plan-mailer", False)):
        lost = crash(workload, available=2, wanted=2)
        found = codes(cluster__test_pods=lost, database__test_ready="pass", http__test_endpoint=lookup)
        assert found == [CRASH["code"], *([] if explained else ["database.dns.not_found"])]


def test_last_words_that_name_the_database_are_its_sign() -> None:
    """The crash loop is the effect; without such words it is the cause."""
    words = 'psycopg.OperationalError: FATAL:  password authentication failed for user "app"'
    assert codes(cluster__test_pods=crash(log=words)) == ["database.auth.password_rejected"]
    assert codes(cluster__test_pods=crash(log="KeyError: 'x'")) == [CRASH["code"]]


def test_a_missing_key_explains_the_crash_that_names_it() -> None:
    """A program that starts without it, and says so as it ends."""
    lacking = {"code": "cluster.config.key_missing", "message": "Secret plan lacks the key SESSION_PASSWORD",
               "data": {"object": "plan", "key": "SESSION_PASSWORD"}}  # fmt: skip
    named = crash(log="Error: SESSION_PASSWORD is not set", text="Error: SESSION_PASSWORD is not set")
    assert codes(cluster__test_secrets=lacking, cluster__test_pods=named) == ["cluster.config.key_missing"]
    other = crash(log="Error: port is in use", text="Error: port is in use")
    assert codes(cluster__test_secrets=lacking, cluster__test_pods=other) == [
        "cluster.config.key_missing",
        CRASH["code"],
    ]


def test_a_rollout_says_first_what_serves() -> None:
    """The cause's message is the rollout's, which knows of the old version (R18)."""
    pull = {"code": "cluster.image.pull_failed", "criterion": "pods"}
    pod = {**pull, "message": "pod plan-app-2: cannot pull", "data": {"workload": "plan-app"}}
    whole = {**pull, "message": "old version serving (1.4.2): cannot pull",
             "data": {"workload": "plan-app", "serving": "1.4.2"}}  # fmt: skip
    (cause,) = told(cluster__test_pods=pod, cluster__test_rollout=whole).causes
    assert cause.message.startswith("old version serving (1.4.2)")


def test_a_pod_that_only_starts_is_no_reason_of_a_rollout_that_hangs() -> None:
    """The rollout is the cause, and the pod its sign."""
    starting = {"code": "cluster.pod.starting", "severity": "insufficient", "verdict": "insufficient",
                "message": "pod plan-app-2 is Running (0/1 ready)", "data": {"workload": "plan-app"}}  # fmt: skip
    hangs = {
        "code": "cluster.rollout.old_version_serving",
        "message": "old version serving",
        "data": {"workload": "plan-app"},
    }
    found = codes(cluster__test_pods=starting, cluster__test_rollout=hangs)
    assert found == ["cluster.rollout.old_version_serving"]


NO_NAME = "Error: getaddrinfo ENOTFOUND postgres.plan-prod.svc"
NOBODY = {"code": "cluster.service.no_endpoints", "criterion": "wiring", "message": "no ready endpoint",
          "data": {"service": "plan-app", "workload": "plan-app"}}  # fmt: skip
BUDGET = {"code": "cluster.pdb.blocks", "criterion": "wiring", "severity": "warning", "message": "no disruption",
          "data": {"workload": "plan-app"}}  # fmt: skip


def test_what_ends_a_workload_explains_what_is_left_of_it() -> None:
    """Its service has no endpoint because its containers end, and not the other way round (R1, R3)."""
    (cause,) = told(
        cluster__test_pods=crash(log=NO_NAME, available=0, wanted=2),
        cluster__test_wiring=NOBODY,
        cluster__test_scaling=BUDGET,
        http__test_endpoint={"status": 503, "code": "http.upstream.none"},
    ).causes
    assert cause.code == "database.dns.not_found"
    assert cause.message == "postgres.plan-prod.svc does not resolve"
    assert cause.next.startswith("kubectl ")
    assert len(cause.explains) == 4


def test_what_a_container_says_at_its_end_is_not_for_want_of_its_neighbours() -> None:
    """Another workload that is ill, and that it does not name, is a cause of its own."""
    ill = {"code": "cluster.container.oom_killed", "message": "hasura is killed", "criterion": "pods",
           "data": {"pod": "hasura-1", "workload": "hasura"}}  # fmt: skip
    found = codes(cluster__test_pods=crash(log=NO_NAME), cluster__test_rollout=ill)
    assert sorted(found) == ["cluster.container.oom_killed", "database.dns.not_found"]


def test_what_a_container_names_at_its_end_may_be_its_reason() -> None:
    """The database's service has no endpoint, and its name is in the last words."""
    refused_by = 'psycopg.OperationalError: connection to server at "postgres", port 5432 failed: Connection refused'
    service = {**NOBODY, "data": {"service": "postgres", "workload": "postgres"}}
    assert codes(cluster__test_pods=crash(log=refused_by), cluster__test_wiring=service) == [
        "cluster.service.no_endpoints"
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("connection to server at \"postgres\" (10.96.0.5), port 5432 failed: Connection refused",
         "nothing listens on postgres:5432"),
        ("Error: connect ETIMEDOUT 10.96.0.5:5432", "no answer from 10.96.0.5:5432: firewall, security group or route"),
        ("Error: P1001: Can't reach database server at `postgres`:`5432`", "nothing listens on postgres:5432"),
        ("panic: failed to connect to `database=plan`: lookup postgres on 10.96.0.10:53: server misbehaving",
         "postgres does not resolve"),
        ("dial tcp: lookup pg-0.db on 10.96.0.10:53: i/o timeout: database is unreachable", "pg-0.db does not resolve"),
        ('{"type":"startup","level":"error","detail":{"kind":"catalog_migrate","info":{"internal":'
         '"could not translate host name \\"postgres\\" to address: Name or service not known","path":"$"}}}',
         "postgres does not resolve"),
        ('{"level":"error","detail":{"info":{"error":"connection to server at \\"postgres\\", port 5432 failed: '
         'timeout expired"}}}', "no answer from postgres:5432: firewall, security group or route"),
    ],
    ids=["libpq", "node", "prisma", "go", "go, no answer of the name service", "hasura", "hasura, no answer"],
)  # fmt: skip
def test_last_words_name_what_was_not_reached(words: str, message: str) -> None:
    """The host and the port, as the driver or a logger around it writes them; and what to type is asked inside."""
    (cause,) = told(cluster__test_pods=crash(log=words)).causes
    assert cause.message == message
    assert cause.next.startswith("kubectl -n ")


PULL = {"code": "cluster.image.pull_failed", "criterion": "pods", "message": "image x:1 cannot be pulled",
        "data": {"workload": "plan-app", "pod": "plan-app-1"}}  # fmt: skip
NO_PULL_SECRET = {"code": "cluster.config.secret_missing", "criterion": "wiring",
                  "message": "Secret registry does not exist, wanted by imagePullSecrets (deployment/plan-app)",
                  "data": {"workload": "plan-app", "object": "registry"}}  # fmt: skip
PENDING = {"code": "cluster.pod.unschedulable", "criterion": "pods", "message": "fits no node",
           "data": {"workload": "plan-app"}}  # fmt: skip
UNBOUND = {"code": "cluster.volume.claim_unbound", "criterion": "wiring",
           "message": "PersistentVolumeClaim c is Pending", "data": {"workload": "plan-app", "name": "c"}}  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "symptom", "words", "causes"),
    [
        (NO_PULL_SECRET, PULL, "failed to authorize: 401 Unauthorized", 1),
        (NO_PULL_SECRET, PULL, "manifest unknown: not found", 2),
        ({**NO_PULL_SECRET, "message": "Secret mail does not exist, wanted by envFrom"}, PULL, "401 Unauthorized", 2),
        (UNBOUND, PENDING, "pod has unbound immediate PersistentVolumeClaims", 1),
        (UNBOUND, PENDING, "0/3 nodes are available: 3 Insufficient memory", 2),
    ],
)
def test_what_a_pod_waits_for_is_the_root(
    cause: dict[str, Any], symptom: dict[str, Any], words: str, causes: int
) -> None:
    """The Secret that says who pulls, the claim that the scheduler names; not what is only beside it."""
    shown = {**symptom, "data": {**symptom["data"], "text": words}}
    found = codes(cluster__test_wiring=cause, cluster__test_pods=shown)
    assert len(found) == causes
    assert cause["code"] in found


LOST = "redis.exceptions.TimeoutError: Timeout connecting to server redis 10.96.0.7:6379"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (NO_NAME, {"code": "cluster.config.bad_value", "message": "DATABASE_URL ends with a line break",
                   "data": {"object": "plan-config", "key": "DATABASE_URL", "workload": "plan-app"}}),
        ("psycopg.OperationalError: connection to server at 10.96.3.4, port 5432 failed: Connection refused",
         {**NOBODY, "data": {"service": "postgres", "workload": "postgres"}}),
        (LOST, {"code": "cluster.network.blocked", "message": "NetworkPolicy redis does not admit plan-app",
                "data": {"workload": "redis", "client": "deployment/plan-app", "policy": "redis", "service": "kv"}}),
        (NO_NAME, {"code": "cluster.network.blocked", "message": "NetworkPolicy out keeps plan-app from names",
                   "data": {"client": "deployment/plan-app", "policy": "out"}}),
    ],
    ids=["its value", "its database's service", "its policy", "its policy, which lets out no question for names"],
)  # fmt: skip
def test_what_a_container_wanted_at_its_end_is_its_reason(words: str, cause: dict[str, Any]) -> None:
    """Where its words name an address, or nothing: by its configuration, by what a database is, by a policy."""
    known = {"criterion": "wiring", **cause}
    assert codes(cluster__test_pods=crash(log=words), cluster__test_wiring=known) == [cause["code"]]


def refused(resource: str, place: str = "plan-prod") -> dict[str, Any]:
    """A right that the runner lacks."""
    rule = f'- {{apiGroups: [""], resources: [{resource}], verbs: [list]}}'
    return {"code": "cluster.rbac.forbidden", "criterion": "wiring", "severity": "blocked", "message": "may not",
            "data": {"resource": resource, "rule": rule, "namespace": place}, "remedy": f"add {rule}"}  # fmt: skip


def test_the_remedy_of_missing_rights_names_all_of_them() -> None:
    """Each once, by the namespace whose Role it belongs to (R22)."""
    (cause,) = told(cluster__test_pods=refused("pods"), cluster__test_wiring=refused("pods")).causes
    assert cause.remedy == refused("pods")["remedy"]
    (cause,) = told(
        cluster__test_pods=refused("pods"),
        cluster__test_wiring=refused("services"),
        cluster__test_helm=refused("secrets", "platform"),
    ).causes
    assert cause.remedy.count("resources: [pods]") == cause.remedy.count("resources: [services]") == 1
    assert "add to a Role of platform: - {apiGroups: [" in cause.remedy
