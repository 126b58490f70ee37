"""Requests to an API server that read pass; everything else is refused, whatever its method (R22)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from corpus import of

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.guard import kubernetes

SERVER = "https://api.k8s.test:6443"
METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH",
           "delete": "DELETE", "deletecollection": "DELETE"}  # fmt: skip


def request(payload: dict[str, Any]) -> HttpRequest:
    """The HTTP request that a verb on a resource is (Kubernetes API concepts, resource URIs)."""
    resource, _, subresource = payload["resource"].partition("/")
    plural, _, group = resource.partition(".")
    root = f"/apis/{group}/v1" if group else "/api/v1"
    place = "" if group == "authorization.k8s.io" else "/namespaces/plan"
    name = f"/{payload['name']}" if "name" in payload else ""
    rest = f"/{subresource}" if subresource else ""
    url = f"{SERVER}{root}{place}/{plural}{name}{rest}{payload.get('path', '')}"
    query = f"?{payload['query']}" if "query" in payload else ""
    body = payload.get("body", "").encode()
    return HttpRequest("cluster", METHODS[payload["verb"]], url + query, payload.get("headers", {}), body)


def get(path: str, **query: str) -> HttpRequest:
    """A GET."""
    return HttpRequest("cluster", "GET", SERVER + path + (f"?{urlencode(query)}" if query else ""))


@pytest.mark.parametrize("case", of("kubernetes", "refused_before_send"), ids=lambda case: case["id"])
def test_what_is_no_read_is_refused(case: dict[str, Any]) -> None:
    """Verbs that write, subresources that act although their method is GET, watches, impersonation."""
    with pytest.raises(Refused, match=r"denied|not a read"):
        kubernetes.check(request(case["payload"]))


@pytest.mark.parametrize("case", of("kubernetes", "allowed_readonly"), ids=lambda case: case["id"])
def test_a_read_passes(case: dict[str, Any]) -> None:
    """Lists, objects, logs, and the review of one's own rights, which stores nothing."""
    kubernetes.check(request(case["payload"]))


@pytest.mark.parametrize(
    "path",
    [
        "/version",
        "/readyz",
        "/api/v1/nodes",
        "/api/v1/namespaces/plan",
        "/api/v1/namespaces/plan/pods/a/log",
        "/apis/apps/v1/namespaces/plan/deployments/proxy",
        "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/plan",
    ],
)
def test_what_the_client_sends_passes(path: str) -> None:
    """Documents about the server, cluster-wide and namespaced objects, resources of CRDs."""
    kubernetes.check(get(path))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/logs/kube-apiserver.log",
        "/api/v1/watch/namespaces/plan/pods",
        "/api/v1/proxy/namespaces/plan/services/admin",
        "/api/v1/nodes/node-1/proxy/run/plan/a/b",
        "/api/v1/namespaces/plan/pods/a/attach",
        "/api/v1/namespaces/plan/pods/a/log/more",
        "/api/v1/namespaces/plan/pods/a%2fexec",
        "/api/v1/namespaces/plan/pods/../secrets",
        "/api/v1/namespaces/plan/services/a:80/proxy/reset",
        "/apis/apps/v1/namespaces/plan/deployments/a/scale",
        "/api/v1/namespaces/plan/pods/",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    """Only what is on the list is sent: a path that nobody thought of is not."""
    with pytest.raises(Refused):
        kubernetes.check(get(path))


@pytest.mark.parametrize("query", [{"watch": "1"}, {"follow": "true"}, {"command": "sh"}, {"dryRun": "All"}])
def test_any_other_parameter_is_refused(query: dict[str, str]) -> None:
    """A parameter can make a watch or a command of a GET."""
    with pytest.raises(Refused, match=r"denied|not on the list"):
        kubernetes.check(get("/api/v1/namespaces/plan/pods/a/log", **query))


def test_a_tunnel_is_refused() -> None:
    """Exec over a WebSocket is a GET with an Upgrade."""
    asked = HttpRequest("cluster", "GET", f"{SERVER}/api/v1/namespaces/plan/pods", {"Upgrade": "websocket"})
    with pytest.raises(Refused, match="tunnel"):
        kubernetes.check(asked)


@pytest.mark.parametrize("path", ["/version", "/k8s/c-1/api/v1/pods/a/exec", "/k8s/c-10/version", "/k8s/c-1//version"])
def test_below_a_path_the_same_is_read_and_no_more(path: str) -> None:
    """A server that others share has its clusters below a path each (Rancher)."""
    kubernetes.check(get("/k8s/c-1/api/v1/namespaces/plan/pods/a/log"), base="/k8s/c-1")
    with pytest.raises(Refused):
        kubernetes.check(get(path), base="/k8s/c-1")
