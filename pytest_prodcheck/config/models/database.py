"""PostgreSQL databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_prodcheck.config.migrations.names import ToolName
from pytest_prodcheck.config.models.base import Model, Owned, Target
from pytest_prodcheck.config.scalars import (
    AgeLimit,
    Count,
    Hidden,
    Limits,
    Name,
    Names,
    NotJudged,
    NumberLimit,
    ShareLimit,
    SizeLimit,
    UsageLimit,
)


class Explain(Model):
    """What the plan of a query must be: EXPLAIN, never ANALYZE."""

    index: str = ""
    """Name of an index that the plan uses."""
    cost: NumberLimit | None = None
    """Limit of the planner's total cost."""


class Query(Owned):
    """One declared SQL query and what it must give."""

    sql: str
    expect: Any = None
    latency: Limits = ()
    explain: Explain | None = None


class Migrations(Owned):
    """The migrations that must be applied: those of a folder, a pinned head, or what a query must give."""

    tool: ToolName | None = None
    directory: str = ""
    head: Names = ()
    """The revision that must be the newest, for whoever has no repository at hand; several for several heads."""
    table: str = ""
    """Where the tool keeps its record, if not where it does by default."""
    sql: str = ""
    expect: Any = None


class Health(Owned):
    """Limits of the server's own statistics; `false` in the place of a limit leaves it out."""

    transactions: AgeLimit | NotJudged = "< 5m"
    """Age of the oldest open transaction of a client."""
    idle_in_transaction: AgeLimit | NotJudged = "< 1m"
    lock_waits: AgeLimit | NotJudged = "< 5s"
    """How long a session waits for a lock."""
    role: Literal["primary", "replica"] | None = None
    replication_lag: AgeLimit | NotJudged = "< 30s"
    retained_wal: SizeLimit | NotJudged = "< 10GB"
    """What a replication slot that nobody reads keeps on the disk."""
    wraparound: UsageLimit | NotJudged = "< 50%"
    """Age of the oldest transaction id, of the 2,147 million that there are."""
    size: SizeLimit | None = None
    """Size of the database."""
    dead_rows: UsageLimit | NotJudged = "< 20%"
    """Dead rows of a table, of all of its rows."""
    large: Count = 10_000
    """Live rows from which a table is judged by its statistics (dead rows, ANALYZE, missing indexes)."""
    cache_hits: ShareLimit | NotJudged = "> 90%"
    statements: AgeLimit | NotJudged = "< 1s"
    """Mean time of a statement of pg_stat_statements, where that is installed."""


class Pooler(Owned):
    """PgBouncer, as its own console tells."""

    dsn: Annotated[str, Hidden]
    """Of the console: database `pgbouncer`, a user of `stats_users`."""
    mode: Literal["transaction", "session", "statement"] | None = None
    waiting: Annotated[int, Field(strict=True, ge=0)] | None = None
    """How many clients may wait for a server connection."""


Sees = str | Mapping[Name, str]
"""`nothing`, `own`, `all` or an SQL condition: one for every table, or by table (`*` for the others)."""


class Rls(Model):
    """Row-level security that must hold, read from the catalog; and what each user sees, proven by being it."""

    tables: Names
    owner: str | Mapping[str, str] = ""
    trusted: Names = ()
    public: Names = ()
    context: Mapping[str, str] = Field(default_factory=dict)
    roles: Mapping[str, str] = Field(default_factory=dict)
    claim: Name = "sub"
    """The claim that owner columns hold."""
    sees: Mapping[Name, Sees] = Field(default_factory=dict)

    def owner_of(self, table: str) -> str:
        """The column that says whose a row of `table` (as `tables` names it) is; empty where none is declared."""
        return self.owner if isinstance(self.owner, str) else self.owner.get(table, "")

    def seen_by(self, user: str, table: str) -> str:
        """What `sees` promises that the user sees of a table; empty where it promises nothing."""
        promised = self.sees.get(user, "")
        return promised if isinstance(promised, str) else promised.get(table, promised.get("*", ""))


class Lint(Owned):
    """Rules for any schema: Splinter's, and our own (docs/rls.md)."""

    schemas: Names = ("public",)
    """What the API exposes."""
    roles: Names = ()
    """As whom the API's users come; by default those of the logins and of `rls.roles`."""
    ignore: Names = ()
    """Rules by number or name, or for one thing: `0004:public.log`."""
    info: Literal["mention", "warning"] = "mention"


class DatabaseTarget(Target):
    """A PostgreSQL database, seen by our reader."""

    dsn: Annotated[str, Hidden]
    logins: Mapping[Name, str] = Field(default_factory=dict, repr=False)
    tables: Names | None = None
    contract: str = ""
    """The pinned contract that `prodcheck pin` writes."""
    identity: str = ""
    """The database name that this environment means (`select current_database()`)."""
    connections: UsageLimit | None = None
    functions: Names = ()
    """Functions beyond PostgreSQL's own harmless ones that queries may call, schema-qualified."""
    queries: Mapping[Name, Query] = Field(default_factory=dict)
    rls: Rls | None = None
    migrations: Migrations | None = None
    health: Health | None = None
    pooler: Pooler | None = None
    rows: Mapping[Name, Annotated[int, Field(strict=True)] | Annotated[str, Field(strict=True)]] = Field(
        default_factory=dict
    )
    """Table → how many rows it must hold: a number or a comparison."""
    relations: Mapping[Name, str] = Field(default_factory=dict)
    """`tasks.project_id` → `projects.id`: no row may point to nothing, foreign key or not."""
    lint: Lint | None = None
