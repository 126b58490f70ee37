"""The database target as the owner asks it: one snapshot a run, logins, and guarded queries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.config.models import DatabaseTarget
from pytest_prodcheck.errors import Refused, TargetError
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.contract import Contract
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Json, Kind, Observation
from pytest_prodcheck.observe.query import Impersonation, QueryAnswer
from pytest_prodcheck.targets.database.proofs import Proofs
from pytest_prodcheck.targets.database.readings import READINGS, Readings

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.watching import Watcher

Claims = Callable[[str], Mapping[str, Any]]
"""User name → the claims of the user's token."""


_ASKED = ("28P01", "28000", "53300", "3D000", "42501")
"""SQLSTATEs of a refused login about which another credential may know more."""


class DatabaseProber:
    """Asks one database as our reader; never writes, never leaves anything behind."""

    def __init__(self, target: str, table: DatabaseTarget, run: str, claims: Claims) -> None:
        self.target, self.table, self.claims = target, table, claims
        self.application_name = f"prodcheck/{run}"
        self._catalog: Catalog | None = None
        self.contract: Contract | None = None
        """What the snapshot saw of the contract, where one is declared."""
        self._lock = threading.Lock()
        self._proofs, self._readings = Proofs(self), Readings(self)
        self._sent = {"database": 0, "logins": 0, "refused": 0}
        self.lane, self.width = target, 4

    @property
    def sent(self) -> Mapping[str, int]:
        """How many statements and logins were sent, and how many statements were refused."""
        return self._sent

    def ready(self) -> Evidence:
        """Our reader's login and the catalog snapshot; where one fails, what another session knows about it."""
        from pytest_prodcheck.targets.database import locks
        from pytest_prodcheck.targets.database.connect import attempt
        from pytest_prodcheck.targets.database.snapshot import snapshot, snapshot_with_contract

        self.count("logins")
        session, observation = attempt(
            self.table.dsn, timeout=self.table.timeout, application_name=self.application_name, target=self.target
        )
        if session is None:
            return Evidence((observation,), self._asked_elsewhere(observation))
        self.count("database")
        try:
            lint = self.table.lint is not None
            if self.table.contract:
                self._catalog, self.contract = snapshot_with_contract(session, timeout=self.table.timeout, lint=lint)
            else:
                self._catalog = snapshot(session, timeout=self.table.timeout, lint=lint)
        except TargetError as problem:
            code = problem.code if len(problem.code) == 5 else ""
            failed = replace(
                observation,
                operation="catalog",
                code=code,
                error="" if code else "timeout",
                message=str(problem),
                expected=False,
            )
            return Evidence((observation, failed), {"locks": self._locks()} if problem.code in locks.WAITING else {})
        finally:
            session.hang_up()
        return Evidence((observation,), {"catalog": self._catalog})

    def watcher(self) -> Watcher:
        """Who looks at connections and lock waits while load runs."""
        from pytest_prodcheck.targets.database.watching import Watcher

        return Watcher(self.table.dsn, self.table.timeout, self.application_name, self.target)

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        del user
        if function == "test_rls_proof":
            proofs = self._proofs.of(subject, attempt)
            return Evidence((proofs[subject].observation,), {"proofs": proofs, "catalog": self._catalog})
        if function == "test_login":
            return self.login(subject)
        if function in READINGS:
            return self._readings.of(function, subject, attempt)
        if function == "test_query":
            answer = self.declared(subject)
            return Evidence((answer.observation,), {"answer": answer, "catalog": self._catalog})
        if function == "test_contract":
            declared = self.table.migrations
            behind = (
                self._readings.of("test_migrations", "", attempt) if declared and declared.directory else Evidence()
            )
            # the contract was read with the snapshot: the connection to the migrations' table is test_migrations' own
            return Evidence((), {**behind.facts, "contract": self.contract, "catalog": self._catalog})
        return Evidence((), {"catalog": self._catalog})

    def login(self, name: str) -> Evidence:
        """A declared credential connects and asks `select 1`."""
        from pytest_prodcheck.targets.database.connect import login

        self.count("logins")
        observation = login(
            self.table.logins[name],
            name=name,
            timeout=self.table.timeout,
            application_name=self.application_name,
            target=self.target,
        )
        facts = {} if observation.expected else self._asked_elsewhere(observation, reader=True)
        return Evidence((observation,), {**facts, "catalog": self._catalog})

    def declared(self, name: str, kind: Kind = "declared") -> QueryAnswer:
        """A declared query's answer; a refusal by the guard is an answer, too."""
        return self.guarded(self.table.queries[name].sql, name, kind)

    def guarded(self, sql: str, name: str, kind: Kind = "declared") -> QueryAnswer:
        """One guarded statement's answer; a refusal by the guard is an answer, too."""
        try:
            return self.query(sql, None, name=name, kind=kind)
        except Refused as refusal:
            observation = Observation(
                self.target, f"query {name}", subject=name, error="refused", message=str(refusal), expected=False
            )
            return QueryAnswer(observation)

    def query(
        self,
        sql: str,
        params: Sequence[Any] | Mapping[str, Any] | None,
        user: str = "",
        name: str = "",
        kind: Kind = "fixture",
    ) -> QueryAnswer:
        """One guarded statement, as our reader or as one of the declared users. Raises errors.Refused."""
        from pytest_prodcheck.targets.database.query import Reader

        impersonation = self._impersonation(user)
        reader = Reader(
            self.table.dsn,
            timeout=self.table.timeout,
            application_name=self.application_name,
            catalog=self.catalog_of(impersonation),
            functions=self.table.functions,
            target=self.target,
        )
        try:
            answer = reader.query(sql, params, as_user=impersonation, name=name, kind=kind)
        except Refused:
            self.count("refused")
            raise
        self.count("database")
        return replace(answer, observation=self.with_locks(replace(answer.observation, user=user)))

    def catalog(self) -> Catalog | None:
        """The snapshot of this run."""
        return self._catalog

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Repeats a declared query for a limit; None for checks that are not repeated."""
        del user
        return (lambda: self.declared(subject, "sample").observation) if function == "test_query" else None

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """`select 1`, where no query is selected."""
        return [lambda: self.query("select 1", None, kind="sample").observation]

    def _impersonation(self, user: str) -> Impersonation | None:
        rls = self.table.rls
        if not user or rls is None:
            return None
        from pytest_prodcheck.targets.database.looks import impersonation

        return impersonation(rls, user, self.claims(user))

    def catalog_of(self, user: Impersonation | None) -> Catalog | None:
        """The snapshot as the role sees it: `"$user"` in the search path means the role's own schema from SET ROLE on,
        so that an unqualified name may mean another function or relation than it means to our reader."""
        catalog = self._catalog
        if catalog is None or user is None or user.role not in catalog.schemas:
            return catalog
        if "$user" not in catalog.settings.get("search_path", ""):
            return catalog
        return replace(catalog, search_path=tuple(dict.fromkeys(("pg_catalog", user.role, *catalog.search_path))))

    def _asked_elsewhere(self, failed: Observation, *, reader: bool = False) -> Mapping[str, Any]:
        """What another credential of this environment can say about a refused login (T12)."""
        from pytest_prodcheck.targets.database import second_credential
        from pytest_prodcheck.targets.database.connect import attempt

        others = [self.table.dsn] if reader else list(self.table.logins.values())
        for dsn in others if failed.code in _ASKED else self._elsewhere(failed, others):
            session, _ = attempt(
                dsn, timeout=self.table.timeout, application_name=self.application_name, target=self.target
            )
            if session is None:
                continue
            try:
                role, database = str(failed.data.get("user", "")), str(failed.data.get("database", ""))
                found = second_credential.facts(session, failed.code, role, database)
                return found or {"asked_as": session.info.user}
            finally:
                session.hang_up()
        return {}

    def _elsewhere(self, failed: Observation, others: Sequence[str]) -> list[str]:
        """The credentials that lead elsewhere than the one that found no server: they may do better."""
        from pytest_prodcheck.targets.database.address import parse

        here = tuple(failed.data.get(name) for name in ("host", "port", "sslmode"))
        if failed.code or not failed.data.get("host"):
            return []
        servers = [(dsn, parse(dsn)) for dsn in others]
        return [dsn for dsn, server in servers if (server.hosts[0].host, server.hosts[0].port, server.sslmode) != here]

    def with_locks(self, seen: Observation) -> Observation:
        """The observation, with who holds the lock that it waited for in vain."""
        from pytest_prodcheck.targets.database import locks

        if seen.code not in locks.WAITING and seen.error not in locks.WAITING:
            return seen
        return replace(seen, data={**seen.data, "locks": self._locks()})

    def _locks(self) -> list[Json]:
        """Who holds a lock that our reader may have waited for."""
        from pytest_prodcheck.targets.database import locks
        from pytest_prodcheck.targets.database.connect import attempt

        session, _ = attempt(
            self.table.dsn, timeout=self.table.timeout, application_name=self.application_name, target=self.target
        )
        return locks.holders(session, self.table.timeout) if session else []

    def count(self, what: str) -> None:
        """One more of `database` (statements), `logins` or `refused` was sent."""
        with self._lock:
            self._sent[what] += 1
