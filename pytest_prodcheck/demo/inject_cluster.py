"""Faults of the cluster: another recording, and what the running parts of the demo do where its pods do not serve."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import jwt

from pytest_prodcheck.demo import fronts
from pytest_prodcheck.demo.certificates import HOST
from pytest_prodcheck.demo.cluster.recording import HERE, recording
from pytest_prodcheck.demo.system import System, bound

Injection = Callable[[System], None]


def _recorded(name: str, *without_backend: str, revision: str = "") -> Injection:
    """The cluster as it was in that scenario; these hosts have no ready backend; this revision serves."""

    def inject(demo: System) -> None:
        demo.cluster.recording = recording(HERE / "faults" / f"{name}.json")
        for host in without_backend:
            demo.fronts[host].append(fronts.Gateway(None))
        demo.api.revision = revision or demo.api.revision

    return inject


def _wrong_port(demo: System) -> None:
    """The gateway asks a port where nothing listens."""
    _recorded("wrong-port")(demo)
    nobody = bound()
    demo.open_sockets.append(nobody)
    demo.fronts["api"].append(fronts.Gateway((HOST, nobody.getsockname()[1])))


def _secret_rotated(demo: System) -> None:
    """The new password is right, and the API still has the old one."""
    _recorded("secret-rotated")(demo)
    demo.api.pool.dsn = demo.database.app_dsn.replace(demo.database.passwords["app"], "the-password-of-yesterday")


def _secrets_forbidden(demo: System) -> None:
    demo.cluster.refuses.add("secrets")


def _token_expired(demo: System) -> None:
    demo.write_kubeconfig(jwt.encode({"exp": int(time.time()) - 86400}, demo.cluster_token))


def _down(demo: System) -> None:
    demo.down.add("cluster")


INJECTIONS: Mapping[str, Injection] = {
    **{
        name: _recorded(name)
        for name in ("crash-loop", "unschedulable", "quota-exceeded", "volume-mount", "job-failed", "argo-out-of-sync")
    },
    **{
        name: _recorded(name, "api")
        for name in ("liveness", "module-missing", "scaled-to-zero", "not-ready", "no-endpoints")
    },
    "image-pull": _recorded("image-pull", revision="demo-0"),
    "oom-killed": _recorded("oom-killed", "graphql"),
    "secret-key-missing": _recorded("secret-key-missing", "api", "graphql"),
    "wrong-port": _wrong_port,
    "secret-rotated": _secret_rotated,
    "secrets-forbidden": _secrets_forbidden,
    "cluster-token-expired": _token_expired,
    "cluster-down": _down,
}
