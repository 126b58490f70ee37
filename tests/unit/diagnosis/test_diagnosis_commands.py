"""The next command repeats what was seen: host, path, method, kind of body, user."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from typing import Any

import described
import pytest

from pytest_prodcheck.diagnosis.diagnose import diagnose

PLACES: dict[str, dict[str, Any]] = {
    "http": {"host": "shop.test", "port": 443, "scheme": "https", "path": ""},
    "graphql": {"host": "engine.test:8443", "port": 8443, "scheme": "https", "path": "/v1/graphql"},
    "auth": {"host": "id.test", "port": 443, "scheme": "https", "path": "/o/", "issuer": "https://id.test/o"},
}
TOKEN = '-H "Authorization: Bearer $TOKEN"'
QUERY = """-H 'Content-Type: application/json' -d '{"query":"{__typename}"}'"""
CRASHED = "http.application.unhandled_exception"
POST = {"method": "POST", "path": "/api/search"}


@pytest.mark.parametrize(
    ("check", "shown", "command"),
    [
        ("graphql::test_operation[A]", {"operation": "query A", "status": 500, "code": CRASHED},
         f"curl -si {QUERY} https://engine.test:8443/v1/graphql"),
        ("graphql::test_operation[A]", {"operation": "query A", "user": "member", "code": "graphql.errors.in_answer", "status": 200},
         f"curl -si {TOKEN} {QUERY} https://engine.test:8443/v1/graphql"),
        ("graphql::test_limit", {"operation": "query A", "code": "http.latency.over_limit", "status": 200},
         f"curl -so /dev/null -w '%{{time_total}}\\n' {QUERY} https://engine.test:8443/v1/graphql"),
        ("graphql::test_operation[A]", {"operation": "query A", "status": 302, "code": "http.answer.redirected"},
         f"curl -si {QUERY} https://engine.test:8443/v1/graphql"),
        ("http::test_endpoint[search]", {"operation": "POST /api/search", "user": "member", "status": 500, "code": CRASHED, "data": POST},
         f"curl -si -X POST {TOKEN} https://shop.test/api/search"),
        ("http::test_endpoint[search]", {"operation": "POST /api/search", "status": 418, "data": POST},
         "curl -si -X POST https://shop.test/api/search"),
        ("http::test_endpoint[tasks]", {"operation": "GET /api/tasks", "user": "member", "status": 404},
         f"curl -si {TOKEN} https://shop.test/api/tasks"),
        ("http::test_endpoint[admin]", {"operation": "POST /api/search", "user": "member", "status": 401, "code": "auth.header.dropped", "data": POST},
         f"curl -si {TOKEN} -X POST https://shop.test/api/search"),
        ("http::test_endpoint[home]", {"operation": "GET /", "status": 502},
         "curl -si https://shop.test/"),
    ],
)  # fmt: skip
def test_the_next_command_repeats_the_request(check: str, shown: dict[str, Any], command: str) -> None:
    """Who types the next command asks the host, path and method that failed, as the user that was refused."""
    results = described.checks({check: shown})
    told = diagnose(results, [seen for result in results for seen in result.observations], places=PLACES)
    assert [cause.next for cause in told.causes] == [command]


def test_the_next_command_trusts_whom_the_target_trusts() -> None:
    """Without the team's own root, curl would only say that the certificate is untrusted."""
    results = described.checks({"http::test_endpoint[home]": {"operation": "GET /", "status": 502}})
    places = {**PLACES, "http": {**PLACES["http"], "ca": "/etc/team/ca.pem"}}
    told = diagnose(results, [seen for result in results for seen in result.observations], places=places)
    assert [cause.next for cause in told.causes] == ["curl --cacert /etc/team/ca.pem -si https://shop.test/"]


@pytest.mark.parametrize(
    ("code", "table", "command"),
    [
        ("database.schema.table_missing", "public.tasks", r"'\d public.tasks'"),
        ("database.schema.table_missing", "public.User Täble", r"""'\d public."User Täble"'"""),
        ("database.schema.table_missing", "public.it's", r"""'\d public."it'\''s"'"""),
        ("database.rls.policy_too_wide", "public.a$(id)", r'''"select * from pg_policies where tablename = 'a\$(id)'"'''),
    ],
)  # fmt: skip
def test_the_next_command_quotes_the_table(code: str, table: str, command: str) -> None:
    """A name in mixed case is one name to psql, and whoever names a table types no command (T: quoted identifiers)."""
    data = {"table": table, "host": "db.test", "port": 5432, "login": "reader", "database": "plan"}
    results = described.checks({"database::test_tables": {"code": code, "data": data}})
    told = diagnose(results, [], places={"database": {"host": "db.test", "port": 5432}})
    assert [cause.next for cause in told.causes] == [f"psql -h db.test -p 5432 -U reader -d plan -c {command}"]


@pytest.mark.parametrize(
    ("record", "command"),
    [
        ("public.alembic_version", "'select * from public.alembic_version'"),
        ("public.__EFMigrationsHistory", """'select * from public."__EFMigrationsHistory"'"""),
        ("", r"'\dt'"),
    ],
)
def test_the_next_command_opens_the_record_of_the_migration_tool(record: str, command: str) -> None:
    """Alembic's table, and most others, have no `migration` in their name; whoever declares a query has no table."""
    data = {"record": record, "host": "db.test", "port": 5432, "login": "reader", "database": "plan"}
    results = described.checks({"database::test_migrations": {"code": "database.migration.pending", "data": data}})
    told = diagnose(results, [], places={"database": {"host": "db.test", "port": 5432}})
    assert [cause.next for cause in told.causes] == [f"psql -h db.test -p 5432 -U reader -d plan -c {command}"]


@pytest.mark.parametrize(
    ("target", "code"), [("database.main", "database.schema.object_changed"), ("graphql", "graphql.schema.breaking")]
)
def test_the_next_command_shows_the_difference_from_the_contract(target: str, code: str) -> None:
    """It runs as it is printed: another environment to compare with is not known here, and may not be there."""
    results = described.checks({f"{target}::test_contract": {"target": target, "code": code}})
    told = diagnose(results, [], places={target: {"environment": "staging"}})
    assert [cause.next for cause in told.causes] == [f"prodcheck pin staging --only {target} --dry-run"]


@pytest.mark.parametrize(
    ("engine", "command"),
    [
        ("hasura", "hasura metadata diff"),
        ("generic", "pytest --prodcheck=staging 'prodcheck.toml::graphql::test_denied[AllUsers-member]'"),
    ],
)
def test_the_next_command_is_of_the_engine_that_is_asked(engine: str, command: str) -> None:
    """Hasura's own tool says nothing of another engine; there the check itself is what shows it again (A26)."""
    results = described.checks({"graphql::test_denied[AllUsers-member]": {"code": "graphql.permission.too_wide"}})
    told = diagnose(results, [], places={"graphql": {"environment": "staging", "engine": engine}})
    assert [cause.next for cause in told.causes] == [command]


@pytest.mark.parametrize(
    ("code", "kind", "thing", "command"),
    [
        ("database.privilege.missing", "function", "public.is_member(uuid)", r"'\df+ public.is_member'"),
        ("database.privilege.excess", "function", "public.Is it(numeric, text)", r"""'\df+ public."Is it"'"""),
        ("database.schema.object_missing", "function", "public.total()", r"'\df+ public.total'"),
        ("database.privilege.missing", "schema", "app", r"'\dn+ app'"),
        ("database.schema.object_missing", "type", "public.state", r"'\dT+ public.state'"),
        ("database.schema.object_missing", "extension", "citext", r"'\dx'"),
        ("database.privilege.missing", "sequence", "public.numbers", r"'\dp public.numbers'"),
    ],
)
def test_the_next_command_shows_what_is_no_relation(code: str, kind: str, thing: str, command: str) -> None:
    r"""`\dp` and `\d` show nothing of a function, a schema, a type."""
    data = {"table": thing, "kind": kind, "host": "db.test", "port": 5432, "login": "reader", "database": "plan"}
    results = described.checks({"database::test_contract": {"code": code, "data": data}})
    told = diagnose(results, [], places={"database": {"host": "db.test", "port": 5432}})
    assert [cause.next for cause in told.causes] == [f"psql -h db.test -p 5432 -U reader -d plan -c {command}"]
