"""The faults of a database that is there, serves, and is not the pinned one any more."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import CONTRACT, LIMITS, LINT, SERVICES, Fault


def _drift(name: str, summary: str, cause: str, *touches: str) -> Fault:
    """Only the contract sees it, until a user does."""
    return Fault(f"drift-{name}", "database", summary, (cause,), CONTRACT, (), (*LIMITS, *LINT, *touches))


FAULTS = (
    _drift("null-allowed", "tasks.user_id may be null", "database.schema.column_changed"),
    _drift("column-added", "tasks has a new column that must be given", "database.schema.column_changed", *SERVICES),
    _drift("foreign-key", "the foreign key from tasks to projects is dropped", "database.schema.key_missing"),
    _drift(
        "unique-key", "two users may have the same address: the unique key is dropped", "database.schema.key_missing"
    ),
    _drift("grant", "everybody may read _prisma_migrations", "database.privilege.excess"),
    _drift("policy", "the policy of users' own rows holds for anonymous, too", "database.rls.policy_changed"),
    _drift("trigger", "the trigger that stamps changed tasks is disabled", "database.schema.object_changed"),
    _drift("function", "its function runs as its owner, for everybody", "database.schema.object_changed"),
)
