"""What a raw client sees of the demo's cluster, and of what runs in front of it, by fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from demo_raw import Raw

Probe = Callable[[Raw], str]
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


def listed(path: str, accept: str = "application/json") -> Probe:
    """What the recorded API server answers to whom the kubeconfig names."""

    def ask(raw: Raw) -> str:
        config = json.loads(Path(raw.addresses["kubeconfig"]).read_text("utf-8"))
        server = config["clusters"][0]["cluster"]["server"]
        headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}", "Accept": accept}
        return raw.ask("GET", f"{server}{path.replace('@', '/namespaces/plan-prod/')}", headers=headers)

    return ask


def pods(app: str) -> Probe:
    """The rows of an app's pods."""
    return listed(f"/api/v1@pods?labelSelector=app={app}", TABLE)


def log(app: str) -> Probe:
    """What the container `app` of the app's first pod has written."""

    def ask(raw: Raw) -> str:
        found = listed(f"/api/v1@pods?labelSelector=app={app}")(raw)
        pod = json.loads(found.partition(" ")[2])["items"][0]["metadata"]["name"]
        return listed(f"/api/v1@pods/{pod}/log?container={app}")(raw)

    return ask


def api(raw: Raw) -> str:
    return raw.get("/health")


def engine(raw: Raw) -> str:
    return raw.graphql("{ tasks { id } }")


EVENTS = listed("/api/v1@events")
NONE_SERVES = (api, "^503 ")
CLUSTER_SYMPTOMS: dict[str, tuple[tuple[Probe, str], ...]] = {
    "crash-loop": ((pods("plan-app"), '"CrashLoopBackOff"'),),
    "image-pull": ((pods("plan-app"), '"ImagePullBackOff"'), (lambda raw: raw.get("/api/version"), "demo-0")),
    "oom-killed": ((listed("/api/v1@pods"), '"exitCode":137,.*"reason":"OOMKilled"'), (engine, "^503 ")),
    "liveness": ((EVENTS, "Liveness probe failed"), NONE_SERVES),
    "module-missing": ((pods("plan-app"), '"CrashLoopBackOff"'), NONE_SERVES),
    "secret-key-missing": ((pods("hasura"), '"CreateContainerConfigError"'), NONE_SERVES, (engine, "^503 ")),
    "scaled-to-zero": ((listed("/apis/apps/v1@deployments/plan-app"), '"replicas":0'), NONE_SERVES),
    "not-ready": ((pods("plan-app"), '"0/1","Running"'), NONE_SERVES),
    "no-endpoints": ((listed("/api/v1@services/plan-app"), '"app":"plan-ap"'), NONE_SERVES),
    "wrong-port": ((listed("/api/v1@services/plan-app"), '"targetPort":3001'), (api, "^502 ")),
    "secret-rotated": (
        (lambda raw: raw.get("/api/projects", "member"), "^500 "),
        (listed("/api/v1@secrets/plan-secrets"), '"DATABASE_PASSWORD":"[^"]*="'),  # it has another length
    ),
    "argo-out-of-sync": ((listed("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"), '"OutOfSync"'),),
    "unschedulable": ((pods("plan-app"), '"Pending"'),),
    "quota-exceeded": ((EVENTS, "exceeded quota"),),
    "volume-mount": ((EVENTS, "FailedMount"),),
    "job-failed": ((listed("/apis/batch/v1@jobs"), "BackoffLimitExceeded"),),
    "secrets-forbidden": ((listed("/api/v1@secrets"), "^403 .*cannot list resource"),),
    "cluster-token-expired": ((listed("/api/v1@pods"), "^401 "),),
    "cluster-down": ((listed("/version"), "^ConnectError"),),
    "log-server-errors": ((log("plan-app"), "POST /api/goals 500"),),
    "log-unhandled-rejection": ((log("plan-app"), "unhandledRejection"),),
    "log-never-awaited": ((log("plan-app"), "was never awaited"),),
    "log-local-validation": ((log("plan-app"), "local JWT validation"),),
    "log-disk-full": ((log("plan-app"), "ENOSPC"),),
    "log-deadlock": ((log("postgres"), "ERROR:  deadlock detected"),),
    "log-credential": ((log("plan-app"), "postgres://app:[^@]+@postgres"),),
    "logs-forbidden": ((log("plan-app"), '^403 .*cannot get resource ."pods/log'),),
}
