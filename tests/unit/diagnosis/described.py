"""Builds check results as the gate would produce them, from a short description in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_prodcheck.observe.finding import CheckResult, Finding
from pytest_prodcheck.observe.observation import Observation

ROOT = "prodcheck.toml::"
START = 1_790_000_000.0


def observation(seen: Mapping[str, Any], at: float = START) -> Observation:
    """One observation; `at` keeps their order."""
    return Observation(**{"target": "http", "operation": "GET /x", "started_at": at, **seen})


def _finding(target: str, shown: Mapping[str, Any]) -> Finding:
    return Finding(**{"criterion": "expected_answer", "target": target, "message": "", **shown})


def check(name: str, shown: Mapping[str, Any]) -> CheckResult:
    """One result: `verdict` fail with `code`/`status`/`body`, `blocked_by`, or pass."""
    shown = dict(shown)
    target = shown.pop("target", name.split("::")[0])
    user, status, body = shown.pop("user", ""), shown.pop("status", None), shown.pop("body", "")
    operation = shown.pop("operation", f"GET /{name}")
    verdict = shown.pop("verdict", "blocked" if "blocked_by" in shown else "fail")
    common = {"needs": tuple(shown.pop("needs", [target])), "blocked_by": shown.pop("blocked_by", "")}
    seen: tuple[Observation, ...] = ()
    if status or body:
        bad = verdict != "pass"
        seen = (observation({"target": target, "operation": operation, "user": user, "status": status, "excerpt": body,
                             "expected": not bad}),)  # fmt: skip
    findings = () if verdict in ("pass", "blocked") else (_finding(target, shown),)
    return CheckResult(ROOT + name, target, verdict, findings, seen, **common)


def checks(described: Mapping[str, Mapping[str, Any] | str]) -> list[CheckResult]:
    """All results of one case; the word `pass` stands for a check that passed."""
    return [check(name, {"verdict": shown} if isinstance(shown, str) else shown) for name, shown in described.items()]


def ids(names: Iterable[str]) -> set[str]:
    """Full ids of short names."""
    return {ROOT + name for name in names}
