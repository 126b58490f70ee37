"""Drifts of the demo's schema from its pinned contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]


def _sql(*statements: str) -> Injection:
    return lambda demo: demo.database.change(*statements)


INJECTIONS: Mapping[str, Injection] = {
    "drift-null-allowed": _sql("alter table tasks alter column user_id drop not null"),
    "drift-column-added": _sql(
        "alter table tasks add column team uuid not null default gen_random_uuid()",
        "alter table tasks alter column team drop default",
    ),
    "drift-foreign-key": _sql("alter table tasks drop constraint tasks_project_id_fkey"),
    "drift-unique-key": _sql("alter table users drop constraint users_email_key"),
    "drift-grant": _sql("grant select on _prisma_migrations to public"),
    "drift-policy": _sql("alter policy own on users to member, anonymous"),
    "drift-trigger": _sql("alter table tasks disable trigger tasks_stamp"),
    "drift-function": _sql("alter function stamp() security definer"),
}
