"""Literal secrets in a `prodcheck.toml`: found before anything else looks at the values, and never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_prodcheck.config import address, steps
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.problems import CREDENTIAL, REFERENCES_ONLY, Problems

REFERENCE = compiled(r"(?:env|file|cmd|demo|container):.+|.*\{(?:env|file|demo|container):[^{}]+\}.*", re.DOTALL)
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
MALFORMED = compiled(rf"\A(?:env|demo|container):(?!{_NAME}\Z)|\{{(?:env|demo|container):(?!{_NAME}\}})[^{{}}\"']*\}}")
"""What is written like a reference and names nothing that could be looked up: it would be sent as it stands."""
_BODIES = frozenset({"json", "form", "query", "send", "first", "cleanup"})
_TEXTS = _BODIES | {"text", "sql", "expect", "expect_headers", "claims", "data", "errors"}
"""Keys below which any text may be meant, unless it stands where a credential belongs."""
_QUERY_PARAMETER = compiled(r"[?&]([^=&#]+)=([^&#]*)")


def check(environment: Mapping[str, Any], problems: Problems) -> None:
    """Adds a problem for every literal where a credential belongs: in a header, a body or a query parameter with such a
    name, and in the user part of any URL or DSN. A value whose endpoint only expects 4xx is no secret.
    """
    for path, value in _strings(environment, ()):
        if path[0] == "websocket" and steps.names_user(value) and not _has_credential_parameter(value):
            continue
        if MALFORMED.search(value) and _means_reference(path):
            problems.add(path, "is no reference: a name has letters, digits, _, . and -", f'{path[-1]} = "env:NAME"')
        elif REFERENCE.fullmatch(value):
            if _password_is_literal(value) or _has_credential_parameter(value):
                _add(path, problems)
        elif _is_literal_credential(path, value) and not _is_declared_wrong(environment, path):
            _add(path, problems)


def _means_reference(path: KeyPath) -> bool:
    """Not of the models' own secrets: they say themselves what is none."""
    named = next((key for key in reversed(path) if isinstance(key, str)), "")
    return "headers" in path or _TEXTS.isdisjoint(path) != bool(CREDENTIAL.search(named))


def _add(path: KeyPath, problems: Problems) -> None:
    key = str(path[-1])
    name = re.sub(r"[^A-Z0-9]+", "_", key.upper()).strip("_")
    examples = {"authorization": 'Authorization = "Bearer {env:API_TOKEN}"', "dsn": 'dsn = "env:PRODCHECK_DSN"'}
    problems.add(path, REFERENCES_ONLY, examples.get(key.lower(), f'{key} = "env:{name}"'))


def _strings(node: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _strings(value, (*path, key))
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from _strings(value, (*path, position))


def _is_literal_credential(path: KeyPath, value: str) -> bool:
    if value and len(path) > 1 and path[-2] == "headers" and CREDENTIAL.search(str(path[-1])):
        return True
    if "=" in value or "://" in value:
        return _password_is_literal(value) or _has_credential_parameter(value)
    named = next((key for key in reversed(path) if isinstance(key, str)), "")
    return bool(value) and not _BODIES.isdisjoint(path[:-1]) and bool(CREDENTIAL.search(named))


def _password_is_literal(value: str) -> bool:
    password = address.password(value)
    return bool(password) and not REFERENCE.fullmatch(password) and password != "{password}"


def _has_credential_parameter(value: str) -> bool:
    if not (value.startswith("/") or "://" in value):
        return False
    found = _QUERY_PARAMETER.findall(value)
    return any(CREDENTIAL.search(name) and text and not REFERENCE.fullmatch(text) for name, text in found)


def _is_declared_wrong(environment: Mapping[str, Any], path: KeyPath) -> bool:
    """Whether `path` is in the body, query or path of an endpoint that only expects to be refused."""
    if "endpoints" not in path or "headers" in path:
        return False
    node: Any = environment
    for key in path[: path.index("endpoints") + 2]:
        node = node[key]
    return isinstance(node, Mapping) and only_refusals(node.get("status"))


def only_refusals(status: object) -> bool:
    """Whether the declared statuses are 4xx, all of them."""
    statuses = status if isinstance(status, list | tuple) else [status]
    return bool(statuses) and all(isinstance(one, int) and 400 <= one <= 499 for one in statuses)
