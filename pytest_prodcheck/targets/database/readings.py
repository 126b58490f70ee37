"""What the gate asks a database beyond its catalog: migrations, statistics, the pooler, bounded counts and plans."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import DatabaseTarget
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.migrations import Ledger
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.query import QueryAnswer

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

READINGS = ("test_migrations", "test_health", "test_pooler", "test_rows", "test_relations", "test_plan")
"""Checks whose evidence is here."""


class Database(Protocol):
    """What the readings need of the prober."""

    target: str
    table: DatabaseTarget
    application_name: str

    def catalog(self) -> Catalog | None:
        """The snapshot of this run."""
        ...

    def guarded(self, sql: str, name: str) -> QueryAnswer:
        """One guarded statement's answer."""
        ...

    def count(self, what: str) -> None:
        """One more was sent."""
        ...


class Readings:
    """Makes them; statistics and migrations are read once an attempt, whatever the number of checks that look at
    them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._read: dict[tuple[str, int], Evidence] = {}

    def of(self, function: str, subject: str, attempt: int) -> Evidence:
        """The evidence of one check of READINGS; a later attempt reads again."""
        catalog, table = self._database.catalog(), self._database.table
        if catalog is None:
            return Evidence((), {})
        if function == "test_pooler":
            return self._pooler()
        if function in ("test_migrations", "test_health"):
            read = self._migrations if function == "test_migrations" else self._health
            with self._lock:
                if (function, attempt) not in self._read:
                    self._read[function, attempt] = read(catalog)
                return self._read[function, attempt]
        from pytest_prodcheck.targets.database import counting

        if function == "test_plan":
            return self._asked(catalog, f"explain (format json) {table.queries[subject].sql}", subject)
        if function == "test_rows":
            return self._asked(catalog, counting.rows(catalog, subject, table.rows[subject]), subject)
        return self._asked(catalog, counting.orphans(catalog, subject, table.relations[subject]), subject)

    def _asked(self, catalog: Catalog, sql: str, name: str) -> Evidence:
        """The answer to a statement that is guarded as any; none where there is nothing to ask."""
        facts: dict[str, Any] = {"catalog": catalog}
        if not sql:
            return Evidence((), facts)
        answer = self._database.guarded(sql, name)
        return Evidence((answer.observation,), {**facts, "answer": answer})

    def _migrations(self, catalog: Catalog) -> Evidence:
        """The tool's table as `ledger`, and the catalog; or the answer to the query that stands for an unknown tool."""
        from pytest_prodcheck.targets.database.migrations import ledger, located

        promised, timeout = self._database.table.migrations, self._database.table.timeout
        if promised is None or promised.tool is None:
            return self._asked(catalog, promised.sql if promised else "", "migrations")
        found = located(catalog, promised.tool, promised.table)
        if isinstance(found, Ledger):
            return Evidence((), {"ledger": found, "catalog": catalog})
        session, observation = self._session("migrations")
        if session is None:
            return Evidence((observation,), {"ledger": Ledger(problem=observation.message), "catalog": catalog})
        self._database.count("database")
        try:
            read = ledger(session, found, catalog, timeout=timeout)
            return Evidence((observation,), {"ledger": read, "catalog": catalog})
        finally:
            session.hang_up()

    def _health(self, catalog: Catalog) -> Evidence:
        from pytest_prodcheck.targets.database.bundle import Unanswered
        from pytest_prodcheck.targets.database.health import reading

        limits, timeout = self._database.table.health, self._database.table.timeout
        if limits is None:
            return Evidence((), {})
        session, observation = self._session("health")
        if session is None:
            return Evidence((observation,), {"problem": observation.message})
        slow = grammar.comparison(limits.statements) if limits.statements else None
        self._database.count("database")
        try:
            found = reading(session, catalog, large=limits.large, slow=slow.value if slow else None, timeout=timeout)
        except Unanswered as failed:
            return Evidence((observation,), {"problem": str(failed)})
        finally:
            session.hang_up()
        return Evidence((observation,), {"health": found})

    def _pooler(self) -> Evidence:
        from pytest_prodcheck.targets.database.pooler import console

        database = self._database
        if database.table.pooler is None:
            return Evidence((), {})
        database.count("database")
        observation, pools = console(
            database.table.pooler.dsn,
            timeout=database.table.timeout,
            application_name=database.application_name,
            target=database.target,
        )
        return Evidence((observation,), {"pools": pools})

    def _session(self, operation: str) -> tuple[Session | None, Observation]:
        """A session of our reader for statements of our own, and how it came about."""
        from pytest_prodcheck.targets.database.connect import attempt

        database = self._database
        session, observation = attempt(
            database.table.dsn,
            timeout=database.table.timeout,
            application_name=database.application_name,
            target=database.target,
        )
        return session, replace(observation, operation=operation, kind="declared")
