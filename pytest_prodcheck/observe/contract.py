"""The database contract as plain data: everything of a schema that an application, or a protection, relies on.

One shape for what a file promises and for what a snapshot saw (A33–A35, C14, C15, E15), so that two of them compare.
Names are qualified (`public.tasks`); texts are those of PostgreSQL itself (`format_type`, `pg_get_constraintdef`, …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Grants = Mapping[str, tuple[str, ...]]
"""Role (`public` for everybody) → its privileges in words, sorted; `SELECT*` may be granted on. The owner's own are
left out: they are implied."""

INVALID = " invalid"
"""How an index ends whose building failed: PostgreSQL keeps it up to date, and never reads it."""
IDLE = " disabled"
"""How a key ends whose triggers are off: PostgreSQL calls it valid, and does not keep it. Where they are off on
partitions only, ` on PARTITION, …` follows."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column."""

    type: str
    nullable: bool = True
    default: str = ""
    identity: str = ""
    """`always` or `by default`."""
    generated: str = ""
    """The expression that it is computed by."""
    stored: bool = True
    """Of a generated one: whether its values are stored, or computed when it is read (PostgreSQL 18)."""
    collation: str = ""
    """Where it is not its type's own."""

    @property
    def line(self) -> str:
        """The column as SQL says it: `uuid not null default gen_random_uuid()`."""
        text = self.type + ("" if self.nullable else " not null")
        text += f" collate {self.collation}" if self.collation else ""
        if self.identity:
            return f"{text} generated {self.identity} as identity"
        if self.generated:
            return f"{text} generated always as ({self.generated}) {'stored' if self.stored else 'virtual'}"
        return f"{text} default {self.default}" if self.default else text


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """One policy, deparsed."""

    command: str
    roles: tuple[str, ...]
    permissive: bool = True
    using: str = ""
    check: str = ""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table or view; partitions are their parent's."""

    kind: str = "table"
    """`table`, `partitioned table`, `view`, `materialised view`, `foreign table`."""
    owner: str = ""
    rls: str = "off"
    """`off`, `on`, or `forced`: for its owner, too."""
    unlogged: bool = False
    invoker: bool = False
    """Of a view: whether it reads with the privileges of whoever asks (`security_invoker`)."""
    barrier: bool = False
    """Of a view: whether its conditions come before whatever its caller adds (`security_barrier`)."""
    check_option: str = ""
    """Of a view: `local` or `cascaded` where rows that it would not show cannot be written through it."""
    definition: str = ""
    """Of a view its query, of a partitioned table its key."""
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)
    """In the table's order, which an INSERT without a list of columns relies on."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Constraint → its definition[ disabled]: primary, unique and foreign keys, checks, exclusions."""
    indexes: Mapping[str, str] = field(default_factory=dict)
    """Index that belongs to no constraint → `[unique ]METHOD (COLUMNS) …[ invalid]`."""
    triggers: Mapping[str, str] = field(default_factory=dict)
    """Trigger → its definition; where it is not simply enabled, in front: `disabled: `, `replica: `, `always: `."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Rule that rewrites statements → `ON INSERT TO TABLE DO INSTEAD …`; states in front as of a trigger."""
    policies: Mapping[str, PolicyFacts] = field(default_factory=dict)
    grants: Grants = field(default_factory=dict)
    column_grants: Mapping[str, Grants] = field(default_factory=dict)
    """Column → grants on it alone."""
    partition_grants: Grants = field(default_factory=dict)
    """Of a partitioned table: privileges on a partition without row-level security, beyond those on the table."""
    partitions: Mapping[str, str] = field(default_factory=dict)
    """Of a partitioned table: its partitions, and theirs → what each holds, `FOR VALUES …` or `DEFAULT`."""
    partition_policies: Mapping[str, PolicyFacts] = field(default_factory=dict)
    """Of a partitioned table: `POLICY of PARTITION` → the partition's own policy, which binds whoever names it."""


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """One function or procedure that no extension brought."""

    returns: str = ""
    """Empty for a procedure."""
    arguments: str = ""
    """With names, modes and defaults."""
    language: str = "sql"
    owner: str = ""
    volatility: str = "volatile"
    definer: bool = False
    """SECURITY DEFINER: it runs with its owner's privileges."""
    search_path: str = ""
    """What it sets for itself; empty where its caller's counts."""
    body: str = ""
    """A fingerprint of what it does: the beginning of a SHA-256. Its text may hold what nobody shall read."""
    strict: bool = False
    """Whether it gives null for a null argument without being run."""
    leakproof: bool = False
    """Whether the planner may call it on rows that a policy, or a view with `security_barrier`, hides."""
    parallel: str = "unsafe"
    """`unsafe`, `restricted`, `safe`."""
    settings: tuple[str, ...] = ()
    """What else it sets for itself while it runs: `NAME=VALUE`."""
    grants: Grants = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """One sequence that is no identity column's."""

    type: str = "bigint"
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 9223372036854775807
    cycle: bool = False
    owner: str = ""
    grants: Grants = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """One enum, domain or composite type."""

    owner: str = ""
    labels: tuple[str, ...] = ()
    """Of an enum, in its order."""
    base: str = ""
    """Of a domain: `integer`, `text not null`."""
    default: str = ""
    checks: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    """Of a composite type: `NAME TYPE`, in its order."""


@dataclass(frozen=True, slots=True)
class ExtensionFacts:
    """One installed extension."""

    version: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """One schema."""

    owner: str = ""
    grants: Grants = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """One role of the server: in a file, one that owns something, is granted something, or is named by a policy, and
    one that is a member of such a role: an application logs in as it."""

    login: bool = False
    superuser: bool = False
    bypasses_rls: bool = False
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """All that is promised of one database, or all that was seen of it."""

    postgresql: int
    """Major version of the server whose words the texts are."""
    schemas: Mapping[str, SchemaFacts] = field(default_factory=dict)
    tables: Mapping[str, TableFacts] = field(default_factory=dict)
    sequences: Mapping[str, SequenceFacts] = field(default_factory=dict)
    types: Mapping[str, TypeFacts] = field(default_factory=dict)
    functions: Mapping[str, FunctionFacts] = field(default_factory=dict)
    """By `schema.name(types of its arguments)`."""
    extensions: Mapping[str, ExtensionFacts] = field(default_factory=dict)
    roles: Mapping[str, RoleFacts] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    """Part (`indexes`, `policies`, …) → why it could not be read: a lock, a privilege that our reader lacks. Only of
    what was seen: such a part is not known, which is not the same as empty."""

    @property
    def pinned(self) -> Contract:
        """What of it is promised by whoever pins it: other databases' roles are none of ours."""
        named = self.named
        members = {name for name, facts in self.roles.items() if named.intersection(facts.member_of)}
        return replace(self, roles={name: facts for name, facts in self.roles.items() if name in named | members})

    @property
    def named(self) -> frozenset[str]:
        """The roles that own something, are granted something, or are named by a policy."""
        named = {facts.owner for kind in (self.schemas, self.tables, self.sequences, self.types, self.functions)
                 for facts in kind.values()}  # fmt: skip
        named |= {role for kind in (self.schemas, self.tables, self.sequences, self.functions)
                  for facts in kind.values() for role in facts.grants}  # fmt: skip
        for table in self.tables.values():
            policies = (*table.policies.values(), *table.partition_policies.values())
            named |= {role for policy in policies for role in policy.roles}
            named |= {role for granted in table.column_grants.values() for role in granted}
        return frozenset(named)
