"""The checks of `suites/graphql.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.criteria import graphql, graphql_engine
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.gate.judges.http import broken_token_refused, refuses
from pytest_prodcheck.observe.finding import Finding


def operation(case: Case) -> list[Finding]:
    """The answer to one document as one user."""
    promised = case.table(GraphqlTarget).expect.get(case.check.subject)
    return graphql.judge_operation(case.declared[-1], promised, now=case.now) if case.declared else []


def health(case: Case) -> list[Finding]:
    """Hasura's health and metadata."""
    return graphql_engine.healthy(case.evidence.observations[0], case.evidence.facts.get("metadata"))


def introspection(case: Case) -> list[Finding]:
    """Introspection is open or refused, as promised."""
    policy = case.table(GraphqlTarget).introspection or "open"
    return graphql_engine.introspection(case.evidence.observations[0], policy)


def ide(case: Case) -> list[Finding]:
    """An IDE is served or not, as promised."""
    return graphql_engine.no_ide(case.evidence.observations, bool(case.table(GraphqlTarget).ide))


def schema(case: Case) -> list[Finding]:
    """Documents against the served schema, or the pinned one where introspection is refused; and the two compared."""
    from pytest_prodcheck.criteria import graphql_contract, graphql_schema
    from pytest_prodcheck.gate import documents

    table, target = case.table(GraphqlTarget), case.check.target
    sdl, pinned = str(case.evidence.facts.get("sdl", "")), documents.pinned(case.environment, table)
    problem = str(case.evidence.facts.get("problem", ""))
    try:
        served = graphql_schema.build(sdl, "served") if sdl else None
    except ConfigError as error:
        served, pinned, problem = None, None, str(error)
    against = served or pinned
    if against is None:
        return [graphql_schema.unreadable(case.evidence.observations, problem, target)]
    found = list(documents.of(case.environment, table).operations.values())
    findings = graphql_schema.validate(found, against, target=target)
    if table.max_depth:
        findings += graphql_schema.too_deep(found, table.max_depth, target=target)
    if pinned and served:
        findings += graphql_contract.differences(pinned, served, found, target=target)
    return findings


JUDGES: Mapping[str, Judge] = {
    "test_operation": operation,
    "test_refuses": refuses,
    "test_broken_token_refused": broken_token_refused,
    "test_health": health,
    "test_introspection": introspection,
    "test_ide": ide,
    "test_schema": schema,
}
