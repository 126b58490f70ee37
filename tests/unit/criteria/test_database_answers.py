"""Connections, identity, logins and answers of queries, over data made by hand (A37, C16)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pytest_prodcheck.config.models import Query
from pytest_prodcheck.criteria import privileges
from pytest_prodcheck.criteria.connections import connections
from pytest_prodcheck.criteria.identity import identity
from pytest_prodcheck.criteria.logins import logins
from pytest_prodcheck.criteria.queries import judge
from pytest_prodcheck.observe.catalog import Catalog, Relation, Role, Schema
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.query import QueryAnswer

NOW = 1_800_000_000.0


def catalog(**changes: Any) -> Catalog:
    """A catalog of the database staging."""
    facts: dict[str, Any] = {
        "settings": {"max_connections": "20"},
        "connections": {"worker": 14, "": 2},
        "role_connections": {"app": 9},
        "roles": {"app": Role("app", connection_limit=10), "free": Role("free")},
    }
    return Catalog("staging", "reader", 150018, ("pg_catalog", "public"), **{**facts, **changes})


@pytest.mark.parametrize(("limit", "holds"), [("< 80%", False), ("<= 80%", True), ("< 17", True), ("< 16", False)])
def test_connections_are_a_share_or_a_number(limit: str, holds: bool) -> None:
    """Sixteen of twenty."""
    assert (connections(catalog(), limit, "database") == []) == holds


def test_full_connections_say_who_holds_them() -> None:
    """The names of the applications, most first."""
    (found,) = connections(catalog(), "< 50%", "database")
    assert found.code == "database.connections.exhausted"
    assert found.message == "16 of 20 (80%) connections of the server are in use, promised < 50%; 14 by worker"
    assert found.data["application_names"] == {"worker": 14, "": 2}


def test_a_roles_own_limit_counts() -> None:
    """Nine of its ten; roles without a limit are not judged."""
    (found,) = connections(catalog(), "< 85%", "database", ["app", "free", "unknown"])
    assert (found.code, found.seen) == ("database.connections.role_limit", "9 of 10 (90%)")


def test_identity_is_the_databases_name() -> None:
    """Nothing promised, nothing judged."""
    assert identity(catalog(), "staging", "database") == []
    assert identity(catalog(), "", "database") == []
    (found,) = identity(catalog(), "shop", "database")
    assert found.message == "database identity is staging, the environment means shop"


def answer(*rows: tuple[Any, ...], columns: tuple[str, ...] = ("n",), **changes: Any) -> QueryAnswer:
    """A successful answer."""
    return QueryAnswer(Observation("database", "query q"), columns, rows, **changes)


@pytest.mark.parametrize(
    ("expected", "given", "holds"),
    [
        (0, answer((0,)), True),
        (0, answer((3,)), False),
        ("> 0", answer((3,)), True),
        (2, answer((Decimal("2.00"),)), True),
        ([1, 2], answer((1,), (2,)), True),
        ([1, 2], answer((2,), (1,)), False),
        ("size == 2", answer((1,), (2,)), True),
        ([{"a": 1}], answer((1, 2), columns=("a", "b")), True),
        ([{"a": 2}], answer((1, 2), columns=("a", "b")), False),
        (None, answer((7,)), True),
    ],
)
def test_answers_are_compared_in_their_form(expected: object, given: QueryAnswer, holds: bool) -> None:
    """A cell as its value, a column as a list, rows as a list of objects."""
    assert (judge(Query(sql="select", expect=expected), given, "database", NOW, "q") == []) == holds


def test_a_wrong_answer_says_both() -> None:
    """What was promised and what was seen."""
    (found,) = judge(Query(sql="select", expect=0, severity="warning"), answer((12,)), "database", NOW, "orphans")
    assert found.message == "query orphans: answer expected 0, found 12"
    assert (found.severity, found.seen, found.promised) == ("warning", "12", "0")


def test_a_cut_answer_is_insufficient() -> None:
    """What was not read cannot be judged."""
    (found,) = judge(Query(sql="select", expect="size > 0"), answer((1,), truncated=True), "database", NOW, "q")
    assert found.severity == "insufficient"


@pytest.mark.parametrize(
    ("sqlstate", "error", "code"),
    [
        ("42P01", "", "database.schema.table_missing"),
        ("42703", "", "database.schema.column_missing"),
        ("42883", "", "database.schema.column_type"),
        ("42501", "", "database.privilege.missing"),
        ("42P17", "", "database.rls.policy_recursion"),
        ("57014", "", "database.query.timeout"),
        ("55P03", "", "database.lock.contention"),
        ("", "timeout", "database.query.timeout"),
        ("", "tcp.reset", "database.connection.dropped"),
        ("22012", "", "unknown"),
    ],
)
def test_a_failed_query_has_the_cause_of_its_sqlstate(sqlstate: str, error: str, code: str) -> None:
    """An unknown one is said as it was seen."""
    seen = Observation("database", "query q", code=sqlstate, error=error, message="words", expected=False)
    (found,) = judge(Query(sql="select"), QueryAnswer(seen), "database", NOW, "q")
    assert found.code == code
    assert f"{sqlstate or error} words" in found.message
    assert found.data["sqlstate"] == sqlstate


def test_a_login_that_fails_keeps_the_evidence() -> None:
    """Its cause is the diagnosis's to name."""
    seen = Observation(
        "database", "login app", subject="app", code="28P01", message="rejected", expected=False, data={"user": "app"}
    )
    (found,) = logins(seen)
    assert found.message == "login app fails: 28P01: rejected"
    assert found.data == {"user": "app", "sqlstate": "28P01", "error": "", "text": "rejected"}
    assert logins(Observation("database", "login app")) == []


@pytest.mark.parametrize(
    ("acl", "role", "reads"),
    [
        ((), "owner", True),
        ((), "app", False),
        (("app=r/owner",), "app", True),
        (("app=r*w/owner",), "app", True),
        (("app=w/owner",), "app", False),
        (("=r/owner",), "app", True),
        (('"odd ""=role"=r/owner',), 'odd "=role', True),
        (("application=r/owner",), "app", False),
        (("team=r/owner",), "member", True),
        ((), "everyone_reads", True),
        ((), "chief", True),
    ],
)
def test_grants_are_read_from_their_text(acl: tuple[str, ...], role: str, reads: bool) -> None:
    """aclitem's text form, PUBLIC, quoted names, inheritance, pg_read_all_data and superusers."""
    roles = {
        "member": Role("member", inherits=("team",)),
        "everyone_reads": Role("everyone_reads", inherits=("pg_read_all_data",)),
        "chief": Role("chief", superuser=True),
    }
    relation = Relation("public", "t", "r", "owner", acl=acl)
    assert privileges.reads(catalog(roles=roles), role, relation) == reads


@pytest.mark.parametrize(
    ("schema_acl", "reads"), [((), False), (("app=U/owner",), True), (("=UC/owner",), True), (("app=C/owner",), False)]
)
def test_a_grant_needs_the_use_of_its_schema(schema_acl: tuple[str, ...], reads: bool) -> None:
    """SELECT on a table in a schema without USAGE is 42501."""
    relation = Relation("shop", "t", "r", "owner", acl=("app=r/owner",))
    found = catalog(schemas={"shop": Schema("shop", "owner", schema_acl)})
    assert privileges.reads(found, "app", relation) == reads
