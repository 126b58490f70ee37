"""What must hold between the keys of an http target."""

from __future__ import annotations

from pytest_prodcheck.config import forgeries
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import METHODS_THAT_READ, Endpoint, HttpTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.config.rules.checked import Checked, refuse_empty, refuse_unjudgeable
from pytest_prodcheck.config.secrecy import REFERENCE, only_refusals

_METHODS = (*METHODS_THAT_READ, "POST", "PUT", "PATCH", "DELETE")


def check(checked: Checked, path: KeyPath, target: HttpTarget) -> None:
    """Adds a problem for each endpoint that could not be sent or judged as it is declared."""
    for name, endpoint in target.endpoints.items():
        _endpoint(checked, (*path, "endpoints", name), endpoint)


def _endpoint(checked: Checked, path: KeyPath, endpoint: Endpoint) -> None:
    add = checked.problems.add
    refuse_empty(path, endpoint, checked.problems)
    checked.known_user((*path, "as"), endpoint.as_)
    if not _is_path(endpoint.path):
        add((*path, "path"), "a path begins with one / and is relative to the target's url", 'path = "/api/tasks"')
    if endpoint.method not in _METHODS:
        add((*path, "method"), f"unknown method{nearest(endpoint.method, _METHODS)}")
    elif endpoint.method not in METHODS_THAT_READ and endpoint.effect is None and not _is_refused_post(endpoint):
        text = f"{endpoint.method} needs its effect: read, or write (a POST that only expects 4xx is a read by itself)"
        add((*path, "effect"), text, 'effect = "read"')
    for name in ("expect", "schema_") if endpoint.method == "HEAD" else ():
        if getattr(endpoint, name) not in (None, ""):
            key = name.removesuffix("_")
            add((*path, key), f"the answer to HEAD has no body that could keep {key}", 'method = "GET"')
    if len({"json_", "form", "text"} & endpoint.model_fields_set) > 1:
        add(path, "one request has one body: json, form or text")
    refuse_unjudgeable((*path, "expect"), endpoint.expect, checked.problems)
    refuse_unjudgeable((*path, "expect_headers"), endpoint.expect_headers, checked.problems)
    forgeries.endpoint(checked.environment, path, endpoint, add)
    if endpoint.writes:
        _write(checked, path, endpoint)


def _write(checked: Checked, path: KeyPath, endpoint: Endpoint) -> None:
    if endpoint.cleanup is None:
        text = 'a write says its cleanup: a request, or "none: reason"'
        checked.problems.add((*path, "cleanup"), text, 'cleanup = { path = "/api/orders/{id}" }')
    elif not isinstance(endpoint.cleanup, str) and not _is_path(endpoint.cleanup.path):
        checked.problems.add((*path, "cleanup", "path"), "a path begins with one / and is relative to the target's url")
    if endpoint.retries:
        checked.problems.add((*path, "retries"), "only reads are retried; a write is sent once", "retries = 0")


def _is_path(path: str) -> bool:
    return bool(REFERENCE.match(path)) or (path.startswith("/") and not path.startswith(("//", "/\\")))


def _is_refused_post(endpoint: Endpoint) -> bool:
    return endpoint.method == "POST" and only_refusals(endpoint.status)
