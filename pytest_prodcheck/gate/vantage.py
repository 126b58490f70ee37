"""`--prodcheck-vantage=FILE`: the verdict of a run inside the cluster, and what it adds to this one (A10, R2)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.gate.plan import ROOT, Plan
from pytest_prodcheck.gate.results import Attempt
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.vantage import Seen, Vantage

FRESH_S = 3600.0
"""Age in seconds up to which another run says something about now."""
_AHEAD_S = 300.0
"""Seconds by which the other clock may be ahead of ours."""
_LARGEST = 50_000_000
_READY = "::test_ready"
_AT_THE_DATABASE = ("database.tcp.", "database.dns.", "database.network.", "database.connection.dropped")


def read(text: str, base: Path, environment: str) -> Vantage:
    """The run that FILE is the verdict of; `base` is where a relative path begins. Raises ConfigError (exit status 4)
    where it is no `verdict.json`, of another environment, unfinished, older than an hour, of the future, or was not
    written inside a cluster."""
    path, option = base / text, f"--prodcheck-vantage={text}"
    document = _document(path, option)
    if document["environment"] != environment:
        raise ConfigError(f"{option}: it is about {document['environment']}, this run is about {environment}")
    if document["verdict"] == "unfinished":
        raise ConfigError(f"{option}: that run did not finish, so it proves nothing: let it end, then give its verdict")
    if document.get("vantage") != "cluster":
        raise ConfigError(f"{option}: it was not written inside a cluster: run the gate there with in_cluster = true")
    _check_age(str(document["started_at"]), option)
    seen = dict(_standings(document))
    if not seen:
        raise ConfigError(f"{option}: no target's readiness is in it, so there is nothing to compare")
    return Vantage(str(document["started_at"]), seen)


def of(environment: Environment) -> Literal["runner", "cluster"]:
    """Where this run sees from."""
    inside = any(getattr(table, "in_cluster", False) for table in environment.targets.values())
    return "cluster" if inside else "runner"


def findings(vantage: Vantage, final: Mapping[str, Attempt], plan: Plan) -> dict[str, Attempt]:
    """A check of its own for each target that is ready here and was not inside the cluster: red, but for `http`, which
    need not be reached from inside."""
    found = {}
    for check in plan.checks.values():
        seen, here = vantage.targets.get(check.target), final.get(check.id)
        if check.function != "test_ready" or seen is None or here is None:
            continue
        if not seen.ready and here.verdict in ("pass", "degraded"):
            grave = check.suite != "http" and check.severity == "error"
            finding = _finding(check.target, seen, vantage.started_at, "error" if grave else "warning")
            attempt = Attempt("fail" if grave else "degraded", (finding,), criteria=("vantage",), executed=False)
            found[f"{ROOT}::vantage[{check.target}]"] = attempt
    return found


def _finding(target: str, seen: Seen, at: str, severity: Severity) -> Finding:
    network = seen.code.startswith(_AT_THE_DATABASE)
    code = "database.network.blocked_from_cluster" if network else seen.code
    message = f"{target} is reachable from the runner, not from the cluster: there, {seen.message or seen.code}"
    return Finding(
        "vantage", target, message, code, severity, seen.code, "ready from inside the cluster, too", target,
        data={"inside": seen.code, "inside_at": at},
    )  # fmt: skip


def _document(path: Path, option: str) -> Mapping[str, Any]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ConfigError(f"{option}: it is larger than {_LARGEST:,} bytes: no verdict.json is")
        document = json.loads(content)
    except OSError as error:
        raise ConfigError(f"{option}: it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{option}: it is no JSON: give the verdict.json of a run inside the cluster") from None
    schema = json.loads(resources.files("pytest_prodcheck").joinpath("report/verdict.schema.json").read_text("utf-8"))
    if problem := best_match(Draft202012Validator(schema).iter_errors(document)):
        place = "/".join(map(str, problem.absolute_path)) or "the document"
        raise ConfigError(f"{option}: it is no verdict.json: {place} is not what its schema says ({problem.validator})")
    return dict(document)


def _check_age(started_at: str, option: str) -> None:
    try:
        age = time.time() - datetime.fromisoformat(started_at).timestamp()
    except (ValueError, OverflowError):
        raise ConfigError(f"{option}: it is no verdict.json: started_at {started_at} is no moment") from None
    if age > FRESH_S:
        old = show_duration(float(round(age)))
        raise ConfigError(f"{option}: that run began {old} ago, which says nothing about now: run it again")
    if age < -_AHEAD_S:
        raise ConfigError(f"{option}: that run began in the future ({started_at}): compare the clocks")


def _standings(document: Mapping[str, Any]) -> Iterator[tuple[str, Seen]]:
    for check in document["checks"]:
        if _READY in str(check["id"]) and check["target"]:
            finding: Mapping[str, Any] = next((one for one in check["findings"] if one.get("severity") == "error"), {})
            ready = check["verdict"] in ("pass", "degraded")
            code = "" if ready else str(finding.get("code") or check["explained_by"] or "unknown")
            message = "" if ready else str(finding.get("message") or check["message"])
            yield str(check["target"]), Seen(ready, code, message)
