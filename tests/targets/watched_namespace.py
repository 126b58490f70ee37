"""A namespace with one pod, as its API server and metrics.k8s.io show it while load runs."""

from __future__ import annotations

from typing import Any

import kubeconfigs
from small_server import Asked, Server

HERE = "/api/v1/namespaces/plan-prod"
METRICS = "/apis/metrics.k8s.io/v1beta1"


def namespace(server: Server, restarts: list[int], memory: list[int]) -> None:
    """A namespace with one pod; each list of its pods takes the next numbers."""
    name = "plan-app-7d9f8b6c54-x2x4z"
    columns = [{"name": one} for one in ("Name", "Ready", "Status", "Restarts")]
    ended = {"name": "app", "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    pod = {"metadata": {"name": name}, "status": {"containerStatuses": [ended]}}

    def table(asked: Asked) -> tuple[int, dict[str, str], Any]:
        del asked
        count = restarts.pop(0) if len(restarts) > 1 else restarts[0]
        shown = f"{count} (3s ago)" if count else "0"
        rows = [{"cells": [name, "1/1", "Running", shown]}]
        return 200, {}, {"kind": "Table", "metadata": {}, "columnDefinitions": columns, "rows": rows}

    def used(asked: Asked) -> tuple[int, dict[str, str], Any]:
        del asked
        usage = {"memory": f"{memory.pop(0) if len(memory) > 1 else memory[0]}Mi", "cpu": "250m"}
        return 200, {}, {"items": [{"metadata": {"name": name}, "containers": [{"name": "app", "usage": usage}]}]}

    server.routes |= {
        "GET /version": (200, {}, kubeconfigs.VERSION),
        f"GET {HERE}": (200, {}, {"metadata": {"name": "plan-prod"}}),
        f"GET {HERE}/pods": table,
        f"GET {HERE}/pods/{name}": (200, {}, pod),
        "GET /apis": (200, {}, {"groups": [{"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}]}]}),
        f"GET {METRICS}/namespaces/plan-prod/pods": used,
    }
