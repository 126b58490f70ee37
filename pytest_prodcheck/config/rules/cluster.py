"""What must hold between the keys of a cluster."""

from __future__ import annotations

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.config.rules import compose
from pytest_prodcheck.config.rules.checked import Checked, refuse_blank
from pytest_prodcheck.config.secrecy import REFERENCE

_PART = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = compiled(_PART)
"""A label of RFC 1123, as the API server takes the names of namespaces."""
_NAME = compiled(rf"(?=.{{1,253}}$){_PART}(\.{_PART})*")
"""A subdomain of RFC 1123, as it takes those of objects."""
_NO_NAME = "no name of an object: small letters, digits, - and . (RFC 1123)"
_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
_SELECTOR = compiled(
    rf"!?{_LABEL}(\s*(=|==|!=)\s*({_LABEL})?|\s+(not)?in\s*\([^()]*\))?"
    rf"(\s*,\s*!?{_LABEL}(\s*(=|==|!=)\s*({_LABEL})?|\s+(not)?in\s*\([^()]*\))?)*"
)
_PLACE = compiled(r"(svc|service|pod|deployment|statefulset)/[a-z0-9]([-a-z0-9.]*[a-z0-9])?:[a-z0-9-]{1,15}")
_FORWARDED = ("http", "graphql", "database")
_NAMED = ("deployments", "statefulsets", "daemonsets", "jobs", "cronjobs", "secrets", "configmaps", "certificates",
          "external_secrets")  # fmt: skip


def check(checked: Checked, path: KeyPath, target: ClusterTarget) -> None:
    """Adds a problem for each key that promises nothing, or names what no API server could have."""
    add = checked.problems.add
    if "latency" in target.model_fields_set:
        add((*path, "latency"), "a cluster has no latency limit: its API server's time is not the system's")
    if "compose" in target.model_fields_set:
        compose.check(checked, path, target)
        return
    compose.refuse(checked, path, target)
    for name in ("context", "kubeconfig", "namespace", "selector"):
        refuse_blank(path, target, name, f"{name} is empty", checked.problems)
    if target.argocd is not None:
        refuse_blank((*path, "argocd"), target.argocd, "revision", "revision names none", checked.problems)
    _way_in(checked, path, target)
    for key in _NAMED:
        for name in getattr(target, key):
            if not _NAME.fullmatch(name):
                add((*path, key, name), _NO_NAME)
    _deployers(checked, path, target)
    if target.selector and not REFERENCE.fullmatch(target.selector) and not _SELECTOR.fullmatch(target.selector):
        add((*path, "selector"), "no label selector", 'selector = "app=plan-app"')
    _promises(checked, path, target)
    _forwards(checked, path, target)


def _deployers(checked: Checked, path: KeyPath, target: ClusterTarget) -> None:
    """Who deploys the system, and the namespaces of all of it."""
    names = [("argocd", "application", target.argocd.application)] if target.argocd else []
    names += [("helm", "release", target.helm.release)] if target.helm else []
    for table, key, name in names:
        if not REFERENCE.fullmatch(name) and not _NAME.fullmatch(name):
            checked.problems.add((*path, table, key), _NO_NAME)
    namespaces: list[tuple[KeyPath, str]] = [((*path, "namespace"), target.namespace)]
    namespaces += [((*path, "argocd", "namespace"), target.argocd.namespace)] if target.argocd else []
    namespaces += [((*path, "helm", "namespace"), target.helm.namespace)] if target.helm else []
    for where, name in namespaces:
        if name and not REFERENCE.fullmatch(name) and not _NAMESPACE.fullmatch(name):
            text = "no name of a namespace: at most 63 small letters, digits and - (RFC 1123)"
            checked.problems.add(where, text, 'namespace = "plan-prod"')


def _way_in(checked: Checked, path: KeyPath, target: ClusterTarget) -> None:
    if target.in_cluster and (target.context or target.kubeconfig):
        text = "a pod's own service account needs neither a context nor a kubeconfig"
        checked.problems.add((*path, "in_cluster"), text, "in_cluster = true")
    if "in_cluster" in target.model_fields_set and not (target.in_cluster or target.context or target.kubeconfig):
        checked.problems.add((*path, "in_cluster"), "says no way to the API server", 'context = "staging"')


def _promises(checked: Checked, path: KeyPath, target: ClusterTarget) -> None:
    add = checked.problems.add
    for key in ("deployments", "statefulsets"):
        for name, promised in getattr(target, key).items():
            limit = grammar.comparison(promised) if isinstance(promised, str) else None
            if limit is not None and limit.holds(0):
                add((*path, key, name), "a promise that no pod at all keeps", f'{key} = {{ {name} = ">= 1" }}')
    known = {name for names in target.workloads.values() for name in names}
    for name, image in target.images.items():
        if name.partition("/")[0] not in known:
            text = f"images names no declared workload{nearest(name.partition('/')[0], known)}"
            add((*path, "images", name), text, 'images = { plan-app = "images.example/plan-app:1.4.2" }')
        if not image.strip():
            add((*path, "images", name), "names no image", 'plan-app = "images.example/plan-app:1.4.2"')
    for key in ("secrets", "configmaps"):
        for name, wanted in getattr(target, key).items():
            if not wanted:
                add((*path, key, name), f"{key}.{name} names no key", f'{key} = {{ {name} = ["KEY"] }}')


def _forwards(checked: Checked, path: KeyPath, target: ClusterTarget) -> None:
    """What is forwarded leads to a target whose address may change: an issuer's is compared letter by letter."""
    environment = checked.environment
    reached = [name for name, table in environment.targets.items() if name.partition(".")[0] in _FORWARDED]
    for name, place in target.forward.items():
        if name not in reached:
            text = f"forward names no target that can be reached so{nearest(name, reached)}"
            checked.problems.add((*path, "forward", name), text, 'forward = { database = "svc/postgres:5432" }')
        elif not _PLACE.fullmatch(place):
            text = f"not a place to forward to: {place!r}"
            checked.problems.add((*path, "forward", name), text, f'forward = {{ {name} = "svc/postgres:5432" }}')
    if target.forward and target.in_cluster:
        checked.problems.add((*path, "forward"), "a pod reaches the service itself: leave forward out")
