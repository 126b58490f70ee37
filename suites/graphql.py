"""GraphQL checks: the engine, its schema, and the documents that the application sends."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_graphql, check):
    """The endpoint answers as GraphQL (A6, T2)."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_certificate(prodcheck_graphql, check):
    """The certificate is trusted, for this name, and holds long enough (A63, B62–B64, D46)."""
    prodcheck_graphql.observe(check)


@pytest.mark.smoke
def test_health(prodcheck_graphql, check):
    """Hasura is healthy and its metadata is consistent (A7, T5)."""
    prodcheck_graphql.observe(check)


@pytest.mark.contract
def test_jwt_config(prodcheck_graphql, check):
    """Hasura reads claims where they are promised (A21)."""
    prodcheck_graphql.observe(check)


@pytest.mark.contract
def test_schema(prodcheck_graphql, check):
    """The application's documents fit the schema, and the schema fits the pinned one (A41)."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_introspection(prodcheck_graphql, check):
    """Introspection is open or refused, as promised."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_suggestions(prodcheck_graphql, check):
    """Errors propose the names of fields or not, as promised."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_batching(prodcheck_graphql, check):
    """Several operations in one request are taken or not, as promised."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_depth(prodcheck_graphql, check):
    """A query that is deeper than promised is refused."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_ide(prodcheck_graphql, check):
    """An IDE is served or not, as promised."""
    prodcheck_graphql.observe(check)


@pytest.mark.contract
def test_operation(prodcheck_graphql, check):
    """The document executes for this user without errors and with the promised data (A20, A41, A61, T4)."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_denied(prodcheck_graphql, check):
    """The operation is refused to this caller, to whom it is not allowed (A23, A26)."""
    prodcheck_graphql.observe(check)


@pytest.mark.contract
def test_subscription(prodcheck_graphql, check):
    """The subscription is acknowledged and sends an event, or completes, in time (A41)."""
    prodcheck_graphql.observe(check)


@pytest.mark.contract
def test_metadata(prodcheck_graphql, check):
    """Hasura's metadata is the repository's, and rows are filtered by the session (A23)."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_refuses(prodcheck_graphql, check):
    """The API refuses tokens that are none, unsigned, forged, over, for others or another role (A20, A22)."""
    prodcheck_graphql.observe(check)


@pytest.mark.security
def test_broken_token_refused(prodcheck_graphql, check):
    """A token whose signature was changed is refused (A20)."""
    prodcheck_graphql.observe(check)


def test_latency(prodcheck_graphql, check):
    """All operations together keep the latency limits."""
    prodcheck_graphql.observe(check)


def test_error_rate(prodcheck_graphql, check):
    """All operations together keep the error rate."""
    prodcheck_graphql.observe(check)
