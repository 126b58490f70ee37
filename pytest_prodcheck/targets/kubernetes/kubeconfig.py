"""Where the API server is and who we are to it, as the kubeconfig or the pod's service account says.

Read by lightkube's loader; files of a `$KUBECONFIG` with several are merged as kubectl does: the first one that names a
thing wins, and paths are relative to the file that says them.
"""

from __future__ import annotations

import ipaddress
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.targets.kubernetes import beside
from pytest_prodcheck.targets.kubernetes.beside import Beside
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.config.models import Cluster, User

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_INSTALL = "pip install 'pytest-prodcheck[cluster]'"
_DEFAULT = "~/.kube/config"


@dataclass(frozen=True, slots=True)
class Access:
    """One way to one API server."""

    server: str
    namespace: str
    context: str
    """Name of the context; empty in a pod."""
    file: str
    """The kubeconfig where it was named; empty where kubectl takes the same by itself."""
    cluster: Cluster
    user: User | None = field(repr=False)
    folder: Path = field(default_factory=Path)
    """What relative paths are relative to."""
    beside: Beside = field(default_factory=Beside)

    @property
    def in_the_clear(self) -> bool:
        """Whether what is sent can be read on the way: without TLS, and beyond this machine."""
        address = urlsplit(self.server)
        return address.scheme == "http" and not _of_this_machine(address.hostname or "")

    @property
    def kubectl(self) -> str:
        """How a command to the same namespace begins."""
        words = ["kubectl", *(["--kubeconfig", self.file] if self.file else [])]
        words += ["--context", self.context] if self.context else []
        return shlex.join([*words, "-n", self.namespace])


def access(target: str, table: ClusterTarget, environ: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Access:
    """The way that the table means. Raises ApiProblem with what was looked for and what there is."""
    try:
        from lightkube.config import kubeconfig  # noqa: F401  its import is what may fail
    except ImportError:
        text = "lightkube, which reads kubeconfigs, is not installed"
        raise ApiProblem(target, text, "cluster.client.missing", _INSTALL) from None
    if table.in_cluster:
        return _of_pod(target, table, environ, account)
    return _of_files(target, table, environ)


def _of_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _of_pod(target: str, table: ClusterTarget, environ: Mapping[str, str], account: Path) -> Access:
    from lightkube.config.models import Cluster, User

    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = account / "token"
    if not host or not token.is_file():
        missing = "KUBERNETES_SERVICE_HOST is not set" if not host else f"{token} is not there"
        remedy = "run the gate in a pod with a service account (automountServiceAccountToken), or name a context"
        raise ApiProblem(target, f"in_cluster, and this is no pod: {missing}", "cluster.kubeconfig.missing", remedy)
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    own = account / "namespace"
    namespace = table.namespace or (own.read_text().strip() if own.is_file() else "default")
    cluster = Cluster(server=server, certificate_auth=str(account / "ca.crt"))
    return Access(server, namespace, "", "", cluster, User(token_file=str(token)), account)


def _of_files(target: str, table: ClusterTarget, environ: Mapping[str, str]) -> Access:
    named = [table.kubeconfig] if table.kubeconfig else environ.get("KUBECONFIG", "").split(os.pathsep)
    paths = [Path(name).expanduser() for name in named if name] or [Path(_DEFAULT).expanduser()]
    there = [path for path in paths if path.is_file()]
    if not there:
        looked = ", ".join(map(str, paths))
        remedy = "name it with kubeconfig, or set KUBECONFIG; in a pod say in_cluster = true"
        raise ApiProblem(target, f"no kubeconfig: looked for {looked}", "cluster.kubeconfig.missing", remedy)
    files = [(path, _loaded(target, path)) for path in there]
    wanted = table.context or next((str(one.current_context) for _, one in files if one.current_context), "")
    _, context = _first(target, files, "contexts", wanted, "context", "cluster.kubeconfig.context_unknown")
    path, cluster = _first(target, files, "clusters", context.cluster, f"cluster of context {wanted}")
    user_path, user = (
        _first(target, files, "users", context.user, f"user of context {wanted}") if context.user else (path, None)
    )
    if user is not None and user_path != path:
        user = _with_absolute_paths(user, user_path.parent)
    if user is not None:
        beside.check_user(target, user_path, context.user)
    beside.check_server(target, path, context.cluster, cluster.server)
    namespace = table.namespace or context.namespace or "default"
    keys = beside.of_cluster(target, path, context.cluster)
    return Access(cluster.server.rstrip("/"), namespace, wanted, table.kubeconfig, cluster, user, path.parent, keys)


def _loaded(target: str, path: Path) -> KubeConfig:
    import msgspec
    import yaml
    from lightkube.config.kubeconfig import KubeConfig

    try:
        return KubeConfig.from_file(path)
    except OSError as error:
        raise ApiProblem(target, f"{path} cannot be read: {error.strerror}", "cluster.kubeconfig.missing") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        text = f"{path} is no kubeconfig: not YAML"
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        text = f"{path} is no kubeconfig: {type(error).__name__} {error}"  # they name keys and types, no value
    raise ApiProblem(target, text, "cluster.kubeconfig.invalid", "kubectl config view shows what kubectl reads of it")


def _first(
    target: str,
    files: Sequence[tuple[Path, KubeConfig]],
    kind: str,
    name: str,
    what: str,
    code: str = "cluster.kubeconfig.invalid",
) -> tuple[Path, Any]:
    """The file that names the thing first, and the thing."""
    for path, config in files:
        if name in (known := getattr(config, kind)):
            return path, known[name]
    known_names = sorted({known for _, config in files for known in getattr(config, kind)})
    shown = ", ".join(str(path) for path, _ in files)
    text = f"{what} {name or '(none is current)'} is not in {shown}; known: {', '.join(known_names) or 'none'}"
    raise ApiProblem(target, text, code, "write one of the known names" if known_names else "")


def _with_absolute_paths(user: User, folder: Path) -> User:
    import msgspec

    names = ("client_cert", "client_key", "token_file")
    return msgspec.structs.replace(
        user, **{name: str(folder / path) for name in names if (path := getattr(user, name))}
    )
