"""The checks of a database."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import DatabaseTarget, Environment
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.planning.builder import Builder, limits


def checks(environment: Environment, target: str, table: DatabaseTarget) -> Iterator[Check]:
    """What its logins, schema, rows and statistics promise. Raises ConfigError for a contract file that is none."""
    build = Builder(environment, target, table)
    yield build.check("test_ready")
    for name in table.logins:
        yield build.check("test_login", name)
    if table.identity:
        yield build.check("test_identity")
    if table.connections:
        yield build.check("test_connections")
    if table.tables:
        yield build.check("test_tables")
    if table.contract:
        from pytest_prodcheck.gate import contracts

        contracts.of(environment, target, table)
        yield build.check("test_contract")
    if table.migrations:
        yield build.check("test_migrations", declared=table.migrations)
    if table.rls:
        yield build.check("test_rls")
        for name in table.rls.sees:
            yield build.check("test_rls_proof", name, users=(name,) if name in environment.users else ())
    if table.health:
        from pytest_prodcheck.criteria.database_health import areas

        for area in areas(table.health):
            yield build.check("test_health", area, declared=table.health)
    if table.pooler:
        yield build.check("test_pooler", declared=table.pooler)
    for name in table.rows:
        yield build.check("test_rows", name)
    for name in table.relations:
        yield build.check("test_relations", name)
    if table.lint:
        yield build.check("test_lint", declared=table.lint)
    for name, query in table.queries.items():
        yield build.check("test_query", name, declared=query, latency=query.latency)
        if query.explain:
            yield build.check("test_plan", name, declared=query)
    yield from limits(build)
