"""What explains what across layers, beyond the faults of the corpus."""

from __future__ import annotations

from typing import Any

import described
import pytest

from pytest_prodcheck.diagnosis.diagnose import Diagnosis, diagnose
from pytest_prodcheck.observe.catalog import Catalog, Relation

REFUSED = {"code": "database.tcp.refused", "data": {"host": "db", "port": 5432}}
SERVER_ERROR = {"status": 500, "code": "http.application.unhandled_exception"}
NO_IDP = {"code": "auth.idp.unreachable", "data": {"host": "id"}}
GOALS = Catalog(
    "shop", "reader", 170000, ("public",), relations={"archive.goals": Relation("archive", "goals", "r", "o")}
)


def _told(checks: dict[str, Any], **known: Any) -> Diagnosis:
    results = described.checks(checks)
    return diagnose(results, [one for result in results for one in result.observations], **known)


def _codes(told: Diagnosis) -> list[str]:
    return [cause.code for cause in told.causes]


def _health(component: str) -> dict[str, Any]:
    message = f"GET /healthz: checks.{component}.status: expected up, found down"
    return {"operation": "GET /healthz", "status": 200, "code": "http.answer.unexpected_body", "message": message}


def _query(sql: str, seen: str, promised: str) -> dict[str, Any]:
    return {"code": "unknown", "seen": seen, "promised": promised, "data": {"sql": sql, "query": "q", "answer": seen}}


@pytest.mark.parametrize(("component", "root"), [("postgres", REFUSED), ("oidc_provider", NO_IDP)])
def test_a_health_document_is_a_symptom_of_its_layer(component: str, root: dict[str, Any]) -> None:
    """A component that is unwell because its dependency is down is no cause of its own."""
    target = root["code"].split(".")[0]
    told = _told({f"{target}::test_ready": root, "http::test_endpoint[health]": _health(component)})
    assert _codes(told) == [root["code"]]


def test_a_health_document_of_another_layer_is_its_own_cause() -> None:
    """The database being down says nothing about a cache that is unwell."""
    told = _told({"database::test_ready": REFUSED, "http::test_endpoint[health]": _health("redis")})
    assert _codes(told) == ["database.tcp.refused", "http.answer.unexpected_body"]


def test_our_readers_refusal_breaks_no_service() -> None:
    """Where another credential logs in, a 5xx is not blamed on the reader's password."""
    data = {"user": "reader", "sqlstate": "28P01", "role_exists": True, "asked_as": "app"}
    rejected = {"code": "database.auth.password_rejected", "criterion": "ready", "data": data}
    told = _told({"database::test_ready": rejected, "http::test_endpoint[x]": SERVER_ERROR})
    assert _codes(told) == ["database.auth.password_rejected", "http.application.unhandled_exception"]


def test_counted_errors_belong_to_the_root_of_most_checks() -> None:
    """An error rate is explained by whatever fails the checks of its target, not by a cause elsewhere."""
    old = {"code": "auth.token.audience_mismatch", "data": {"user": "member"}}
    refused = {"status": 401, "user": "member", "code": "unknown"}
    rate = {"code": "http.error_rate.over_limit", "criterion": "error_rate", "data": {"errors": 9}}
    checks = {"database::test_rls": {"code": "database.rls.disabled"}, "auth::test_claims[member]": old,
              "http::test_endpoint[x]": refused, "http::test_error_rate": rate}  # fmt: skip
    assert _told(checks).explained[described.ROOT + "http::test_error_rate"] == "auth.token.audience_mismatch"


@pytest.mark.parametrize(
    ("sql", "seen", "promised", "code"),
    [
        ("select count(*) from deck", "0", "> 0", "database.data.seed_missing"),
        ("select id from deck", "[]", "size > 0", "database.data.seed_missing"),
        ("select count(*) from cards where deck_id is null", "3", "0", "database.data.orphans"),
        ("select count(*) from a left join b on b.id = a.b where b.id is null", "3", "0", "database.data.orphans"),
        ("select count(*) from threads where metadata_ is null", "12", "0", "database.data.null_values"),
        ("select version from app", "2", "3", "database.query.unexpected"),
    ],
)
def test_a_querys_answer_names_what_is_wrong_with_the_rows(sql: str, seen: str, promised: str, code: str) -> None:
    """No rows where some are promised, rows that point nowhere, NULLs, or simply another answer."""
    assert _codes(_told({"database::test_query[q]": _query(sql, seen, promised)})) == [code]


def test_a_missing_value_may_come_of_an_outage() -> None:
    """Node's `fetch failed` and None's missing attributes are symptoms of what is down."""
    body = {"status": 500, "body": "TypeError: fetch failed"}
    told = _told({"database::test_ready": REFUSED, "http::test_endpoint[x]": body})
    assert _codes(told) == ["database.tcp.refused"]


def test_two_databases_are_two_causes() -> None:
    """The same code at two databases is two causes; what an API says joins neither by chance."""
    checks = {
        name: REFUSED | {"target": name.split("::")[0]} for name in ("database.a::test_ready", "database.b::test_ready")
    }
    assert [cause.target for cause in _told(checks).causes] == ["database.a", "database.b"]


def test_a_table_in_another_schema_is_the_search_path() -> None:
    """The application misses a table that the catalog has; one that it has not is missing."""
    checks = {"http::test_endpoint[x]": {"status": 500, "body": 'relation "goals" does not exist'}}
    assert _codes(_told(checks, catalogs={"database": GOALS})) == ["database.schema.search_path"]
    assert _codes(_told(checks, catalogs={"database": Catalog("shop", "r", 170000, ())})) != [
        "database.schema.search_path"
    ]


def test_a_cause_that_an_api_tells_has_the_databases_place() -> None:
    """The next command leads to the database, not to the API that spoke of it."""
    body = {"status": 500, "body": "QueuePool limit of size 5 reached", "data": {"host": "api:8443", "port": 8443}}
    place = {"database": {"host": "db", "port": 5432, "login": "reader", "database": "shop"}}
    told = _told({"http::test_endpoint[x]": body}, places=place)
    assert told.causes[0].next.startswith("psql -h db -p 5432 -U reader -d shop -c ")


def test_an_option_without_a_value_is_left_out_of_the_command() -> None:
    """A command is copyable also where a place is not known."""
    told = _told({"database::test_ready": {"code": "database.connections.exhausted"}})
    assert told.causes[0].next.startswith("psql -c ")


def test_what_a_limit_held_back_is_the_limits() -> None:
    """Requests that were not sent because of a 429's Retry-After are explained by the 429."""
    limited = {"status": 429, "code": "http.rate_limited.by_us", "verdict": "insufficient"}
    stopped = {"data": {"error": "stopped"}, "verdict": "insufficient"}
    told = _told({"http::test_endpoint[a]": limited, "http::test_endpoint[b]": stopped})
    assert _codes(told) == ["http.rate_limited.by_others"]


def test_a_command_about_a_services_answer_goes_to_the_service() -> None:
    """A cause of the auth layer that only a service shows is looked at where the service is, not at the provider."""
    dropped = {"code": "auth.header.dropped", "status": 401, "data": {"acts_as": "member", "path": "/api/orders"}}
    places = {
        "auth": {"host": "id.example", "scheme": "https", "path": "/realms/shop", "issuer": "https://id.example"},
        "http": {"host": "app.example", "scheme": "https"},
    }
    told = _told({"http::test_endpoint[orders]": dropped}, places=places)
    assert told.causes[0].next.endswith(" https://app.example/api/orders")


def test_a_dropped_header_is_looked_for_at_the_service() -> None:
    """The next command asks the service that misses the header, not the provider."""
    data = {"host": "api", "port": 8443, "path": "/me"}
    dropped = {"user": "member", "status": 401, "body": "Missing Authorization header", "data": data}
    told = _told({"http::test_endpoint[me]": dropped}, places={"auth": {"host": "id", "port": 443, "path": "/realm/"}})
    assert _codes(told) == ["auth.header.dropped"]
    assert told.causes[0].next.endswith("https://api:8443/me")
