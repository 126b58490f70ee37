"""Rules about policies: on, complete, narrow, cheap (Splinter 0003, 0006 to 0008, 0013, 0015, 0024; PostgreSQL manual
5.9; A24)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria import policies, policy_calls, privileges, rls_neighbours
from pytest_prodcheck.criteria.lint_scene import Hit, Rule, Scene
from pytest_prodcheck.observe.catalog import Policy, Relation

_COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def per_row(scene: Scene) -> Iterator[Hit]:
    """0003: a call that gives the same for every row is made for each."""
    for table, policy in _policies(scene):
        functions = policy_calls.names([one.qualified for one in policy.calls if one.volatility != "i"])
        conditions = [one for one in (policy.using, policy.check) if one]
        calls = dict.fromkeys(name for one in conditions for name in policy_calls.per_row(one, functions))
        if calls:
            told = ", ".join(f"{name}()" for name in calls)
            message = f"policy {policy.name} on {table.qualified} calls {told} for each row, and it is the same for all"
            yield Hit(
                table.qualified,
                message,
                f"write (select {next(iter(calls))}(…)): it is then asked once",
                table.qualified,
            )


def volatile(scene: Scene) -> Iterator[Hit]:
    """P001: a policy that calls a VOLATILE function may answer differently for each row, and uses no index."""
    for table, policy in _policies(scene):
        own = [one.qualified for one in policy.calls if one.volatility == "v"]
        builtin = [name for one in (policy.using, policy.check) if one for name in policy_calls.volatile(one)]
        if called := dict.fromkeys((*own, *builtin)):
            message = f"policy {policy.name} on {table.qualified} calls {', '.join(called)}, which is VOLATILE"
            yield Hit(table.qualified, message, "declare the function STABLE if it only reads", table.qualified)


def several_permissive(scene: Scene) -> Iterator[Hit]:
    """0006: permissive policies are OR-ed, so that each of them widens the others."""
    for table in scene.tables:
        for role in scene.roles if table.rls_enabled else ():
            if together := _together(scene, table, role):
                command, names = together
                message = (
                    f"permissive policies {', '.join(names)} on {table.qualified} are OR-ed for {command} by {role}: "
                    "a row that one of them lets through is visible"
                )
                remedy = "join them into one policy, or make the narrowing one AS RESTRICTIVE"
                yield Hit(table.qualified, message, remedy, table.qualified, role)
                break


def _together(scene: Scene, table: Relation, role: str) -> tuple[str, list[str]] | None:
    names = {*privileges.stands_for(scene.catalog, role), "public"}
    mine = [one for one in policies.effective(table) if names.intersection(one.roles)]
    for command in _COMMANDS:
        found = [one.name for one in mine if one.command in ("ALL", command)]
        if len(found) > 1:
            return command, found
    return None


def off_with_policies(scene: Scene) -> Iterator[Hit]:
    """0007: policies that hold for nobody."""
    for table in scene.tables:
        if table.policies and not table.rls_enabled:
            message = f"policies exist on {table.qualified} but RLS is off"
            remedy = f"ALTER TABLE {table.typed} ENABLE ROW LEVEL SECURITY is yours to run"
            yield Hit(table.qualified, message, remedy, table.qualified)


def on_without_policy(scene: Scene) -> Iterator[Hit]:
    """0008: nobody sees a row."""
    for table in scene.tables:
        if table.rls_enabled and not policies.effective(table) and not scene.catalog.locked:
            message = f"RLS is on without a policy on {table.qualified}: nobody sees a row"
            yield Hit(table.qualified, message, "write its policy, or revoke the grants", table.qualified)


def off_and_readable(scene: Scene) -> Iterator[Hit]:
    """0013: whoever may read it reads all of it."""
    for table in scene.tables:
        if table.rls_enabled or table.policies or table.name in rls_neighbours.BOOKKEEPING:
            continue
        if readers := scene.readers(table):
            message = f"RLS is off on {table.qualified}, which {', '.join(readers)} may read"
            remedy = f"ALTER TABLE {table.typed} ENABLE ROW LEVEL SECURITY is yours to run, with policies; "
            remedy += "or name it under rls.public"
            yield Hit(table.qualified, message, remedy, table.qualified, readers[0])


def user_metadata(scene: Scene) -> Iterator[Hit]:
    """0015: claims that a user may change itself decide."""
    for table, policy in _policies(scene):
        if any("user_metadata" in (one or "") for one in (policy.using, policy.check)):
            message = (
                f"policy {policy.name} on {table.qualified} trusts user_metadata, which users may change themselves"
            )
            yield Hit(table.qualified, message, "decide by a claim that only the provider sets", table.qualified)


def always_true(scene: Scene) -> Iterator[Hit]:
    """0024: a policy that lets everybody write; one that only lets read may be meant so."""
    for table in scene.tables:
        for policy, clause in policies.too_wide(table, scene.rls.trusted) if table.rls_enabled else ():
            if policy.command != "SELECT":
                message = f"policy {policy.name} on {table.qualified} is always true for {policy.command}: {clause}"
                yield Hit(table.qualified, message, "compare with the row's owner", table.qualified)


def bypassing(scene: Scene) -> Iterator[Hit]:
    """P002: roles for which no policy holds: superusers, BYPASSRLS, owners without FORCE."""
    for role in scene.roles:
        if why := privileges.bypass(scene.catalog, role):
            message = f"role {role} {why}: no policy holds for it"
            yield Hit(role, message, f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS is yours to run", role=role)
            continue
        for table in scene.tables:
            if table.rls_enabled and not table.rls_forced and privileges.owns(scene.catalog, role, table):
                message = f"role {role} owns {table.qualified}: RLS is bypassed, for it is not forced"
                remedy = f"ALTER TABLE {table.typed} FORCE ROW LEVEL SECURITY is yours to run"
                yield Hit(table.qualified, message, remedy, table.qualified, role)


def _policies(scene: Scene) -> Iterator[tuple[Relation, Policy]]:
    yield from ((table, policy) for table in scene.tables for policy in table.policies)


RULES = (
    Rule("0003", "WARN", "database.lint.policy_per_row", per_row),
    Rule("0006", "WARN", "database.rls.policies_ored", several_permissive),
    Rule("0007", "ERROR", "database.rls.disabled", off_with_policies),
    Rule("0008", "INFO", "database.rls.policy_missing", on_without_policy),
    Rule("0013", "ERROR", "database.rls.disabled", off_and_readable),
    Rule("0015", "ERROR", "database.rls.user_metadata", user_metadata),
    Rule("0024", "WARN", "database.rls.policy_too_wide", always_true),
    Rule("P001", "WARN", "database.rls.policy_volatile", volatile),
    Rule("P002", "ERROR", "database.rls.bypassed", bypassing),
)
