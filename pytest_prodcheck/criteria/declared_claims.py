"""The claims that the configuration promises, by the expectation grammar; values of persons are never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pytest_prodcheck.criteria import expectations, rendering
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Json

SHOWN: Final = (
    "iss",
    "aud",
    "azp",
    "scope",
    "client_id",
    "token_type",
    "x-hasura-default-role",
    "x-hasura-allowed-roles",
)
"""Claims whose values may stand in a message: they name systems and roles, not persons."""

_NOTHING: Final = rendering.describe(expectations.MISSING, expectations.MISSING)


def mismatches(
    payload: Mapping[str, Json], promised: Mapping[str, Json], now: float
) -> Iterator[tuple[str, str, str, str]]:
    """Each declared claim that does not hold, as (cause code, what, seen, promised). Keys are literal, dots and all;
    session variables of Hasura are found in any case, as Hasura finds them."""
    for claim, expected in promised.items():
        wanted, actual = _hasura_keys(expected), _hasura_keys(_unfolded(payload.get(claim), expected))
        for found in expectations.compare(
            wanted, actual if claim in payload else expectations.MISSING, now=now, path=claim
        ):
            yield _told(found)


def kind(value: Json) -> str:
    """A JSON value's type in words, without the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return names[type(value)]


def _unfolded(value: Json, expected: Json) -> Json:
    """A stringified object (Hasura's `claims_format: stringified_json`) where the promise is a table."""
    unfolded = strict_json.table(value) if isinstance(value, str) and isinstance(expected, dict) else None
    return value if unfolded is None else unfolded


def _hasura_keys(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    return {key.lower() if key.lower().startswith("x-hasura-") else key: item for key, item in value.items()}


def _told(found: expectations.Mismatch) -> tuple[str, str, str, str]:
    """One mismatch; the values only where they are not a person's, else whether the claim is there, and the rule."""
    shown = re.sub(r"\[\d+\]$", "", found.path).endswith(SHOWN)
    if found.seen == _NOTHING:
        promised = found.promised if shown else _rule_only(found.promised)
        return "auth.claims.missing", f"claim {found.path} is missing, promised {promised}", "missing", promised
    seen = found.seen if shown else "there, with another value"
    promised = found.promised if shown else _rule_only(found.promised)
    return "auth.claims.wrong", f"claim {found.path} is {seen}; promised {promised}", seen, promised


def _rule_only(promised: str) -> str:
    """The promise where it is a rule; a plain value (shown in quotes, or as a list) only by where it is written."""
    return "the value in prodcheck.toml" if promised[:1] in ('"', "'", "[", "{") else promised
