"""How objects of the Kubernetes API are read beyond paths: conditions, quantities, selectors. Nothing raises."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.observe.cluster import Object, at, items, text
from pytest_prodcheck.observe.observation import Json

_SUFFIXES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


_QUANTITY = compiled(r"([+-]?\d{1,20}(?:\.\d{1,20})?)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?")


def count(thing: Json | Object | None, *path: str, default: int) -> int:
    """The whole number at a path; `default` where the API leaves it out."""
    found = at(thing, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def table(thing: Json | Object | None, *path: str) -> Object:
    """The object at a path; an empty one where there is none."""
    found = at(thing, *path)
    return found if isinstance(found, Mapping) else {}


def texts(thing: Json | Object | None, *path: str) -> list[str]:
    """The strings of the list at a path."""
    found = at(thing, *path)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []


def condition(thing: Json | Object | None, kind: str) -> Object:
    """The condition of that type in `status.conditions`; an empty object where there is none."""
    return next((one for one in items(thing, "status", "conditions") if text(one, "type") == kind), {})


def quantity(value: Json) -> float | None:
    """The number of a resource quantity: `500m` is 0.5, `2Gi` is 2147483648; None for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    found = _QUANTITY.fullmatch(value)
    return float(found[1]) * _SUFFIXES.get(found[2], 1.0) * 10.0 ** int(found[3] or 0) if found else None


def selects(selector: Object, carried: Mapping[str, str]) -> bool:
    """Whether a label selector (`matchLabels`, `matchExpressions`) selects an object with these labels; an empty one
    selects everything."""
    same = all(carried.get(key) == value for key, value in table(selector, "matchLabels").items())
    return same and all(_holds(one, carried) for one in items(selector, "matchExpressions"))


def _holds(expression: Object, carried: Mapping[str, str]) -> bool:
    key, values = text(expression, "key"), texts(expression, "values")
    return {
        "In": carried.get(key) in values,
        "NotIn": carried.get(key) not in values,
        "Exists": key in carried,
        "DoesNotExist": key not in carried,
    }.get(text(expression, "operator"), False)
