"""What is stored, by bounded looks: keys that exist, keys that end, commands that were slow, a write that was undone.

No finding names a key: sessions and tokens are names of keys, too.
"""

from __future__ import annotations

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import RoundTrip
from pytest_prodcheck.criteria.cache.about import found, refused
from pytest_prodcheck.diagnosis import resp
from pytest_prodcheck.observe.cache import Keys, SlowLog, Trip
from pytest_prodcheck.observe.finding import Finding

_HOUR = 3600.0


def exist(keys: Keys, target: str) -> list[Finding]:
    """A key of the pattern exists."""
    if keys.matched or keys.unasked:
        return []
    elsewhere = [number for number, held in keys.databases.items() if held and number != keys.database]
    if keys.whole and elsewhere and not keys.databases.get(keys.database):
        numbers = ", ".join(map(str, sorted(elsewhere)[:5]))
        message = f"database {keys.database} holds no key at all, and {numbers} holds some: {keys.pattern} is not here"
        return [
            found("keys", target, message, "cache.database_index.wrong", seen="no key", promised="a key",
                  subject=keys.pattern, database=keys.database)
        ]  # fmt: skip
    if keys.whole:
        message = f"no key matches {keys.pattern}"
        return [
            found("keys", target, message, "cache.keys.missing", seen="no key", promised="a key", subject=keys.pattern)
        ]
    return [_too_many("keys", keys, target)]


def end(keys: Keys, target: str) -> list[Finding]:
    """Every sampled key of the pattern has a time to live."""
    if keys.without_end:
        seen = f"{keys.without_end} of {keys.looked} sampled keys"
        message = f"{seen} of {keys.pattern} have no time to live"
        return [
            found("expires", target, message, "cache.keys.no_expiry", seen=seen, promised="a time to live",
                  subject=keys.pattern)
        ]  # fmt: skip
    if keys.unasked:
        message = f"{keys.unasked} keys of {keys.pattern} have control characters in their names, and were not asked"
        return [
            found("expires", target, message, "sampling.insufficient", seen=f"{keys.unasked} keys not asked",
                  promised="a time to live", subject=keys.pattern, severity="insufficient")
        ]  # fmt: skip
    if keys.looked:
        return []
    if not keys.whole and not keys.matched:
        return [_too_many("expires", keys, target)]
    message = f"no key matches {keys.pattern}: whether they expire cannot be told"
    return [
        found("expires", target, message, "cache.keys.missing", seen="no key", promised="a time to live",
              subject=keys.pattern, severity="insufficient")
    ]  # fmt: skip


def _too_many(criterion: str, keys: Keys, target: str) -> Finding:
    message = f"no key of {keys.pattern} among those that a bounded SCAN saw: there are more"
    return found(criterion, target, message, "sampling.insufficient", seen="no key so far", promised="a key",
                 subject=keys.pattern, severity="insufficient")  # fmt: skip


def slow(log: SlowLog, limit: str, target: str) -> list[Finding]:
    """No command of the last hour took longer than promised; a log that begins above the limit proves nothing."""
    if log.refused:
        return [refused("slow_log", target, log.refused, "the slow log")]
    comparison = grammar.comparison(limit)
    if comparison is None:
        return []
    late = [entry for entry in log.entries if entry.age <= _HOUR and not comparison.holds(entry.seconds)]
    if late:
        worst = max(late, key=lambda entry: entry.seconds)
        shown = show_duration(worst.seconds)
        message = f"{len(late)} commands were slow within the last hour: {worst.command} took {shown}, promised {limit}"
        return [
            found("slow_log", target, message, "cache.command.slow", seen=shown, promised=limit, subject=worst.command)
        ]
    if not log.whole and all(entry.age <= _HOUR for entry in log.entries):
        message = f"the slow log may have had more entries within the last hour than it shows, promised {limit}"
        return [
            found("slow_log", target, message, "sampling.insufficient", seen=f"{len(log.entries)} entries",
                  promised=limit, severity="insufficient")
        ]  # fmt: skip
    begins = log.logs_from if log.logs_from is not None else min((one.seconds for one in log.entries), default=None)
    if begins is not None and begins <= comparison.value:
        return []
    from_ = "nobody knows when" if begins is None else "never" if begins == float("inf") else show_duration(begins)
    message = f"the slow log has no such command, but it logs from {from_} on: too little to tell, promised {limit}"
    return [
        found("slow_log", target, message, "cache.stats.not_visible", seen=from_, promised=limit,
              severity="insufficient")
    ]  # fmt: skip


def round_trip(trip: Trip, promised: RoundTrip, target: str) -> list[Finding]:
    """The write was done, was read, has an end, and is gone."""
    findings = []
    wrong = next((step for step in trip.steps if not step.right and step.command != "EXISTS"), None)
    if wrong is not None:
        code = resp.classify(wrong.answer.partition(" ")[0], wrong.answer)
        code = code if code != "unknown" else "cache.write.failed"
        message = f"{promised.name}: {wrong.command} answered {wrong.answer}"
        findings.append(found("round_trip", target, message, code, seen=wrong.answer, subject=promised.name))
    if trip.written and not trip.gone:
        message = f"{promised.name}: what it wrote may stay, for {show_duration(promised.ttl)} at most"
        findings.append(
            found("cleanup", target, message, "cache.cleanup.failed", seen="the key may be there", promised="no key",
                  subject=promised.name, key=promised.key)
        )  # fmt: skip
    return findings
