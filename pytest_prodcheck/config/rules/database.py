"""What must hold between the keys of a database."""

from __future__ import annotations

from pytest_prodcheck.config import address, grammar
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import DatabaseTarget, Migrations, Pooler
from pytest_prodcheck.config.rules import rls
from pytest_prodcheck.config.rules.checked import Checked, refuse_blank, refuse_empty, refuse_unjudgeable
from pytest_prodcheck.config.secrecy import REFERENCE


def check(checked: Checked, path: KeyPath, target: DatabaseTarget) -> None:
    """Adds a problem for each key that promises nothing, or that could not be judged."""
    for key, value in [(("dsn",), target.dsn), *((("logins", name), dsn) for name, dsn in target.logins.items())]:
        if not REFERENCE.fullmatch(value) and (problem := address.dsn_problem(value)):
            checked.problems.add((*path, *key), problem, f'{key[-1]} = "env:DATABASE_URL"')
    for name, query in target.queries.items():
        refuse_empty((*path, "queries", name), query, checked.problems)
        refuse_unjudgeable((*path, "queries", name, "expect"), query.expect, checked.problems)
        if query.explain is not None and not (query.explain.index or query.explain.cost):
            checked.problems.add(
                (*path, "queries", name, "explain"), "explain promises nothing", 'explain.cost = "< 1000"'
            )
    refuse_blank(path, target, "identity", "identity names no database", checked.problems)
    if target.rls:
        rls.check(path, target.rls, checked.environment, checked.problems)
    if target.lint:
        rls.check_lint(path, target.lint, checked.problems)
    if target.migrations:
        _migrations(checked, (*path, "migrations"), target.migrations)
    if target.pooler:
        _pooler(checked, (*path, "pooler"), target.pooler)
    _contents(checked, path, target)


def _migrations(checked: Checked, path: KeyPath, promised: Migrations) -> None:
    """A folder, a pinned head, or a query with its answer: one of the three."""
    add = checked.problems.add
    written = [key for key in ("directory", "head", "sql") if key in promised.model_fields_set]
    if len(written) != 1:
        said = " and ".join(written) or "none of them"
        add(path, f"migrations name one of directory, head and sql, not {said}", 'directory = "alembic/versions"')
    elif written == ["sql"]:
        if "expect" not in promised.model_fields_set:
            add((*path, "sql"), "migrations by a query need the answer that is promised", 'expect = "20260811"')
        for key in ("tool", "table"):
            if key in promised.model_fields_set:
                add((*path, key), f"{key} has no meaning beside sql")
        refuse_unjudgeable((*path, "expect"), promised.expect, checked.problems)
    else:
        if promised.tool is None:
            add(path, "migrations name their tool, or a query for one that is unknown", 'tool = "alembic"')
        if "expect" in promised.model_fields_set:
            add((*path, "expect"), "expect belongs to sql", 'sql = "select version from my_migrations"')
    if "head" in promised.model_fields_set and not all(name.strip() for name in promised.head or ("",)):
        add((*path, "head"), "head names no revision", 'head = "env:ALEMBIC_HEAD"')


def _pooler(checked: Checked, path: KeyPath, pooler: Pooler) -> None:
    if not REFERENCE.fullmatch(pooler.dsn) and (problem := address.dsn_problem(pooler.dsn)):
        checked.problems.add((*path, "dsn"), problem, 'dsn = "env:POOLER_STATS_DSN"')
    if pooler.mode is None and pooler.waiting is None:
        checked.problems.add(path, "pooler promises nothing", 'mode = "transaction"')


_COLUMN = compiled(r"[^.\s]+\.[^.\s]+(?:\.[^.\s]+)?")


def _contents(checked: Checked, path: KeyPath, target: DatabaseTarget) -> None:
    """`rows` and `relations`: what can be counted, and columns that can be compared."""
    for name, promised in target.rows.items():
        limit = grammar.comparison(promised) if isinstance(promised, str) else None
        whole = isinstance(promised, int) and not isinstance(promised, bool) and promised >= 0
        if not whole and (limit is None or limit.unit or limit.subject):
            text = "rows are a number, or a comparison with one"
            checked.problems.add((*path, "rows", name), text, 'rows = { countries = 249, tasks = "> 0" }')
    for name, other in target.relations.items():
        if not (_COLUMN.fullmatch(name) and _COLUMN.fullmatch(other)):
            text = "a relation leads from one column to another"
            checked.problems.add((*path, "relations", name), text, 'relations = { "tasks.project_id" = "projects.id" }')
