"""How many requests a limit needs, and what they have decided: pass, fail, or too little to tell.

A limit is tested sequentially. The first look comes at the fewest requests that can prove it (59 for a p95, 299 for
1 %, at 95 %); later ones allow 1, 2, 3 … exceedances and come where the exact probability of a false pass, over all
looks together, stays within alpha = `1 - confidence`. That the limit is broken is judged at every look by exact
binomial tails, with an alpha of their own: alpha / (k (k + 1)) at checkpoint k. At any true rate only one kind of
verdict is false (a pass at or above the limit, a fail below it), and each kind's probability is at most alpha over all
looks, however often `next` is asked. A mean is judged by Student's t with the same spending: approximately, because
latencies are not normal, and from 30 requests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Literal, NamedTuple

from pytest_prodcheck.config.grammar import Comparison
from pytest_prodcheck.criteria import exchange, statistics
from pytest_prodcheck.criteria.boundary import Boundary, checkpoint
from pytest_prodcheck.observe.observation import Observation

FEWEST_FOR_A_MEAN = 30
_PATIENCE = 10
"""Answers 429 after which, where they are the most, sending more only makes it worse."""


class Sample(NamedTuple):
    """What is known so far: how many requests count, how many of them break the limit, and their seconds' moments."""

    n: int
    exceeding: int = 0
    mean: float = 0.0
    deviation: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float], exceeding: int = 0) -> Sample:
        """The sample of some seconds, with `n` their number."""
        if len(values) < 2:
            return cls(len(values), exceeding, fsum(values))
        mean = fsum(values) / len(values)
        deviation = sqrt(fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
        return cls(len(values), exceeding, mean, deviation)


@dataclass(frozen=True, slots=True)
class More:
    """Undecided: send up to `count` more requests, then ask again (or earlier, for a certain failure)."""

    count: int


class Decided(NamedTuple):
    """Decided: `insufficient` where neither verdict can be reached any more within the allowed requests."""

    verdict: Literal["pass", "fail", "insufficient"]


def share(limit: Comparison) -> float | None:
    """The share of requests that may break the limit: 0.05 for a p95, 0.01 for `< 1%`; None where none may."""
    if limit.quantile is not None:
        return statistics.share_over(limit.quantile)
    return limit.value if limit.unit == "%" else None


def minimum(limit: Comparison, confidence: float) -> int:
    """The fewest requests that can prove the limit; 1 for one that holds for each request."""
    if limit.subject == "mean":
        return FEWEST_FOR_A_MEAN
    allowed = share(limit)
    return 1 if allowed is None else statistics.smallest_sample(allowed, confidence)


def needed(limit: Comparison, sample: Sample, confidence: float, at_most: int) -> int | None:
    """How many requests would prove the limit if no further one broke it; None where no planned number would."""
    allowed = share(limit)
    if allowed is None:
        return minimum(limit, confidence)
    return Boundary(allowed, confidence, at_most).proof_at(sample.exceeding)


def counted(limit: Comparison, observations: Sequence[Observation]) -> Sample:
    """What counts for a limit; a 429 never does.

    A request that got no right answer is not a fast answer: it breaks a quantile's limit. Without that, 30 % of 503
    within 2 ms would be a good p95, and timeouts alone would leave nothing to judge. The mean and the limits of each
    request are judged on what was answered.
    """
    judged = [observation for observation in observations if not exchange.rate_limited(observation)]
    if limit.unit == "%":
        return Sample(len(judged), sum(map(exchange.is_error, judged)))
    if limit.quantile is not None:
        return Sample(len(judged), sum(exchange.is_error(o) or not limit.holds(o.latency) for o in judged))
    times = [o.latency for o in judged if not o.error and not o.server_error]
    return Sample.of(times, sum(not limit.holds(time) for time in times))


def next(limit: Comparison, observations: Sequence[Observation], confidence: float, at_most: int) -> More | Decided:
    """What to do after `observations`: send more, never beyond `at_most` in all, or stop with a verdict."""
    limited = sum(map(exchange.rate_limited, observations))
    seen = counted(limit, observations)
    if observations and not seen.n and not limited:
        return Decided("fail")  # nothing that was sent has a latency, and more of the same would not either
    step = decide(limit, seen, confidence, at_most)
    if isinstance(step, Decided):
        return step
    if len(observations) + step.count > at_most or limited >= max(_PATIENCE, seen.n):
        return Decided("insufficient")
    return step


def decide(limit: Comparison, sample: Sample, confidence: float, at_most: int) -> More | Decided:
    """What to do after `sample`, by its counts alone."""
    if limit.subject == "mean":
        return _mean(limit, sample, confidence, at_most)
    allowed = share(limit)
    if allowed is None:
        return More(1) if not sample.n else Decided("fail" if sample.exceeding else "pass")
    boundary = Boundary(allowed, confidence, at_most)
    if boundary.proven(sample.n, sample.exceeding):
        return Decided("pass")
    if boundary.refuted(sample.n, sample.exceeding):
        return Decided("fail")
    look = boundary.next_look(sample.n, sample.exceeding)
    return More(look - sample.n) if look else Decided("insufficient")


def _mean(limit: Comparison, sample: Sample, confidence: float, at_most: int) -> More | Decided:
    index, size = checkpoint(sample.n, at_most, FEWEST_FOR_A_MEAN)
    if sample.n >= FEWEST_FOR_A_MEAN:
        alpha = (1 - confidence) / (index * (index + 1))
        margin = statistics.student_t(1 - alpha, sample.n - 1) * sample.deviation / sqrt(sample.n)
        if limit.holds(sample.mean + margin):
            return Decided("pass")
        if not limit.holds(sample.mean - margin):
            return Decided("fail")
        size = checkpoint(sample.n + 1, at_most, FEWEST_FOR_A_MEAN)[1]
    return More(size - sample.n) if size <= at_most else Decided("insufficient")
