"""What the keys of a database mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import OWNED, TARGET, Words

KEYS: Mapping[str, Words] = {
    "Query": OWNED
    | {
        "sql": ("One statement that reads.", 'sql = "select count(*) from tasks"'),
        "expect": ("Expectation of its value or rows.", "expect = 0"),
        "latency": ("Limits.", 'latency = "< 100ms"'),
        "explain": (
            "What its plan must be; EXPLAIN without ANALYZE, a check of its own.",
            'explain = { index = "tasks_user_id", cost = "< 1000" }',
        ),
    },
    "Explain": {
        "index": ("An index that the plan uses.", 'index = "tasks_user_id"'),
        "cost": ("Limit of the planner's total cost.", 'cost = "< 1000"'),
    },
    "Migrations": OWNED
    | {
        "tool": ("Whose migrations they are ([the list](migrations.md)).", 'tool = "alembic"'),
        "directory": ("Folder of the migrations.", 'directory = "alembic/versions"'),
        "head": ("In its place the revision that must be the newest.", 'head = "env:ALEMBIC_HEAD"'),
        "table": ("Where the tool keeps its record, if elsewhere.", 'table = "app.alembic_version"'),
        "sql": ("For a tool that is unknown: a query …", 'sql = "select max(version) from my_migrations"'),
        "expect": ("… and what it must give.", 'expect = "20260811"'),
    },
    "Health": OWNED
    | {
        "transactions": ("Age of the oldest open transaction. Default `< 5m`.", 'transactions = "< 10m"'),
        "idle_in_transaction": (
            "How long a session does nothing in its transaction. Default `< 1m`.",
            'idle_in_transaction = "< 30s"',
        ),
        "lock_waits": ("How long a session waits for a lock. Default `< 5s`.", 'lock_waits = "< 1s"'),
        "role": ("What the server is: `primary` or `replica`.", 'role = "primary"'),
        "replication_lag": ("Lag of this replica, or of each of its own. Default `< 30s`.", 'replication_lag = "< 5s"'),
        "retained_wal": ("WAL kept for a slot that nobody reads. Default `< 10GB`.", 'retained_wal = "< 1GB"'),
        "wraparound": ("Share of all transaction ids in use. Default `< 50%`.", 'wraparound = "< 20%"'),
        "size": ("Size of the database.", 'size = "< 100GB"'),
        "dead_rows": ("Share of dead rows of a large table; a warning. Default `< 20%`.", 'dead_rows = "< 40%"'),
        "large": ("Live rows from which tables are judged by statistics. Default 10000.", "large = 50000"),
        "cache_hits": ("Share of reads from memory; a warning. Default `> 90%`.", 'cache_hits = "> 99%"'),
        "statements": (
            "Mean time by pg_stat_statements, where installed; a warning. Default `< 1s`.",
            'statements = "< 200ms"',
        ),
    },
    "Pooler": OWNED
    | {
        "dsn": (
            "PgBouncer's console: its database `pgbouncer`, a user of `stats_users`.",
            'dsn = "env:POOLER_STATS_DSN"',
        ),
        "mode": ("Pool mode of this database: `transaction`, `session` or `statement`.", 'mode = "transaction"'),
        "waiting": ("How many clients may wait for a server connection.", "waiting = 0"),
    },
    "Rls": {
        "tables": ("Tables whose rows are protected.", 'tables = ["projects", "tasks"]'),
        "owner": ("Owner column: one name, or by table.", 'owner = { projects = "owner_id" }'),
        "trusted": ("Roles whose policies may be always true.", 'trusted = ["service"]'),
        "public": ("Tables without protection on purpose.", 'public = ["countries"]'),
        "context": ("`SET LOCAL` from claims; `*` is all claims as JSON.", 'context = { "app.user_id" = "sub" }'),
        "roles": ("`SET LOCAL ROLE` by user.", 'roles = { member = "authenticated" }'),
        "claim": ("The claim that owner columns hold; `sub` by default.", 'claim = "sub"'),
        "sees": (
            "What each user sees: `nothing`, `own`, `all`, an SQL condition; or one of them by table.",
            'sees = { anonymous = "nothing", member = "own" }',
        ),
    },
    "Lint": OWNED
    | {
        "schemas": ("Schemas that the API exposes; `public` by default.", 'schemas = ["public", "api"]'),
        "roles": ("Roles of the API's users; by default those of `logins` and `rls.roles`.", 'roles = ["anon"]'),
        "ignore": ("Rules that are not judged, by number or name; or for one thing.", 'ignore = ["0004:public.log"]'),
        "info": ("INFO rules: `mention` (the default), or `warning`.", 'info = "warning"'),
    },
    "DatabaseTarget": TARGET
    | {
        "dsn": ("Our reader.", 'dsn = "env:PRODCHECK_DSN"'),
        "logins": ("Further credentials that must work.", 'logins = { app = "env:DATABASE_URL" }'),
        "tables": ("Tables that must exist.", 'tables = ["projects", "tasks"]'),
        "contract": (
            "The pinned contract of the whole schema; `prodcheck pin ENV` writes it.",
            'contract = "contracts/database.toml"',
        ),
        "identity": ("Name of the database that is meant.", 'identity = "plan"'),
        "connections": ("Limit of used connections.", 'connections = "< 80%"'),
        "functions": (
            "Further functions that queries may call, by name, by a cast or through a view.",
            'functions = ["public.plan_age"]',
        ),
        "queries": ("Declared queries by name.", 'queries.orphans = { sql = "select 0", expect = 0 }'),
        "rls": ("Row-level security that must hold.", 'rls = { tables = ["projects"] }'),
        "migrations": (
            "Migrations that must be applied.",
            'migrations = { tool = "alembic", head = "env:ALEMBIC_HEAD" }',
        ),
        "health": (
            "Limits of the server's statistics; `{}` takes the defaults.",
            'health = { transactions = "< 10m" }',
        ),
        "pooler": ("PgBouncer before it.", 'pooler = { dsn = "env:POOLER_STATS_DSN", mode = "transaction" }'),
        "rows": ("Rows that a table must hold.", 'rows = { countries = 249, tasks = "> 0" }'),
        "relations": ("Columns that point to rows that exist.", 'relations = { "tasks.project_id" = "projects.id" }'),
        "lint": ("Rules for any schema (Splinter's); `{}` takes the defaults.", 'lint = { schemas = ["public"] }'),
    },
}
