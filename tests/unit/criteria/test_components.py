"""What health documents say about their components."""

from __future__ import annotations

import pytest

from pytest_prodcheck.criteria.components import component_findings, speaks_of_health, unwell


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"auth_service": "unhealthy", "db": "unreachable: timeout"}, ["auth_service", "db"]),
        ({"status": "UP", "components": {"db": {"status": "DOWN"}}}, ["components.db.status"]),
        ({"status": "pass", "checks": {"pg:time": [{"status": "fail"}]}}, ["checks.pg:time[0].status"]),
        ({"services": [{"name": "redis", "status": "down"}]}, ["services[redis].status"]),
        ({"checks": {"payments": "FAILED"}}, ["checks.payments"]),
        ({"status": "degraded"}, ["status"]),
        ({"ready": False}, ["ready"]),
        ({"failed_checks": ["redis"]}, ["failed_checks"]),
        ({"redis": "ECONNREFUSED 10.0.0.1:6379"}, ["redis"]),
        ({"database": "not connected"}, ["database"]),
        ({"anything": "unhealthy"}, ["anything"]),
        ([{"db": "down"}], ["[0].db"]),
        ("unhealthy", [""]),
    ],
)  # fmt: skip
def test_components_that_are_not_well_are_named(document, names):
    """Exact words, at any depth, in each of the usual forms (fg-http-unhealthy-substring, T16)."""
    assert [component.name for component in unwell(document)] == names


@pytest.mark.parametrize(
    "document",
    [
        {"status": "healthy", "failed_checks": [], "db": "ok", "auth_service": "reachable"},
        {"status": "UP", "components": {"db": {"status": "UP", "details": {"database": "PostgreSQL"}}}},
        {"status": "pass", "version": "1", "output": "", "checks": {"cpu": [{"status": "pass", "observedValue": 85}]}},
        {"status": "ok", "version": "unknown", "log_level": "error", "color": "red", "title": "Down under"},
        {"db": "app_production", "redis": True, "uptime": 5, "maintenance": False},
        {"status": "ok", "server": "nginx", "api": "v1", "errors": []},
        [], {}, None, "OK", 5,
    ],
)  # fmt: skip
def test_healthy_documents_have_no_finding(document):
    """Names, versions and titles are no states."""
    assert component_findings(document) == []


def test_warnings_are_warnings():
    """A component that starts or warns degrades, it does not fail."""
    assert [found.severity for found in component_findings({"cache": "warning", "db": "starting"})] == ["warning"] * 2


def test_a_hostile_document_is_followed_so_far():
    """Depth is bounded."""
    document: object = "unhealthy"
    for _ in range(5000):
        document = {"components": document}
    assert component_findings(document) == []


@pytest.mark.parametrize(
    ("name", "path", "speaks"),
    [
        ("health", "/", True), ("x", "/healthz", True), ("x", "/api/readyz", True), ("live", "/x", True),
        ("x", "/actuator/health/readiness", True), ("x", "/healthcheck", True), ("x", "/liveness", True),
        ("x", "/api/deliveries", False), ("olive", "/oil", False), ("already", "/x", False), ("x", "/api/tasks", False),
    ],
)  # fmt: skip
def test_health_is_a_word_and_not_a_substring(name, path, speaks):
    """Deliveries are not liveness."""
    assert speaks_of_health(name, path) is speaks
