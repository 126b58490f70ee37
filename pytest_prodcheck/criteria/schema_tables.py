"""`schema_tables`: the declared tables exist, where the name leads, and may be read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from pytest_prodcheck.criteria import privileges, search_path
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.finding import Finding

CRITERION = "schema_tables"
MISSING = "database.schema.table_missing"
MISPLACED = "database.schema.search_path"
UNREADABLE = "database.privilege.missing"
KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialised view",
    "f": "foreign table",
    "S": "sequence",
}


def schema_tables(catalog: Catalog, names: Sequence[str], target: str, app_roles: Sequence[str] = ()) -> list[Finding]:
    """A finding for each declared name (qualified or not) that is missing, leads elsewhere, or cannot be read, by our
    reader or by one of `app_roles`, the roles as which the application logs in (what they can SET ROLE to counts).
    Views count as tables."""
    found: list[Finding] = []
    for name in dict.fromkeys(names):
        found += _judge(catalog, name, target, app_roles)
    return found


def existing(catalog: Catalog, name: str) -> Relation | None:
    """The relation that a declaration means, if it is there and holds rows."""
    relation = catalog.relations.get(catalog.meant(name))
    return relation if relation and relation.kind != "S" else None


def missing(catalog: Catalog, name: str, target: str, criterion: str = CRITERION) -> Finding:
    """The finding for a declared name that means no table: where the name leads instead, or what looks like it."""
    wanted = catalog.meant(name)
    bare = wanted.rpartition(".")[2]
    other = catalog.resolve(bare)
    data: dict[str, object] = {"table": wanted, "schema": wanted.rpartition(".")[0], "database": catalog.database}
    if other and other.qualified != wanted:
        message = f"{wanted} is missing; the name resolves to {other.qualified} (search path {_path(catalog)})"
        remedy = f"restore {wanted}, or declare {other.qualified} if that is the one"
        return _finding(criterion, target, message, MISPLACED, wanted, other.qualified, remedy, data)
    copies = sorted(
        found.qualified for found in catalog.relations.values() if found.name == bare and found is not other
    )
    if copies and "." not in name:
        message = f"{wanted} is missing; {', '.join(copies)} exists, which is not in the search path ({_path(catalog)})"
        remedy = f"declare {copies[0]} if that is the one, or correct the search path of {catalog.user}"
        return _finding(criterion, target, message, MISPLACED, wanted, copies[0], remedy, data)
    if other:
        message = f"{wanted} is a {KINDS[other.kind]}, not a table"
        return _finding(criterion, target, message, MISSING, wanted, KINDS[other.kind], "", data)
    similar = copies or _similar(catalog, wanted)
    message = f"{wanted} is missing" + (f"; similar: {', '.join(similar)}" if similar else "")
    return _finding(criterion, target, message, MISSING, wanted, "missing", "", {**data, "similar": similar})


def _judge(catalog: Catalog, name: str, target: str, app_roles: Sequence[str]) -> list[Finding]:
    relation = existing(catalog, name)
    if relation is None:
        return [missing(catalog, name, target)]
    found = []
    shadow = catalog.resolve(name) if "." not in name else None
    if shadow and shadow is not relation:
        found.append(_shadowed(catalog, relation, shadow, target))
    if not relation.readable:
        found.append(_unreadable(catalog, relation, catalog.user, target, "the criterion cannot be judged"))
    for role in app_roles:
        if role in catalog.roles and role != catalog.user:
            found += _for_role(catalog, name, relation, role, target)
    return found


def _for_role(catalog: Catalog, name: str, relation: Relation, role: str, target: str) -> list[Finding]:
    """How the application's own role sees a table that exists."""
    if not privileges.may_read(catalog, role, relation):
        return [_unreadable(catalog, relation, role, target, "the application cannot read it")]
    if "." in name:
        return []
    seen = search_path.resolve(catalog, role, name)
    if seen is relation:
        return []
    path = search_path.configured(catalog, role)
    leads = f"resolves to {seen.qualified}" if seen else "resolves to nothing"
    message = f"search_path of {role} is {path}: {relation.schema} is not found by it, {name} {leads}"
    remedy = f"ALTER ROLE {role} RESET search_path is yours to run, or qualify the name in the application"
    data = {"table": relation.qualified, "schema": relation.schema, "role": role, "search_path": path}
    seen_text = seen.qualified if seen else "nothing"
    return [_finding(CRITERION, target, message, MISPLACED, relation.qualified, seen_text, remedy, data)]


def _shadowed(catalog: Catalog, relation: Relation, shadow: Relation, target: str) -> Finding:
    message = (
        f"{relation.name} resolves to {shadow.qualified}, not to {relation.qualified} (search path {_path(catalog)})"
    )
    remedy = f"declare the one that is meant: {relation.qualified} or {shadow.qualified}"
    data = {"table": relation.qualified, "schema": relation.schema, "role": catalog.user}
    return _finding(CRITERION, target, message, MISPLACED, relation.qualified, shadow.qualified, remedy, data)


def _unreadable(catalog: Catalog, relation: Relation, role: str, target: str, consequence: str) -> Finding:
    kind = KINDS[relation.kind]
    message = f"{kind} {relation.qualified} exists, but role {role} has no privilege to SELECT (42501): {consequence}"
    remedy = f"GRANT SELECT ON {relation.typed} TO {role} is yours to run (and USAGE on schema {relation.schema})"
    data = {"table": relation.qualified, "schema": relation.schema, "role": role, "sqlstate": "42501"}
    data["lacks"] = privileges.lacking(catalog, role, relation)
    return _finding(CRITERION, target, message, UNREADABLE, relation.qualified, "no privilege", remedy, data)


def _similar(catalog: Catalog, wanted: str) -> list[str]:
    schema, _, bare = wanted.rpartition(".")
    candidates = {found.name: found.qualified for found in catalog.relations.values() if found.kind in "rpvm"}
    local = {name: qualified for name, qualified in candidates.items() if qualified.startswith(f"{schema}.")}
    close = difflib.get_close_matches(bare, local or candidates, n=3, cutoff=0.7)
    return [local[name].rpartition(".")[2] if name in local else candidates[name] for name in close]


def _path(catalog: Catalog) -> str:
    return ", ".join(schema for schema in catalog.search_path if not schema.startswith("pg_")) or "empty"


def _finding(
    criterion: str, target: str, message: str, code: str, table: str, seen: str, remedy: str, data: Mapping[str, object]
) -> Finding:
    promised = f"{table} exists and can be read"
    return Finding(criterion, target, message, code, "error", seen, promised, table, remedy, data=data)
