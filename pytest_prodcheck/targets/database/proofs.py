"""The proofs of row-level security of one database: each user's made once an attempt, whoever asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from pytest_prodcheck.config.models import DatabaseTarget
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.query import Impersonation
from pytest_prodcheck.observe.sight import Counts, Proof, Sight


class Database(Protocol):
    """What the proofs need of the prober."""

    target: str
    table: DatabaseTarget
    application_name: str
    claims: Callable[[str], Mapping[str, Any]]

    def catalog(self) -> Catalog | None:
        """The snapshot of this run."""
        ...

    def catalog_of(self, user: Impersonation | None) -> Catalog | None:
        """The snapshot as a user's role sees it."""
        ...

    def with_locks(self, seen: Observation) -> Observation:
        """Who holds the lock that somebody waited for in vain."""
        ...

    def count(self, what: str) -> None:
        """One more was sent."""
        ...


class Proofs:
    """Makes and keeps them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._making: dict[tuple[str, int], threading.Lock] = {}
        self._made: dict[tuple[str, int], Proof] = {}

    def of(self, user: str, attempt: int) -> dict[str, Proof]:
        """The user's proof; and those of the others where our reader saw no row that the user must not see: whose rows
        they are, they see."""
        rls, catalog = self._database.table.rls, self._database.catalog()
        found = {user: self._once(user, attempt)}
        if rls is None or catalog is None:
            return found
        hidden = [catalog.meant(name) for name in rls.tables if rls.seen_by(user, name) in ("nothing", "own")]
        sights = found[user].sights
        if any(_undecided(sights[name]) for name in hidden if name in sights):
            found.update((other, self._once(other, attempt)) for other in rls.sees if other != user)
        return found

    def _once(self, user: str, attempt: int) -> Proof:
        with self._lock:
            lock = self._making.setdefault((user, attempt), threading.Lock())
        with lock:
            if (user, attempt) not in self._made:
                self._made[user, attempt] = self._proof(user)
            return self._made[user, attempt]

    def _proof(self, user: str) -> Proof:
        from pytest_prodcheck.targets.database import looks
        from pytest_prodcheck.targets.database.connect import attempt
        from pytest_prodcheck.targets.database.rls_proof import prove
        from pytest_prodcheck.targets.guard.sql import check

        database, table = self._database, self._database.table
        rls, catalog = table.rls, database.catalog()
        if rls is None or catalog is None:
            raise LookupError("a proof without rls, or before the snapshot")
        claims = {name: database.claims(name) for name in rls.sees}
        become, missing = looks.impersonation(rls, user, claims[user]), looks.missing(rls, user, claims[user])
        session, seen = attempt(
            table.dsn, timeout=table.timeout, application_name=database.application_name, target=database.target
        )
        database.count("database")
        if session is None or missing:
            if session is not None:
                session.hang_up()
            seen = replace(seen, operation="rls proof", subject=user, kind="declared", user=user)
            return Proof(user, become.role, seen, claims_missing=missing)
        seen_as = database.catalog_of(become)
        proof = prove(
            session,
            user,
            become,
            looks.looks(rls, user, claims, catalog),
            timeout=table.timeout,
            guard=lambda statement: check(statement, seen_as, table.functions),
        )
        seen = database.with_locks(replace(proof.observation, target=database.target))
        return replace(proof, observation=seen)


def _undecided(sight: Sight) -> bool:
    """Whether our reader saw no row that the user must not see."""
    return not isinstance(sight.reader, Counts) or not sight.reader.outside
