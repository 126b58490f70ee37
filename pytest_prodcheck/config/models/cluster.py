"""Where the system runs: a namespace of a Kubernetes cluster, or the containers of a compose project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from pytest_prodcheck.config.models.base import Model
from pytest_prodcheck.config.models.compose import ComposeTarget
from pytest_prodcheck.config.scalars import (
    Flag,
    Hidden,
    Name,
    Names,
    NotJudged,
    NumberLimit,
    Seconds,
    UsageLimit,
    one_or_many,
)

Replicas = Annotated[int, Field(strict=True, ge=1)] | NumberLimit
"""How many pods a workload has: a number, or a comparison (`">= 2"`)."""


Area = Literal[
    "references", "values", "stale", "services", "routes", "certificates", "network", "scaling", "quotas", "releases",
    "nodes",
]  # fmt: skip
"""What connects the workloads of a namespace, part by part; `nodes` lie outside of it."""
AREAS: tuple[Area, ...] = get_args(Area)[:-1]
Areas = Annotated[tuple[Area, ...], BeforeValidator(one_or_many)]
Probes = Annotated[tuple[Literal["readiness", "liveness", "startup"], ...], BeforeValidator(one_or_many)]
Amounts = Annotated[
    tuple[Literal["requests.cpu", "requests.memory", "limits.cpu", "limits.memory"], ...], BeforeValidator(one_or_many)
]
Resource = Literal["cpu", "memory"]


class ArgoCd(Model):
    """The Argo CD Application that deploys the system."""

    application: Name
    namespace: Name = "argocd"
    revision: str = ""
    """What it must be synced to, in its repository's words; empty means the environment's, where Argo CD says that."""


class Helm(Model):
    """The Helm release that deploys the system."""

    release: Name
    namespace: str = ""
    """Where the release's secret is; empty means the target's own namespace."""


class ClusterTarget(ComposeTarget):
    """One namespace of a Kubernetes cluster, and what runs there; with `compose`, one compose project."""

    context: str = ""
    """Context of the kubeconfig; empty takes its current one, which only a named `kubeconfig` may do."""
    kubeconfig: str = ""
    """The file; empty means what `kubectl` takes: `$KUBECONFIG`, then `~/.kube/config`."""
    in_cluster: Flag = False
    """The service account of the pod that we run in."""
    namespace: str = ""
    """Empty means the context's."""
    proxy: Annotated[str, Hidden] = ""
    x509_strict: Flag = True
    """Whether the API server's authority must keep RFC 5280 to the letter, as Python 3.13 and newer want it."""
    selector: str = ""
    """Label selector that narrows the pods that are judged; empty judges all of the namespace."""
    deployments: Mapping[Name, Replicas] = Field(default_factory=dict)
    statefulsets: Mapping[Name, Replicas] = Field(default_factory=dict)
    daemonsets: Names = ()
    jobs: Names = ()
    cronjobs: Names = ()
    images: Mapping[Name, str] = Field(default_factory=dict)
    """Workload, or `workload/container` → the image that it runs: reference, `:tag` or `sha256:…`."""
    restarts: Annotated[int, Field(strict=True, ge=0)] | NumberLimit | None = None
    """Restarts that a container may have since its rollout; without it only those of the last hour count."""
    secrets: Mapping[Name, Names] = Field(default_factory=dict)
    """Secret → keys that it must have."""
    configmaps: Mapping[Name, Names] = Field(default_factory=dict)
    argocd: ArgoCd | None = None
    helm: Helm | None = None
    certificates: Names = ()
    """Certificates of cert-manager."""
    external_secrets: Names = ()
    """ExternalSecrets of external-secrets."""
    wiring: Areas | NotJudged = AREAS
    """What is judged of the objects that connect the namespace's workloads; False judges none of it."""
    valid_for: Seconds = 0.0
    """How long the certificates of served Secrets must still hold."""
    probes: Probes = ()
    """Probes that every container with a port must have."""
    resources: Amounts = ()
    """Requests and limits that every container must have."""
    usage: Mapping[Resource, UsageLimit] = Field(default_factory=dict)
    """Resource → share of its limit that a container may use."""
    forward: Mapping[Name, str] = Field(default_factory=dict)
    """Target → `svc/NAME:PORT` that it is reached through, for the length of the run."""

    @property
    def workloads(self) -> Mapping[str, tuple[str, ...]]:
        """Resource (`deployments.apps`) → names of the declared workloads of that kind."""
        return {
            "deployments.apps": tuple(self.deployments),
            "statefulsets.apps": tuple(self.statefulsets),
            "daemonsets.apps": self.daemonsets,
            "jobs.batch": self.jobs,
            "cronjobs.batch": self.cronjobs,
        }
