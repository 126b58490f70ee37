"""Scenarios on the lab: each in a namespace of its own, with the healthy deployment and then what was done to it."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from lab_admin import UNSCOPED, Admin, Json, LabError, path, until
from plan_tls import pair

HERE = Path(__file__).parent
PLAN = HERE / "lab" / "plan"
HEALTHY = "plan-prod"
"""The namespace of the healthy deployment; in the files of `lab/plan` and in steps it stands for the scenario's own."""
PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}
KINDS = {
    "pods": {"apiVersion": "v1", "kind": "Pod"},
    "horizontalpodautoscalers": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"},
}
"""What an event is about, by resource: the items of a list do not say it."""
AT_ONCE = 8


@dataclass(frozen=True)
class Scenario:
    """One row of `scenarios.yaml`."""

    name: str
    does: str
    steps: Sequence[Mapping[str, Any]]
    causes: Sequence[str]
    alone: bool = False
    """It hurts what all namespaces share, and is undone by `heal`."""
    heal: Sequence[Mapping[str, Any]] = ()
    promises: str = ""
    """TOML below the cluster's table, beside what all scenarios promise."""
    environment: str = ""
    """TOML of the environment itself."""
    options: Sequence[str] = ()
    """Of the gate's command."""
    accept: Sequence[str | Sequence[str]] = ()
    """A code, or several, that are right as well in the place of the causes: some depend on how long ago it began."""

    @property
    def namespace(self) -> str:
        """Where it is on the lab."""
        return f"plan-{self.name}" if self.name else HEALTHY


NOTHING = Scenario("", "nothing: the healthy deployment", (), ())


def scenarios() -> dict[str, Scenario]:
    """All rows, by name."""
    rows = yaml.safe_load((HERE / "scenarios.yaml").read_text("utf-8"))
    return {row["name"]: Scenario(**{"steps": (), "causes": (), **row}) for row in rows}


def stamp(days: float = 0, seconds: float = 0) -> str:
    """A moment before or after now, as Kubernetes writes it."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days, seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def filled(value: Any, namespace: str) -> Any:
    """A manifest or a step with the scenario's namespace and times in it."""
    text = json.dumps(value).replace(HEALTHY, namespace).replace("@NOW@", stamp())
    text = re.sub(r"@SECONDS([+-]\d+)@", lambda found: stamp(seconds=int(found[1])), text)
    return json.loads(re.sub(r"@DAYS([+-]\d+)@", lambda found: stamp(days=int(found[1])), text))


def resource(item: Json) -> str:
    """`statefulsets` for a StatefulSet."""
    kind: str = item["kind"]
    return PLURALS.get(kind, f"{kind.lower()}s")


class Stage:
    """The lab with its scenarios on it."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts, self.admin = facts, Admin(facts)
        self.logs = Path(facts["logs"])

    def healthy(self, scenarios: Sequence[Scenario]) -> None:
        """Makes the healthy deployment in the namespace of each, side by side; ends when all are ready."""
        for file in sorted((HERE / "lab" / "logs").iterdir()):
            (self.logs / file.name).write_text(stamped(file.read_text("utf-8"), 5))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._deploy, [each.namespace for each in scenarios]))
            list(pool.map(self._await_ready, [each.namespace for each in scenarios]))

    def happen(self, scenarios: Sequence[Scenario]) -> None:
        """Does what the scenarios say, side by side; ends when it can be seen."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda each: self.do(each, each.steps), scenarios))

    def do(self, scenario: Scenario, steps: Sequence[Mapping[str, Any]]) -> None:
        """The steps of one scenario, in turn."""
        for step in filled(list(steps), scenario.namespace):
            for verb, said in step.items():
                try:
                    getattr(self, f"_{verb}")(scenario.namespace, **said)
                except (LabError, TimeoutError) as error:
                    raise RuntimeError(f"scenario {scenario.name}: {verb}: {error}") from error

    def _deploy(self, namespace: str) -> None:
        self.admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        until("the service account", partial(self._there, account), 30)
        for file in sorted(PLAN.glob("*.yaml")):
            for item in yaml.safe_load_all(file.read_text("utf-8")):
                self._create(namespace, item=filled(item, namespace))
        self._tls(namespace, start=-1, end=89)

    def _there(self, path: str) -> bool:
        try:
            self.admin.call("GET", path)
        except LabError as error:
            if error.status == 404:
                return False
            raise
        return True

    def _await_ready(self, namespace: str) -> None:
        def ready() -> bool:
            pods = self.admin.list("pods", namespace)
            running = [pod for pod in pods if _is_ready(pod)]
            jobs = self.admin.list("jobs", namespace)
            return len(running) >= 4 and all(job.get("status", {}).get("succeeded") for job in jobs)

        until(f"the healthy deployment in {namespace}", ready, 90)

    # --- steps ---------------------------------------------------------------------------------------------------

    def _create(self, namespace: str, item: Json, within: str = "") -> None:
        kind = resource(item)
        within = "" if kind in UNSCOPED else within or item["metadata"].get("namespace", namespace)
        self.admin.create(kind, within, item)

    def _delete(self, namespace: str, kind: str, name: str) -> None:
        where = f"{path(kind, namespace)}/{name}"
        self.admin.call("DELETE", f"{where}?propagationPolicy=Background&gracePeriodSeconds=0")
        until(f"the end of {where}", lambda: not self._there(where), 30)

    def _patch(self, namespace: str, kind: str, name: str, to: object, within: str = "", status: bool = False) -> None:
        self.admin.patch(kind, within or namespace, name, to, status=status)

    def _rollout(self, namespace: str, of: str = "plan-app", kind: str = "deployments", image: str = "",
                 spec: Mapping[str, Any] | None = None, see: str = "", **kubelet: str) -> None:  # fmt: skip
        """A new pod template; `kubelet` is what its pods shall do, as annotations."""
        containers = [{"name": of, "image": image}] if image else []
        template = {
            "metadata": {"annotations": _annotations(kubelet)},
            "spec": {"containers": containers, **(spec or {})},
        }
        self.admin.patch(kind, namespace, of, {"spec": {"template": template}})
        if kubelet:
            self._see(namespace, of=of, where=see or kubelet.get("waiting") or kubelet.get("exit", " ").split(" ")[-1])

    def _pods(self, namespace: str, of: str = "plan-app", where: str = "", first: bool = False,
              status: Json | None = None, see: str = "", **kubelet: str) -> None:  # fmt: skip
        """What happens to running pods: annotations for the kubelet, or a status that it would report."""
        for pod in self._chosen(namespace, of, where)[: 1 if first else None]:
            name = pod["metadata"]["name"]
            if kubelet:
                self.admin.patch("pods", namespace, name, {"metadata": {"annotations": _annotations(kubelet)}})
            if status is not None:
                said = json.loads(json.dumps(status).replace("@POD@", name))
                self.admin.patch(
                    "pods", namespace, name, said if isinstance(said, list) else {"status": said}, status=True
                )
        if see or "waiting" in kubelet:
            self._see(namespace, of=of, where=see or kubelet["waiting"])

    def _event(self, namespace: str, reason: str, message: str, of: str = "plan-app", where: str = "",
               type: str = "Warning", kind: str = "pods", count: int = 4) -> None:  # fmt: skip
        """An event as the component records it that the lab does not run."""
        for item in self._chosen(namespace, of, where, kind):
            self.admin.create("events", namespace, _event(namespace, kind, item, type, reason, message, count))

    def _log(self, namespace: str, of: str, lines: str = "", where: str = "", begun: bool = False) -> None:
        """What pods say, instead of what their container says in every pod, or, having `begun`, after that; no lines:
        they never started, 400."""
        before = (self.logs / f"{of}.log").read_text("utf-8") if begun else ""
        for pod in self._chosen(namespace, of, where):
            name = pod["metadata"]["name"]
            file = self.logs / f"{namespace}-{name}.log"
            if lines:
                file.write_text(before + stamped(lines, 0.1))
            files = {"containers": [of], "logsFile": str(file), "previousLogsFile": str(file)}
            body = {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Logs", "metadata": {"name": name}}
            self.admin.create("logs", namespace, {**body, "spec": {"logs": [files]}})

    def _see(self, namespace: str, where: str, of: str = "", kind: str = "pods", within: str = "") -> None:
        """Waits until an object of that kind says so, as a regular expression over its JSON."""
        until(f"{where} in {kind} of {namespace}", lambda: bool(self._chosen(within or namespace, of, where, kind)), 40)

    def _tls(self, namespace: str, start: float, end: float, names: Sequence[str] = ()) -> None:
        """The ingress's certificate, valid from `start` to `end` days from now."""
        certificate, key = pair(names or ("plan.example", "hasura.plan.example"), start, end)
        data = {name: base64.b64encode(value).decode() for name, value in (("tls.crt", certificate), ("tls.key", key))}
        item = {"metadata": {"name": "plan-tls"}, "type": "kubernetes.io/tls", "data": data}
        if self._there(f"/api/v1/namespaces/{namespace}/secrets/plan-tls"):
            self.admin.patch("secrets", namespace, "plan-tls", {"data": data})
        else:
            self.admin.create("secrets", namespace, item)

    def _trigger(self, namespace: str, name: str) -> None:
        """The job of a CronJob, as its schedule would make it."""
        cron = self.admin.call("GET", f"{path('cronjobs', namespace)}/{name}")
        owner = {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "name": name,
            "uid": cron["metadata"]["uid"],
            "controller": True,
        }
        metadata = {"name": f"{name}-29400300", "ownerReferences": [owner]}
        self.admin.create("jobs", namespace, {"metadata": metadata, "spec": cron["spec"]["jobTemplate"]["spec"]})

    def _later(self, namespace: str, seconds: float) -> None:
        """Creation times have whole seconds."""
        time.sleep(seconds)

    def _halt(self, namespace: str, part: str) -> None:
        os.kill(self.facts["pids"][part], signal.SIGSTOP)

    def _go_on(self, namespace: str, part: str) -> None:
        os.kill(self.facts["pids"][part], signal.SIGCONT)

    def _chosen(self, namespace: str, of: str, where: str = "", kind: str = "pods") -> list[Json]:
        """Objects by their label `app` (pods) or their name, and by what they say."""
        selector = f"app={of}" if kind == "pods" and of else ""
        found = self.admin.list(kind, "" if kind in UNSCOPED else namespace, selector)
        named = [item for item in found if kind == "pods" or not of or item["metadata"]["name"].startswith(of)]
        return [item for item in named if re.search(where, _text(item))]


def stamped(text: str, every: float) -> str:
    """Lines as a container runtime writes them to its file, one in so many seconds until now."""
    lines, now = text.splitlines(), datetime.datetime.now(datetime.UTC)
    times = [now - datetime.timedelta(seconds=every * (len(lines) - 1 - number)) for number in range(len(lines))]
    return "".join(
        f"{time:%Y-%m-%dT%H:%M:%S.%f}000Z stdout F {line}\n" for time, line in zip(times, lines, strict=True)
    )


def _annotations(kubelet: Mapping[str, str]) -> dict[str, str]:
    return {f"prodcheck-lab/{key}": value for key, value in kubelet.items()}


def _event(namespace: str, resource_name: str, item: Json, kind: str, reason: str, message: str, count: int) -> Json:
    metadata = item["metadata"]
    containers = item["spec"].get("containers", [])
    field = {"fieldPath": f"spec.containers{{{containers[0]['name']}}}"} if containers else {}
    component = "kubelet" if containers else "controllermanager"
    host = item["spec"].get("nodeName", "")
    return {
        "metadata": {"generateName": f"{metadata['name']}."}, "type": kind, "reason": reason,
        "message": message.replace("@POD@", metadata["name"]), "source": {"component": component, "host": host},
        "reportingComponent": component, "reportingInstance": host, "count": count,
        "firstTimestamp": stamp(seconds=-40), "lastTimestamp": stamp(),
        "involvedObject": {**KINDS[resource_name], "namespace": namespace, "name": metadata["name"],
                           "uid": metadata["uid"], **field},
    }  # fmt: skip


def _is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _text(item: Json) -> str:
    """What an object says, without its annotations: those are orders, not deeds."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "annotations"}
    return json.dumps({**item, "metadata": metadata}, separators=(",", ":"))
