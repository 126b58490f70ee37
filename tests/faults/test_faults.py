"""The cause table: each fault of the demo, injected for real, is red, and the gate names it first and alone (R15)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gates
import pytest
import yaml

from pytest_prodcheck.demo.faults import FAULTS
from pytest_prodcheck.diagnosis.causes import CAUSES, depth

CORPUS = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text("utf-8"))
FAMILIES = {
    "cluster.rollout": ("cluster::test_rollout",),
    "cluster.secrets": ("cluster::test_secrets",),
    "cluster.pods": ("cluster::test_pods",),
    "http.build_id": ("http::test_revision",),
    "database.*": ("database::test_login", "database::test_tables", "database::test_query"),
    "cache.*": ("cache::test_login", "cache::test_role", "cache::test_keys"),
    "http.*": ("http::test_endpoint",),
    "graphql.*": ("graphql::test_operation",),
    "auth.*": ("auth::test_token", "auth::test_claims", "auth::test_jwks"),
    "auth.signature": ("auth::test_signature",),
    "auth.claims": ("auth::test_claims",),
    "http.endpoints": ("http::test_endpoint",),
    "http.authenticated": ("http::test_endpoint",),
    "http.login": ("http::test_endpoint",),
    "http.list_count": ("http::test_endpoint",),
    "http.latency": ("http::test_latency", "http::test_endpoint"),
    "graphql.documents": ("graphql::test_operation",),
    "websocket.*": ("websocket::test_step", "websocket::test_stable"),
    "websocket.echo": ("websocket::test_step",),
    "websocket.soak": ("websocket::test_stable",),
    "graphql.isolation": ("graphql::test_operation", "http::test_endpoint"),
}
"""Families of the corpus and the demo's checks; `load` and writes of HTTP have none in the demo. A case's
`not_here` names those that the demo cannot show, `why` the reason."""
PLACEHOLDER = re.compile(
    r"\b[A-Z]*(HOST|PORT|USER|PATH|DATABASE|LOGIN|JWKS_URI|ISSUER|URL|ORIGIN|ENV)\b|(?<!%)\{[a-z]\w*\}"
)
EVERY = pytest.mark.parametrize("fault", list(FAULTS))


def _right(fault: str) -> set[str]:
    return {*FAULTS[fault].causes, *FAULTS[fault].accept}


def test_the_healthy_demo_passes(gate: gates.Gates) -> None:
    """Without a fault all is green, complete, without a cause, and the exit status is 0."""
    healthy = gate.of("")
    assert (healthy.status, healthy.verdict["verdict"], healthy.verdict["complete"]) == (0, "pass", True)
    assert [check["id"] for check in healthy.not_green()] == []
    assert healthy.codes == []


@EVERY
def test_the_gate_is_red_and_names_the_fault(gate: gates.Gates, fault: str) -> None:
    """Exit status 1, or 6 where nothing could be proven; the fault's causes are the only ones, in layer order."""
    found = gate.of(fault)
    assert found.status == (6 if found.verdict["verdict"] == "insufficient" else 1)
    assert found.codes == list(FAULTS[fault].causes) or found.codes in [[code] for code in FAULTS[fault].accept]
    assert sorted(found.codes, key=depth) == found.codes


@EVERY
def test_what_is_down_blocks(gate: gates.Gates, fault: str) -> None:
    """Checks of what is down are blocked, not failed, and say by which cause."""
    found = gate.of(fault)
    assert set(FAULTS[fault].blocked) <= found.families("blocked")
    assert {check["blocked_by"] for check in found.checks if check["verdict"] == "blocked"} <= _right(fault)


@EVERY
def test_the_symptoms_are_the_declared_ones(gate: gates.Gates, fault: str) -> None:
    """All that the fault explains is red, and nothing is that it does not touch."""
    declared, found = FAULTS[fault], gate.of(fault)
    assert set(declared.explains) <= found.families("fail", "insufficient")
    touched = {*declared.explains, *declared.blocked, *declared.touches}
    assert found.families("fail", "blocked", "insufficient", "degraded") <= touched


@EVERY
def test_every_red_check_has_its_cause(gate: gates.Gates, fault: str) -> None:
    """What failed is explained by one of the fault's causes, and each cause counts exactly its checks."""
    found = gate.of(fault)
    failed = [check for check in found.not_green() if check["verdict"] != "blocked"]
    assert {check["explained_by"] for check in failed} <= _right(fault)
    dragged = {name for cause in found.verdict["causes"] for name in cause["explains"]}
    assert dragged == {check["id"] for check in found.not_green()}


@EVERY
def test_the_cause_can_be_read_at_three_in_the_morning(gate: gates.Gates, fault: str) -> None:
    """Message, remedy and next command are filled in; the evidence is short and says nothing twice; codes are known."""
    for cause in gate.of(fault).verdict["causes"]:
        assert cause["code"] in CAUSES
        assert all((cause["message"], cause["remedy"], cause["next"]))
        assert not PLACEHOLDER.search(cause["next"])
        assert "{" not in cause["message"]
        assert 1 <= len(cause["evidence"]) <= 3
        for line in cause["evidence"]:
            assert len(line) <= 160
            assert not re.search(r"→ (\S+) \1\b", line)


@EVERY
def test_the_terminal_names_the_cause_first(gate: gates.Gates, fault: str) -> None:
    """The first cause stands right under the verdict, and again in the last lines."""
    found = gate.of(fault)
    first = found.codes[0]
    lines = found.output.split("= prodcheck =", 1)[1].splitlines()
    assert lines[2].startswith(f"{first}: ")
    assert any(line.startswith(f"cause: {first}: ") for line in lines[-6:])


@pytest.mark.parametrize(("fault", "case"), [(row["demo"], row) for row in CORPUS], ids=[row["id"] for row in CORPUS])
def test_the_corpus_agrees(gate: gates.Gates, fault: str, case: dict[str, Any]) -> None:
    """Root (or what is right as well), blocked families and symptoms are those that the corpus asks for."""
    found = gate.of(fault)
    roots = case["root"] if isinstance(case["root"], list) else [case["root"]]
    assert found.codes == roots or found.codes in [[code] for code in case.get("accept", [])]
    here = {*FAMILIES}.difference(case.get("not_here", ()))
    for name in here.intersection(case["blocked"]):
        assert found.families("blocked").intersection(FAMILIES[name]), name
    for name in here.intersection(case["symptom"]):
        assert found.families("fail", "insufficient", "blocked").intersection(FAMILIES[name]), name


@pytest.mark.parametrize("name", ["database-password", "jwks-stale-consumer", "two-roots"])
def test_workers_change_no_cause(name: str, tmp_path: Path) -> None:
    """Under xdist the same fault has the same causes."""
    found = gates.run(name, tmp_path, "-n", "4")
    assert (found.status, found.codes) == (1, list(FAULTS[name].causes))
