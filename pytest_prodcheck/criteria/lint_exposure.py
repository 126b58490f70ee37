"""Rules about what the API's roles reach around the policies: views, functions, extensions, columns (A32).

Splinter 0002, 0010, 0011, 0014, 0016, 0017, 0023, 0028, 0029.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria import privileges, rls_neighbours
from pytest_prodcheck.criteria.lint_scene import Hit, Rule, Scene
from pytest_prodcheck.observe.catalog import Relation
from pytest_prodcheck.observe.lint_facts import Routine

_PG15 = 150_000
_ANONYMOUS = ("anon", "anonymous", "web_anon", "public")
_SECRETS = """
    password passwd passphrase pwd password_hash hashed_password encrypted_password secret secret_key api_key apikey
    api_secret private_key access_token refresh_token auth_token session_token id_token otp otp_secret totp_secret
    mfa_secret ssn social_security_number national_id passport_number credit_card credit_card_number card_number cvv
    iban bank_account account_number routing_number tax_id"""
_SENSITIVE = frozenset(_SECRETS.split())
"""Names of columns that hold what nobody else should see (after Splinter 0023)."""


def users_exposed(scene: Scene) -> Iterator[Hit]:
    """0002: a view hands out the provider's users."""
    for view in scene.relations:
        if view.kind in "vm" and "auth.users" in view.reads and (readers := scene.readers(view)):
            message = f"view {view.qualified} reads auth.users, and {', '.join(readers)} may read it"
            yield Hit(view.qualified, message, f"REVOKE SELECT ON {view.typed} is yours to run", view.qualified)


def definer_view(scene: Scene) -> Iterator[Hit]:
    """0010: a view reads tables under RLS as its owner, not as whoever asks."""
    for view in scene.relations:
        if view.kind != "v" or view.security_invoker:
            continue
        under = [table.qualified for table, _ in rls_neighbours.sources(scene.catalog, view) if table.rls_enabled]
        if under and (readers := scene.readers(view)):
            message = (
                f"view {view.qualified} reads {under[0]} as its owner {view.owner}, not as {', '.join(readers)}: "
                "their policies do not hold there"
            )
            yield Hit(view.qualified, message, _as_caller(scene, view), view.qualified, readers[0])


def _as_caller(scene: Scene, view: Relation) -> str:
    if scene.catalog.version >= _PG15:
        return f"ALTER VIEW {view.typed} SET (security_invoker = on) is yours to run"
    return f"views run as their owner before PostgreSQL 15: REVOKE SELECT ON {view.typed} is yours to run"


def stored_view(scene: Scene) -> Iterator[Hit]:
    """0016: a materialised view has no policies."""
    yield from _without_policies(scene, "m", "materialised view")


def foreign_table(scene: Scene) -> Iterator[Hit]:
    """0017: a foreign table has no policies."""
    yield from _without_policies(scene, "f", "foreign table")


def _without_policies(scene: Scene, kind: str, word: str) -> Iterator[Hit]:
    for relation in scene.relations:
        if relation.kind == kind and (readers := scene.readers(relation)):
            message = f"{word} {relation.qualified} can have no policy, and {', '.join(readers)} may read it"
            remedy = f"REVOKE SELECT ON {relation.typed} is yours to run, or name it under rls.public"
            yield Hit(relation.qualified, message, remedy, relation.qualified, readers[0])


def sensitive_columns(scene: Scene) -> Iterator[Hit]:
    """0023: columns that hold secrets are granted on a table without RLS."""
    for table in scene.tables:
        if table.rls_enabled:
            continue
        for role in scene.roles:
            named = [one.name for one in table.columns if one.name.lower() in _SENSITIVE]
            grants = {name: scene.facts.column_acl.get((table.qualified, name), ()) for name in named}
            granted = [name for name in named if privileges.reads_column(scene.catalog, role, table, grants[name])]
            if granted:
                message = f"{role} may read {', '.join(granted)} of {table.qualified}, where RLS is off"
                remedy = f"REVOKE SELECT ({', '.join(granted)}) ON {table.typed} FROM {role} is yours to run"
                yield Hit(table.qualified, message, remedy, table.qualified, role)
                break


def mutable_path(scene: Scene) -> Iterator[Hit]:
    """0011: a SECURITY DEFINER function resolves names by the path of whoever calls it."""
    yield from _mutable(scene, definer=True)


def mutable_path_of_others(scene: Scene) -> Iterator[Hit]:
    """0011, for functions that run as their caller: what they read may change, no privilege is gained."""
    yield from _mutable(scene, definer=False)


def _mutable(scene: Scene, *, definer: bool) -> Iterator[Hit]:
    for routine in scene.facts.routines:
        if routine.definer == definer and not routine.pinned:
            kind = "SECURITY DEFINER function" if definer else "function"
            message = (
                f"{kind} {routine.qualified} has no search_path of its own: its caller decides what its names mean"
            )
            yield Hit(
                f"{routine.schema}.{routine.name}",
                message,
                f"ALTER FUNCTION {routine.qualified} SET search_path = '' is yours to run",
            )


def executable_by_anonymous(scene: Scene) -> Iterator[Hit]:
    """0028: who is not logged in runs a function with its owner's privileges."""
    yield from _executable(scene, anonymous=True)


def executable_by_users(scene: Scene) -> Iterator[Hit]:
    """0029: a logged-in user runs a function with its owner's privileges."""
    yield from _executable(scene, anonymous=False)


def _executable(scene: Scene, *, anonymous: bool) -> Iterator[Hit]:
    nobody = {scene.rls.roles.get(name, name) for name in _ANONYMOUS}
    roles = [role for role in scene.roles if (role in nobody) == anonymous]
    for routine in scene.facts.routines:
        if routine.schema not in scene.lint.schemas or not routine.definer or routine.trigger:
            continue
        if callers := [role for role in roles if _may_execute(scene, role, routine)]:
            message = (
                f"{', '.join(callers)} may call {routine.qualified}, which runs as its owner {routine.owner} "
                "(SECURITY DEFINER)"
            )
            remedy = f"REVOKE EXECUTE ON FUNCTION {routine.qualified} FROM PUBLIC, {', '.join(callers)} is yours to run"
            yield Hit(f"{routine.schema}.{routine.name}", message, remedy, role=callers[0])


def _may_execute(scene: Scene, role: str, routine: Routine) -> bool:
    schema = scene.catalog.schemas.get(routine.schema)
    usable = schema is None or privileges.granted(schema.acl, schema.owner, scene.catalog, role, privileges.USAGE)
    acl = routine.acl or (f"=X/{routine.owner}",)  # the default: everybody
    return usable and privileges.granted(acl, routine.owner, scene.catalog, role, privileges.EXECUTE)


def extension(scene: Scene) -> Iterator[Hit]:
    """0014: an extension's functions lie where the API's do."""
    for one in scene.facts.extensions:
        if one.schema in scene.lint.schemas:
            message = f"extension {one.name} is installed in {one.schema}, which the API exposes"
            yield Hit(
                f"{one.schema}.{one.name}", message, f"ALTER EXTENSION {one.name} SET SCHEMA extensions is yours to run"
            )


RULES = (
    Rule("0002", "ERROR", "database.lint.users_exposed", users_exposed),
    Rule("0010", "ERROR", "database.rls.bypassed", definer_view),
    Rule("0011", "WARN", "database.lint.search_path_mutable", mutable_path),
    Rule("0011", "INFO", "database.lint.search_path_mutable", mutable_path_of_others),
    Rule("0014", "WARN", "database.lint.extension_exposed", extension),
    Rule("0016", "WARN", "database.lint.relation_exposed", stored_view),
    Rule("0017", "WARN", "database.lint.relation_exposed", foreign_table),
    Rule("0023", "ERROR", "database.lint.columns_exposed", sensitive_columns),
    Rule("0028", "WARN", "database.lint.definer_executable", executable_by_anonymous),
    Rule("0029", "WARN", "database.lint.definer_executable", executable_by_users),
)
