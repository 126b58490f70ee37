"""What a role may do, computed from the catalog snapshot (PostgreSQL manual 5.8 "Privileges", 5.9 "Row Security")."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_prodcheck.observe.catalog import Catalog, Relation, Role

_ACL = re.compile(r'(?P<role>"(?:[^"]|"")*"|[^=]*)=(?P<rights>[^/]*)/.*', re.DOTALL)
_READS_ALL = "pg_read_all_data"
SELECT, USAGE, EXECUTE = "r", "U", "X"


def known(catalog: Catalog, role: str) -> Role:
    """The role of that name; a plain one where the catalog has none."""
    return catalog.roles.get(role, Role(role))


def stands_for(catalog: Catalog, role: str) -> frozenset[str]:
    """The names whose privileges `role` has without SET ROLE: its own and those it inherits."""
    return frozenset((role, *known(catalog, role).inherits))


def owns(catalog: Catalog, role: str, relation: Relation) -> bool:
    """Whether `role` counts as the owner, as a member of the owner with inheritance does."""
    return relation.owner in stands_for(catalog, role)


def bypass(catalog: Catalog, role: str) -> str:
    """Why no policy at all holds for `role`: `is a superuser`, `has BYPASSRLS`; empty where policies do. Neither
    attribute is inherited."""
    found = known(catalog, role)
    if found.superuser:
        return "is a superuser"
    return "has BYPASSRLS" if found.bypasses_rls else ""


def reads(catalog: Catalog, role: str, relation: Relation) -> bool:
    """Whether `role` may SELECT from it, or from some of its columns, and may use its schema."""
    names = stands_for(catalog, role)
    if known(catalog, role).superuser or _READS_ALL in names:
        return True
    if not uses(catalog, role, relation.schema):
        return False
    return granted_directly(catalog, role, relation)


def uses(catalog: Catalog, role: str, schema: str) -> bool:
    """Whether `role` may look into the schema; without that, its names are not found (42P01) or refused (42501)."""
    names, found = stands_for(catalog, role), catalog.schemas.get(schema)
    if known(catalog, role).superuser or _READS_ALL in names or found is None:
        return True
    return _granted(found.acl, found.owner, names, USAGE)


def lacking(catalog: Catalog, role: str, relation: Relation) -> str:
    """What `role` needs before it can read the relation: `USAGE` on its schema, else `SELECT`."""
    return "SELECT" if uses(catalog, role, relation.schema) else "USAGE"


def may_read(catalog: Catalog, role: str, relation: Relation) -> bool:
    """Whether sessions of `role` may SELECT from it: as themselves, or as a role that they can SET ROLE to, which is
    how applications serve their users (PostgREST, Hasura's and Supabase's way)."""
    return any(reads(catalog, name, relation) for name in (role, *known(catalog, role).member_of))


def granted_directly(catalog: Catalog, role: str, relation: Relation) -> bool:
    """Whether a grant on the relation itself, or ownership, lets `role` SELECT from it."""
    names = stands_for(catalog, role)
    return _granted(relation.acl, relation.owner, names, SELECT) or _listed(relation.column_acl, names, SELECT)


def reads_column(catalog: Catalog, role: str, relation: Relation, acl: tuple[str, ...]) -> bool:
    """Whether `role` may SELECT a column with that `acl`: by a grant on the relation, or on the column itself."""
    if not reads(catalog, role, relation):
        return False
    names = stands_for(catalog, role)
    if known(catalog, role).superuser or _READS_ALL in names:
        return True
    return _granted(relation.acl, relation.owner, names, SELECT) or _listed(acl, names, SELECT)


def granted(acl: tuple[str, ...], owner: str, catalog: Catalog, role: str, right: str) -> bool:
    """Whether a grant of `acl`, or being a superuser, gives `role` the right."""
    return known(catalog, role).superuser or _granted(acl, owner, stands_for(catalog, role), right)


def _granted(acl: tuple[str, ...], owner: str, names: Iterable[str], right: str) -> bool:
    """An empty list is the default: everything for the owner, nothing for anybody else."""
    return _listed(acl, names, right) if acl else owner in names


def _listed(acl: Iterable[str], names: Iterable[str], right: str) -> bool:
    wanted = {*names, ""}  # no name before the equals sign means PUBLIC
    for item in acl:
        found = _ACL.fullmatch(item)
        if found and right in found["rights"] and _unquoted(found["role"]) in wanted:
            return True
    return False


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
