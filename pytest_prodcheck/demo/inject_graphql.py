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
    """A view that only the engine uses is renamed behind its back."""
    with demo.database.superuser() as connection:
        connection.execute("alter view task_summary rename to task_totals")
        demo.engine.reload(connection)


def _outdated(demo: System) -> None:
    """A field gets another name in the metadata; the application's documents ask for the old one."""
    tasks = demo.engine.tables["tasks"]
    tasks.columns["importance"] = tasks.columns.pop("priority")
    tasks.custom["importance"] = "priority"


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
    "graphql-down": lambda demo: demo.down.add("graphql"),
    "document-outdated": _outdated,
}
