"""Whether a Service leads to a ready container that listens on its port (A46, B2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_prodcheck.criteria.cluster.scene import Scene, some
from pytest_prodcheck.observe.cluster import Object, at, items, labels, name_of, number, text
from pytest_prodcheck.observe.cluster_parts import table, texts
from pytest_prodcheck.observe.cluster_templates import Template
from pytest_prodcheck.observe.finding import Finding

SLICES = "endpointslices.discovery.k8s.io"
_SERVICE = "kubernetes.io/service-name"


def judge(scene: Scene) -> list[Finding]:
    """Services without a ready address, and ports that lead to no container's."""
    found: list[Finding] = []
    counted = ready(scene)
    for service in scene.listed("services"):
        kind = text(service, "spec", "type")
        if kind == "ExternalName":
            continue
        found += _wrong_ports(scene, service)
        if SLICES in scene.cluster.objects:
            found += _without_address(scene, service, *counted.get(name_of(service), (0, 0)))
    return found


def ready(scene: Scene) -> Mapping[str, tuple[int, int]]:
    """Service → how many of its addresses are ready, and how many there are."""
    found: dict[str, tuple[int, int]] = {}
    for one in scene.listed(SLICES):
        service = labels(one, "metadata", "labels").get(_SERVICE, "")
        good, known = found.get(service, (0, 0))
        for endpoint in items(one, "endpoints"):
            addresses = len(texts(endpoint, "addresses"))
            # an absent `ready` is to be read as true (discovery/v1, EndpointConditions)
            good += addresses if at(endpoint, "conditions", "ready") is not False else 0
            known += addresses
        found[service] = good, known
    return found


def selected(scene: Scene, service: Object) -> list[Template]:
    """The templates whose pods the service selects."""
    wanted = table(service, "spec", "selector").items()
    return [one for one in scene.templates() if wanted <= one.labels.items()] if wanted else []


def _without_address(scene: Scene, service: Object, good: int, all_of_them: int) -> Iterator[Finding]:
    name, picked = name_of(service), selected(scene, service)
    selector = table(service, "spec", "selector")
    if good or at(service, "spec", "publishNotReadyAddresses") is True:
        return
    if picked and all(_said_of_itself(scene, one) for one in picked):
        return
    shown = ",".join(f"{key}={value}" for key, value in selector.items())
    near = _nearest(scene, selector) if not picked and selector else ""
    why = f"{all_of_them} pods are there, none is ready" if all_of_them else "no pod is there"
    if selector and not picked:
        why = f"its selector {shown} matches no workload" + (f"; {near}" if near else "")
    elif picked and not any(one.replicas for one in picked):
        why = f"{some([one.shown for one in picked])} is scaled to zero"
    elif not selector:
        why = "it has no selector, and nobody gave it addresses"
    yield scene.found(
        "cluster.service.no_endpoints", f"service {name} has no ready endpoint: {why}", f"service/{name}",
        seen=f"0 of {all_of_them} ready", promised=">= 1 ready",
        remedy=(f"correct the selector of service {name}" if selector and not picked else
                f"see why the pods of {some([one.shown for one in picked]) or name} are not ready"),
        next=scene.kubectl("get endpointslices -l", f"{_SERVICE}={name}"),
        data={"service": name, "workload": next((one.shown for one in picked), ""), "selected": bool(picked),
              "addresses": all_of_them},
    )  # fmt: skip


def _said_of_itself(scene: Scene, template: Template) -> bool:
    """A Job's pods serve nobody; that a promised workload has no replicas is judged with its rollout."""
    promised = (*scene.promised.deployments, *scene.promised.statefulsets)
    return not template.serves or (not template.replicas and template.shown.rpartition("/")[2] in promised)


def _nearest(scene: Scene, selector: Object) -> str:
    """The workload whose labels are spelt most like the selector."""
    from difflib import get_close_matches

    for key, value in selector.items():
        carried = {one.labels.get(key, ""): one for one in scene.templates() if one.serves}
        for close in get_close_matches(str(value), [label for label in carried if label], n=1, cutoff=0.7):
            return f"{carried[close].shown} carries {key}={close}"
    return ""


def _wrong_ports(scene: Scene, service: Object) -> Iterator[Finding]:
    name = name_of(service)
    for template in selected(scene, service):
        declared = template.ports()
        for port in items(service, "spec", "ports"):
            wanted = _wanted(port)
            if not declared or _listens(wanted, text(port, "protocol") or "TCP", declared):
                continue  # containers need not declare ports: without any, nothing is known
            listed = some([f"{number} ({named})" if named else str(number) for _, named, number, _ in declared])
            container = declared[0][0]
            yield scene.found(
                "cluster.service.port_mismatch",
                f"service {name} targets port {wanted}, {container} of {template.shown} listens on {listed}",
                f"service/{name}", seen=str(wanted), promised=listed,
                severity="error" if isinstance(wanted, str) or template.serves else "warning",
                remedy=f"set targetPort of service {name} to one of {listed}",
                next=scene.kubectl("get service -o yaml", name),
                data={"service": name, "workload": template.shown, "container": container,
                      "service_port": number(port, "port"), "target_port": wanted},
            )  # fmt: skip


def _wanted(port: Object) -> str | int:
    """`targetPort`, or the port itself where there is none."""
    target = port.get("targetPort")
    if isinstance(target, str) and target:
        return int(target) if target.isdecimal() and len(target) < 6 else target
    return number(port, "targetPort") or number(port, "port")


def _listens(wanted: str | int, protocol: str, declared: list[tuple[str, str, int, str]]) -> bool:
    return any(
        wanted == (named if isinstance(wanted, str) else number) and protocol == spoken
        for _, named, number, spoken in declared
    )


def ports(service: Object) -> Mapping[str | int, Object]:
    """Name and number of each port of a service → the port."""
    listed = items(service, "spec", "ports")
    return {key: one for one in listed for key in (text(one, "name"), number(one, "port")) if key}
