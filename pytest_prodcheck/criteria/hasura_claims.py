"""The claims without which Hasura refuses a token (hasura/graphql-engine, Auth/JWT.hs; T3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_prodcheck.criteria.declared_claims import kind
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Json

NAMESPACE: Final = "https://hasura.io/jwt/claims"
ALLOWED: Final = "x-hasura-allowed-roles"
DEFAULT: Final = "x-hasura-default-role"

Broken = tuple[str, str, str, str]
"""Cause code, what is wrong, seen, promised."""


def session_variables(payload: Mapping[str, Json], namespace: str = NAMESPACE) -> dict[str, Json] | None:
    """The claims under the namespace with lower-case keys, from an object or a stringified one; None where neither."""
    found = payload.get(namespace)
    if isinstance(found, str):
        found = strict_json.table(found)
    return {key.lower(): value for key, value in found.items()} if isinstance(found, dict) else None


def missing(payload: Mapping[str, Json], namespace: str = NAMESPACE) -> list[Broken]:
    """What Hasura would refuse: `jwt-invalid-claims` and `jwt-missing-role-claims`, before Hasura is asked."""
    variables = session_variables(payload, namespace)
    if variables is None:
        seen = "missing" if namespace not in payload else f"{kind(payload[namespace])} that is no JSON object"
        return [("auth.claims.namespace_missing", f"claims namespace {namespace} is {seen}", seen, "an object")]
    return [*_roles(variables), *_not_strings(variables)]


def _roles(variables: Mapping[str, Json]) -> list[Broken]:
    allowed, default = variables.get(ALLOWED), variables.get(DEFAULT)
    broken = [*_allowed(variables, allowed), *_default(variables, default)]
    if broken or not isinstance(allowed, list) or default in allowed:
        return broken
    listed = ", ".join(str(role)[:100] for role in allowed[:20])
    what = f"{DEFAULT} {str(default)[:100]} is not in {ALLOWED} ({listed})"
    return [("auth.claims.role_not_allowed", what, str(default)[:100], listed)]


def _allowed(variables: Mapping[str, Json], allowed: Json) -> list[Broken]:
    code, promised = "auth.claims.roles_missing", "an array of role names"
    if ALLOWED not in variables:
        what = f"claim {ALLOWED} is missing: Hasura answers jwt-missing-role-claims"
        return [(code, what, "missing", promised)]
    if isinstance(allowed, list) and allowed and all(isinstance(role, str) for role in allowed):
        return []
    seen = (
        "empty"
        if allowed == []
        else "an array with other things than strings"
        if isinstance(allowed, list)
        else kind(allowed)
    )
    return [(code, f"claim {ALLOWED} is {seen}, not an array of role names", seen, promised)]


def _default(variables: Mapping[str, Json], default: Json) -> list[Broken]:
    code, promised = "auth.claims.roles_missing", "a role name"
    if DEFAULT not in variables:
        return [(code, f"claim {DEFAULT} is missing: Hasura answers jwt-missing-role-claims", "missing", promised)]
    if isinstance(default, str) and default:
        return []
    return [(code, f"claim {DEFAULT} is {kind(default)}, not a role name", kind(default), promised)]


def _not_strings(variables: Mapping[str, Json]) -> list[Broken]:
    return [
        (
            "auth.claims.wrong_type",
            f"claim {key[:100]} is {kind(value)}; Hasura takes strings only",
            kind(value),
            "a string",
        )
        for key, value in variables.items()
        if key.startswith("x-hasura-") and key not in (ALLOWED, DEFAULT) and not isinstance(value, str)
    ]
