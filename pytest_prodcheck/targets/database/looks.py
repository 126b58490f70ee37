"""What is to be counted for one user: the conditions that `rls.sees` promises, in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_prodcheck.config.models import Rls
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.query import Impersonation
from pytest_prodcheck.observe.sight import Look
from pytest_prodcheck.targets.database.rls_proof import literal, quoted

_WORDS = {"nothing": "false", "all": "true"}
_ALL_CLAIMS = "*"


def impersonation(rls: Rls, user: str, claims: Mapping[str, Any]) -> Impersonation:
    """As whom the user's queries run: its role, and the settings that its claims fill. A missing claim sets nothing."""
    context = {
        name: text_of(claims if claim == _ALL_CLAIMS else claims[claim])
        for name, claim in rls.context.items()
        if claim in claims or (claim == _ALL_CLAIMS and claims)
    }
    return Impersonation(rls.roles.get(user, ""), context)


def text_of(claim: object) -> str:
    """A claim as a setting holds it: a text as it is, anything else as JSON."""
    import json

    return claim if isinstance(claim, str) else json.dumps(claim, default=str)


def missing(rls: Rls, user: str, claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The claims that the user's context and its own rows take, and its token has not. Who has no token has no
    context."""
    own = any(rls.seen_by(user, table) == "own" for table in rls.tables)
    wanted = [*(rls.context.values() if claims else ()), *([rls.claim] if own else [])]
    return tuple(dict.fromkeys(name for name in wanted if name not in claims and name != _ALL_CLAIMS))


def looks(rls: Rls, user: str, claims: Mapping[str, Mapping[str, Any]], catalog: Catalog) -> list[Look]:
    """One look a table that the catalog has; `claims` are those of every declared user that has a token. A table that
    is locked now is left out: nobody could count it."""
    found = []
    for name in dict.fromkeys(rls.tables):
        relation = catalog.relations.get(catalog.meant(name))
        if relation is not None and relation.kind != "S" and relation.qualified not in catalog.locked:
            found.append(_look(rls, user, name, relation.qualified, claims))
    return found


def _look(rls: Rls, user: str, name: str, table: str, claims: Mapping[str, Mapping[str, Any]]) -> Look:
    sight, column = rls.seen_by(user, name), rls.owner_of(name)
    owned = {
        other: f"{quoted(column)} = {literal(text_of(theirs[rls.claim]))}"
        for other, theirs in claims.items()
        if column and rls.claim in theirs
    }
    if sight != "own":
        return Look(table, _WORDS.get(sight, sight), foreign=sight not in _WORDS)
    mine = owned.pop(user, "false")
    return Look(table, mine, column, {other: text for other, text in owned.items() if text != mine})
