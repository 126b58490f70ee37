"""The database catalog as plain data: one snapshot per run, read in a fixed number of round trips."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_prodcheck.observe.lint_facts import LintFacts

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")


def identifier(name: str) -> str:
    """`name` as SQL reads it: quoted where it is not plain."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Called:
    """A function that a policy calls."""

    schema: str
    name: str
    volatility: str
    """`v` volatile, `s` stable, `i` immutable."""
    definer: bool = False
    """SECURITY DEFINER."""
    body: str = ""
    """What it gives, where it is written in SQL: its text, or its whole definition where PostgreSQL keeps no text."""

    @property
    def qualified(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Policy:
    """One row of `pg_policy`, deparsed."""

    name: str
    command: str
    """`ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`."""
    permissive: bool
    roles: tuple[str, ...]
    """Role names; `public` for all."""
    using: str | None
    check: str | None
    reads: tuple[str, ...] = ()
    """Relations that its sub-queries read, as `schema.name`; found in the stored tree, not in the text."""
    calls: tuple[Called, ...] = ()
    """Functions outside `pg_catalog` that it calls."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, type as `format_type` says it, whether NULL is allowed."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Key:
    """One constraint that identifies or refers: primary, unique or foreign key."""

    name: str
    kind: str
    """`p` primary, `u` unique, `f` foreign."""
    definition: str
    validated: bool


@dataclass(frozen=True, slots=True, order=True)
class Hazard:
    """Why reading a relation may do more than read."""

    text: str
    """In words: `uses the function public.f, which is VOLATILE`, `reads the foreign table public.remote`."""
    name: str = ""
    """The function or type behind it, `schema.name`; declared under `functions`, it counts as a read."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One row of `pg_class` outside the system schemas."""

    schema: str
    name: str
    kind: str
    """`relkind`: r table, p partitioned table, v view, m materialised view, f foreign table, S sequence."""
    owner: str
    rls_enabled: bool = False
    rls_forced: bool = False
    readable: bool = True
    """Whether our reader may SELECT from it."""
    acl: tuple[str, ...] = ()
    """Grants as `role=privileges/grantor` (aclitem text); empty means the default (owner only)."""
    column_acl: tuple[str, ...] = ()
    """Grants on single columns, as `acl`."""
    parent: str = ""
    """`schema.name` of the partitioned table whose partition it is; empty for all others."""
    security_invoker: bool = False
    """Of a view: whether it reads its tables with the privileges of whoever asks (PostgreSQL 15)."""
    reads: tuple[str, ...] = ()
    """Of a view: the relations it reads directly, as `schema.name`."""
    columns: tuple[Column, ...] = ()
    keys: tuple[Key, ...] = ()
    policies: tuple[Policy, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    """Found by the dependencies of views and the children of tables; the views that an extension brought have none."""

    @property
    def qualified(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"

    @property
    def typed(self) -> str:
        """`schema.name` as a person types it into a statement: quoted where SQL needs it."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"


@dataclass(frozen=True, slots=True)
class Cast:
    """A cast by a user's function; types and function as `schema.name`."""

    source: str
    target: str
    function: str
    implicit: bool
    """Whether PostgreSQL makes it without being asked; else `::` or CAST names the target."""


@dataclass(frozen=True, slots=True)
class Role:
    """One row of `pg_roles`."""

    name: str
    superuser: bool = False
    bypasses_rls: bool = False
    login: bool = True
    connection_limit: int = -1
    valid_until: str | None = None
    """ISO 8601, or None for no end."""
    member_of: tuple[str, ...] = ()
    """Roles that it is a member of, directly or not."""
    inherits: tuple[str, ...] = ()
    """Those of `member_of` whose privileges it has without SET ROLE; a member of an owner counts as the owner."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What ALTER ROLE … SET gives its sessions in this database, `search_path` above all."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One row of `pg_namespace` outside the system schemas."""

    name: str
    owner: str
    acl: tuple[str, ...] = ()
    """Grants as aclitem text; empty means the default (owner only)."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the database holds, as our reader sees it."""

    database: str
    user: str
    version: int
    """`server_version_num`, e.g. 150018."""
    search_path: tuple[str, ...]
    """Effective schemas of our reader (`current_schemas(true)`), in order."""
    relations: Mapping[str, Relation] = field(default_factory=dict)
    """`schema.name` → relation."""
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    """`schema.name` of every function outside `pg_catalog` and `information_schema` → worst volatility (`v`, `s`, `i`),
    with `+d` appended where one of that name is SECURITY DEFINER."""
    operators: frozenset[str] = frozenset()
    """Names of operators outside `pg_catalog` (each runs a function)."""
    types: frozenset[str] = frozenset()
    """`schema.name` of types whose values cannot be made without running a user's function (of their input or of a
    domain's constraint), also deep inside: row types of tables, arrays, ranges."""
    casts: tuple[Cast, ...] = ()
    """Casts by users' functions, from or to a user's type."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """`max_connections`, `default_transaction_read_only`, `ssl`, …"""
    in_recovery: bool = False
    connections: Mapping[str, int] = field(default_factory=dict)
    """Open client backends of the whole server by `application_name`."""
    role_connections: Mapping[str, int] = field(default_factory=dict)
    """The same by role."""
    database_settings: Mapping[str, str] = field(default_factory=dict)
    """What ALTER DATABASE … SET gives every session."""
    locked: frozenset[str] = frozenset()
    """`schema.name` of tables that were locked against reading while the snapshot was taken: their policies, and those
    that read them, are not known."""

    lint: LintFacts | None = None
    """What only the lint asks; None where it was not asked."""

    def meant(self, name: str) -> str:
        """The qualified name that a declaration means (PostgreSQL manual 5.10.3 "The Schema Search Path").

        Unqualified names mean `public`, unless the database lives elsewhere: `public` is not in our reader's path and
        is empty, or the name lies in the schema that bears our reader's own name. So an old copy in a schema that comes
        first does not pass for the table; who means that one writes `schema.name`.
        """
        if "." in name:
            return name.replace('"', "")
        found = self.resolve(name)
        if found and found.schema == self.user:
            return found.qualified
        elsewhere = "public" not in self.search_path and not any(
            relation.schema == "public" for relation in self.relations.values()
        )
        if elsewhere:
            first = next((schema for schema in self.search_path if schema in self.schemas), "public")
            return found.qualified if found else f"{first}.{name}"
        return f"public.{name}"

    def resolve(self, name: str) -> Relation | None:
        """The relation that `name` (qualified or not) means to our reader, by its search path; None where none does."""
        if "." in name:
            return self.relations.get(name)
        for schema in self.search_path:
            if found := self.relations.get(f"{schema}.{name}"):
                return found
        return None
