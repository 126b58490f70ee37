"""What Hasura says of its JWT configuration, over a real socket, against what is promised (A21)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from small_server import PlainSender, Server, serving

from pytest_prodcheck.config.models import Environment, GraphqlTarget, HasuraClaims
from pytest_prodcheck.criteria.hasura_config import jwt_config
from pytest_prodcheck.gate import planning
from pytest_prodcheck.targets import hasura

SECRET = "dummy-admin-secret"
NAMESPACE = "https://hasura.io/jwt/claims"
DEFAULT = {"claims_namespace": NAMESPACE, "claims_format": "json"}
DIFFER, UNREADABLE = "auth.consumer.claims_differ", "auth.consumer.config_unreadable"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all cases."""
    with serving() as running:
        yield running


def engine(server: Server) -> GraphqlTarget:
    """The engine behind it."""
    table = GraphqlTarget(url=server.url + "/v1/graphql", engine="hasura")
    return table.model_copy(update={"admin_secret": SECRET})


def told(**settings: Any) -> tuple[int, dict[str, str], Any]:
    """An answer of /v1alpha1/config."""
    return 200, {}, {"version": "v2.44.0", "is_admin_secret_set": True, **settings}


APP = {"claims_namespace": "https://app.test/claims", "claims_format": "stringified_json"}
CASES: dict[str, tuple[Any, HasuraClaims, str, str]] = {
    "as promised": (told(is_jwt_set=True, jwt=DEFAULT), HasuraClaims(), "", ""),
    "one of several": (told(is_jwt_set=True, jwt=[APP, DEFAULT]), HasuraClaims(namespace=NAMESPACE), "", ""),
    "a path": (
        told(is_jwt_set=True, jwt={"claims_namespace_path": "$.app"}), HasuraClaims(path="$.app"), "", "",
    ),
    "another namespace": (
        told(is_jwt_set=True, jwt=APP), HasuraClaims(namespace=NAMESPACE), DIFFER,
        f"in namespace https://app.test/claims as stringified_json, promised namespace {NAMESPACE} as json",
    ),
    "another format": (
        told(is_jwt_set=True, jwt=DEFAULT), HasuraClaims(format="stringified_json"), DIFFER,
        "as json, promised namespace",
    ),
    "a path that is promised": (
        told(is_jwt_set=True, jwt=[DEFAULT]), HasuraClaims(path="$.app"), DIFFER, "promised path $.app as json",
    ),
    "no secret": (told(is_jwt_set=False, jwt=None), HasuraClaims(), DIFFER, "has no JWT secret"),
    "not permitted": ((401, {}, {"code": "access-denied"}), HasuraClaims(), UNREADABLE, "answers 401: how the engine"),
    "no such route": ((404, {}, {"code": "not-found"}), HasuraClaims(), UNREADABLE, "answers 404"),
    "no place": (told(is_jwt_set=True), HasuraClaims(), UNREADABLE, "names no place of the claims"),
    "a page": ((200, {}, "<html>"), HasuraClaims(), UNREADABLE, "is not seen"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_engine_reads_claims_where_they_are_promised(server: Server, name: str) -> None:
    """A21: namespace and format, for each secret; what it does not say is insufficient, what differs is an error."""
    answer, promised, code, words = CASES[name]
    server.routes["GET /v1alpha1/config"] = answer
    seen = hasura.configuration(PlainSender(), engine(server))
    assert seen is not None
    assert server.asked[-1].headers["x-hasura-admin-secret"] == SECRET
    found = jwt_config(seen, promised, "graphql")
    assert [one.code for one in found] == ([code] if code else [])
    assert all(words in one.message for one in found)
    assert all(one.severity == ("insufficient" if code == UNREADABLE else "error") for one in found)


def test_it_is_asked_only_where_something_is_promised_and_may_be_read(server: Server) -> None:
    """A21: a table of `auth.hasura` that is no map, which the engine does not tell, and an admin secret."""
    from pytest_prodcheck.config.models import AuthTarget

    def planned(table: GraphqlTarget, promised: HasuraClaims | bool) -> bool:
        targets = {"auth": AuthTarget(issuer="https://a.test/", hasura=promised), "graphql": table}
        return any("test_jwt_config" in name for name in planning.make(Environment(name="x", targets=targets)).checks)

    assert planned(engine(server), HasuraClaims())
    assert not planned(engine(server), True)
    assert not planned(engine(server), HasuraClaims(map={"x-hasura-user-id": "$.sub"}))
    assert not planned(engine(server).model_copy(update={"admin_secret": None}), HasuraClaims())
    assert hasura.configuration(PlainSender(), engine(server).model_copy(update={"admin_secret": None})) is None
