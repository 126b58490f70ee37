"""What a valid file promises that no run could keep or may ask: known before anything is sent or resolved."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import DatabaseTarget, Environment
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.gate import planning, provable


def unsound(environment: Environment) -> list[str]:
    """What a run would refuse before it sends anything: limits that cannot be proven, and statements that are no
    proven reads; one line each, with its place."""
    return [*provable.problems(environment, planning.make(environment), environment.deadline), *_refused(environment)]


def _refused(environment: Environment) -> Iterator[str]:
    for target, table in environment.targets.items():
        if not isinstance(table, DatabaseTarget) or not table.queries:
            continue
        from pytest_prodcheck.targets.guard import sql

        for name, query in table.queries.items():
            try:
                sql.check(query.sql, None, table.functions)
            except Refused as refusal:
                path = (*target.split("."), "queries", name, "sql")
                yield f"{environment.where(*path)}: {'.'.join(path)}: {refusal}"
