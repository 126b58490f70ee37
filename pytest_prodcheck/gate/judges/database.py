"""The checks of `suites/database.py`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from pytest_prodcheck.config.models import DatabaseTarget
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

    promised = contracts.of(case.environment, case.check.target, case.table(DatabaseTarget))
    return database_contract.judge(promised, case.evidence.facts["contract"], case.check.target)


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


def query(case: Case) -> list[Finding]:
    """The declared query's answer."""
    from pytest_prodcheck.criteria import queries

    name = case.check.subject
    promised, answer = case.table(DatabaseTarget).queries[name], case.evidence.facts["answer"]
    return queries.judge(promised, answer, case.check.target, case.now, name)


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
    "test_query": query,
    "test_identity": identity,
    "test_connections": connections,
}
