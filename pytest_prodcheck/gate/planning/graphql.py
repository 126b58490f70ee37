"""The checks of a GraphQL API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_prodcheck.config.forgeries import has_jwt
from pytest_prodcheck.config.loader import slug
from pytest_prodcheck.config.models import AuthTarget, Environment, GraphqlTarget
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder, limits


def checks(environment: Environment, target: str, table: GraphqlTarget) -> Iterator[Check]:
    """What its documents, its schema and what it shows promise. Raises ConfigError for a file that is none."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
    if table.tls.valid_for:
        yield build.check("test_certificate")
    if table.engine == "hasura":
        yield build.check("test_health")
    if table.engine == "hasura" and table.admin_secret and _places(environment):
        yield build.check("test_jwt_config")
    reader = table.as_[:1]
    if table.schema_ or table.operations:
        yield build.check("test_schema", users=reader)
    if table.metadata or table.row_filters:
        from pytest_prodcheck.gate import hasura_files

        if table.metadata:
            hasura_files.read(table.metadata)  # metadata that is none is a usage error, before anything is sent
        yield build.check("test_metadata")
    yield from _exposure(build, table, reader)
    from pytest_prodcheck.gate import documents

    documents.pinned(environment, table)  # a schema that is none is a usage error, before anything is sent
    found = documents.of(environment, table)
    for name in found.operations:
        if not found.why_not(name):
            yield from _executed(build, table, name)
            yield from _denied(build, table, name)
    for name, promised in table.subscriptions.items():
        yield build.check("test_subscription", name, users=(promised.as_,) if promised.as_ else (), declared=promised,
                          parameter=_of_operation(name, promised.as_))  # fmt: skip
    sent = [name for name in found.operations if not found.why_not(name)]
    answered = [(name, user) for name in sent for user in _answered(environment, table, name)]
    if answered:
        yield build.check("test_broken_token_refused", answered[0][0], users=(answered[0][1],), parameter="-")
    if table.refuses:
        jwt = next((user for user in table.as_ if has_jwt(environment.users[user])), "")
        first, user = answered[0] if answered else ("" if jwt else (sent or [""])[0], jwt)
        yield build.check("test_refuses", first, users=(user,) if user else (), parameter="-")
    yield from limits(build)


def _exposure(build: Builder, table: GraphqlTarget, reader: tuple[str, ...]) -> Iterator[Check]:
    """What an API shows and takes. In production what is not declared is looked at too: open, it is a warning. Hasura
    has no way to refuse batches, so that they are judged there only where they are declared."""
    looked_at = {"introspection": table.introspection, "suggestions": table.suggestions, "batching": table.batching,
                 "ide": table.ide}  # fmt: skip
    for name, declared in looked_at.items():
        users = () if name == "ide" else reader
        if declared is not None:
            yield build.check(f"test_{name}", users=users)
        elif build.environment.kind == "production" and not (name == "batching" and table.engine == "hasura"):
            yield replace(build.check(f"test_{name}", users=users), severity="warning")
    if table.max_depth:
        yield build.check("test_depth", users=reader)


def _places(environment: Environment) -> bool:
    """Whether it is promised where Hasura finds its claims, in a way that it tells: it tells no claims_map."""
    tables = [table for table in environment.targets.values() if isinstance(table, AuthTarget)]
    return any(not isinstance(table.hasura, bool) and not table.hasura.map for table in tables)


def _executed(build: Builder, table: GraphqlTarget, name: str) -> Iterator[Check]:
    promised = table.expect.get(name)
    allowed = table.allowed.get(name, table.as_ or ("",))
    for user in (promised.as_,) if promised and promised.as_ else allowed:
        yield build.check(
            "test_operation",
            name,
            users=(user,) if user else (),
            latency=promised.latency if promised else (),
            parameter=_of_operation(name, user),
        )


def _answered(environment: Environment, table: GraphqlTarget, name: str) -> list[str]:
    """The users with a JWT to whom the operation is promised to be answered without errors."""
    promised = table.expect.get(name)
    if promised and promised.errors not in (None, "absent", []):
        return []
    users = (promised.as_,) if promised and promised.as_ else table.allowed.get(name, table.as_)
    return [user for user in users if user and has_jwt(environment.users[user])]


def _denied(build: Builder, table: GraphqlTarget, name: str) -> Iterator[Check]:
    """Whoever is declared and not allowed; and who sends no token, which no user's name stands for."""
    if name in table.allowed:
        for user in (*(user for user in table.as_ if user not in table.allowed[name]), ""):
            parameter = _of_operation(name, user or "anonymous")
            yield build.check("test_denied", name, users=(user,) if user else (), parameter=parameter)


def _of_operation(name: str, user: str) -> str:
    return "-".join(part for part in (slug(name, keep_case=True), slug(user)) if part)
