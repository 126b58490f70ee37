"""Records what the real API server says, healthy and in each scenario: `python tests/cluster/record.py [SCENARIO...]`.

Starts the lab (see `lab/README.md`), makes the scenarios, asks as the gate's reader does, and writes the healthy
deployment, where all are recorded, and each scenario's difference to it, where the demo
(`pytest_prodcheck/demo/cluster`) and the tests (`tests/cluster/recorded`) serve them.
"""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from keeping import Recording, Resources, difference, kept
from lab_admin import LabError, path
from scenario import HEALTHY, NOTHING, Scenario, Stage, scenarios

from pytest_prodcheck.demo.cluster.answers import status
from pytest_prodcheck.demo.faults import FAULTS

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "pytest_prodcheck" / "demo" / "cluster"
TESTS = HERE / "recorded"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
NAMESPACED = (
    "pods", "services", "endpointslices", "configmaps", "secrets", "events", "persistentvolumeclaims",
    "serviceaccounts", "resourcequotas", "limitranges", "deployments", "statefulsets", "daemonsets", "replicasets",
    "controllerrevisions", "jobs", "cronjobs", "ingresses", "networkpolicies", "poddisruptionbudgets",
    "horizontalpodautoscalers", "certificates",
)  # fmt: skip
SHARED = ("nodes", "persistentvolumes", "namespaces")
NOT_INSTALLED = ("externalsecrets", "secretstores", "gateways", "httproutes")
READERS = ("narrow", "nobody")


class Reader:
    """Asks the API server with the token of a kubeconfig."""

    def __init__(self, kubeconfig: str) -> None:
        config = yaml.safe_load(Path(kubeconfig).read_text("utf-8"))
        cluster = config["clusters"][0]["cluster"]
        self.server = cluster["server"].removeprefix("https://")
        self.token = config["users"][0]["user"]["token"]
        authority = base64.b64decode(cluster.get("certificate-authority-data", "")).decode()
        self.context = ssl.create_default_context(cafile=cluster.get("certificate-authority"), cadata=authority or None)

    def get(self, where: str, accept: str = "application/json") -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPSConnection(self.server, context=self.context, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept, "User-Agent": "prodcheck-record"}
        connection.request("GET", where, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def json(self, where: str, accept: str = "application/json") -> dict[str, Any]:
        """The decoded answer of a request that must succeed."""
        code, content = self.get(where, accept)
        decoded: dict[str, Any] = json.loads(content)
        if code != 200:
            raise LabError(where, code, decoded)
        return decoded


def resources(reader: Reader, namespace: str) -> Resources:
    """Everything that the gate reads, as Table and as objects, in the words of the healthy namespace."""
    found: Resources = {}
    for resource in (*NAMESPACED, *SHARED, "applications"):
        where = path(resource, "argocd" if resource == "applications" else namespace)
        listed = reader.json(where)
        rows = listed["items"]
        table = reader.json(f"{where}?includeObject=None", TABLE)
        pairs = enumerate(zip(table["rows"] or (), rows, strict=True))
        objects = {f"{number}": {**row, "object": item} for number, (row, item) in pairs}
        found[resource] = {
            "kind": listed["kind"].removesuffix("List"),
            "columns": table["columnDefinitions"],
            "objects": _ours(resource, objects, namespace),
        }
    renamed: Resources = json.loads(json.dumps(found).replace(namespace, HEALTHY))
    return renamed


def _ours(resource: str, listed: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Without what other scenarios have beside us."""
    if resource == "nodes":
        return dict(listed)
    mine = {"namespaces": {namespace}, "persistentvolumes": {f"disk-{namespace}"}, "applications": {namespace}}
    if resource not in mine:
        return dict(listed)
    return {key: row for key, row in listed.items() if row["object"]["metadata"]["name"] in mine[resource]}


def logs(reader: Reader, found: Resources, namespace: str) -> dict[str, dict[str, Any]]:
    """What each container says, and its predecessor: POD/CONTAINER → status and text, by whether it is `previous`."""
    said: dict[str, dict[str, Any]] = {}
    for row in found["pods"]["objects"].values():
        pod = row["object"]
        for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            name = f"{pod['metadata']['name']}/{container['name']}"
            where = (
                f"{path('pods', namespace)}/{pod['metadata']['name']}/log?container={container['name']}&timestamps=true"
            )
            for key, more in (("now", ""), ("previous", "&previous=true")):
                code, text = reader.get(where + more)
                words = text.decode() if code == 200 else _of_kubelet(pod, container["name"], key)
                said.setdefault(name, {})[key] = {"status": code, "text": words.replace(namespace, HEALTHY)}
    return said


def _of_kubelet(pod: Mapping[str, Any], container: str, key: str) -> str:
    """Why there is no log, as a kubelet says it; the lab's simulated one names a file of its own."""
    name = pod["metadata"]["name"]
    known = {each["name"]: each["state"] for each in pod["status"].get("containerStatuses") or ()}
    reason = known.get(container, {}).get("waiting", {}).get("reason", "ContainerCreating")
    said = f'container "{container}" in pod "{name}" is waiting to start: {reason}'
    if key == "previous":
        said = f'previous terminated container "{container}" in pod "{name}" not found'
    return json.dumps(status(400, "BadRequest", said))


def recording(reader: Reader, namespace: str, settled: datetime.datetime) -> Recording:
    """What the gate's reader gets in this namespace, fit to be kept."""
    now = datetime.datetime.now(datetime.UTC)
    found = resources(reader, namespace)
    return kept({"resources": found, "logs": logs(reader, found, namespace)}, settled, now)


def refusals(facts: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """By account: what the API server says of each resource that the account may not list."""
    found: dict[str, dict[str, str]] = {}
    for account in READERS:
        reader = Reader(facts[f"kubeconfig_{account}"])
        for resource in (*NAMESPACED, *SHARED, *NOT_INSTALLED, "applications"):
            code, content = reader.get(path(resource, "argocd" if resource == "applications" else HEALTHY))
            if code == 403:
                found.setdefault(account, {})[resource] = json.loads(content)["message"]
        code, content = reader.get(f"{path('pods', HEALTHY)}/postgres-0/log?container=postgres")
        if code == 403:
            found[account]["pods/log"] = json.loads(content)["message"]
    return found


def record(facts: Mapping[str, Any], chosen: Sequence[Scenario]) -> None:
    """Writes the healthy deployment and the difference of each scenario."""
    stage, reader = Stage(facts), Reader(facts["kubeconfig_reader"])
    together = [scenario for scenario in chosen if not scenario.alone]
    stage.healthy([NOTHING, *together])
    settled = datetime.datetime.now(datetime.UTC)
    base = recording(reader, HEALTHY, settled)
    if len(chosen) < len(scenarios()):  # what is kept of the others is the difference to the one that is there
        base = json.loads((DEMO / "healthy.json").read_text("utf-8"))
    else:
        write(DEMO / "healthy.json", {**base, "version": reader.json("/version"), "refused": refusals(facts)})
    stage.happen(together)
    for scenario in together:
        keep(scenario, difference(base, recording(reader, scenario.namespace, settled)))
    for scenario in chosen:
        if scenario.alone:
            stage.healthy([scenario])
            settled = datetime.datetime.now(datetime.UTC)
            stage.do(scenario, scenario.steps)
            keep(scenario, difference(base, recording(reader, scenario.namespace, settled)))
            stage.do(scenario, scenario.heal)


def keep(scenario: Scenario, changes: Recording) -> None:
    """Writes one scenario's difference: with the demo where a fault of the demo shows it."""
    shown = scenario.name in FAULTS and FAULTS[scenario.name].layer in ("cluster", "logs")
    folder = DEMO / "faults" if shown else TESTS
    write(folder / f"{scenario.name}.json", changes)


def write(file: Path, content: Mapping[str, Any]) -> None:
    """One object a line, so that a change can be read. Raises ValueError where a secret of the lab would be kept."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if "canary" in text:
        raise ValueError(f"{file.name}: a secret value is in it")
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.replace('"object":{', '"object":\n{') + "\n", encoding="utf-8")


@contextmanager
def lab() -> Iterator[Mapping[str, Any]]:
    """A lab of our own, as the line of JSON that it says about itself."""
    started = subprocess.run([str(HERE / "lab" / "start"), "--detach"], stdout=subprocess.PIPE, text=True, check=True)
    facts: dict[str, Any] = json.loads(started.stdout)
    try:
        yield facts
    finally:
        subprocess.run([str(HERE / "lab" / "stop"), facts["dir"]], check=True)


def main(names: Sequence[str]) -> None:
    """The command."""
    known = scenarios()
    with lab() as facts:
        record(facts, [known[name] for name in names] or list(known.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
