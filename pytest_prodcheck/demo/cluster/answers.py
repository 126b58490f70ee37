"""What an API server answers to a GET, from a recording: lists, pages, selectors, Tables, logs, refusals."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_prodcheck.demo.cluster.recording import Json, Recording

GROUPS: Mapping[str, str] = {
    **dict.fromkeys(("deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"), "apps/v1"),
    **dict.fromkeys(("jobs", "cronjobs"), "batch/v1"),
    **dict.fromkeys(("ingresses", "networkpolicies"), "networking.k8s.io/v1"),
    "poddisruptionbudgets": "policy/v1",
    "horizontalpodautoscalers": "autoscaling/v2",
    "endpointslices": "discovery.k8s.io/v1",
    "applications": "argoproj.io/v1alpha1",
    "certificates": "cert-manager.io/v1",
}
"""Group and version of a resource that is not in the core group."""
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+)(?P<log>/log)?)?"
)
_LABEL = re.compile(r"(?P<key>[\w./-]+)(?:\s*(?P<sign>==|=|!=)\s*(?P<value>[\w.-]*)|\s+in\s+\((?P<values>[^)]*)\))?")


@dataclass(frozen=True)
class Answer:
    """A status, and a JSON document or a text."""

    body: Json | str
    status: int = 200


@dataclass
class ApiServer:
    """Answers from a recording; what a fault may change is here."""

    recording: Recording
    account: str = "reader"
    """As whom the recorded server knows the caller."""
    refuses: set[str] = field(default_factory=set)
    """Resources that the caller may not read, in the words that `nobody` heard."""

    def get(self, path: str, query: Mapping[str, str], accept: str) -> Answer:
        """The answer to a GET of `path`."""
        if path == "/version":
            return Answer(self.recording.version)
        if path == "/apis":
            return Answer(self._groups())
        asked = _PATH.fullmatch(path)
        if asked is None:
            return Answer("404 page not found\n", 404)
        resource, name = asked["resource"], asked["name"] or ""
        if refusal := self._refusal("pods/log" if asked["log"] else resource, name):
            return refusal
        if not self._serves(asked):
            return Answer("404 page not found\n", 404)
        if asked["log"]:
            return self._log(name, query)
        rows = [row for row in self.recording.rows(resource) if _within(row["object"], asked["namespace"])]
        if name:
            return self._one(resource, name, rows)
        return _listed(self.recording.resources[resource], resource, _selected(rows, query), query, accept)

    def _groups(self) -> Json:
        """The groups of what was recorded, each with the version that is served."""
        served = {each.partition("/") for each in map(GROUPS.get, self.recording.resources) if each and "/" in each}
        groups: list[Json] = [
            {"name": group, "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version}}
            for group, _, version in sorted(served)
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _serves(self, asked: re.Match[str]) -> bool:
        served = "/".join(filter(None, asked.group("group", "version")))
        return asked["resource"] in self.recording.resources and served == GROUPS.get(asked["resource"], "v1")

    def _refusal(self, resource: str, name: str) -> Answer | None:
        said = self.recording.refused.get(self.account, {}).get(resource, "")
        if resource in self.refuses:
            said = self.recording.refused["nobody"][resource]
        if not said:
            return None
        plain = resource.partition("/")[0]
        if name and resource == plain:
            said = said.replace(f"{plain} is", f'{plain} "{name}" is').replace("cannot list", "cannot get")
        return Answer(status(403, "Forbidden", said, {"name": name, "kind": plain}), 403)

    def _one(self, resource: str, name: str, rows: list[Json]) -> Answer:
        for row in rows:
            if row["object"]["metadata"]["name"] == name:
                kind = self.recording.resources[resource]["kind"]
                return Answer({"kind": kind, "apiVersion": GROUPS.get(resource, "v1"), **row["object"]})
        said = f'{resource} "{name}" not found'
        return Answer(status(404, "NotFound", said, {"name": name, "kind": resource}), 404)

    def _log(self, pod: str, query: Mapping[str, str]) -> Answer:
        containers = [key.partition("/")[2] for key in self.recording.logs if key.startswith(f"{pod}/")]
        if not containers:
            return Answer(status(404, "NotFound", f'pods "{pod}" not found', {"name": pod, "kind": "pods"}), 404)
        container = query.get("container", containers[0])
        if container not in containers:
            return Answer(status(400, "BadRequest", f"container {container} is not valid for pod {pod}"), 400)
        said = self.recording.logs[f"{pod}/{container}"]["previous" if query.get("previous") == "true" else "now"]
        return Answer(_lines(said["text"], query) if said["status"] == 200 else said["text"], said["status"])


def _lines(text: str, query: Mapping[str, str]) -> str:
    """The part of a log that is asked for."""
    since = query.get("sinceTime", "")
    if seconds := query.get("sinceSeconds"):
        since = f"{datetime.now(UTC) - timedelta(seconds=int(seconds)):%Y-%m-%dT%H:%M:%SZ}"
    lines = [line for line in text.splitlines(keepends=True) if line >= since]
    lines = lines[-int(query.get("tailLines", len(lines))) :] if lines else []
    if query.get("timestamps") != "true":
        lines = [line.partition(" ")[2] for line in lines]
    return "".join(lines)[: int(query.get("limitBytes", 1 << 24))]


def status(code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> Json:
    """The Status object of a failure."""
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "details": dict(details or {}), "code": code,
    }  # fmt: skip


def _within(item: Json, namespace: str | None) -> bool:
    return not namespace or item["metadata"].get("namespace") == namespace


def _selected(rows: list[Json], query: Mapping[str, str]) -> list[Json]:
    fields = [each.partition("=") for each in query.get("fieldSelector", "").split(",") if each]
    wanted = list(_LABEL.finditer(query.get("labelSelector", "")))
    return [
        row
        for row in rows
        if all(_at(row["object"], path) == value for path, _, value in fields)
        and all(_carries(row["object"]["metadata"].get("labels", {}), each) for each in wanted)
    ]


def _at(item: Any, path: str) -> str:
    for step in path.split("."):
        item = item.get(step, "") if isinstance(item, dict) else ""
    return str(item)


def _carries(labels: Mapping[str, str], wanted: re.Match[str]) -> bool:
    value = labels.get(wanted["key"])
    if wanted["values"] is not None:
        return value in [each.strip() for each in wanted["values"].split(",")]
    if wanted["sign"] is None:
        return value is not None
    return (value != wanted["value"]) if wanted["sign"] == "!=" else (value == wanted["value"])


def _listed(listed: Json, resource: str, rows: list[Json], query: Mapping[str, str], accept: str) -> Answer:
    """One page of a LIST, as a Table where that is asked for."""
    begin = int(base64.b64decode(query.get("continue", "")) or 0)
    end = begin + int(query.get("limit", 0) or len(rows))
    metadata: Json = {"resourceVersion": "1"}
    if end < len(rows):
        metadata |= {"continue": base64.b64encode(str(end).encode()).decode(), "remainingItemCount": len(rows) - end}
    page = rows[begin:end]
    served = {"kind": listed["kind"], "apiVersion": GROUPS.get(resource, "v1")}
    if "as=Table" not in accept:
        items = [row["object"] for row in page]
        return Answer({**served, "kind": f"{listed['kind']}List", "metadata": metadata, "items": items})
    full = query.get("includeObject", "Metadata")
    return Answer(
        {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "columnDefinitions": listed["columns"],
            "rows": [{**row, "object": _included(row["object"], full, served)} for row in page],
        }
    )


def _included(item: Json, full: str, served: Json) -> Json | None:
    if full == "None":
        return None
    if full == "Object":
        return {**served, **item}
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
