"""The checks of `suites/database.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pytest_prodcheck.config.models import DatabaseTarget, Query
from pytest_prodcheck.criteria import database_login
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.observe.finding import Finding


def login(case: Case) -> list[Finding]:
    """The declared credential logged in."""
    failed = [observation for observation in case.evidence.observations if not observation.expected]
    facts = {name: value for name, value in case.evidence.facts.items() if name != "catalog"}
    return [database_login.failure(case.check.target, observation, facts) for observation in failed]


def tables(case: Case) -> list[Finding]:
    """The promised tables."""
    from pytest_prodcheck.criteria import schema_tables

    table = case.table(DatabaseTarget)
    catalog = case.evidence.facts["catalog"]
    return schema_tables.schema_tables(catalog, table.tables or (), case.check.target, login_roles(table))


def contract(case: Case) -> list[Finding]:
    """The pinned contract against what the snapshot saw."""
    from pytest_prodcheck.criteria import database_contract
    from pytest_prodcheck.gate import contracts

    table, facts = case.table(DatabaseTarget), case.evidence.facts
    promised = contracts.of(case.environment, case.check.target, table)
    return database_contract.judge(promised, facts["contract"], case.check.target, _missing(table, facts))


def _missing(table: DatabaseTarget, facts: Mapping[str, Any]) -> dict[str, str]:
    """Name of each migration of the folder that is not applied → what it says."""
    from pytest_prodcheck.config.migrations import folder
    from pytest_prodcheck.criteria import migrations

    declared = table.migrations
    if declared is None or declared.tool is None or not declared.directory or "ledger" not in facts:
        return {}
    place, ledger = Path(declared.directory), migrations.seen_whole(facts["ledger"], facts["catalog"])
    names = migrations.missing(ledger, declared.tool, folder.read(place, declared.tool))
    return folder.texts(place, declared.tool, names) if names else {}


def rls(case: Case) -> list[Finding]:
    """Row-level security, from the catalog."""
    from pytest_prodcheck.criteria import rls

    table = case.table(DatabaseTarget)
    if table.rls is None:
        return []
    return rls.rls(case.evidence.facts["catalog"], table.rls, login_roles(table), case.check.target)


def rls_proof(case: Case) -> list[Finding]:
    """What a declared user sees."""
    from pytest_prodcheck.criteria import rls_proof

    promised, facts = case.table(DatabaseTarget).rls, case.evidence.facts
    if promised is None:
        return []
    return rls_proof.judge(facts["proofs"], case.check.subject, facts["catalog"], promised, case.check.target)


def lint(case: Case) -> list[Finding]:
    """The rules for any schema."""
    from pytest_prodcheck.criteria import lint

    table = case.table(DatabaseTarget)
    return lint.findings(case.evidence.facts["catalog"], table, login_roles(table), case.check.target)


def query(case: Case) -> list[Finding]:
    """The declared query's answer."""
    from pytest_prodcheck.criteria import queries

    name = case.check.subject
    promised, answer = case.table(DatabaseTarget).queries[name], case.evidence.facts["answer"]
    return queries.judge(promised, answer, case.check.target, case.now, name, case.evidence.facts.get("catalog"))


def migrations(case: Case) -> list[Finding]:
    """The migrations of the repository, or the pinned head, against what the tool wrote."""
    from pytest_prodcheck.config.migrations import folder
    from pytest_prodcheck.criteria import migrations, queries

    promised = case.table(DatabaseTarget).migrations
    if promised is None:
        return []
    if promised.tool is None:
        asked = Query(sql=promised.sql, expect=promised.expect, severity=promised.severity)
        found = queries.judge(asked, case.evidence.facts["answer"], case.check.target, case.now, "migrations")
        return [migrations.asked(finding) for finding in found]
    files = folder.read(Path(promised.directory), promised.tool) if promised.directory else promised.head
    ledger = migrations.seen_whole(case.evidence.facts["ledger"], case.evidence.facts["catalog"])
    return migrations.migrations(ledger, promised.tool, files, case.check.target, promised.severity)


def health(case: Case) -> list[Finding]:
    """One area of the server's statistics."""
    from pytest_prodcheck.criteria import database_health

    limits, facts = case.table(DatabaseTarget).health, case.evidence.facts
    if limits is None:
        return []
    if "health" not in facts:
        return [database_health.unread(str(facts.get("problem", "")), case.check.target)]
    return database_health.health(facts["health"], limits, case.check.subject, case.check.target)


def pooler(case: Case) -> list[Finding]:
    """PgBouncer's pools."""
    from pytest_prodcheck.criteria import pooler

    promised = case.table(DatabaseTarget).pooler
    (seen,) = case.evidence.observations
    return pooler.pooler(case.evidence.facts["pools"], promised, seen, case.check.target) if promised else []


def rows(case: Case) -> list[Finding]:
    """The rows of one table."""
    from pytest_prodcheck.criteria import contents

    promised, facts = case.table(DatabaseTarget).rows[case.check.subject], case.evidence.facts
    return contents.rows(case.check.subject, promised, facts.get("answer"), facts["catalog"], case.check.target)


def relations(case: Case) -> list[Finding]:
    """The rows of one column that point to nothing."""
    from pytest_prodcheck.criteria import contents

    name, facts = case.check.subject, case.evidence.facts
    other = case.table(DatabaseTarget).relations[name]
    return contents.relations(name, other, facts.get("answer"), facts["catalog"], case.check.target)


def plan(case: Case) -> list[Finding]:
    """The plan of one declared query."""
    from pytest_prodcheck.criteria import query_plan

    name = case.check.subject
    query, answer = case.table(DatabaseTarget).queries[name], case.evidence.facts["answer"]
    return query_plan.plan(query, answer, case.check.target, name, case.now)


def identity(case: Case) -> list[Finding]:
    """The database that this environment means."""
    from pytest_prodcheck.criteria import identity

    promised = case.table(DatabaseTarget).identity
    return identity.identity(case.evidence.facts["catalog"], promised, case.check.target)


def connections(case: Case) -> list[Finding]:
    """The connections left."""
    from pytest_prodcheck.criteria import connections

    table = case.table(DatabaseTarget)
    catalog = case.evidence.facts["catalog"]
    return connections.connections(catalog, table.connections or "", case.check.target, login_roles(table))


def login_roles(table: DatabaseTarget) -> list[str]:
    """Role names of the declared logins: who row-level security must hold for."""
    return [role for dsn in table.logins.values() if (role := _role(dsn))]


def _role(dsn: str) -> str:
    if "://" in dsn:
        return unquote(urlsplit(dsn).username or "")
    words = (word.partition("=") for word in dsn.split())
    return next((value for name, _, value in words if name == "user"), "")


JUDGES: Mapping[str, Judge] = {
    "test_login": login,
    "test_tables": tables,
    "test_contract": contract,
    "test_rls": rls,
    "test_rls_proof": rls_proof,
    "test_lint": lint,
    "test_query": query,
    "test_migrations": migrations,
    "test_health": health,
    "test_pooler": pooler,
    "test_rows": rows,
    "test_relations": relations,
    "test_plan": plan,
    "test_identity": identity,
    "test_connections": connections,
}
