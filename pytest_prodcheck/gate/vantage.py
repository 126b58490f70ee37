"""`--prodcheck-vantage=FILE`: the verdict of a run inside the cluster, and what it adds to this one (A10, R2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.gate.plan import ROOT, Plan
from pytest_prodcheck.gate.results import Attempt
from pytest_prodcheck.history import verdict_file
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.vantage import Seen, Vantage

FRESH_S = 3600.0
"""Age in seconds up to which another run says something about now."""
_READY = "::test_ready"
_AT_THE_DATABASE = ("database.tcp.", "database.dns.", "database.network.", "database.connection.dropped")


def read(text: str, base: Path, environment: str) -> Vantage:
    """The run that FILE is the verdict of; `base` is where a relative path begins. Raises ConfigError (exit status 4)
    where it is no `verdict.json`, of another environment, unfinished, older than an hour, of the future, or was not
    written inside a cluster."""
    path, option = base / text, f"--prodcheck-vantage={text}"
    document = verdict_file.read(path, option, "give the verdict.json of a run inside the cluster")
    verdict_file.check_finished(document, option, environment)
    if document.get("vantage") != "cluster":
        raise ConfigError(f"{option}: it was not written inside a cluster: run the gate there with in_cluster = true")
    _check_age(document, option)
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


def _check_age(document: Mapping[str, Any], option: str) -> None:
    if (age := verdict_file.age(document, option)) > FRESH_S:
        old = show_duration(float(round(age)))
        raise ConfigError(f"{option}: that run began {old} ago, which says nothing about now: run it again")


def _standings(document: Mapping[str, Any]) -> Iterator[tuple[str, Seen]]:
    for check in document["checks"]:
        if _READY in str(check["id"]) and check["target"]:
            finding: Mapping[str, Any] = next((one for one in check["findings"] if one.get("severity") == "error"), {})
            ready = check["verdict"] in ("pass", "degraded")
            code = "" if ready else str(finding.get("code") or check["explained_by"] or "unknown")
            message = "" if ready else str(finding.get("message") or check["message"])
            yield str(check["target"]), Seen(ready, code, message)
