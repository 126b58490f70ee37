"""The faults of the cluster: recorded of a real API server, with what the running parts of the demo then do."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import (
    CLUSTER,
    ENDPOINT,
    GRAPHQL,
    HTTP,
    LIMITS,
    LOGS,
    OPERATION,
    ROLLOUT,
    SERVICES,
    Fault,
)

_PODS = ("cluster::test_pods",)
_WIRING = ("cluster::test_wiring",)
_CONFIGURED = ("cluster::test_secrets",)
_API_READY, _GRAPHQL_READY = ("http::test_ready",), ("graphql::test_ready",)
_ABOVE = (*HTTP, *GRAPHQL, *LIMITS, "http::test_certificate")


def _quiet(name: str, summary: str, cause: str, *explains: str) -> Fault:
    """Something is wrong in the cluster, and nobody outside sees it yet."""
    return Fault(name, "cluster", summary, (cause,), explains, (), (*CLUSTER, *LOGS))


def _loud(
    name: str, summary: str, cause: str, explains: tuple[str, ...], blocked: tuple[str, ...], *touches: str
) -> Fault:
    """What is wrong in the cluster is felt above it."""
    return Fault(name, "cluster", summary, (cause,), explains, blocked, (*CLUSTER, *LOGS, *_ABOVE, *touches))


FAULTS = (
    _quiet(
        "crash-loop",
        "a new version of plan-app exits with 1 as soon as it starts; the old pods go on serving",
        "cluster.container.crash_loop",
        *_PODS,
        *ROLLOUT,
    ),
    _loud(
        "image-pull",
        "the new image of plan-app does not exist, and the old version serves",
        "cluster.image.pull_failed",
        (*_PODS, *ROLLOUT, "http::test_revision"),
        (),
    ),
    _loud(
        "oom-killed",
        "hasura is killed by its memory limit, again and again: GraphQL answers 503",
        "cluster.container.oom_killed",
        (*_PODS, *ROLLOUT, *_GRAPHQL_READY),
        OPERATION,
    ),
    _loud(
        "liveness",
        "plan-app is killed by its liveness probe, again and again: the API answers 503",
        "cluster.container.liveness_killed",
        (*_PODS, *ROLLOUT, *_API_READY),
        ENDPOINT,
    ),
    _loud(
        "module-missing",
        "a module is not in the image of plan-app: it exits with 1, and the API answers 503",
        "cluster.container.crash_loop",
        (*_PODS, *ROLLOUT, *_API_READY),
        ENDPOINT,
    ),
    _loud(
        "secret-key-missing",
        "a key is not in the Secret that plan-app and hasura need: neither starts, and both hosts answer 503",
        "cluster.config.key_missing",
        (*_PODS, *ROLLOUT, *_CONFIGURED, *_API_READY, *_GRAPHQL_READY),
        SERVICES,
    ),
    _loud(
        "scaled-to-zero",
        "plan-app has no replicas: the API answers 503",
        "cluster.deployment.scaled_to_zero",
        (*ROLLOUT, *_API_READY),
        ENDPOINT,
    ),
    _loud(
        "not-ready",
        "the readiness probe of plan-app fails in all pods: the API answers 503",
        "cluster.pod.not_ready",
        (*_PODS, *ROLLOUT, *_API_READY),
        ENDPOINT,
    ),
    _loud(
        "no-endpoints",
        "the service of plan-app selects no pod: the API answers 503",
        "cluster.service.no_endpoints",
        (*_WIRING, *_API_READY),
        ENDPOINT,
    ),
    _loud(
        "wrong-port",
        "the service of plan-app targets a port that no container listens on: the API answers 502",
        "cluster.service.port_mismatch",
        (*_WIRING, *_API_READY),
        ENDPOINT,
    ),
    _loud(
        "secret-rotated",
        "the database's password was changed, also in the Secret, and no pod was restarted: the API answers 500",
        "cluster.config.changed_not_restarted",
        (*_WIRING, *ENDPOINT),
        (),
    ),
    _quiet(
        "argo-out-of-sync",
        "somebody changed the live deployment",
        "cluster.argocd.out_of_sync",
        "cluster::test_argocd",
    ),
    _quiet(
        "unschedulable",
        "a new version of plan-app asks for a kind of node that is not there",
        "cluster.pod.unschedulable",
        *_PODS,
        *ROLLOUT,
    ),
    _quiet(
        "quota-exceeded",
        "no quota is left for the pods of a new version of plan-app",
        "cluster.quota.exceeded",
        *ROLLOUT,
    ),
    _quiet(
        "volume-mount",
        "the disk of postgres cannot be mounted",
        "cluster.volume.mount_failed",
        *_PODS,
        *ROLLOUT,
    ),
    _quiet("job-failed", "the migration of the deployment failed", "cluster.job.failed", "cluster::test_job"),
    Fault(
        "secrets-forbidden",
        "cluster",
        "the account of the gate may not read Secrets",
        ("cluster.rbac.forbidden",),
        (),
        _CONFIGURED,
        CLUSTER,
    ),
    Fault(
        "cluster-token-expired",
        "cluster",
        "the token of the kubeconfig expired yesterday",
        ("cluster.credential.expired",),
        ("cluster::test_ready",),
        (*CLUSTER, *LOGS),
        ("logs::test_ready",),
    ),
    Fault(
        "cluster-down",
        "cluster",
        "nothing listens on the API server's port; what it runs serves on",
        ("cluster.api.unreachable",),
        ("cluster::test_ready",),
        (*CLUSTER, *LOGS),
        ("logs::test_ready",),
    ),
)
