"""Hasura's error codes and the cause that each speaks for (hasura/graphql-engine, Base/Error.hs, Auth/JWT.hs)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_prodcheck.observe.observation import Json, Observation

CAUSES: Final = (
    ("invalid-jwt", "JWTExpired", "runner.token.expired"),
    ("invalid-jwt", "JWTNotInIssuer", "auth.token.issuer_mismatch"),
    ("invalid-jwt", "JWTNotInAudience", "auth.token.audience_mismatch"),
    ("invalid-jwt", "AlgorithmMismatch", "auth.token.algorithm_mismatch"),
    ("invalid-jwt", "JWTNotYetValid", "auth.clock.skewed"),
    ("invalid-jwt", "JWTIssuedAtFuture", "auth.clock.skewed"),
    ("invalid-jwt", "NoUsableKeys", "auth.jwks.key_missing"),
    ("invalid-jwt", "JWSInvalidSignature", "auth.token.signature_invalid"),
    ("jwt-invalid-claims", "", "auth.claims.namespace_missing"),
    ("jwt-missing-role-claims", "", "auth.claims.roles_missing"),
    ("access-denied", "not in allowed roles", "auth.claims.role_not_allowed"),
    ("postgres-max-connections-error", "", "database.connections.exhausted"),
    ("remote-schema-error", "", "graphql.remote.unreachable"),
    ("", "HTTP exception occurred while sending the request", "graphql.remote.unreachable"),
)
"""Code (empty: any), a piece of the text (empty: any), cause. The first that fits counts; others are `unknown`."""

_UNKNOWN_FIELD = re.compile(r"field '([^']{1,100})' not found in type: '([^']{1,100})'")
_DERIVED = ("_by_pk", "_aggregate", "_stream")


@dataclass(frozen=True, slots=True)
class Explained:
    """The cause that one error speaks for, with what diagnosis reads."""

    code: str
    why: str = ""
    """Words that follow the error's own text; empty where that says it all."""
    data: Mapping[str, Json] = field(default_factory=dict)


def explain(code: str, text: str, observation: Observation) -> Explained:
    """The cause of an error with Hasura's `code` and `text`. `data` always has `hasura_code` and `text`."""
    facts: dict[str, Json] = {"hasura_code": code, "text": text}
    if found := _UNKNOWN_FIELD.search(text):
        return _unknown_field(found[1], found[2], facts, observation)
    if code == "invalid-headers":
        return Explained("auth.header.dropped" if observation.user else "unknown", "", facts)
    cause = next((cause for known, piece, cause in CAUSES if known in ("", code) and piece in text), "unknown")
    return Explained(cause, "", facts)


def _unknown_field(name: str, parent: str, facts: dict[str, Json], observation: Observation) -> Explained:
    """R9, R10: what the admin gets tells a missing permission from a table that is not tracked."""
    facts |= {"field": name, "type": parent}
    if parent.endswith(("query_root", "subscription_root", "Query")):
        facts["table"] = next((name.removesuffix(end) for end in _DERIVED if name.endswith(end)), name)
    result = observation.data.get("admin_result", "")
    facts["admin_result"] = result
    who = f"role {role}" if (role := observation.data.get("role")) else observation.user or "anonymous"
    if result == "data":
        return Explained(
            "graphql.permission.missing", f"; the admin gets data: {who} has no permission on {name}", facts
        )
    if result == "same_error" and "table" not in facts:
        return Explained("graphql.document.outdated", f"; the same for the admin: {parent} has no field {name}", facts)
    if result == "same_error":
        return Explained("graphql.table.not_tracked", f"; the same for the admin: {name} is not tracked", facts)
    return Explained("graphql.permission.missing", f"; no select permission for {who}, or not tracked", facts)
