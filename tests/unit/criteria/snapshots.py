"""Snapshots of a namespace for tests: as read on a real API server (Kubernetes 1.34, `cluster_lab/`), and changed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.observe.cluster import Cluster, KeyFacts, Keys, Refusal, Table

HERE = Path(__file__).parent / "cluster_lab"
IMAGE = "images.plan.example/plan-app:1.4.2"
PROMISED = ClusterTarget(
    context="lab",
    namespace="plan-prod",
    deployments={"plan-app": ">= 2", "hasura": 1},
    statefulsets={"postgres": 1},
    jobs=("plan-migrate",),
    images={"plan-app": IMAGE},
    secrets={"plan-secrets": ("NUXT_SESSION_PASSWORD",)},
)


def read(name: str) -> dict[str, Any]:
    """A snapshot of the lab, as data that may be changed."""
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return found


def of(data: dict[str, Any], refused: dict[str, str] | None = None) -> Cluster:
    """The snapshot that the data is."""
    return Cluster(
        data["namespace"],
        data["version"],
        data["now"],
        "kubectl --context lab -n plan-prod",
        tables={
            name: Table(tuple(one["columns"]), tuple(map(tuple, one["rows"])), tuple(one["metadata"]))
            for name, one in data["tables"].items()
        },
        objects={name: tuple(many) for name, many in data["objects"].items()},
        tails={(pod, container): text for pod, container, text in data["tails"]},
        secrets={name: _keys(one) for name, one in data["secrets"].items()},
        configmaps={name: _keys(one) for name, one in data["configmaps"].items()},
        refused={
            name: (Refusal(name, verb, f"{name} is forbidden", "plan-prod"),) for name, verb in (refused or {}).items()
        },
    )


def lab(name: str = "healthy") -> Cluster:
    """A snapshot of the lab."""
    return of(read(name))


def named(data: dict[str, Any], resource: str, name: str) -> dict[str, Any]:
    """An object in the data, to be changed."""
    return next(one for one in data["objects"][resource] if one["metadata"]["name"] == name)


def with_pod(pod: dict[str, Any], status: str, ready: str = "0/1", *events: dict[str, Any], tail: str = "") -> Cluster:
    """The healthy namespace and one more pod, as its row and its object show it."""
    data = read("healthy")
    name = pod["metadata"]["name"]
    data["tables"]["pods"]["rows"].append([name, ready, status, "0", "5m", "10.0.0.9", "node-1", "<none>", "<none>"])
    data["objects"].setdefault("pods", []).append(pod)
    data["objects"]["events"] = [
        {"involvedObject": {"kind": "Pod", "name": name}, "lastTimestamp": "2026-11-29T11:00:00Z", **event}
        for event in events
    ]
    data["tails"] = [[name, "app", tail]] if tail else []
    return of(data)


def pod(state: dict[str, Any], *, last: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A pod with one container, `app`, in that state, as the kubelet reports it."""
    status = {"name": "app", "ready": False, "restartCount": 1 if last else 0, "state": state,
              "lastState": {"terminated": last} if last else {}}  # fmt: skip
    made = {
        "metadata": {
            "name": "app-5d9f-x2k4z",
            "creationTimestamp": "2026-11-29T11:00:00Z",
            "labels": {"pod-template-hash": "5d9f"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "app-5d9f", "uid": "u", "controller": True}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "images.test/app:1"}]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }
    made = copy.deepcopy(made)
    for key, value in changes.items():
        part = made[key]
        made[key] = {**part, **value}  # type: ignore[dict-item]
    return made


def _keys(one: dict[str, Any] | None) -> Keys | None:
    if one is None:
        return None
    facts = {name: KeyFacts(each["length"], tuple(each["flaws"])) for name, each in one["keys"].items()}
    return Keys(one["name"], facts, one["type"], one["changed_at"])
