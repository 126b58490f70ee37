"""What the keys of a cluster mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys import compose
from pytest_prodcheck.config.keys.words import TARGET, Words

KEYS: Mapping[str, Words] = {
    "ArgoCd": {
        "application": ("Name of the Application.", 'application = "plan"'),
        "namespace": ("Its namespace; `argocd` by default.", 'namespace = "argocd"'),
        "revision": (
            'What it must be synced to; by default what `revision = "argocd"` expects.',
            'revision = "env:DEPLOY_SHA"',
        ),
    },
    "Helm": {
        "release": ("Name of the release.", 'release = "plan"'),
        "namespace": ("Where its secret is, if elsewhere.", 'namespace = "platform"'),
    },
    "ClusterTarget": TARGET
    | {
        "latency": ("Refused: an API server's latency is not the system's.", 'latency = "< 2s"'),
        "context": ("Context of the kubeconfig.", 'context = "staging"'),
        "kubeconfig": ("The kubeconfig, if not what `kubectl` takes.", 'kubeconfig = "deploy/kubeconfig.yaml"'),
        "in_cluster": ("Use the service account of the pod that the gate runs in.", "in_cluster = true"),
        "namespace": ("Namespace; the context's by default.", 'namespace = "plan-prod"'),
        "proxy": ("HTTP proxy to the API server.", 'proxy = "http://proxy.example:3128"'),
        "x509_strict": (
            "`false`: trust an old authority without keyUsage, which Python 3.13 refuses.",
            "x509_strict = false",
        ),
        "selector": ("Labels of the pods that are judged; without it all of the namespace.", 'selector = "app=plan"'),
        "deployments": (
            "Deployments that must be rolled out, with their replicas.",
            'deployments = { plan-app = ">= 2" }',
        ),
        "statefulsets": ("StatefulSets, the same way.", "statefulsets = { postgres = 1 }"),
        "daemonsets": ("DaemonSets that must run on every node that they want.", 'daemonsets = ["log-agent"]'),
        "jobs": ("Jobs that must have succeeded.", 'jobs = ["plan-migrate"]'),
        "cronjobs": ("CronJobs that must be on, and whose last run succeeded.", 'cronjobs = ["plan-cleanup"]'),
        "images": (
            "Image that a workload, or `workload/container`, runs.",
            'images = { plan-app = "images.example/plan-app:1.4.2" }',
        ),
        "restarts": ("Restarts that a container may have since its rollout.", "restarts = 0"),
        "secrets": (
            "Keys that Secrets must have; no value is kept.",
            'secrets = { plan-secrets = ["SESSION_PASSWORD"] }',
        ),
        "configmaps": ("Keys that ConfigMaps must have.", 'configmaps = { plan-config = ["GQL_HOST"] }'),
        "argocd": ("The Argo CD Application.", 'argocd = { application = "plan" }'),
        "helm": ("The Helm release.", 'helm = { release = "plan" }'),
        "certificates": ("Certificates of cert-manager that must be ready.", 'certificates = ["plan-tls"]'),
        "external_secrets": ("ExternalSecrets that must be synced.", 'external_secrets = ["plan-secrets"]'),
        "wiring": (
            "Areas that are judged of what connects the workloads; all but `nodes` by default, `false` for none.",
            'wiring = ["references", "services"]',
        ),
        "valid_for": ("How long certificates in served Secrets must still hold.", 'valid_for = "14d"'),
        "probes": ("Probes that every container with a port must have.", 'probes = ["readiness", "liveness"]'),
        "resources": (
            "Requests and limits that every container must have.",
            'resources = ["requests.memory", "limits.memory"]',
        ),
        "usage": ("Share of its limit that a container may use.", 'usage = { memory = "< 90%", cpu = "< 95%" }'),
        "forward": ("Targets reached through the cluster.", 'forward = { database = "svc/postgres:5432" }'),
    }
    | compose.KEYS,
}
