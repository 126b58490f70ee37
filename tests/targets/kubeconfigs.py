"""Kubeconfigs for tests, and the API of a small server by one of them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml

from pytest_prodcheck.config.models import ClusterTarget, Requests
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.targets.kubernetes.api import Api
from pytest_prodcheck.targets.kubernetes.kubeconfig import access
from pytest_prodcheck.targets.wire import Wire

VERSION = {"gitVersion": "v1.34.4"}


def write(path: Path, server: str = "http://127.0.0.1:1", user: dict[str, Any] | None = None, **cluster: Any) -> Path:
    """A kubeconfig with one context, `lab`."""
    document = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "reader", "namespace": "plan-prod"}}],
        "clusters": [{"name": "lab", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "reader", "user": {"token": "canary-token-of-the-lab"} if user is None else user}],
    }
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def plugin(folder: Path, script: str, **facts: Any) -> dict[str, Any]:
    """The user of a credential plugin that is the shell script."""
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), **facts}}


def api(file: Path, *, timeout: float = 5.0, redactor: Redactor | None = None, **table: Any) -> Api:
    """A client by the kubeconfig. Raises ApiProblem."""
    known = redactor or Redactor()
    target = ClusterTarget(context="lab", kubeconfig=str(file), timeout=timeout, **table)
    wire = Wire(Requests(), known, "test")
    return Api(wire, "cluster", target, access("cluster", target, {}), known.add)
