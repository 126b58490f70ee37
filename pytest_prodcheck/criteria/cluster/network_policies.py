"""NetworkPolicies that keep out everybody, or keep in who must reach a service (A10, R2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
_NAMES = 53

_Client = tuple[Template, str]
"""A workload, and the variable of it that names a service."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One end of a connection within the namespace."""

    template: Template
    ports: tuple[tuple[str, int, str], ...]
    """Name, number and protocol of what its services lead to; empty for unknown."""


def judge(scene: Scene) -> list[Finding]:
    """Judged within the namespace: what a rule says of other namespaces or addresses admits somebody."""
    found: list[Finding] = []
    named = _mentioned(scene)
    for service in scene.listed("services") if scene.listed(POLICIES) else ():
        for template in services.selected(scene, service):
            if template.serves:
                ports = tuple((named, number, spoken) for _, named, number, spoken in template.ports())
                clients = named.get(name_of(service), ())
                found += _of_way(scene, service, _Way(template, _wanted(service, ports)), clients)
    kept = {one.data["client"] for one in found}
    for client in {one.shown: one for clients in named.values() for one, _ in clients}.values():
        if client.shown not in kept:
            found += _of_names(scene, client)
    return list({(one.code, one.message): one for one in found}.values())


def _of_names(scene: Scene, client: Template) -> Iterator[Finding]:
    """A workload that names a service, and whose policies let it ask no name service: it reaches nothing by a name."""
    outward = _policies(scene, client, "Egress")
    rules = [rule for one in outward for rule in items(one, "spec", "egress")]
    if not outward or any(_resolves(rule) for rule in rules):
        return
    names = [name_of(one) for one in outward]
    yield scene.found(
        "cluster.network.blocked",
        f"NetworkPolicy {some(names)} keeps {client.shown} from the name service (port 53): it resolves no name",
        f"networkpolicy/{names[0]}", seen="port 53 is not admitted", promised="names of services resolve",
        remedy=f"let NetworkPolicy {names[0]} admit UDP and TCP port 53 to the name service's namespace",
        next=scene.kubectl("describe networkpolicy", *names[:1]),
        data={"policy": names[0], "policies": names, "client": client.shown, "service": "the name service"},
    )  # fmt: skip


def _resolves(rule: Object) -> bool:
    """Whether a rule lets out what asks for names. The name service lies in another namespace: pods of one's own are
    none, wherever the namespace is not that one."""
    ports = items(rule, "ports")
    if ports and not any(_matches(one, "dns", _NAMES, "UDP") for one in ports):
        return False
    peers = items(rule, "to")
    return not peers or any("ipBlock" in one or "namespaceSelector" in one for one in peers)


def _wanted(service: Object, declared: tuple[tuple[str, int, str], ...]) -> tuple[tuple[str, int, str], ...]:
    """The container ports that the service leads to."""
    targets = {one.get("targetPort") or one.get("port") for one in items(service, "spec", "ports")}
    return tuple(port for port in declared if port[0] in targets or port[1] in targets) or declared


def _of_way(scene: Scene, service: Object, way: _Way, clients: Sequence[_Client]) -> Iterator[Finding]:
    inward = _policies(scene, way.template, "Ingress")
    rules = [rule for one in inward for rule in items(one, "spec", "ingress")]
    others = [one for one in scene.templates() if one.shown != way.template.shown]
    closed = bool(inward) and not any(_admits(rule, "from", others, way) for rule in rules)
    if closed:
        yield _finding(scene, service, inward, way, f"selects {way.template.shown} and admits nobody", "")
    for client, variable in clients if way.ports else ():
        if client.shown == way.template.shown:
            continue
        outward = _policies(scene, client, "Egress")
        allowed = [rule for one in outward for rule in items(one, "spec", "egress")]
        if outward and not any(_admits(rule, "to", [way.template], way) for rule in allowed):
            words = f"keeps {client.shown} from {way.template.shown}, which its {variable} names"
            yield _finding(scene, service, outward, way, words, client.shown)
        elif inward and not closed and not any(_admits(rule, "from", [client], way) for rule in rules):
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


def _mentioned(scene: Scene) -> Mapping[str, Sequence[_Client]]:
    """Service → the workloads that have it as the host in a literal or a ConfigMap's value, each once."""
    found: dict[str, dict[str, _Client]] = {}
    for client in scene.templates():
        for _, spec in client.containers():
            for variable, services_named in _hosts(scene, spec):
                for service in services_named:
                    found.setdefault(service, {}).setdefault(client.shown, (client, variable))
    return {service: tuple(clients.values()) for service, clients in found.items()}


def _hosts(scene: Scene, spec: Object) -> Iterator[tuple[str, Sequence[str]]]:
    """Variable → the services that its value names."""
    maps = scene.cluster.configmaps
    for one in items(spec, "env"):
        wanted = table(one, "valueFrom", "configMapKeyRef")
        holder = maps.get(text(wanted, "name"))
        value = holder.keys.get(text(wanted, "key")) if holder else None
        yield text(one, "name"), value.services if value else texts(one, "services")
    for one in items(spec, "envFrom"):
        holder = maps.get(text(one, "configMapRef", "name"))
        for key, value in holder.keys.items() if holder else ():
            yield key, value.services


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
