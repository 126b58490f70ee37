"""The names of the migration tools that are known."""

from __future__ import annotations

from typing import Literal

ToolName = Literal[
    "alembic", "atlas", "dbmate", "diesel", "django", "drizzle", "ef", "flyway", "golang-migrate", "goose", "hasura",
    "knex", "liquibase", "node-pg-migrate", "prisma", "rails", "refinery", "sequelize", "sqlx", "supabase", "typeorm",
]  # fmt: skip
