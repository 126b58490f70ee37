"""The migration tools that are known: which files are theirs, how they are read, what their ids look like."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_prodcheck.config.migrations import python_files, text_files
from pytest_prodcheck.config.migrations.repository import Order, by_number, by_text, number, plain, stem, version
from pytest_prodcheck.config.migrations.text_files import Parser, numbered


@dataclass(frozen=True, slots=True)
class Tool:
    """How one tool keeps its migrations in a repository."""

    file: re.Pattern[str]
    """What of the folder is a migration: matched against the path below it."""
    example: str
    parse: Parser
    normal: Callable[[str], str] = plain
    """The normal form of an id, the table's and the file's alike."""
    order: Order = by_text
    newest_only: bool = False
    """Whether the table holds only the newest version: all before it count as applied."""
    run: str = ""
    """The command that applies what is missing; a person's to type, never ours."""


def _named(
    pattern: str, example: str, run: str, normal: Callable[[str], str] = plain, order: Order = by_text,
    sum_of: str = "", newest_only: bool = False,
) -> Tool:  # fmt: skip
    file = re.compile(pattern)
    return Tool(file, example, numbered(file, normal, order, sum_of), normal, order, newest_only, run)


def _digits(text: str) -> str:
    return text.replace("-", "")


_SQL = r"(?:^|/)(?P<name>(?P<id>\d+)_[^/]*?)"
_SCRIPT = r"(?:^|/)(?P<name>(?P<id>[^/]+?))(?<!\.d)\.(?:[cm]?[jt]s|coffee)$"

TOOLS: Mapping[str, Tool] = {
    "alembic": Tool(re.compile(r"^(?:versions/)?[^/]+\.py$"), "4f2a_add_tasks.py", python_files.alembic, run="alembic upgrade head"),
    "atlas": Tool(
        re.compile(r"^\d[^/]*\.sql$"), "20260811120000_tasks.sql", text_files.atlas, run="atlas migrate apply --url …"
    ),
    "dbmate": _named(_SQL + r"\.sql$", "20260811120000_tasks.sql", "dbmate up"),
    "diesel": _named(
        r"(?:^|/)(?P<name>(?P<id>\d[\d-]*)_[^/]*)/up\.sql$", "2026-08-11-120000_tasks/up.sql", "diesel migration run",
        _digits,
    ),
    "django": Tool(
        re.compile(r"(?:^|/)[^/]+/migrations/(?!__init__\.py$)[^/]+\.py$"), "tasks/migrations/0001_initial.py",
        python_files.django, run="python manage.py migrate",
    ),
    "drizzle": Tool(
        re.compile(r"(?:^|/)(?:meta/_journal\.json|[^/]+\.sql)$"), "meta/_journal.json", text_files.drizzle,
        order=by_number, run="drizzle-kit migrate",
    ),
    "ef": _named(
        r"(?:^|/)(?P<name>(?P<id>\d{14}_[^/.]+))\.cs$", "20260811120000_Tasks.cs", "dotnet ef database update"
    ),
    "flyway": Tool(
        re.compile(r"(?:^|/)(?:V[\d._]+|R)__[^/]+\.(?:sql|java|kt)$"), "V1.2__tasks.sql", text_files.flyway, version,
        by_number, run="flyway migrate",
    ),
    "golang-migrate": _named(
        _SQL + r"\.up\.[^/]+$", "000001_tasks.up.sql", "migrate -path … -database … up", number, by_number,
        newest_only=True,
    ),
    "goose": _named(_SQL + r"\.(?:sql|go)$", "00001_tasks.sql", "goose up", number, by_number),
    "hasura": Tool(
        re.compile(r"(?:^|/)\d+_?[^/]*/up\.(?:sql|yaml)$"), "default/1600000000000_tasks/up.sql", text_files.hasura,
        run="hasura migrate apply --all-databases",
    ),
    "knex": _named(_SCRIPT, "20260811120000_tasks.js", "knex migrate:latest", stem),
    "liquibase": Tool(
        re.compile(r"(?:^|/)[^/]+\.(?:xml|ya?ml|json|sql)$"), "changelog.xml", text_files.liquibase,
        text_files.change_set, run="liquibase update",
    ),
    "node-pg-migrate": _named(
        r"(?:^|/)(?P<name>(?P<id>\d+[_-][^/]+?))(?<!\.d)\.(?:[cm]?[jt]s|sql)$", "1600000000000_tasks.js",
        "node-pg-migrate up", stem,
    ),
    "prisma": _named(
        r"(?:^|/)(?P<name>(?P<id>[^/]+))/migration\.sql$", "20260811120000_tasks/migration.sql", "prisma migrate deploy",
        sum_of="sha256",
    ),
    "rails": _named(_SQL + r"\.rb$", "20260811120000_create_tasks.rb", "bin/rails db:migrate", number, by_number),
    "refinery": _named(
        r"(?:^|/)(?P<name>[VU](?P<id>\d+)__[^/]+)\.(?:sql|rs)$", "V1__tasks.sql", "refinery migrate", number, by_number
    ),
    "sequelize": _named(_SCRIPT, "20260811120000-tasks.js", "sequelize db:migrate", stem),
    "sqlx": _named(
        r"(?:^|/)(?P<name>(?P<id>\d+)_[^/]*?)(?<!\.down)(?:\.up)?\.sql$", "20260811120000_tasks.sql", "sqlx migrate run",
        number, by_number, "sha384",
    ),
    "supabase": _named(_SQL + r"\.sql$", "20260811120000_tasks.sql", "supabase db push"),
    "typeorm": Tool(
        re.compile(r"(?:^|/)\d{13}-?[^/]*(?<!\.d)\.[jt]s$"), "1600000000000-Tasks.ts", text_files.typeorm,
        order=lambda name: by_text(name[-13:]), run="typeorm migration:run",
    ),
}  # fmt: skip
