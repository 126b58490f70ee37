"""What a kubeconfig says that lightkube's loader passes over: it is kept, or refused by its name, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

_INVALID = "cluster.kubeconfig.invalid"
_IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")


@dataclass(frozen=True, slots=True)
class Beside:
    """Keys of a cluster, as `kubectl config set-cluster` writes them."""

    server_name: str = ""
    """`tls-server-name`: the name that the server's certificate must be for."""
    proxy: str = field(default="", repr=False)
    """`proxy-url`."""


def of_cluster(target: str, path: Path, name: str) -> Beside:
    """Raises ApiProblem for what is not done: TLS without verification, a proxy that is none of HTTP's."""
    said = _named(path, "clusters", "cluster", name)
    if said.get("insecure-skip-tls-verify") is True:
        raise ApiProblem(
            target,
            f"cluster {name} of {path} says insecure-skip-tls-verify: the gate talks to no server that it cannot know",
            _INVALID,
            "give its authority as certificate-authority-data, or the name in its certificate as tls-server-name",
        )
    server_name, proxy = said.get("tls-server-name") or "", said.get("proxy-url") or ""
    if not isinstance(server_name, str) or not isinstance(proxy, str):
        raise ApiProblem(target, f"cluster {name} of {path}: tls-server-name and proxy-url are texts", _INVALID)
    if proxy and not proxy.startswith("http://"):
        scheme = proxy.partition("://")[0] if "://" in proxy else "no scheme"
        text = f"cluster {name} of {path}: proxy-url is of {scheme[:20]}, and only http:// is spoken"
        raise ApiProblem(target, text, _INVALID, "name an HTTP proxy, there or with `proxy`")
    return Beside(server_name, proxy)


def check_server(target: str, path: Path, name: str, server: str) -> None:
    """Raises ApiProblem for a server that is no plain URL; what stands in it is not repeated."""
    try:
        parts = urlsplit(server)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        plain = False
    if not plain:
        raise ApiProblem(target, f"cluster {name} of {path}: server is no URL of https://HOST", _INVALID)
    if "@" in parts.netloc or parts.query or parts.fragment:
        text = f"cluster {name} of {path}: server has a user, a query or a fragment in its URL"
        raise ApiProblem(target, text, _INVALID, "say who you are in users; the server is scheme, host, port and path")


def check_user(target: str, path: Path, name: str) -> None:
    """Raises ApiProblem where the user asks in somebody else's name: what is seen so is not what we may see."""
    said = _named(path, "users", "user", name)
    if asked := [key for key in _IMPERSONATION if said.get(key)]:
        text = f"user {name} of {path} says {', '.join(asked)}: the gate asks in nobody else's name"
        raise ApiProblem(target, text, _INVALID, "name a user that has the rights itself (prodcheck rbac ENV)")


def _named(path: Path, kind: str, inside: str, name: str) -> Mapping[str, Any]:
    """The thing of that name; lightkube has read the file before, so it is one of the right form."""
    import yaml

    listed = yaml.safe_load(path.read_text("utf-8"))[kind]
    found = next((one.get(inside) for one in listed if one.get("name") == name), None)
    return found if isinstance(found, dict) else {}
