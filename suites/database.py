"""Database checks: logins, schema, row-level security and declared queries, from one catalog snapshot."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_database, check):
    """Our reader logs in and the server answers (A31, B7, B25, B26, B30, C7, C8)."""
    prodcheck_database.observe(check)


@pytest.mark.smoke
def test_login(prodcheck_database, check):
    """The application's own credential logs in (A31, C1, T12)."""
    prodcheck_database.observe(check)


@pytest.mark.smoke
def test_identity(prodcheck_database, check):
    """It is the database that this environment means."""
    prodcheck_database.observe(check)


@pytest.mark.smoke
def test_connections(prodcheck_database, check):
    """The server has connections left (A36)."""
    prodcheck_database.observe(check)


@pytest.mark.contract
def test_tables(prodcheck_database, check):
    """Every promised table exists where the name resolves to, and is readable (A34, C14)."""
    prodcheck_database.observe(check)


@pytest.mark.contract
def test_contract(prodcheck_database, check):
    """The schema is the pinned one; what drifted is named with what it breaks (A33, A35, B32, C14, C15, E15)."""
    prodcheck_database.observe(check)


@pytest.mark.contract
def test_migrations(prodcheck_database, check):
    """All migrations of the code are applied, whole and unchanged (A33, B32, C12, C13, E14, T19, R12)."""
    prodcheck_database.observe(check)


@pytest.mark.smoke
def test_health(prodcheck_database, check):
    """The server's statistics keep their limits (A36, B20, B23, B34, B35, B38, B39, C21, C22, C45, T7, R14, R15)."""
    prodcheck_database.observe(check)


@pytest.mark.smoke
def test_pooler(prodcheck_database, check):
    """PgBouncer pools as promised, and nobody waits for it (C21, C22, C45)."""
    prodcheck_database.observe(check)


@pytest.mark.contract
def test_rows(prodcheck_database, check):
    """The table holds the rows that are promised (A37, E16)."""
    prodcheck_database.observe(check)


@pytest.mark.contract
def test_relations(prodcheck_database, check):
    """No row points to nothing, foreign key or not (A35, A37, B33)."""
    prodcheck_database.observe(check)


@pytest.mark.contract
def test_plan(prodcheck_database, check):
    """The declared query's plan uses its index and stays below its cost (C44, E19)."""
    prodcheck_database.observe(check)


@pytest.mark.security
def test_rls(prodcheck_database, check):
    """Row-level security is on, has policies, none of them always true, and nobody bypasses it (A24)."""
    prodcheck_database.observe(check)


@pytest.mark.security
def test_rls_proof(prodcheck_database, check):
    """The declared user sees of each table what is promised, and none of the others' rows (A25, A27)."""
    prodcheck_database.observe(check)


@pytest.mark.security
def test_lint(prodcheck_database, check):
    """No rule for any schema is broken: Splinter's, and our own (A24, A32, C19)."""
    prodcheck_database.observe(check)


@pytest.mark.contract
def test_query(prodcheck_database, check):
    """The declared query gives what is promised (A37, C16, C44)."""
    prodcheck_database.observe(check)


def test_latency(prodcheck_database, check):
    """The database keeps its latency limits (C44)."""
    prodcheck_database.observe(check)
