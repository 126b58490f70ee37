"""RBAC rules as YAML: the one that is missing, and all that a configuration needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pytest_prodcheck.observe.cluster_needs import RESOURCES, Need, merged

NAME = "prodcheck-reader"


def rule(resource: str, verb: str, names: Iterable[str] = ()) -> str:
    """One rule, as it is pasted into a Role: `- {apiGroups: [""], resources: [secrets], verbs: [get]}`."""
    plural, _, group = resource.partition(".")
    only = f", resourceNames: [{', '.join(names)}]" if names else ""
    return f'- {{apiGroups: ["{group}"], resources: [{plural}]{only}, verbs: [{verb}]}}'


def roles(needs: Iterable[Need], namespace: str) -> Iterator[str]:
    """The lines of the Roles, one a namespace, and of the ClusterRole where something lies in none."""
    places: dict[str, list[str]] = {}
    for (place, resource), verbs in merged(needs).items():
        where = "" if not _namespaced(resource) else place or namespace
        places.setdefault(where, []).extend(_rules(resource, verbs))
    for where, rules in places.items():
        kind = (
            f"Role\nmetadata: {{name: {NAME}, namespace: {where}}}"
            if where
            else f"ClusterRole\nmetadata: {{name: {NAME}}}"
        )
        yield "---"
        yield "apiVersion: rbac.authorization.k8s.io/v1"
        yield f"kind: {kind}"
        yield "rules:"
        yield from sorted(rules)


def _namespaced(resource: str) -> bool:
    """A GET of a namespace is permitted by a Role in it."""
    return resource == "namespaces" or resource not in RESOURCES or RESOURCES[resource].namespaced


def _rules(resource: str, verbs: Mapping[str, tuple[str, ...]]) -> list[str]:
    everything = [verb for verb, names in verbs.items() if not names]
    rules = [rule(resource, ", ".join(sorted(everything)))] if everything else []
    return rules + [rule(resource, verb, names) for verb, names in verbs.items() if names]
