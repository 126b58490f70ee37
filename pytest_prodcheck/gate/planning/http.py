"""The checks of an http target."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import Environment, HttpTarget
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder, limits


def checks(environment: Environment, target: str, table: HttpTarget) -> Iterator[Check]:
    """What the host, its certificate, its headers and its endpoints promise."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
    asked = environment.revision is not None and not environment.revision.of_cluster
    if environment.revision and asked and (environment.revision.target or target) == target:
        yield build.check("test_revision")
    if table.url.startswith("https:") or table.tls.valid_for:
        yield build.check("test_certificate")
    if table.security_headers:
        sampled = [table.endpoints[name].as_ or "" for name in table.header_samples]
        yield build.check("test_security_headers", users=tuple(dict.fromkeys(sampled)))
    for name, endpoint in table.endpoints.items():
        if environment.permits(target, name, endpoint):
            users = (endpoint.as_,) if endpoint.as_ else ()
            yield build.check(
                "test_endpoint",
                name,
                users=users,
                declared=endpoint,
                latency=endpoint.latency,
                error_rate=endpoint.error_rate,
            )
    for name, endpoint in table.endpoints.items():
        if endpoint.refuses:
            yield build.check("test_refuses", name, users=(endpoint.as_,) if endpoint.as_ else (), declared=endpoint)
    if protected := _protected(environment, table):
        yield build.check(
            "test_broken_token_refused", protected, users=(table.endpoints[protected].as_,), parameter="-"
        )
    yield from limits(build)


def _protected(environment: Environment, table: HttpTarget) -> str:
    """The first declared GET that a user with a JWT may read: what must refuse a token with a broken signature."""
    for name, endpoint in table.endpoints.items():
        user = environment.users.get(endpoint.as_)
        answers = not endpoint.status or any(200 <= status < 300 for status in endpoint.status)
        if user and not user.opaque and user.keep != "cookies" and endpoint.method == "GET" and answers:
            return "" if endpoint.writes else name
    return ""
