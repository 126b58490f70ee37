"""What the GraphQL engine knows about the database: tracked tables, their columns, and which role may select them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

ADMIN = "admin"


@dataclass
class Table:
    """One tracked table or view. `columns`: GraphQL field → type; `custom`: field → column where they differ."""

    columns: dict[str, str]
    order: str
    roles: set[str] = field(default_factory=lambda: {"member", "service"})
    custom: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    """The column that must be the session's user; empty where a role sees all rows."""
    limit: str = "Int"
    """The type of the argument `limit`."""

    def column(self, name: str) -> str:
        """The column behind a field."""
        return self.custom.get(name, name)


def tables() -> dict[str, Table]:
    """The metadata of the healthy demo."""
    return {
        "tasks": Table(
            {
                "id": "uuid!",
                "user_id": "uuid!",
                "project_id": "uuid!",
                "title": "String!",
                "done": "Boolean!",
                "due_on": "date",
                "priority": "Int!",
                "metadata": "jsonb!",
            },
            "title",
            owner="user_id",
        ),
        "projects": Table({"id": "uuid!", "owner_id": "uuid!", "name": "String!"}, "name", owner="owner_id"),
        "users": Table({"id": "uuid!", "name": "String!"}, "name", {"service"}),
        "task_summary": Table({"user_id": "uuid", "total": "Int", "finished": "Int"}, "user_id", owner="user_id"),
    }


def sdl(visible: Mapping[str, Table]) -> str:
    """The schema that a role sees: names and shapes as Hasura makes them."""
    tables = [f"  {name}(limit: {table.limit}): [{name}!]!" for name, table in visible.items()]
    fields = [*tables, "  advice: advice"]
    types = [_type(name, table.columns) for name, table in visible.items()]
    mutation = (
        "type mutation_root { insert_tasks_one(project_id: uuid!, user_id: uuid!, title: String!): tasks }"
        if "tasks" in visible
        else ""
    )
    further = ("mutation: mutation_root " if mutation else "") + ("subscription: subscription_root" if tables else "")
    roots = f"schema {{ query: query_root {further} }}"
    subscription = "\n".join(["type subscription_root {", *tables, "}"]) if tables else ""
    query = "\n".join(["type query_root {", *fields, "}"])
    scalars = "scalar uuid scalar date scalar jsonb"
    return "\n".join([roots, scalars, "type advice { text: String! }", query, subscription, *types, mutation])


def _type(name: str, columns: Mapping[str, str]) -> str:
    return "\n".join([f"type {name} {{", *(f"  {field}: {kind}" for field, kind in columns.items()), "}"])


def export(tracked: Mapping[str, Table]) -> dict[str, Any]:
    """What is tracked, in the form of Hasura's metadata, version 3."""
    tables = [
        {
            "table": {"schema": "public", "name": name},
            **({"configuration": {"custom_column_names": table.custom}} if table.custom else {}),
            "select_permissions": [
                {"role": role, "permission": _permission(table, role)} for role in sorted(table.roles)
            ],
        }
        for name, table in tracked.items()
    ]
    source = {"name": "default", "kind": "postgres", "tables": tables}
    return {"version": 3, "sources": [source], "remote_schemas": [{"name": "advice"}]}


def _permission(table: Table, role: str) -> dict[str, Any]:
    own = {table.owner: {"_eq": "X-Hasura-User-Id"}} if table.owner and role != "service" else {}
    return {"columns": sorted(table.column(name) for name in table.columns), "filter": own}


def inconsistencies(
    connection: psycopg.Connection[tuple[object, ...]], tracked: Mapping[str, Table]
) -> list[dict[str, Any]]:
    """The tracked objects that the database does not have, as `get_inconsistent_metadata` lists them."""
    found = []
    for name, table in tracked.items():
        columns = _columns(connection, name)
        if not columns:
            found.append(_inconsistent(name, "table", f'no such table/view exists in source: "{name}"'))
        missing = [field for field in table.columns if columns and table.column(field) not in columns]
        found += [_inconsistent(name, "column", f'no such column exists: "{field}"') for field in missing]
    return found


def _columns(connection: psycopg.Connection[tuple[object, ...]], name: str) -> Iterable[object]:
    statement = "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped"
    return [row[0] for row in connection.execute(statement, (f"public.{name}",)).fetchall()]


def _inconsistent(name: str, kind: str, reason: str) -> dict[str, Any]:
    definition = {"schema": "public", "name": name}
    return {"definition": definition, "name": f"{kind} {name} in source default", "reason": reason, "type": kind}
