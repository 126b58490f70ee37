"""Faults of the GraphQL engine: permissions, tracked tables, metadata, and answers that are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import HTMLResponse

from pytest_prodcheck.demo import fronts
from pytest_prodcheck.demo.api import HOME
from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]
_ENDPOINT = fronts.only("/v1/graphql")


def _permission(demo: System) -> None:
    demo.engine.tables["tasks"].roles.discard("member")


def _untracked(demo: System) -> None:
    del demo.engine.tables["tasks"]


def _inconsistent(demo: System) -> None:
    """Metadata and repository have a column's new name, before the migration that gives it."""
    demo.engine.exported = demo.engine.export()
    demo.engine.tables["task_summary"].custom["total"] = "total_tasks"
    with demo.database.superuser() as connection:
        demo.engine.reload(connection)


def _outdated(demo: System) -> None:
    """A field gets another name in the metadata; the application's documents ask for the old one."""
    demo.engine.exported = demo.engine.export()  # the repository's metadata has the new name as well
    tasks = demo.engine.tables["tasks"]
    tasks.columns["importance"] = tasks.columns.pop("priority")
    tasks.custom["importance"] = "priority"


def _field_removed(demo: System) -> None:
    demo.engine.exported = demo.engine.export()
    del demo.engine.tables["tasks"].columns["metadata"]


def _argument_changed(demo: System) -> None:
    demo.engine.tables["tasks"].limit = "String"


def _too_wide(demo: System) -> None:
    demo.engine.tables["users"].roles.add("member")


def _anonymous_role(demo: System) -> None:
    demo.engine.unauthorized = "service"


def _no_row_filter(demo: System) -> None:
    demo.engine.tables["tasks"].owner = ""


def _by_hand(demo: System) -> None:
    """Somebody takes a column out of a permission in the console; the repository does not know."""
    found = demo.engine.export()
    for table in found["sources"][0]["tables"]:
        if table["table"]["name"] == "users":
            table["select_permissions"][0]["permission"]["columns"] = ["id"]
    demo.engine.exported = found


def _suggests(demo: System) -> None:
    demo.engine.suggests = True


def _silent(demo: System) -> None:
    demo.engine.silent = True


def _remote_down(demo: System) -> None:
    demo.down.add("advice")


def _front(front: fronts.Front) -> Injection:
    return lambda demo: demo.fronts["graphql"].append(front)


INJECTIONS: Mapping[str, Injection] = {
    "graphql-permission": _permission,
    "graphql-untracked": _untracked,
    "graphql-inconsistent": _inconsistent,
    "graphql-not-graphql": _front(fronts.answers(_ENDPOINT, lambda _: HTMLResponse(HOME))),
    "graphql-partial": _remote_down,
    "graphql-500-with-data": _front(fronts.changes_status(_ENDPOINT, 500)),
    "graphql-field-removed": _field_removed,
    "graphql-argument-changed": _argument_changed,
    "graphql-permission-wide": _too_wide,
    "graphql-anonymous-role": _anonymous_role,
    "graphql-row-filter": _no_row_filter,
    "graphql-metadata-drift": _by_hand,
    "graphql-suggestions": _suggests,
    "graphql-subscription-silent": _silent,
    "graphql-no-upgrade": _front(fronts.refuses_upgrades),
    "graphql-down": lambda demo: demo.down.add("graphql"),
    "document-outdated": _outdated,
}
