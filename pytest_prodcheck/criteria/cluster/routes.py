"""Whether what the outside asks for leads to a Service and its port: Ingress and Gateway API routes (A46)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria.cluster import services
from pytest_prodcheck.criteria.cluster.scene import Scene, reason, some
from pytest_prodcheck.observe.cluster import Object, items, name_of, number, text
from pytest_prodcheck.observe.cluster_parts import condition, table, texts
from pytest_prodcheck.observe.finding import Finding

INGRESSES = "ingresses.networking.k8s.io"
HTTP_ROUTES = "httproutes.gateway.networking.k8s.io"
GATEWAYS = "gateways.gateway.networking.k8s.io"
_Backend = tuple[str, str, str | int]
"""Where it is asked for, the service, its port by name or number."""


def judge(scene: Scene) -> list[Finding]:
    """Backends that are not there, ports that their Service does not have, routes and gateways that are refused."""
    found: list[Finding] = []
    for ingress in scene.listed(INGRESSES):
        subject = f"ingress/{name_of(ingress)}"
        for backend in dict.fromkeys(_of_ingress(ingress)):
            found += _judged(scene, subject, backend)
    for route in scene.listed(HTTP_ROUTES):
        subject = f"httproute/{name_of(route)}"
        for backend in dict.fromkeys(_of_route(scene, route)):
            found += _judged(scene, subject, backend)
        found += _refused(scene, route)
    return [*found, *(finding for one in scene.listed(GATEWAYS) for finding in _unprogrammed(scene, one))]


def _of_ingress(ingress: Object) -> Iterator[_Backend]:
    default = table(ingress, "spec", "defaultBackend", "service")
    if default:
        yield "*", text(default, "name"), _port(table(default, "port"))
    for rule in items(ingress, "spec", "rules"):
        host = text(rule, "host") or "*"
        for path in items(rule, "http", "paths"):
            service = table(path, "backend", "service")
            if service:
                where = host + (text(path, "path") or "/")
                yield where, text(service, "name"), _port(table(service, "port"))


def _of_route(scene: Scene, route: Object) -> Iterator[_Backend]:
    hosts = some(texts(route, "spec", "hostnames")) or "*"
    for rule in items(route, "spec", "rules"):
        path = next((text(one, "path", "value") for one in items(rule, "matches")), "") or "/"
        for backend in items(rule, "backendRefs"):
            foreign = text(backend, "namespace") not in ("", scene.cluster.namespace)
            if not foreign and text(backend, "kind") in ("", "Service") and backend.get("weight") != 0:
                yield hosts + path, text(backend, "name"), number(backend, "port")


def _port(port: Object) -> str | int:
    return text(port, "name") or number(port, "number")


def _judged(scene: Scene, subject: str, backend: _Backend) -> Iterator[Finding]:
    if "services" not in scene.cluster.objects:
        return
    where, name, port = backend
    service = next((one for one in scene.listed("services") if name_of(one) == name), None)
    facts, look = {"service": name, "route": where}, scene.kubectl("get -o yaml", subject)
    if service is None:
        known = some([name_of(one) for one in scene.listed("services")], 5)
        yield scene.found(
            "cluster.route.backend_missing", f"{subject} sends {where} to service {name}, which does not exist",
            subject,
            seen=known or "no service", promised=f"service {name}",
            remedy=f"create service {name}, or name one that is there: {known or 'there is none'}",
            next=look, data=facts,
        )  # fmt: skip
    elif port and port not in services.ports(service):
        listed = some([str(one) for one in services.ports(service)], 5)
        yield scene.found(
            "cluster.route.port_missing",
            f"{subject} sends {where} to port {port} of service {name}, which has {listed or 'none'}", subject,
            seen=listed, promised=str(port), remedy=f"name a port that service {name} has: {listed}",
            next=look, data=facts,
        )  # fmt: skip


def _refused(scene: Scene, route: Object) -> Iterator[Finding]:
    name = name_of(route)
    for parent in items(route, "status", "parents"):
        for one in items(parent, "conditions"):
            kind = text(one, "type")
            if kind in ("Accepted", "ResolvedRefs") and text(one, "status") == "False":
                gateway = text(parent, "parentRef", "name")
                yield scene.found(
                    "cluster.route.not_accepted",
                    f"gateway {gateway} does not take httproute {name}: {reason(one)}",
                    f"httproute/{name}", seen=f"{kind}=False", promised=f"{kind}=True",
                    remedy=f"correct httproute {name}, or let gateway {gateway} allow it",
                    next=scene.kubectl("describe httproute", name), data={"reason": text(one, "reason")},
                )  # fmt: skip


def _unprogrammed(scene: Scene, gateway: Object) -> Iterator[Finding]:
    name = name_of(gateway)
    for kind in ("Accepted", "Programmed"):
        one = condition(gateway, kind)
        if text(one, "status") == "False":
            yield scene.found(
                "cluster.route.not_accepted",
                f"gateway {name} is not {kind.lower()}: {reason(one)}", f"gateway/{name}",
                seen=f"{kind}=False", promised=f"{kind}=True",
                remedy=f"see the controller of gateway {name} ({text(gateway, 'spec', 'gatewayClassName')})",
                next=scene.kubectl("describe gateway", name), data={"reason": text(one, "reason")},
            )  # fmt: skip
            return
