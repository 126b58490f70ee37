"""Every code of Hasura and of Apollo has its cause, by its message where that says more (R5–R10, D11)."""

from __future__ import annotations

import pytest

from pytest_prodcheck.diagnosis.causes import CAUSES
from pytest_prodcheck.diagnosis.hasura import CODES, classify

TOLD = [
    ("invalid-jwt", "Could not verify JWT: JWTExpired", "runner.token.expired"),
    ("invalid-jwt", "Could not verify JWT: JWSError JWSInvalidSignature", "auth.jwks.stale_in_consumer"),
    ("invalid-jwt", "Could not verify JWT: JWSError NoUsableKeys", "auth.jwks.stale_in_consumer"),
    ("invalid-jwt", "Could not verify JWT: JWTNotInAudience", "auth.token.audience_mismatch"),
    ("invalid-jwt", "Could not verify JWT: JWTNotInIssuer", "auth.token.issuer_mismatch"),
    ("jwt-invalid-claims", "claims key: 'https://hasura.io/jwt/claims' not found", "auth.claims.namespace_missing"),
    ("jwt-missing-role-claims", "JWT claim does not contain x-hasura-allowed-roles", "auth.claims.roles_missing"),
    ("jwt-missing-role-claims", "JWT claim does not contain x-hasura-default-role", "auth.claims.roles_missing"),
    ("invalid-headers", "Missing 'Authorization' or 'Cookie' header in JWT authentication mode", "auth.header.dropped"),
    ("invalid-headers", "Malformed Authorization header", "auth.header.dropped"),
    ("access-denied", "x-hasura-admin-secret/x-hasura-access-key required, but not found", "auth.header.dropped"),
    ("access-denied", "Your requested role is not in allowed roles", "auth.claims.role_not_allowed"),
    ("validation-failed", "field 'x' not found in type: 'query_root'", "graphql.permission.missing"),
    ("permission-error", "check constraint of an insert/update permission has failed", "graphql.permission.row_check"),
    ("constraint-violation", "Uniqueness violation", "database.data.constraint"),
    ("data-exception", "invalid input syntax for type uuid", "database.data.invalid_input"),
    ("postgres-error", "connection error", "graphql.database.unreachable"),
    ("postgres-error", "postgres tx error", "graphql.database.unreachable"),
    ("postgres-max-connections-error", "max connections reached", "database.connections.exhausted"),
    ("not-exists", "source with name x does not exist", "graphql.metadata.inconsistent"),
    ("not-found", "resource does not exist", "graphql.endpoint.not_graphql"),
    ("unexpected", "internal error", "graphql.errors.in_answer"),
    ("start-failed", "", "graphql.engine.start_failed"),
    ("GRAPHQL_PARSE_FAILED", "Syntax Error: Unexpected Name", "graphql.document.outdated"),
    ("GRAPHQL_VALIDATION_FAILED", 'Cannot query field "x" on type "Query".', "graphql.document.outdated"),
    ("", "Cannot query field 'x' on type 'Task'. Did you mean 'y'?", "graphql.document.outdated"),
    ("", 'Unknown argument "by" on field "Query.tasks".', "graphql.document.outdated"),
    ("BAD_USER_INPUT", 'Variable "$id" got invalid value', "graphql.document.outdated"),
    ("OPERATION_RESOLUTION_FAILURE", 'Unknown operation named "X".', "graphql.document.outdated"),
    ("BAD_REQUEST", "POST body missing", "graphql.errors.in_answer"),
    ("UNAUTHENTICATED", "You must be logged in", "auth.header.dropped"),
    ("FORBIDDEN", "Not for you", "graphql.permission.forbidden"),
    ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound", "graphql.document.not_allowed"),
    ("INTERNAL_SERVER_ERROR", "boom", "graphql.errors.in_answer"),
]


@pytest.mark.parametrize(("code", "message", "cause"), TOLD, ids=[f"{row[0]} {row[1][:40]}" for row in TOLD])
def test_a_code_has_its_cause(code, message, cause):
    """The pair as the engine says it."""
    assert classify(code, message) == cause


@pytest.mark.parametrize("code", CODES)
def test_every_known_code_has_a_remedy(code):
    """What a code means is a cause with a remedy and a next command."""
    kind = CAUSES[CODES[code]]
    assert kind.remedy
    assert kind.next
