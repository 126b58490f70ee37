"""Hasura's `extensions.code` and message → cause code. Source: Base/Error.hs, Auth/JWT.hs, jose (facts §1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_prodcheck.diagnosis import libpq

CODES: Mapping[str, str] = {
    "access-denied": "auth.claims.role_not_allowed",
    "constraint-violation": "database.data.constraint",
    "data-exception": "database.data.invalid_input",
    "invalid-json": "graphql.document.outdated",
    "invalid-headers": "auth.header.dropped",
    "invalid-jwt": "auth.jwks.stale_in_consumer",
    "invalid-jwt-key": "auth.jwks.stale_in_consumer",
    "jwt-invalid-claims": "auth.claims.namespace_missing",
    "jwt-missing-role-claims": "auth.claims.roles_missing",
    "not-exists": "graphql.metadata.inconsistent",
    "not-found": "graphql.endpoint.not_graphql",
    "parse-failed": "graphql.document.outdated",
    "permission-denied": "graphql.permission.missing",
    "permission-error": "graphql.permission.row_check",
    "postgres-error": "graphql.database.unreachable",
    "postgres-max-connections-error": "database.connections.exhausted",
    "remote-schema-error": "graphql.remote.unreachable",
    "remote-schema-conflicts": "graphql.metadata.inconsistent",
    "http-exception": "graphql.remote.unreachable",
    "action-webhook-code": "graphql.remote.unreachable",
    "start-failed": "graphql.engine.start_failed",
    "tenant-not-found": "graphql.endpoint.not_graphql",
    "unexpected": "graphql.errors.in_answer",
    "validation-failed": "graphql.document.outdated",
    "GRAPHQL_PARSE_FAILED": "graphql.document.outdated",
    "GRAPHQL_VALIDATION_FAILED": "graphql.document.outdated",
    "PERSISTED_QUERY_NOT_FOUND": "graphql.document.not_allowed",
    "PERSISTED_QUERY_NOT_SUPPORTED": "graphql.document.not_allowed",
    "PERSISTED_QUERY_NOT_IN_LIST": "graphql.document.not_allowed",
    "DOWNSTREAM_SERVICE_ERROR": "graphql.remote.unreachable",
    "SUBREQUEST_HTTP_ERROR": "graphql.remote.unreachable",
    "SUBREQUEST_MALFORMED_RESPONSE": "graphql.remote.unreachable",
    "BAD_USER_INPUT": "graphql.document.outdated",
    "BAD_REQUEST": "graphql.errors.in_answer",
    "OPERATION_RESOLUTION_FAILURE": "graphql.document.outdated",
    "FORBIDDEN": "graphql.permission.forbidden",
    "UNAUTHENTICATED": "auth.header.dropped",
    "UNAUTHORIZED_FIELD_OR_TYPE": "graphql.permission.forbidden",
    "INTERNAL_SERVER_ERROR": "graphql.errors.in_answer",
}
"""What a code means where its message says no more; in capitals Apollo's (Server and Router)."""

MESSAGES: tuple[tuple[str, str], ...] = (
    (r"JWTExpired", "runner.token.expired"),
    (r"JWTNotInIssuer", "auth.token.issuer_mismatch"),
    (r"JWTNotInAudience", "auth.token.audience_mismatch"),
    (r"JWTNotYetValid|JWTIssuedAtFuture", "auth.clock.skewed"),
    (r"JWSInvalidSignature|JWSNoSignatures|NoUsableKeys", "auth.jwks.stale_in_consumer"),
    (r"AlgorithmMismatch|AlgorithmNotSupported", "auth.token.algorithm_mismatch"),
    (r"could not fetch JWK", "auth.idp.unreachable"),
    (r"claims key: .* not found", "auth.claims.namespace_missing"),
    (r"does not contain x-hasura-(allowed-roles|default-role)", "auth.claims.roles_missing"),
    (r"requested role is not in allowed roles|default role is not", "auth.claims.role_not_allowed"),
    (r"admin-secret/x-hasura-access-key required", "auth.header.dropped"),
    (r"(Missing|Malformed) '?Authorization", "auth.header.dropped"),
    (r"not (found )?in (the )?allow.?list|query is not allowed", "graphql.document.not_allowed"),
    (r"field '[^']+' not found in type", "graphql.permission.missing"),
    (r"no such type exists in the schema|no queries available", "graphql.permission.missing"),
    (r"Cannot query field|Unknown argument .+ on field|Unknown type|Unknown fragment", "graphql.document.outdated"),
    (r"Cannot return null for non-nullable", "graphql.data.null"),
    (r"inconsistent (object|metadata)", "graphql.metadata.inconsistent"),
)  # fmt: skip
"""What a message says more exactly than its code. `field … not found` is tentative: `diagnose` tells missing
permission, untracked table, inconsistent metadata and missing table apart (R9–R11)."""

_FIELD = re.compile(r"(?:field|Cannot query field) '([^']+)' (?:not found in type:|on type) '([^']+)'")
_DATABASE = ("postgres-error", "unexpected", "postgres-max-connections-error")


def classify(code: str, message: str = "") -> str:
    """The cause code of one GraphQL error; `unknown` for a code that Hasura does not have."""
    for pattern, cause in MESSAGES:
        if re.search(pattern, message, re.IGNORECASE):
            return cause
    if code in _DATABASE and (cause := libpq.classify(message)) != "unknown":
        return cause
    return CODES.get(code, "unknown")


def missing_field(message: str) -> Mapping[str, str]:
    """`{"field": …, "type": …, "table": …}` of `field 'x' not found in type: 'y'` and of
    graphql-core's `Cannot query field 'x' on type 'y'`; empty for other messages."""
    found = _FIELD.search(message)
    if not found:
        return {}
    root = found[2].endswith(("_root", "Query"))
    return {"field": found[1], "type": found[2], "table": found[1] if root else found[2]}
