"""A catalog with one of everything that the guard must tell apart."""

from __future__ import annotations

from pytest_prodcheck.observe.catalog import Catalog, Column, Hazard, Relation


def _relation(name: str, kind: str, *columns: str, hazards: tuple[Hazard, ...] = ()) -> Relation:
    found = tuple(Column(column, "text", True) for column in columns)
    return Relation("public", name, kind, "owner", columns=found, hazards=hazards)


_RELATIONS = (
    _relation("users", "r", "id", "email"),
    _relation("goals", "r", "id", "user_id", "title", "doc", "touched_at"),
    _relation("audit_log", "r", "id", "note"),
    _relation("rls_docs", "r", "id", "owner"),
    _relation("ticket_seq", "S", "last_value"),
    _relation("remote", "f", "id", "title"),
    _relation("dotted.remote", "f", "id"),
    _relation("summary", "v", "id"),
    _relation("stored", "m", "id"),
    _relation(
        "busy",
        "v",
        "id",
        hazards=(Hazard("uses the function public.bump_counter, which is VOLATILE", "public.bump_counter"),),
    ),
)

CATALOG = Catalog(
    database="shop",
    user="app_reader",
    version=180006,
    search_path=("pg_catalog", "public"),
    relations={relation.qualified: relation for relation in _RELATIONS},
    functions={
        "public.bump_counter": "v",
        "public.remember": "v+d",
        "public.describe": "i",
        "public.lower": "i",
        "public.max": "i+e",
        "public.crosstab": "v+e",
        "public.dblink": "v+e",
        "public.dblink_exec": "v+e",
        "other.hidden": "v",
    },
    operators=frozenset({"###"}),
    types=frozenset({"public.checked"}),
)
