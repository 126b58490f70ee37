"""`health`: the server's own statistics against declared limits (A36, B20, B23, B34, B35, B38, B39, C21, C22).

What our role may not see is never green: it is insufficient, with the GRANT to type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import Health as Limits
from pytest_prodcheck.criteria import database_storage
from pytest_prodcheck.criteria.database_storage import CRITERION, shown_size
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.health import Health

_DAY = 86400
_IDS = 1 << 31
_SHOWN = 3
_THIS = "this replica"
AREAS = ("sessions", "locks", "replication", "indexes", "storage", "statements")
"""What is judged apart, one check each."""


def health(seen: Health, limits: Limits, area: str, target: str) -> list[Finding]:
    """The findings of one area of AREAS."""
    found = _JUDGES[area](_Case(seen, limits, target))
    return [_as_grave(one, limits) for one in found]


def unread(problem: str, target: str) -> Finding:
    """The finding of statistics that did not come."""
    message = f"the server's statistics could not be read: {problem}"
    return Finding(CRITERION, target, message, "database.health.not_visible", "insufficient", problem, "an answer")


def areas(limits: Limits) -> tuple[str, ...]:
    """The areas of which something is judged."""
    asked = {
        "sessions": (limits.transactions, limits.idle_in_transaction),
        "locks": (limits.lock_waits,),
        "replication": (limits.replication_lag, limits.retained_wal, limits.role),
        "statements": (limits.statements,),
    }
    return tuple(area for area in AREAS if area not in asked or any(asked[area]))


def _as_grave(finding: Finding, limits: Limits) -> Finding:
    """A declared `severity = "warning"` turns errors into warnings; nothing turns what could not be seen."""
    lighter = finding.severity == "error" and limits.severity == "warning"
    return replace(finding, severity="warning") if lighter else finding


@dataclass(frozen=True, slots=True)
class _Case:
    seen: Health
    limits: Limits
    target: str

    def found(self, code: str, message: str, subject: str, seen: str, promised: object, **data: object) -> Finding:
        return Finding(
            CRITERION, self.target, message, code, seen=seen, promised=str(promised), subject=subject, data=data
        )

    def hidden(self, what: str) -> Finding:
        """What our role may not see, with the GRANT that shows it."""
        message = f"{what} cannot be judged: {self.seen.role} sees only its own sessions' statistics"
        grant = f"GRANT pg_read_all_stats TO {self.seen.role}"
        return Finding(
            CRITERION, self.target, message, "database.health.not_visible", "insufficient", "hidden", "visible",
            self.seen.role, f"{grant} is yours to run; it shows statistics, no rows", data={"role": self.seen.role},
        )  # fmt: skip


def broken(limit: object, number: float | None) -> bool:
    """Whether a limit that is judged does not hold for what was seen."""
    comparison = grammar.comparison(limit) if isinstance(limit, str) else None
    return comparison is not None and number is not None and not comparison.holds(number)


def _sessions(case: _Case) -> Iterator[Finding]:
    """Long transactions, and sessions that do nothing in theirs."""
    seen, limits = case.seen, case.limits
    idle = [one for one in seen.clients if broken(limits.idle_in_transaction, one.idle)]
    for one in idle[:_SHOWN]:
        age = show_duration(one.idle or 0)
        message = f"pid {one.pid} ({one.application or one.role}) is idle in transaction for {age}, promised"
        yield case.found(
            "database.lock.idle_in_transaction", f"{message} {limits.idle_in_transaction}", one.application or one.role,
            age, limits.idle_in_transaction, pid=one.pid, application=one.application, seconds=round(one.idle or 0),
        )  # fmt: skip
    for one in [one for one in seen.clients if broken(limits.transactions, one.transaction) and one not in idle][
        :_SHOWN
    ]:
        age = show_duration(one.transaction or 0)
        message = f"pid {one.pid} ({one.application or one.role}) has a transaction open for {age}, promised"
        yield case.found(
            "database.transaction.long", f"{message} {limits.transactions}", one.application or one.role, age,
            limits.transactions, pid=one.pid, application=one.application, seconds=round(one.transaction or 0),
        )  # fmt: skip
    if seen.hidden and not seen.privileged:
        yield case.hidden(f"{seen.hidden} sessions of others: their transactions")


def _locks(case: _Case) -> Iterator[Finding]:
    """Who waits for a lock, for how long, and who holds it (R15)."""
    limit = case.limits.lock_waits
    for one in [one for one in case.seen.waits if broken(limit, one.seconds)][:_SHOWN]:
        age = show_duration(one.seconds or 0)
        held = f" (in a transaction since {show_duration(one.blocker_seconds)})" if one.blocker_seconds else ""
        message = f"pid {one.pid} ({one.application or 'no name'}) waits {age} for {one.lock}, promised {limit}; "
        message += f"{one.blocker}{held} holds it"
        code = (
            "database.lock.idle_in_transaction" if "idle in transaction" in one.blocker else "database.lock.contention"
        )
        holder = one.blockers[0] if one.blockers else one.pid
        facts = {"pid": holder, "pids": [*one.blockers, one.pid], "table": one.lock.rpartition(" on ")[2]}
        yield case.found(code, message, one.application, age, limit, **facts)
    unknown = [one for one in case.seen.waits if one.seconds is None]
    if unknown:
        yield case.hidden(f"{len(unknown)} waits for locks: their age")


def _replication(case: _Case) -> Iterator[Finding]:
    """Whether it is the server that was meant, and how far replicas are behind."""
    seen, limits = case.seen, case.limits
    role = "replica" if seen.in_recovery else "primary"
    if limits.role and limits.role != role:
        code = "database.server.read_only" if role == "replica" else "database.server.not_a_replica"
        yield case.found(code, f"the server is a {role}, promised {limits.role}", "", role, limits.role)
    elif role == "primary" and seen.read_only:
        message = "the primary is read-only by default (default_transaction_read_only): writes fail (25006)"
        yield case.found("database.server.read_only", message, "", "read-only", "primary")
    lags = [(_THIS, seen.replay_lag)] if seen.in_recovery else []
    lags += [(one.application or "a replica", one.lag) for one in seen.replicas]
    for name, lag in lags:
        if broken(limits.replication_lag, lag):
            shown = show_duration(lag or 0)
            message = f"{name} is {shown} behind, promised {limits.replication_lag}{_cut_off(seen, name)}"
            yield case.found("database.replication.lag", message, name, shown, limits.replication_lag)
    if limits.replication_lag and seen.in_recovery and seen.replay_lag is None and not seen.receives:
        message = f"the lag of this replica cannot be told: it has replayed nothing since its start{_cut_off(seen)}"
        code = "database.health.not_visible"
        yield Finding(CRITERION, case.target, message, code, "insufficient", "unknown", str(limits.replication_lag))
    if limits.replication_lag and not seen.privileged and any(not one.state for one in seen.replicas):
        yield case.hidden(f"{len(seen.replicas)} replicas: their lag")
    for slot in seen.slots:
        most = grammar.size_limit(limits.retained_wal) if limits.retained_wal else None
        if most and not slot.active and not most.holds(slot.retained):
            message = f"slot {slot.name} is read by nobody and keeps {shown_size(slot.retained)} of WAL, promised"
            yield case.found(
                "database.replication.slot_inactive", f"{message} {limits.retained_wal}", slot.name,
                shown_size(slot.retained), limits.retained_wal,
            )  # fmt: skip


def _cut_off(seen: Health, name: str = _THIS) -> str:
    return "; it is not connected to the server that it follows" if name == _THIS and not seen.receives else ""


def _indexes(case: _Case) -> Iterator[Finding]:
    yield from database_storage.indexes(case.seen, case.limits, case.target)


def _storage(case: _Case) -> Iterator[Finding]:
    seen, limits = case.seen, case.limits
    if seen.checksum_failures:
        message = f"{seen.checksum_failures} pages of this database failed their checksum: data is corrupted"
        yield case.found("database.data.corrupted", message, "", str(seen.checksum_failures), "0")
    name, age = seen.wraparound
    if broken(limits.wraparound, age / _IDS):
        share = f"{age / _IDS:.0%}"
        message = f"the oldest transaction id of {name} is {age / 1e6:.0f} million old, {share} of all ids, promised"
        yield case.found("database.wraparound.near", f"{message} {limits.wraparound}", name, share, limits.wraparound)
    if limits.size and not grammar.size_limit(limits.size).holds(seen.size):
        largest = max(seen.tables, key=lambda one: one.bytes, default=None)
        also = f"; largest table {largest.table} ({shown_size(largest.bytes)})" if largest else ""
        message = f"the database holds {shown_size(seen.size)}, promised {limits.size}{also}"
        yield case.found("database.size.over_limit", message, "", shown_size(seen.size), limits.size)
    yield from database_storage.tables(seen, limits, case.target)


def _statements(case: _Case) -> Iterator[Finding]:
    """Statements that are slow in the mean; their ids, never their texts."""
    seen, limit = case.seen, case.limits.statements
    if seen.statements_denied:
        message = f"slow statements cannot be judged: {seen.role} may not read pg_stat_statements"
        remedy = f"GRANT SELECT ON pg_stat_statements TO {seen.role}; GRANT pg_read_all_stats TO {seen.role}"
        yield Finding(
            CRITERION, case.target, message, "database.health.not_visible", "insufficient", subject=seen.role,
            remedy=f"{remedy}: yours to run", data={"role": seen.role},
        )  # fmt: skip
    slow = [one for one in seen.statements or () if broken(limit, one.mean)]
    if slow:
        first = slow[0]
        more = f" (and {len(slow) - 1} more)" if slow[1:] else ""
        shown = show_duration(first.mean)
        message = f"statement {first.id} takes {shown} in the mean over {first.calls} calls, promised {limit}{more}"
        finding = case.found("database.statement.slow", message, first.id, shown, limit, calls=first.calls)
        yield replace(finding, severity="warning")
    if seen.statements_hidden and not seen.privileged:
        yield case.hidden("slow statements of other roles")


_JUDGES: Mapping[str, Callable[[_Case], Iterator[Finding]]] = {
    "sessions": _sessions,
    "locks": _locks,
    "replication": _replication,
    "indexes": _indexes,
    "storage": _storage,
    "statements": _statements,
}
