"""A gateway, or a page of maintenance, that answers in place of the application is one cause."""

from __future__ import annotations

from typing import Any

import described
import pytest

from pytest_prodcheck.diagnosis.diagnose import Diagnosis, diagnose

HTML = "http.answer.html"
NOT_GRAPHQL = "graphql.endpoint.not_graphql"
MAINTENANCE = "<html><head><title>Scheduled maintenance</title></head><body>We will be back</body></html>"
PLACES = {"http": {"host": "shop.test", "scheme": "https"}, "graphql": {"host": "shop.test", "scheme": "https"}}


def _told(**seen: dict[str, Any]) -> Diagnosis:
    placed = {"data": {"host": "shop.test"}}
    results = described.checks(
        {
            "http::test_endpoint[a]": {"operation": "GET /a", **placed, **seen["http"]},
            "http::test_endpoint[b]": {"operation": "GET /b", **placed, **seen["http"]},
            "graphql::test_ready": {"operation": "ready", "criterion": "ready", **placed, **seen["graphql"]},
        }
    )
    return diagnose(results, [one for result in results for one in result.observations], places=PLACES)


@pytest.mark.parametrize(
    "body",
    [
        "default backend - 404",
        '{"message":"no Route matched with those values"}',
        '{"error_msg":"404 Route Not Found"}',
        "response 404 (backend NotFound), service rules for the path non-existent",
    ],
)
def test_a_gateway_without_a_route_is_one_cause(body: str) -> None:
    """A gateway's own 404 is the gateway's, on all routes and for GraphQL too."""
    told = _told(http={"status": 404, "body": body}, graphql={"status": 404, "body": body, "code": NOT_GRAPHQL})
    assert [cause.code for cause in told.causes] == ["http.upstream.no_route"]
    assert len(told.causes[0].explains) == 3


def test_a_page_of_maintenance_with_status_200_is_maintenance() -> None:
    """A page headed so is no routing mistake, although its status is 200."""
    page = {"status": 200, "body": MAINTENANCE}
    told = _told(http={**page, "code": HTML}, graphql={**page, "code": NOT_GRAPHQL})
    assert [cause.code for cause in told.causes] == ["http.application.in_maintenance"]


def test_maintenance_is_said_in_words_of_its_own() -> None:
    """Readiness of GraphQL says what it missed; the cause says what is the matter."""
    page = {"status": 503, "body": MAINTENANCE, "code": "http.application.in_maintenance"}
    told = _told(http=page, graphql={**page, "message": "ready: answered 503 without a GraphQL result"})
    assert told.causes[0].message == "shop.test says that it is under maintenance"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, '{"detail":"no such task"}'),
        (404, "<title>404 Not Found</title>"),
        (418, "default backend - 404"),
    ],
)
def test_an_applications_own_404_stays_unknown(status: int, body: str) -> None:
    """A 404 in an application's words is what was seen, no cause."""
    told = _told(http={"status": status, "body": body}, graphql={"verdict": "pass"})
    assert {cause.code for cause in told.causes} == {"unknown"}


def test_a_firewalls_page_is_one_cause() -> None:
    """The same page of refusal on every route is unknown once, GraphQL's URL included, and no wrong URL."""
    page = {"status": 403, "body": "<!doctype html><title>Attention Required!</title>"}
    told = _told(http=page, graphql={**page, "code": NOT_GRAPHQL})
    assert [(cause.code, len(cause.explains)) for cause in told.causes] == [("unknown", 3)]


def test_a_gateways_502_beside_a_missing_table_is_a_second_cause() -> None:
    """A missing table breaks queries; a connection that the application closes on one route is another fault."""
    results = described.checks(
        {
            "database::test_tables[tasks]": {"code": "database.schema.table_missing", "data": {"table": "tasks"}},
            "http::test_endpoint[tasks]": {"operation": "GET /tasks", "status": 500},
            "http::test_endpoint[home]": {
                "operation": "GET /",
                "status": 502,
                "body": "<title>502 Bad Gateway</title>",
            },
            "http::test_endpoint[ok]": {"operation": "GET /ok", "status": 200, "verdict": "pass"},
        }
    )
    told = diagnose(results, [one for result in results for one in result.observations], places=PLACES)
    assert [(cause.code, len(cause.explains)) for cause in told.causes] == [
        ("database.schema.table_missing", 2),
        ("http.upstream.crashed", 1),
    ]
