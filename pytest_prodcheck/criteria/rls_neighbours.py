"""What lies beside the tables under row-level security and leads around it: other tables, partitions, views."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pytest_prodcheck.criteria import privileges
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.finding import Finding

_MIGRATION_TOOLS = """
    alembic_version _prisma_migrations django_migrations flyway_schema_history schema_migrations ar_internal_metadata
    knex_migrations knex_migrations_lock databasechangelog databasechangeloglock SequelizeMeta __drizzle_migrations
    goose_db_version _sqlx_migrations refinery_schema_history __EFMigrationsHistory pgmigrations"""
BOOKKEEPING = frozenset(_MIGRATION_TOOLS.split())
"""Tables of migration tools (facts.md §8): they hold no rows of users."""


def findings(
    catalog: Catalog, declared: Sequence[Relation], public: Collection[str], roles: Sequence[str], target: str
) -> list[Finding]:
    """Warnings about every undeclared table without RLS, in the schemas of the declared ones, and every view that runs
    as a role for which the policies do not hold, as far as one of `roles` can read it. `public` are qualified names."""
    schemas = {relation.schema for relation in declared}
    known = {relation.qualified for relation in declared} | set(public)
    found = []
    for relation in catalog.relations.values():
        if relation.schema not in schemas or relation.qualified in known or relation.name in BOOKKEEPING:
            continue
        if relation.kind in "rp" and not relation.rls_enabled:
            found += _readable(catalog, relation, roles, target, _undeclared(relation))
        elif relation.kind in "vm" and (hidden := _around(catalog, relation)):
            found += _readable(catalog, relation, roles, target, _view(relation, hidden))
    return found


def _undeclared(relation: Relation) -> tuple[str, str, str]:
    if relation.parent:
        message = (
            f"partition {relation.qualified} is readable by {{}} directly, without the policies of {relation.parent}"
        )
        remedy = f"REVOKE ALL ON {relation.typed} is yours to run, or enable RLS on it too"
    else:
        message = f"table {relation.qualified} is readable by {{}} without row-level security and not declared"
        remedy = "name it under rls.tables, or under rls.public if it has no RLS on purpose"
    return message, remedy, "database.rls.disabled"


def _view(relation: Relation, hidden: str) -> tuple[str, str, str]:
    if relation.kind == "m":
        message = (
            f"materialised view {relation.qualified} holds rows of {hidden} and is readable by {{}}: it has no RLS"
        )
        remedy = f"REVOKE SELECT ON {relation.typed} is yours to run, or name it under rls.public"
    else:
        message = (
            f"view {relation.qualified} is readable by {{}} and reads {hidden} as its owner {relation.owner}, "
            "for whom RLS does not hold"
        )
        statement = f"ALTER VIEW {relation.typed} SET (security_invoker = on)"
        remedy = f"{statement} is yours to run, or name it under rls.public"
    return message, remedy, "database.rls.bypassed"


def _readable(
    catalog: Catalog, relation: Relation, roles: Sequence[str], target: str, words: tuple[str, str, str]
) -> list[Finding]:
    readers = [role for role in roles if privileges.reads(catalog, role, relation)]
    if not readers:
        return []
    message, remedy, code = words
    data = {"table": relation.qualified, "schema": relation.schema, "role": readers[0], "roles": readers}
    promised = "every table that the application reads is under RLS or declared public"
    text = message.format(", ".join(readers))
    return [Finding("rls", target, text, code, "warning", "readable", promised, relation.qualified, remedy, data=data)]


def _around(catalog: Catalog, view: Relation) -> str:
    """The first table under RLS whose policies do not hold for what the view reads; empty where there is none."""
    return next((table.qualified for table, owner in sources(catalog, view) if _escapes(catalog, table, owner)), "")


def _escapes(catalog: Catalog, table: Relation, owner: str) -> bool:
    if not table.rls_enabled:
        return False
    return bool(privileges.bypass(catalog, owner)) or (not table.rls_forced and privileges.owns(catalog, owner, table))


def sources(catalog: Catalog, view: Relation) -> Iterator[tuple[Relation, str]]:
    """Each table that the view reads, directly or through views, with the role as which it is read. What a view with
    security_invoker reads is read as whoever asks: nothing leads around there."""
    waiting, seen = [view], {view.qualified}
    while waiting:
        current = waiting.pop()
        if current.kind == "v" and current.security_invoker:
            continue
        for name in current.reads:
            read = catalog.relations.get(name)
            if read is None or name in seen:
                continue
            seen.add(name)
            if read.kind in "vm":
                waiting.append(read)
            else:
                yield read, current.owner
