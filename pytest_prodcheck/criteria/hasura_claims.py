"""The claims without which Hasura refuses a token (hasura/graphql-engine, Auth/JWT.hs; T3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_prodcheck.config.models import HasuraClaims
from pytest_prodcheck.criteria import hasura_places
from pytest_prodcheck.criteria.declared_claims import kind
from pytest_prodcheck.observe.observation import Json

ALLOWED: Final = "x-hasura-allowed-roles"
DEFAULT: Final = "x-hasura-default-role"

Broken = tuple[str, str, str, str]
"""Cause code, what is wrong, seen, promised."""


def missing(payload: Mapping[str, Json], where: HasuraClaims | None = None) -> list[Broken]:
    """What Hasura would refuse: `jwt-invalid-claims` and `jwt-missing-role-claims`, before Hasura is asked.

    `where` is the place that Hasura is configured with; None means its default namespace, in either format.
    """
    variables = hasura_places.found(payload, where)
    if isinstance(variables, str):
        place = hasura_places.named(where)
        return [("auth.claims.namespace_missing", f"claims {place} is {variables}", variables, "an object")]
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
