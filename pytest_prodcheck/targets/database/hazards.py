"""Why reading a relation may do more than read: what its view calls, and what lies below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_prodcheck.observe.catalog import Hazard
from pytest_prodcheck.targets.guard.functions import HARMLESS

_VOLATILITIES = {"v": "VOLATILE", "s": "STABLE", "i": "IMMUTABLE"}
_STORED = "m"
"""A materialised view holds its rows: reading it runs nothing."""


def hazards(
    kinds: Mapping[int, str],
    names: Mapping[int, str],
    reads: Mapping[int, Iterable[int]],
    calls: Iterable[tuple[Any, ...]],
    casts: Iterable[tuple[int, str]],
    children: Iterable[tuple[int, int]],
) -> dict[int, tuple[Hazard, ...]]:
    """Relation oid → reasons; relations without any are left out.

    A view is dangerous by the users' functions and the acting built-in ones in its stored tree, and by the types that
    it casts to; anything by the foreign tables that it reads or has as children (facts.md §11). Functions of extensions
    count only where they are VOLATILE or SECURITY DEFINER, as in the guard.
    """
    own: dict[int, list[Hazard]] = {}
    for view, schema, name, volatility, definer, of_extension in calls:
        if _acts(schema, name, volatility, definer, of_extension):
            kind = _VOLATILITIES[volatility] + (" and SECURITY DEFINER" if definer else "")
            hazard = Hazard(f"uses the function {schema}.{name}, which is {kind}", f"{schema}.{name}")
            own.setdefault(view, []).append(hazard)
    for view, type_name in casts:
        hazard = Hazard(f"casts to the type {type_name}, whose input or constraint is a user function", type_name)
        own.setdefault(view, []).append(hazard)
    for oid, kind in kinds.items():
        if kind == "f":
            own.setdefault(oid, []).append(Hazard(f"reads the foreign table {names[oid]}"))
    below: dict[int, list[int]] = {view: list(found) for view, found in reads.items()}
    for parent, child in children:
        below.setdefault(parent, []).append(child)
    return _spread(own, below, kinds) if own else {}


def _acts(schema: str, name: str, volatility: str, definer: bool, of_extension: bool) -> bool:
    if schema == "pg_catalog":
        return (volatility == "v" or "_to_xml" in name) and name not in HARMLESS
    return not of_extension or volatility == "v" or definer


def _spread(
    own: Mapping[int, list[Hazard]], below: Mapping[int, list[int]], kinds: Mapping[int, str]
) -> dict[int, tuple[Hazard, ...]]:
    """Each relation with the reasons of everything that reading it reads."""
    found = {}
    for oid, kind in kinds.items():
        if kind != _STORED and (reasons := _below(oid, own, below, kinds)):
            found[oid] = reasons
    return found


def _below(
    start: int, own: Mapping[int, list[Hazard]], below: Mapping[int, list[int]], kinds: Mapping[int, str]
) -> tuple[Hazard, ...]:
    reasons: dict[Hazard, None] = {}
    seen, waiting = {start}, [start]
    while waiting:
        oid = waiting.pop()
        reasons |= dict.fromkeys(own.get(oid, ()))
        for other in below.get(oid, ()):
            if other not in seen and kinds.get(other) != _STORED:
                seen.add(other)
                waiting.append(other)
    return tuple(sorted(reasons))
