"""The demo's database: roles, schema and seed on a throwaway PostgreSQL, and the connection strings to it."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import psycopg
from psycopg import sql

from pytest_prodcheck.demo.postgres import Postgres

NAME = "demo"
MEMBER = "11111111-1111-4111-8111-111111111111"
COLLEAGUE = "22222222-2222-4222-8222-222222222222"
_SCHEMA = Path(__file__).with_name("schema.sql")
_MIGRATIONS = Path(__file__).with_name("migrations")
_LEDGER = """
create table _prisma_migrations (
  id text primary key, checksum text not null, finished_at timestamptz, migration_name text not null, logs text,
  rolled_back_at timestamptz, started_at timestamptz not null default clock_timestamp(),
  applied_steps_count int not null default 0
);
"""
_ROLES = """
create role owner nologin; create role member nologin; create role anonymous nologin; create role service nologin;
create role app login; create role reader login;
grant member, anonymous, service to app with inherit false, set true;
grant member, anonymous to reader with inherit false, set true;
grant pg_read_all_stats to reader;
"""


class Database:
    """The set-up database. `app_dsn` and `reader_dsn` are what the API and the gate use."""

    def __init__(self, postgres: Postgres) -> None:
        """Creates roles, database, schema and seed; raises psycopg.Error where the server refuses."""
        self.postgres = postgres
        self.held: list[psycopg.Connection[tuple[object, ...]]] = []
        self.passwords = {"app": secrets.token_urlsafe(18), "reader": secrets.token_urlsafe(18)}
        with self.superuser("postgres") as connection:
            connection.execute(_ROLES)
            for role in self.passwords:
                self._set_password(connection, role, self.passwords[role])
            connection.execute(f"create database {NAME} owner owner strategy file_copy")
        with self.superuser() as connection, connection.transaction():
            connection.execute("set local role owner")
            connection.execute(_LEDGER)
            for folder in sorted(_MIGRATIONS.iterdir()):
                self._migrate(connection, folder)
            connection.execute(_SCHEMA.read_text("utf-8"))
        self.app_dsn = self.dsn("app")
        self.reader_dsn = self.dsn("reader")

    def dsn(self, role: str) -> str:
        """The connection URL of `app` or `reader` with the password that it was given at the start."""
        return self.postgres.dsn(role, self.passwords[role], NAME)

    def superuser(self, database: str = NAME) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the superuser that commits each statement."""
        return psycopg.connect(self.postgres.dsn(database=database), autocommit=True, application_name="demo-setup")

    def change(self, *statements: str) -> None:
        """Runs statements as the superuser, each in a transaction of its own."""
        with self.superuser() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rotate_password(self, role: str) -> None:
        """Gives `role` a new password that nobody knows."""
        with self.superuser() as connection:
            self._set_password(connection, role, secrets.token_urlsafe(18))

    def hold(self, dsn: str, application_name: str, statement: str = "", count: int = 1) -> None:
        """Opens `count` sessions that stay, idle in a transaction where a statement is given."""
        for _ in range(count):
            session = psycopg.connect(dsn, application_name=application_name, autocommit=not statement)
            if statement:
                session.execute(statement.encode())
            self.held.append(session)

    @staticmethod
    def _migrate(connection: psycopg.Connection[tuple[object, ...]], folder: Path) -> None:
        """Applies one migration and writes it down, as `prisma migrate deploy` does."""
        text = (folder / "migration.sql").read_bytes()
        connection.execute(text)
        connection.execute(
            "insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)"
            " values (gen_random_uuid(), %s, %s, now(), 1)",
            (hashlib.sha256(text).hexdigest(), folder.name),
        )

    @staticmethod
    def _set_password(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
        connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password)))
