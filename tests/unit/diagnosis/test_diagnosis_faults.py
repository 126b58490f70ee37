"""Each injected fault of the corpus gets its own cause, first and alone; all it drags down is explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import described
import pytest
import yaml

from pytest_prodcheck.diagnosis.diagnose import diagnose
from pytest_prodcheck.observe.finding import CheckResult
from pytest_prodcheck.observe.observation import Observation

HERE = Path(__file__).parent
FAULTS = {fault["id"]: fault for fault in yaml.safe_load((HERE / "faults.yaml").read_text())}
SCENARIOS = yaml.safe_load((HERE / "scenarios.yaml").read_text())


def _observations(name: str, results: list[CheckResult]) -> list[Observation]:
    """What the whole run saw beside the checks' own observations."""
    further = {"fault-replicas-disagree": _turns, "fault-runner-offline": _silence}.get(name, list)
    return [one for result in results for one in result.observations] + further()


def _turns() -> list[Observation]:
    seen = {"operation": "GET /me", "user": "member"}
    statuses = (200, 401, 200, 401, 200)
    return [
        described.observation(seen | {"status": status, "expected": status == 200}, described.START + at)
        for at, status in enumerate(statuses)
    ]


def _silence() -> list[Observation]:
    hosts = {"http": "a.test", "auth": "b.test", "database": "c.test"}
    seen = {"kind": "readiness", "error": "tcp.timeout"}
    return [described.observation(seen | {"target": target, "data": {"host": host}}) for target, host in hosts.items()]


def _roots(fault: dict[str, Any]) -> list[str]:
    return fault["root"] if isinstance(fault["root"], list) else [fault["root"]]


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_the_fault_is_the_only_cause(name: str) -> None:
    """The root comes first; a double fault gives two causes in layer order, and nothing else is a cause."""
    results = described.checks(SCENARIOS[name])
    found = [cause.code for cause in diagnose(results, _observations(name, results)).causes]
    assert found == _roots(FAULTS[name]) or found in [[code] for code in FAULTS[name].get("accept", [])]


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_every_check_that_is_not_green_is_explained(name: str) -> None:
    """Each failed check has a cause, each blocked one stands under a cause, no green one does."""
    results = described.checks(SCENARIOS[name])
    told = diagnose(results, _observations(name, results))
    failed = {result.id for result in results if result.findings}
    blocked = {result.id for result in results if result.verdict == "blocked"}
    assert set(told.explained) == failed
    assert {check for cause in told.causes for check in cause.explains} == failed | blocked


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_a_cause_reads_complete(name: str) -> None:
    """Message, remedy and next command are there without open places, and one to three lines of evidence."""
    results = described.checks(SCENARIOS[name])
    for cause in diagnose(results, _observations(name, results)).causes:
        assert all(text and "{" not in text.replace("%{", "") for text in (cause.message, cause.remedy))
        assert cause.next
        assert 1 <= len(cause.evidence) <= 3


def test_every_fault_has_a_scenario() -> None:
    """Every case that was copied from the corpus is described."""
    assert set(FAULTS) == set(SCENARIOS)
