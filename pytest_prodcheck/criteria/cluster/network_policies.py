"""NetworkPolicies that keep out everybody, or keep in who must reach a service (A10, R2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_prodcheck.criteria.cluster import services
from pytest_prodcheck.criteria.cluster.scene import Scene, some
from pytest_prodcheck.observe.cluster import Object, items, name_of, number, text
from pytest_prodcheck.observe.cluster_parts import selects, table, texts
from pytest_prodcheck.observe.cluster_templates import Template
from pytest_prodcheck.observe.finding import Finding

POLICIES = "networkpolicies.networking.k8s.io"
_DATABASE = frozenset({5432, 6432})
"""Ports of PostgreSQL and PgBouncer: what is kept from them is a cause of the database's layer (R2)."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One end of a connection within the namespace."""

    template: Template
    ports: tuple[tuple[str, int, str], ...]
    """Name, number and protocol of what its services lead to; empty for unknown."""


def judge(scene: Scene) -> list[Finding]:
    """Judged within the namespace: what a rule says of other namespaces or addresses admits somebody."""
    found: list[Finding] = []
    for service in scene.listed("services"):
        for template in services.selected(scene, service):
            if template.serves:
                ports = tuple((named, number, spoken) for _, named, number, spoken in template.ports())
                found += _of_way(scene, service, _Way(template, _wanted(service, ports)))
    return list({(one.code, one.message): one for one in found}.values())


def _wanted(service: Object, declared: tuple[tuple[str, int, str], ...]) -> tuple[tuple[str, int, str], ...]:
    """The container ports that the service leads to."""
    targets = {one.get("targetPort") or one.get("port") for one in items(service, "spec", "ports")}
    return tuple(port for port in declared if port[0] in targets or port[1] in targets) or declared


def _of_way(scene: Scene, service: Object, way: _Way) -> Iterator[Finding]:
    inward = _policies(scene, way.template, "Ingress")
    rules = [rule for one in inward for rule in items(one, "spec", "ingress")]
    others = [one for one in scene.templates() if one.shown != way.template.shown]
    closed = bool(inward) and not any(_admits(rule, "from", others, way) for rule in rules)
    if closed:
        yield _finding(scene, service, inward, way, f"selects {way.template.shown} and admits nobody", "")
    for client in others if way.ports else ():
        outward = _policies(scene, client, "Egress")
        allowed = [rule for one in outward for rule in items(one, "spec", "egress")]
        variable = _mentions(scene, client, name_of(service))
        if outward and variable and not any(_admits(rule, "to", [way.template], way) for rule in allowed):
            words = f"keeps {client.shown} from {way.template.shown}, which its {variable} names"
            yield _finding(scene, service, outward, way, words, client.shown)
        elif inward and variable and not closed and not any(_admits(rule, "from", [client], way) for rule in rules):
            words = f"selects {way.template.shown} and does not admit {client.shown}, whose {variable} names it"
            yield _finding(scene, service, inward, way, words, client.shown)


def _policies(scene: Scene, template: Template, direction: str) -> list[Object]:
    """The policies that isolate a template's pods in that direction."""
    return [
        one
        for one in scene.listed(POLICIES)
        if selects(table(one, "spec", "podSelector"), template.labels)
        and direction in (texts(one, "spec", "policyTypes") or ["Ingress"])
    ]


def _admits(rule: Object, side: str, ends: Sequence[Template], way: _Way) -> bool:
    if not _opens(items(rule, "ports"), way.ports):
        return False
    peers = items(rule, side)
    if not peers:
        return True
    for peer in peers:
        if "ipBlock" in peer or "namespaceSelector" in peer:
            return True
        if any(selects(table(peer, "podSelector"), end.labels) for end in ends):
            return True
    return False


def _opens(rules: Sequence[Object], ports: Sequence[tuple[str, int, str]]) -> bool:
    """Whether one of the ports may be reached; without rules, or where no port is known, all may."""
    if not rules or not ports:
        return True
    return any(_matches(rule, *port) for rule in rules for port in ports)


def _matches(rule: Object, named: str, wanted: int, protocol: str) -> bool:
    port, last = rule.get("port"), number(rule, "endPort")
    if (text(rule, "protocol") or "TCP") != protocol:
        return False
    if port is None or port in (named, wanted):
        return True
    return isinstance(port, int) and bool(last) and port <= wanted <= last


def _mentions(scene: Scene, client: Template, service: str) -> str:
    """The variable of a workload whose literal or ConfigMap value has the service as its host; empty for none."""
    maps = scene.cluster.configmaps
    for _, spec in client.containers():
        for one in items(spec, "env"):
            wanted = table(one, "valueFrom", "configMapKeyRef")
            holder = maps.get(text(wanted, "name"))
            value = holder.keys.get(text(wanted, "key")) if holder else None
            if service in (value.services if value else texts(one, "services")):
                return text(one, "name")
        for one in items(spec, "envFrom"):
            holder = maps.get(text(one, "configMapRef", "name"))
            for key, value in holder.keys.items() if holder else ():
                if service in value.services:
                    return key
    return ""


def _finding(scene: Scene, service: Object, policies: Sequence[Object], way: _Way, words: str, client: str) -> Finding:
    names = [name_of(one) for one in policies]
    numbers = [number for _, number, _ in way.ports]
    database = not _DATABASE.isdisjoint(numbers)
    to = f" (port {some([str(number) for number in numbers])})" if numbers else ""
    return scene.found(
        "database.network.blocked_from_cluster" if database else "cluster.network.blocked",
        f"NetworkPolicy {some(names)} {words}{to}", f"networkpolicy/{names[0]}",
        seen=f"{client} is not admitted" if client else "nobody is admitted",
        promised=f"who uses service {name_of(service)} is admitted",
        remedy=f"let NetworkPolicy {names[0]} admit {client or 'the pods that use ' + name_of(service)}",
        next=scene.kubectl("describe networkpolicy", *names[:1]),
        data={"policy": names[0], "policies": names, "workload": way.template.shown, "client": client,
              "service": name_of(service)},
    )  # fmt: skip
