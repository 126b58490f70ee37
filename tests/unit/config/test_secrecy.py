"""No message ever repeats a value: a canary stands in every position of every table, in every wrong type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_prodcheck.config import loader
from pytest_prodcheck.errors import ConfigError

CANARY = "dummy-cAnary-9f8e7d"
NUMBER = 918273645546
GOOD: dict[str, Any] = {
    "kind": "staging",
    "insufficient": "fail",
    "degraded": "warn",
    "confidence": "95%",
    "deadline": "60s",
    "settle": "1s",
    "timeout": "5s",
    "latency": ["< 2s"],
    "proxy": "env:PROXY",
    "tls": {"ca": "system", "valid_for": "1d", "client_certificate": {"certificate": "env:C", "key": "env:K"}},
    "requests": {"per_second": 1, "in_flight": 1, "at_most": 1},
    "revision": {"path": "/v", "at": "a", "header": "", "expected": "env:SHA", "target": "http"},
    "writes": ["order"],
    "users": {
        "m": {
            "grant": "client_credentials",
            "client_id": "env:I",
            "client_secret": "env:S",
            "username": "u",
            "password": "env:P",
            "refresh_token": "env:R",
            "token": "env:T",
            "scope": "openid",
            "client_auth": "post",
            "lifetime": "<= 10m",
            "opaque": False,
            "introspect": True,
            "claims": {"sub": "*"},
            "keep": "cookies",
        },
        "l": {"grant": "login", "login": {"path": "/l", "method": "POST", "json": {"password": "env:P"}}},
    },
    "accepted": [{"code": "a.b", "on": "http", "reason": "R", "owner": "o", "until": date(2026, 12, 1)}],
    "http": {
        "url": "https://a.test",
        "owner": "o",
        "runbook": "https://w.test",
        "severity": "error",
        "required": True,
        "headers": {"Authorization": "env:H"},
        "error_rate": "< 1%",
        "security_headers": "owasp",
        "endpoints": {
            "order": {
                "path": "/o",
                "method": "POST",
                "effect": "write",
                "cleanup": {"path": "/o", "method": "DELETE", "status": [204]},
                "as": "m",
                "query": {"token": "env:Q"},
                "json": {"api_key": "env:J"},
                "status": [200],
                "follow": True,
                "expect": {"a": 1},
                "content_type": "x/y",
                "latency": ["p95 < 1s"],
                "error_rate": "< 1%",
                "timeout": "1s",
                "retries": 0,
                "marks": ["smoke"],
            }
        },
    },
    "auth": {"issuer": "https://i.test/", "audience": ["a"], "algorithms": ["RS256"], "skew": "1s", "hasura": True},
    "graphql": {
        "url": "https://g.test",
        "engine": "hasura",
        "as": ["m"],
        "admin_secret": "env:A",
        "introspection": "open",
        "ide": False,
        "max_depth": 3,
    },
    "database": {
        "dsn": "env:DSN",
        "logins": {"app": "env:APP"},
        "tables": ["a"],
        "identity": "x",
        "connections": "< 80%",
        "functions": ["f"],
        "queries": {"q": {"sql": "select 1", "expect": 1, "latency": "< 1s"}},
        "rls": {"tables": ["a"], "owner": {"a": "b"}, "trusted": ["r"], "context": {"a": "b"}, "roles": {"m": "r"}},
    },
}


def positions(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every key path of a document."""
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from positions(value, (*path, key))


def replaced(node: Any, path: tuple[str | int, ...], value: object) -> Any:
    """A copy with `value` at `path`."""
    if not path:
        return value
    if isinstance(node, list):
        return [replaced(item, path[1:], value) if at == path[0] else item for at, item in enumerate(node)]
    return {key: replaced(item, path[1:], value) if key == path[0] else item for key, item in node.items()}


WRONG: dict[str, object] = {
    "text": CANARY,
    "number": NUMBER,
    "list": [CANARY],
    "table": {"password": CANARY},
    "url": f"https://user:{CANARY}@a.test:99999999",
    "spaced": f"< {CANARY} ms",
    "reference": f"env:{CANARY} x",
}


def toml(environments: dict[str, Any]) -> str:
    """The document as TOML."""
    return f"env = {inline(environments)}\n"


def inline(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return str(value) if isinstance(value, date) else json.dumps(value)


def problems(folder: Path, path: tuple[str | int, ...], value: object) -> str:
    """What is said about the good document with `value` at `path`; empty where it loads."""
    file = folder / "prodcheck.toml"
    file.write_text(toml({"staging": replaced(GOOD, path, value)}))
    try:
        loader.load(file, "staging", date(2026, 11, 24))
    except ConfigError as error:
        return str(error)
    return ""


def test_the_good_document_loads(tmp_path: Path) -> None:
    """The document of the canaries is right, so what is refused is the canary."""
    (tmp_path / "prodcheck.toml").write_text(toml({"staging": GOOD}))
    assert loader.load(tmp_path / "prodcheck.toml", "staging", date(2026, 11, 24)).users["m"].introspect


@pytest.mark.parametrize("form", WRONG)
def test_no_message_repeats_a_value(form: str, tmp_path: Path) -> None:
    """A canary in every position: where it is refused, it is not in the message; not a half of it either."""
    refusals = {path: problems(tmp_path, path, WRONG[form]) for path in positions(GOOD)}
    for needle in (CANARY, CANARY[:10], CANARY[-8:], str(NUMBER)):
        assert [path for path, text in refusals.items() if needle in text] == []
    assert sum(map(bool, refusals.values())) > 40
