"""Is the cache of use: the hit ratio over a run, and an endpoint whose second answer comes out of it (B24)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import CacheTarget, Serves
from pytest_prodcheck.criteria import statistics
from pytest_prodcheck.criteria.cache.about import found, lost, silent, unread
from pytest_prodcheck.criteria.cache.memory import paired, restarted, set_back
from pytest_prodcheck.criteria.expectations import compare
from pytest_prodcheck.observe.cache import Reading, Serving
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

_NEARLY_NONE = 0.1
_FASTER = 0.5
"""Share of the first answer's time in which the second one must come to be told from noise."""


def hit_ratio(
    before: Reading | None, after: Reading, own: Sequence[int], table: CacheTarget, target: str, confidence: float
) -> list[Finding]:
    """The promised share of the lookups of the run found its key; `own` are ours (found, not found, and those of which
    the answer does not tell it), which do not count. A ratio is proven by exact binomial bounds: 5 of 5 prove more than
    a half at 95 %, 3 of 4 nothing."""
    findings = unread(before, "hit_ratio", target) or unread(after, "hit_ratio", target)
    limit = grammar.comparison(table.hit_ratio or "")
    if findings or before is None or limit is None:
        return findings
    pairs = paired(before, after)
    if pairs is None:
        return [restarted("hit_ratio", target, after)]
    if any(None in (one.hits, one.misses, other.hits, other.misses) for one, other in pairs):
        return [silent("hit_ratio", target, "the hit ratio")]
    hits = sum((other.hits or 0) - (one.hits or 0) for one, other in pairs) - own[0]
    misses = sum((other.misses or 0) - (one.misses or 0) for one, other in pairs) - own[1]
    if hits < 0 or misses < 0 or set_back(pairs):
        return [lost("hit_ratio", target, "the counters were set back during the run", "the hit ratio")]
    expired = sum((other.expired or 0) - (one.expired or 0) for one, other in pairs)
    return _judged(hits, misses, own[2], expired, after, table, target, confidence)


def _judged(
    hits: int, misses: int, unclear: int, expired: int, after: Reading, table: CacheTarget, target: str,
    confidence: float,
) -> list[Finding]:  # fmt: skip
    """`unclear` lookups are ours, and among the hits or the misses: each bound is taken where they help it least."""
    limit, number = grammar.comparison(table.hit_ratio or ""), hits + misses
    if limit is None:
        return []
    share = hits / number if number else 0.0
    seen = f"{share:.0%} ({hits} of {number} lookups)"
    fewest_hits, fewest_misses = max(0, hits - unclear), max(0, misses - unclear)
    if fewest_hits and statistics.lower_bound(fewest_hits, fewest_hits + misses, confidence) >= limit.value:
        return []
    if fewest_misses and 1 - statistics.lower_bound(fewest_misses, hits + fewest_misses, confidence) < limit.value:
        code, why = _reason(share, misses, expired, after)
        message = f"the hit ratio is {seen}, promised {table.hit_ratio}{why}"
        return [found("hit_ratio", target, message, code, seen=seen, promised=table.hit_ratio)]
    message = f"{hits} of {number} lookups during the run found their key: too few to tell, promised {table.hit_ratio}"
    return [
        found("hit_ratio", target, message, "sampling.insufficient", seen=seen, promised=table.hit_ratio,
              severity="insufficient")
    ]  # fmt: skip


def _reason(share: float, misses: int, expired: int, after: Reading) -> tuple[str, str]:
    """Why hardly anything is found: keys expire as they are written, or lie in another database."""
    if share < _NEARLY_NONE and expired * 2 >= misses:
        return "cache.keys.expire_at_once", f"; {expired} keys expired meanwhile: their time to live is too short"
    filled = [number for node in after.nodes for number, keys in node.databases.items() if keys]
    if share < _NEARLY_NONE and len(set(filled)) > 1:
        numbers = ", ".join(map(str, sorted(set(filled))[:5]))
        return "cache.hits.low", f"; the databases {numbers} hold keys: does the application use the right one?"
    return "cache.hits.low", ""


def serves(seen: Serving, promised: Serves, target: str, now: float) -> list[Finding]:
    """The second answer came out of this cache: by the header that says so, by counters that show a miss and then one
    more hit, or by its time; and `keyspace_hits` moved (B24). Hits alone may be of a session that each request reads.
    """
    first, second = seen.answers
    facts: dict[str, Any] = {"operation": second.operation, "endpoint": promised.endpoint}
    if seen.unread or len(seen.hits) < 3:
        said = seen.unread or "no counters"
        if said.startswith("NOPERM"):
            message = f"whether {second.operation} is served from the cache cannot be judged: {said}"
            return [found("serves", target, message, "cache.stats.not_visible", seen=said, severity="blocked", **facts)]
        return [lost("serves", target, said, "the counters of hits and misses", promised.endpoint)]
    hits = [seen.hits[at] - seen.hits[at - 1] for at in (1, 2)]
    misses = [seen.misses[at] - seen.misses[at - 1] for at in (1, 2)]
    if min(*hits, *misses) < 0:
        return [lost("serves", target, "the counters were set back", "the counters of hits and misses")]
    marked = _marked(second, promised, now)
    if hits[1] == 0 or marked is False:
        return [_not_served(seen, hits, misses, marked, target, facts)]
    filled = misses[0] and not misses[1] and hits[1] > hits[0]
    if marked or filled or second.latency < first.latency * _FASTER:
        return []
    message = (
        f"{second.operation}: keyspace_hits moved, but the second answer is not marked and not faster, and no miss of "
        "the first became its hit: whether it came out of the cache cannot be told"
    )
    return [found("serves", target, message, "cache.hits.unclear", severity="insufficient", **facts)]


def _marked(answer: Observation, promised: Serves, now: float) -> bool | None:
    """Whether the answer says that it came out of the cache; None where no header is declared and none is usual."""
    if promised.hit:
        headers = {name.lower(): value for name, value in promised.hit.items()}
        return not compare(headers, dict(answer.headers), now=now)
    said = str(answer.headers.get("x-cache", "")).strip().upper()
    return True if said.startswith("HIT") else False if said.startswith("MISS") else None


def _not_served(
    seen: Serving, hits: list[int], misses: list[int], marked: bool | None, target: str, facts: Mapping[str, Any]
) -> Finding:
    operation = str(facts["operation"])
    expired = seen.expired[2] - seen.expired[0] if len(seen.expired) > 2 else 0
    figures = f"{hits[1]} hits, {misses[1]} misses"
    if hits[1] == 0 and misses[1] and expired > 0:
        message = f"{operation}: the second answer is not out of the cache; {expired} keys expired meanwhile"
        return found("serves", target, message, "cache.keys.expire_at_once", seen=figures, promised="a hit", **facts)
    what = "is not marked as a hit" if marked is False and hits[1] else "read nothing out of this cache"
    why = "" if hits[1] or misses[1] else ": the application does not ask it"
    message = f"{operation}: the second answer {what} ({figures}){why}"
    return found("serves", target, message, "cache.hits.none", seen=figures, promised="a hit", **facts)
