"""The checks of `suites/cache.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pytest_prodcheck.config.models import CacheTarget, HttpTarget
from pytest_prodcheck.criteria.cache import about, contents, hits, login, memory, server
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.observe.cache import Reading
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation


def logins(case: Case) -> list[Finding]:
    """The declared credential logged in."""
    failed = [seen for seen in case.evidence.observations if not seen.expected]
    return [login.failure(case.check.target, seen, case.evidence.facts) for seen in failed]


def _over(judge: Callable[[Reading, CacheTarget, str], list[Finding]]) -> Judge:
    """The judge of a case, of one that judges a reading."""
    return lambda case: judge(_reading(case), case.table(CacheTarget), case.check.target)


def _reading(case: Case) -> Reading:
    found: Reading | None = case.evidence.facts.get("reading")
    return found or Reading(unread={case.check.target: "no reading was made"})


def _looked(case: Case, criterion: str, what: str, judge: Callable[[Any], list[Finding]]) -> list[Finding]:
    """The findings about a look; where it was refused or broke off, that."""
    facts, target = case.evidence.facts, case.check.target
    if "refused" in facts:
        return [about.refused(criterion, target, str(facts["refused"]), what, case.check.subject)]
    if criterion not in facts:
        return [about.lost(criterion, target, str(facts.get("broken", "no answer")), what, case.check.subject)]
    return judge(facts[criterion])


def keys(case: Case) -> list[Finding]:
    """A key of one pattern."""
    return _looked(case, "keys", f"keys of {case.check.subject}", lambda seen: contents.exist(seen, case.check.target))


def expires(case: Case) -> list[Finding]:
    """The time to live of one pattern's keys."""
    found = _looked(case, "keys", f"keys of {case.check.subject}", lambda seen: contents.end(seen, case.check.target))
    return [replace(one, criterion="expires") for one in found]


def slow_log(case: Case) -> list[Finding]:
    """The slow log's last hour."""
    limit, target = case.table(CacheTarget).slow_log or "", case.check.target
    return _looked(case, "slow_log", "the slow log", lambda seen: contents.slow(seen, limit, target))


def evicted(case: Case) -> list[Finding]:
    """What was evicted since the run began."""
    before = case.evidence.facts.get("before")
    return memory.evicted(before, _reading(case), case.table(CacheTarget), case.check.target)


def hit_ratio(case: Case) -> list[Finding]:
    """The lookups since the run began."""
    facts, confidence = case.evidence.facts, case.environment.confidence
    own = facts.get("own", (0, 0))
    return hits.hit_ratio(
        facts.get("before"), _reading(case), own, case.table(CacheTarget), case.check.target, confidence
    )


def sentinel(case: Case) -> list[Finding]:
    """What the sentinels say."""
    facts = case.evidence.facts
    broken = str(facts.get("broken", ""))
    return list(server.sentinel(facts.get("watch"), broken, case.table(CacheTarget), case.check.target))


def round_trip(case: Case) -> list[Finding]:
    """The declared write and its clean-up."""
    promised, trip = case.table(CacheTarget).round_trip, case.evidence.facts.get("trip")
    if promised is None or trip is None:
        return [Finding("round_trip", case.check.target, "nothing was written", "gate.not_executed")]
    if failed := logins(case):
        return failed
    return contents.round_trip(trip, promised, case.check.target)


def serves(case: Case) -> list[Finding]:
    """The endpoint's two answers; one that is wrong by itself is the endpoint's finding."""
    from pytest_prodcheck.criteria import answers

    promised, seen = case.table(CacheTarget).serves, case.evidence.facts.get("serving")
    if promised is None or seen is None or len(seen.answers) != 2:
        return [Finding("serves", case.check.target, "no request was made", "gate.not_executed")]
    host = case.environment.targets[case.environment.http_target(promised.target)]
    endpoint = host.endpoints[promised.endpoint] if isinstance(host, HttpTarget) else None
    wrong = [
        finding for one in seen.answers if endpoint for finding in answers.expected_answer(endpoint, one, now=case.now)
    ]
    bad = [one for one in seen.answers if one.error or not one.expected]
    if wrong or bad:  # a 5xx is judged of every check by itself
        return wrong[:1] or [_unanswered(one) for one in bad[:1] if not one.server_error]
    return hits.serves(seen, promised, case.check.target, case.now)


def _unanswered(seen: Observation) -> Finding:
    from pytest_prodcheck.criteria import exchange

    return Finding("serves", seen.target, exchange.failure(seen), exchange.code(seen), data=exchange.facts(seen))


def certificate(case: Case) -> list[Finding]:
    """The certificate that readiness saw."""
    from pytest_prodcheck.criteria import certificate

    valid_for, seen = case.table(CacheTarget).tls.valid_for, case.evidence.observations
    found = certificate.judge(seen, valid_for, case.check.target, now=case.now)
    return [replace(one, code=one.code.replace("http.tls.", "cache.tls.")) for one in found]


JUDGES: Mapping[str, Judge] = {
    "test_login": logins,
    "test_role": _over(server.role),
    "test_replication": _over(server.replication),
    "test_clients": _over(server.clients),
    "test_persistence": _over(server.persistence),
    "test_version": _over(server.version),
    "test_cluster": _over(server.cluster),
    "test_memory": _over(memory.memory),
    "test_evicted": evicted,
    "test_hit_ratio": hit_ratio,
    "test_keys": keys,
    "test_expires": expires,
    "test_slow_log": slow_log,
    "test_sentinel": sentinel,
    "test_round_trip": round_trip,
    "test_serves": serves,
    "test_certificate": certificate,
}
