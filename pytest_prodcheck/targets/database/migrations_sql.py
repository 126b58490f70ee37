"""Where the migration tools keep their record, and how each is read: rows of id, checksum, state, detail."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_APPLIED = "'applied'"
_NOTHING = "''"


@dataclass(frozen=True, slots=True)
class Record:
    """One table of one tool; `{table}` stands for its quoted name."""

    table: str
    """Its name by default, with a schema where the tool has one of its own."""
    columns: tuple[str, ...]
    """What makes it this tool's: `schema_migrations` is the name of several."""
    select: str
    lock: str = ""
    """Rows of who holds the tool's lock; asked where `lock_table` is there, or none is needed."""
    lock_table: str = ""
    foreign: tuple[str, ...] = ()
    """Columns that only another tool's table of this name has."""


def _rows(
    identifier: str, checksum: str = _NOTHING, state: str = _APPLIED, detail: str = _NOTHING, rest: str = ""
) -> str:
    return f"select {identifier}, coalesce({checksum}, ''), {state}, coalesce({detail}, '') from {{table}} {rest}"


_VERSIONS = Record(
    "schema_migrations", ("version",), _rows("version::text", rest="order by version"), foreign=("dirty",)
)
_PRISMA_LOCK = """select 'pid ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '')
 || coalesce(', in a transaction since ' || to_char(a.xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), '')
 from pg_locks l left join pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = 72707369
  and l.database = (select oid from pg_database where datname = current_database())"""
"""72707369 is Prisma's own number (schema-engine, advisory lock)."""

RECORDS: Mapping[str, tuple[Record, ...]] = {
    "alembic": (Record("alembic_version", ("version_num",), _rows("version_num::text")),),
    "atlas": (
        Record(
            "atlas_schema_revisions.atlas_schema_revisions",
            ("version", "type", "applied", "total", "error", "hash"),
            _rows(
                "version::text",
                "hash::text",
                "case when coalesce(error, '') <> '' or applied < total then 'failed' when type % 2 = 1 then 'baseline'"
                " else 'applied' end",
                "case when coalesce(error, '') <> '' or applied < total then applied || ' of ' || total || ' statements' end",
                "where version not like '.%' order by version",
            ),
        ),
    ),
    "dbmate": (_VERSIONS,),
    "diesel": (Record("__diesel_schema_migrations", ("version",), _rows("version::text", rest="order by version")),),
    "django": (Record("django_migrations", ("app", "name"), _rows("app || '.' || name", rest="order by id")),),
    "drizzle": (
        Record(
            "drizzle.__drizzle_migrations", ("hash", "created_at"),
            _rows("created_at::text", "hash::text", rest="order by created_at"),
        ),
    ),
    "ef": (Record("__EFMigrationsHistory", ("MigrationId",), _rows('"MigrationId"::text', rest="order by 1")),),
    "flyway": (
        Record(
            "flyway_schema_history",
            ("installed_rank", "version", "description", "type", "checksum", "success"),
            _rows(
                "coalesce(version::text, 'R:' || description)",
                "checksum::text",
                "case when not success then 'failed' when type like 'UNDO%' or type = 'DELETE' then 'reverted'"
                " when type like '%BASELINE' then 'baseline' else 'applied' end",
                rest="where type <> 'SCHEMA' order by installed_rank",
            ),
        ),
    ),
    "golang-migrate": (
        Record(
            "schema_migrations", ("version", "dirty"),
            _rows("version::text", state="case when dirty then 'dirty' else 'applied' end"),
        ),
    ),
    "goose": (
        Record(
            "goose_db_version", ("version_id", "is_applied"),
            "select version_id::text, '', case when is_applied then 'applied' else 'reverted' end, '' from"
            " (select distinct on (version_id) version_id, is_applied from {table} order by version_id, id desc) newest"
            " where version_id > 0 order by version_id",
        ),
    ),
    "hasura": (
        Record(
            "hdb_catalog.hdb_version", ("cli_state",),
            "select d.key || '/' || m.key, '', case when m.value::text = 'true' then 'dirty' else 'applied' end, ''"
            " from {table}, jsonb_each((cli_state -> 'migrations')::jsonb) d, jsonb_each(d.value) m order by 1",
        ),
        Record(
            "hdb_catalog.schema_migrations", ("version", "dirty"),
            _rows("'default/' || version", state="case when dirty then 'dirty' else 'applied' end", rest="order by version"),
        ),
    ),
    "knex": (
        Record(
            "knex_migrations", ("name", "batch"), _rows("name::text", rest="order by id"),
            "select 'is_locked is set in ' || '{lock_table}' from {lock_table} where is_locked = 1", "{table}_lock",
        ),
    ),
    "liquibase": (
        Record(
            "databasechangelog", ("id", "author", "filename", "exectype"),
            _rows(
                "id || '::' || author || '::' || filename",
                state="case when exectype = 'FAILED' then 'failed' else 'applied' end", rest="order by orderexecuted",
            ),
            "select coalesce(lockedby, 'somebody') || coalesce(' since ' || to_char(lockgranted, 'YYYY-MM-DD HH24:MI:SS'), '')"
            " from {lock_table} where locked",
            "databasechangeloglock",
        ),
    ),
    "node-pg-migrate": (Record("pgmigrations", ("name", "run_on"), _rows("name::text", rest="order by run_on, id")),),
    "prisma": (
        Record(
            "_prisma_migrations",
            ("migration_name", "checksum", "finished_at", "rolled_back_at", "logs"),
            _rows(
                "migration_name::text",
                "checksum::text",
                "case when rolled_back_at is not null then 'reverted' when finished_at is null then 'failed'"
                " else 'applied' end",
                "'SQLSTATE ' || substring(logs from 'Database error code: ([0-9A-Z]{{5}})')",
                "order by started_at",
            ),
            _PRISMA_LOCK,
        ),
    ),
    "rails": (_VERSIONS,),
    "refinery": (
        Record("refinery_schema_history", ("version", "checksum"), _rows("version::text", rest="order by version")),
    ),
    "sequelize": (Record("SequelizeMeta", ("name",), _rows("name::text", rest="order by name")),),
    "sqlx": (
        Record(
            "_sqlx_migrations", ("version", "success", "checksum"),
            _rows(
                "version::text", "encode(checksum, 'hex')", "case when success then 'applied' else 'failed' end",
                rest="order by version",
            ),
        ),
    ),
    "supabase": (
        Record("supabase_migrations.schema_migrations", ("version",), _rows("version::text", rest="order by version")),
    ),
    "typeorm": (Record("migrations", ("timestamp", "name"), _rows("name::text", rest='order by "timestamp"')),),
}  # fmt: skip
