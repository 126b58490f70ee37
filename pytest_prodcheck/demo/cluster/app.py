"""The recorded API server's HTTP face, and the kubeconfig that leads to it."""

from __future__ import annotations

import json
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pytest_prodcheck.demo.cluster.answers import Answer, ApiServer, status

CONTEXT = "demo-recorded"
NAMESPACE = "plan-prod"


def cluster_app(server: ApiServer, token: str) -> Starlette:
    """The application that serves the recorded cluster to the bearer of the token."""

    async def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {token}":
            found = Answer(status(401, "Unauthorized", "Unauthorized"), 401)
        else:
            accept = request.headers.get("accept", "")
            found = server.get(request.url.path, dict(request.query_params), accept)
        if isinstance(found.body, str):
            return PlainTextResponse(found.body, found.status)
        return JSONResponse(found.body, found.status)

    return Starlette(routes=[Route("/{path:path}", answer)])


def kubeconfig(path: Path, url: str, authority: Path, token: str) -> Path:
    """Writes the kubeconfig; JSON is YAML."""
    cluster = {"server": url, "certificate-authority": str(authority)}
    context = {"cluster": CONTEXT, "user": "reader", "namespace": NAMESPACE}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "contexts": [{"name": CONTEXT, "context": context}],
        "users": [{"name": "reader", "user": {"token": token}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
