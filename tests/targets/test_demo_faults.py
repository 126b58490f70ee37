"""The list of the demo's faults: complete, well-formed, and readable without the demo's packages."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from pytest_prodcheck.demo import fault as families
from pytest_prodcheck.demo.faults import FAULTS
from pytest_prodcheck.demo.injection import INJECTIONS

CORPUS = yaml.safe_load(Path(__file__).with_name("test_demo_faults.yaml").read_text("utf-8"))
CHECKS = {
    *(
        "cluster::" + name
        for name in (
            "test_ready",
            "test_pods",
            "test_rollout",
            "test_wiring",
            "test_job",
            "test_cronjob",
            "test_secrets",
            "test_configmaps",
            "test_argocd",
        )
    ),
    *(
        "database::" + name
        for name in (
            "test_ready",
            "test_login",
            "test_tables",
            "test_rls",
            "test_rls_proof",
            "test_query",
            "test_health",
            "test_migrations",
            "test_contract",
        )
    ),
    *(
        "auth::" + name
        for name in ("test_ready", "test_discovery", "test_jwks", "test_token", "test_signature", "test_claims")
    ),
    *(
        "http::" + name
        for name in ("test_ready", "test_endpoint", "test_certificate", "test_latency", "test_error_rate")
    ),
    *(
        "websocket::" + name
        for name in (
            "test_ready",
            "test_step",
            "test_close",
            "test_stable",
            "test_reconnects",
            "test_foreign_origin",
            "test_refuses",
            "test_latency",
        )
    ),
    *("graphql::" + name for name in ("test_ready", "test_health", "test_schema", "test_operation", "test_latency")),
    *(
        "logs::" + name
        for name in (
            "test_ready",
            "test_coverage",
            "test_server_errors",
            "test_errors",
            "test_private",
            "test_retries",
        )
    ),
    *(
        "cache::" + name
        for name in (
            "test_ready",
            "test_login",
            "test_role",
            "test_replication",
            "test_memory",
            "test_clients",
            "test_persistence",
            "test_keys",
            "test_expires",
            "test_evicted",
            "test_round_trip",
            "test_serves",
            "test_latency",
        )
    ),
    "database::test_lint",
    "http::test_revision",
    "http::test_broken_token_refused",
    "http::test_refuses",
    "graphql::test_refuses",
    "graphql::test_broken_token_refused",
    "graphql::test_introspection",
    *("graphql::" + name for name in ("test_denied", "test_metadata", "test_suggestions", "test_subscription")),
    "graphql::test_error_rate",
    *("load::" + name for name in ("test_load", "test_limits")),
}


def test_list_needs_only_the_standard_library() -> None:
    """`prodcheck faults` works where the demo's packages are not installed."""
    script = "import sys; import pytest_prodcheck.demo.faults; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    root = Path(families.__file__).parents[2]
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert set(done.stdout.split()) - set(sys.stdlib_module_names) <= {"pytest_prodcheck", "__main__"}


def test_every_fault_is_injected_by_its_name() -> None:
    """No fault is only listed, none is injected without being listed."""
    assert set(FAULTS) == set(INJECTIONS)


def test_its_layers_have_at_least_46_faults() -> None:
    """The list is long enough, and no layer is a token."""
    layers = Counter(fault.layer for fault in FAULTS.values())
    assert len(FAULTS) >= 46
    assert set(layers) == {"cluster", "database", "cache", "auth", "graphql", "http", "websocket", "logs", "load"}
    assert min(count for layer, count in layers.items() if layer != "load") >= 8
    assert layers["cluster"] >= 12


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_fault_is_well_formed(fault: families.Fault) -> None:
    """A fault has a name that can be typed, one line, known checks, and says what becomes red."""
    assert fault.name.replace("-", "").isalnum()
    assert fault.name == fault.name.lower()
    assert fault.summary
    assert "\n" not in fault.summary
    assert all(code == "unknown" or code.count(".") == 2 for code in (*fault.causes, *fault.accept))
    assert {*fault.explains, *fault.blocked, *fault.touches} <= CHECKS
    assert fault.explains or fault.touches
    assert not set(fault.explains) & set(fault.blocked)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["id"])
def test_corpus_case_has_its_fault(case: dict[str, object]) -> None:
    """Each case of the corpus that the demo can have names the root that its fault must show."""
    fault = FAULTS[str(case["fault"])]
    roots = case["root"] if isinstance(case["root"], list) else [case["root"]]
    assert fault.causes[: len(roots)] == tuple(roots) or fault.causes[0] in case.get("accept", ())
