"""The lab's administrator: makes and breaks objects on the real API server, as kubectl and kubelets would."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

Json = dict[str, Any]
CORE = "api/v1"
GROUPS = {
    **dict.fromkeys(
        ["deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"], "apis/apps/v1"
    ),
    **dict.fromkeys(["jobs", "cronjobs"], "apis/batch/v1"),
    **dict.fromkeys(["ingresses", "networkpolicies"], "apis/networking.k8s.io/v1"),
    **dict.fromkeys(["rolebindings", "roles"], "apis/rbac.authorization.k8s.io/v1"),
    "poddisruptionbudgets": "apis/policy/v1",
    "horizontalpodautoscalers": "apis/autoscaling/v2",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "applications": "apis/argoproj.io/v1alpha1",
    "certificates": "apis/cert-manager.io/v1",
    "customresourcedefinitions": "apis/apiextensions.k8s.io/v1",
    **dict.fromkeys(["externalsecrets", "secretstores"], "apis/external-secrets.io/v1"),
    **dict.fromkeys(["gateways", "httproutes"], "apis/gateway.networking.k8s.io/v1"),
    "logs": "apis/kwok.x-k8s.io/v1alpha1",
}
"""Group and version of each resource that a scenario names; all others are in the core group."""
UNSCOPED = {"namespaces", "nodes", "persistentvolumes", "customresourcedefinitions"}
UNSTRUCTURED = {"applications", "certificates"}
CONFLICTS = 5


class LabError(Exception):
    """The API server's answer to something that should have worked."""

    def __init__(self, what: str, status: int, answer: Json) -> None:
        self.status = status
        super().__init__(f"{what}: {status} {answer.get('message', answer)}")


class Admin:
    """Requests with the lab's administrator certificate; one connection a thread."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        keys = Path(facts["dir"]) / "keys"
        self.address = urlsplit(facts["server"])
        self.context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
        self.context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
        self.connections = threading.local()
        self.opened: list[http.client.HTTPSConnection] = []

    def close(self) -> None:
        """Ends the connections of all threads."""
        for connection in self.opened:
            connection.close()

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Json:
        """The decoded answer. Raises LabError for any status above 399."""
        for last in (False, True):
            connection = self._connection()
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": kind})
                answer = connection.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, ConnectionError):
                connection.close()  # it was idle for too long
                if last:
                    raise
        decoded: Json = json.loads(content) if content.startswith(b"{") else {"text": content.decode()}
        if answer.status >= 400:
            raise LabError(f"{method} {path}", answer.status, decoded)
        return decoded

    def list(self, resource: str, namespace: str = "", selector: str = "") -> list[Json]:
        """The objects of a resource; of all namespaces where none is named."""
        query = f"?labelSelector={quote(selector)}" if selector else ""
        items: list[Json] = self.call("GET", path(resource, namespace) + query)["items"]
        return items

    def create(self, resource: str, namespace: str, item: Json) -> Json:
        """Makes an object, and then what its `status` says, as the controller would that the lab does not run."""
        made = self.call("POST", path(resource, namespace), item)
        if "status" in item and resource not in ("applications", "events"):
            self.patch(resource, namespace, made["metadata"]["name"], {"status": item["status"]}, status=True)
        return made

    def patch(self, resource: str, namespace: str, name: str, patch: object, *, status: bool = False) -> Json:
        """A list is a JSON patch, a mapping a strategic merge; a conflict with a controller is tried again."""
        merge = "merge" if status or resource in UNSTRUCTURED or resource == "secrets" else "strategic-merge"
        kind = f"application/{'json' if isinstance(patch, list) else merge}-patch+json"
        where = f"{path(resource, namespace)}/{name}{'/status' if status else ''}"
        for attempt in range(CONFLICTS):
            try:
                return self.call("PATCH", where, patch, kind)
            except LabError as error:
                if error.status != 409 or attempt == CONFLICTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _connection(self) -> http.client.HTTPSConnection:
        if not hasattr(self.connections, "mine"):
            address = self.address
            self.connections.mine = http.client.HTTPSConnection(
                address.hostname or "", address.port, context=self.context, timeout=60
            )
            self.opened.append(self.connections.mine)
        mine: http.client.HTTPSConnection = self.connections.mine
        return mine


def path(resource: str, namespace: str) -> str:
    """Where the API server has a resource."""
    group = GROUPS.get(resource, CORE)
    return (
        f"/{group}/{resource}"
        if resource in UNSCOPED or not namespace
        else f"/{group}/namespaces/{namespace}/{resource}"
    )


def until(what: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until it is so. Raises TimeoutError, which says what it waited for."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.1)
