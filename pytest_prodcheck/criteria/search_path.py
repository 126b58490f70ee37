"""Which relation a name means to whom (PostgreSQL manual 5.10.3 "The Schema Search Path")."""

from __future__ import annotations

import re

from pytest_prodcheck.observe.catalog import Catalog, Relation

_DEFAULT = '"$user", public'
_ENTRY = re.compile(r'\s*("(?:[^"]|"")*"|[^",]+)\s*(?:,|$)')


def configured(catalog: Catalog, role: str) -> str:
    """The search path that a new session of `role` gets: its own setting, else the database's, else the default. A path
    in `postgresql.conf` or in the client's start-up options cannot be seen from outside."""
    found = catalog.roles[role].settings.get("search_path") if role in catalog.roles else None
    return found or catalog.database_settings.get("search_path") or _DEFAULT


def schemas(catalog: Catalog, role: str) -> tuple[str, ...]:
    """The schemas of that path which exist, in order."""
    names = []
    for entry in _ENTRY.findall(configured(catalog, role)):
        name = entry[1:-1].replace('""', '"') if entry.startswith('"') else entry.strip().lower()
        names.append(role if name == "$user" else name)
    return tuple(name for name in dict.fromkeys(names) if name in catalog.schemas)


def resolve(catalog: Catalog, role: str, name: str) -> Relation | None:
    """The relation that the unqualified `name` means to a session of `role`; to our reader, by its real path."""
    if role == catalog.user:
        return catalog.resolve(name)
    found = (catalog.relations.get(f"{schema}.{name}") for schema in schemas(catalog, role))
    return next(filter(None, found), None)
