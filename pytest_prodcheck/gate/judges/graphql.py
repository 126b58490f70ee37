"""The checks of `suites/graphql.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.criteria import graphql, graphql_engine
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.gate.judges.http import broken_token_refused, refuses
from pytest_prodcheck.gate.judges.tls import certificate
from pytest_prodcheck.observe.finding import Finding


def operation(case: Case) -> list[Finding]:
    """The answer to one document as one user."""
    promised = case.table(GraphqlTarget).expect.get(case.check.subject)
    return graphql.judge_operation(case.declared[-1], promised, now=case.now) if case.declared else []


def health(case: Case) -> list[Finding]:
    """Hasura's health and metadata."""
    return graphql_engine.healthy(case.evidence.observations[0], case.evidence.facts.get("metadata"))


def introspection(case: Case) -> list[Finding]:
    """Introspection is open or refused, as promised; in production refused, where nothing is said."""
    policy = case.table(GraphqlTarget).introspection or "refused"
    return graphql_engine.introspection(case.evidence.observations[0], policy)


def ide(case: Case) -> list[Finding]:
    """An IDE is served or not, as promised."""
    return graphql_engine.no_ide(case.evidence.observations, bool(case.table(GraphqlTarget).ide))


def denied(case: Case) -> list[Finding]:
    """An operation as a caller to whom it is not allowed."""
    from pytest_prodcheck.criteria import graphql_permission

    return graphql_permission.denied(case.evidence.observations[0])


def suggestions(case: Case) -> list[Finding]:
    """Errors propose names or not, as promised; in production not, where nothing is said."""
    from pytest_prodcheck.criteria import graphql_exposure

    policy = case.table(GraphqlTarget).suggestions or "refused"
    return graphql_exposure.suggestions(case.evidence.observations[0], policy)


def batching(case: Case) -> list[Finding]:
    """Batches are taken or not, as promised; in production not, where nothing is said."""
    from pytest_prodcheck.criteria import graphql_exposure

    return graphql_exposure.batching(case.evidence.observations[0], case.table(GraphqlTarget).batching or "refused")


def depth(case: Case) -> list[Finding]:
    """A query deeper than `max_depth` is refused."""
    from pytest_prodcheck.criteria import graphql_exposure

    facts, at_most = case.evidence.facts, case.table(GraphqlTarget).max_depth or 0
    return graphql_exposure.depth(facts.get("deep"), at_most, case.check.target, str(facts.get("problem", "")))


def subscription(case: Case) -> list[Finding]:
    """What came of one subscription."""
    from pytest_prodcheck.criteria import graphql_subscription

    promised = case.table(GraphqlTarget).subscriptions[case.check.subject]
    return graphql_subscription.judge(case.evidence.observations[0], promised, now=case.now)


def metadata(case: Case) -> list[Finding]:
    """Hasura's metadata against the repository's, and the row filters in it."""
    from pytest_prodcheck.criteria import hasura_metadata
    from pytest_prodcheck.gate import hasura_files

    table, target, live = case.table(GraphqlTarget), case.check.target, case.evidence.facts.get("metadata")
    if live is None:
        problem = str(case.evidence.facts.get("problem", ""))
        return [hasura_metadata.unreadable(case.evidence.observations[0], problem)]
    promised = hasura_files.read(table.metadata) if table.metadata else None
    findings = hasura_metadata.differences(promised, live, target=target) if promised else []
    return findings + hasura_metadata.row_filters(live, table.row_filters, table.trusted_roles, target=target)


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
    unseen = graphql_schema.unreadable(case.evidence.observations, problem, target)
    findings = [] if served or table.introspection == "refused" else [unseen]
    found = [one for one in documents.of(case.environment, table).operations.values() if _in_schema(case, one.name)]
    findings += graphql_schema.validate(found, against, target=target)
    if table.max_depth:
        findings += graphql_schema.too_deep(found, table.max_depth, target=target)
    if pinned and served:
        findings += graphql_contract.differences(pinned, served, found, target=target)
    return findings


def _in_schema(case: Case, operation: str) -> bool:
    """Whether the schema that was read must have the operation: Hasura has one a role, with what the role may do."""
    table = case.table(GraphqlTarget)
    return table.engine != "hasura" or case.check.user in table.allowed.get(operation, (case.check.user,))


def jwt_config(case: Case) -> list[Finding]:
    """Where the engine finds claims, against where they are promised."""
    from pytest_prodcheck.config.models import HasuraClaims
    from pytest_prodcheck.criteria import hasura_config
    from pytest_prodcheck.gate.judges.auth import provider

    promised = provider(case.environment)[1].hasura
    if not isinstance(promised, HasuraClaims) or not case.evidence.observations:
        return []
    return hasura_config.jwt_config(case.evidence.observations[0], promised, case.check.target)


JUDGES: Mapping[str, Judge] = {
    "test_operation": operation,
    "test_refuses": refuses,
    "test_certificate": certificate,
    "test_broken_token_refused": broken_token_refused,
    "test_health": health,
    "test_jwt_config": jwt_config,
    "test_introspection": introspection,
    "test_ide": ide,
    "test_denied": denied,
    "test_metadata": metadata,
    "test_subscription": subscription,
    "test_suggestions": suggestions,
    "test_batching": batching,
    "test_depth": depth,
    "test_schema": schema,
}
