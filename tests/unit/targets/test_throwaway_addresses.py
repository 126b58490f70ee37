"""Addresses of throwaway containers: by their port, as they are declared, from here and from the other containers."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_prodcheck.config.models.throwaway import Throwaway
from pytest_prodcheck.targets.throwaway import addresses


@pytest.mark.parametrize(
    ("declared", "url"),
    [
        ({"port": 5432}, "postgresql://postgres:pw@h:9/postgres"),
        ({"port": 5432, "env": {"POSTGRES_USER": "a b", "POSTGRES_DB": "plan"}}, "postgresql://a%20b:pw@h:9/plan"),
        ({"port": 5432, "env": {"POSTGRES_USER": "me"}}, "postgresql://me:pw@h:9/me"),
        ({"port": 5432, "env": {"POSTGRES_PASSWORD": "a/b"}}, "postgresql://postgres:a%2Fb@h:9/postgres"),
        ({"port": 6379}, "redis://h:9/0"),
        ({"port": 8080}, "http://h:9"),
        ({"port": 8080, "url": "https://u:{password}@{host}:{port}/x"}, "https://u:pw@h:9/x"),
    ],
)
def test_the_address_goes_by_the_port(declared: dict[str, Any], url: str) -> None:
    """PostgreSQL with the variables of its image, Redis, HTTP; or as declared."""
    promised = Throwaway(image="x", **declared)
    env = addresses.environment(promised, "pw", {})
    assert addresses.url(promised, env, "h", 9, "pw") == url


def test_another_containers_address_is_the_one_inside() -> None:
    """Whole, or in a longer text; what is no container stays."""
    promised = Throwaway(image="x", port=80, env={"A": "container:db", "B": "x={container:db};{c}", "C": "plain"})
    inside = {"db": "postgresql://db:5432/a"}
    assert addresses.environment(promised, "pw", inside) == {
        "A": "postgresql://db:5432/a", "B": "x=postgresql://db:5432/a;{c}", "C": "plain",
    }  # fmt: skip


def test_a_server_that_trusts_everybody_gets_no_password() -> None:
    """Who declares that is taken at his word."""
    promised = Throwaway(image="x", port=5432, env={"POSTGRES_HOST_AUTH_METHOD": "trust"})
    assert "POSTGRES_PASSWORD" not in addresses.environment(promised, "pw", {})


def test_setup_finds_them_by_name() -> None:
    """`DATABASE_URL` of `database`."""
    assert addresses.variables("my-db", "u", "h", 9) == {"MY_DB_URL": "u", "MY_DB_HOST": "h", "MY_DB_PORT": "9"}
