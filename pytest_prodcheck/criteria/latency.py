"""The criterion `latency`: limits of single requests, of quantiles and of the mean, judged on phase times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum
from typing import NamedTuple, TypedDict

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import Comparison, show_duration
from pytest_prodcheck.criteria import exchange, sampling, statistics, wording
from pytest_prodcheck.criteria.boundary import Boundary
from pytest_prodcheck.criteria.sampling import Decided, More, Sample
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

CRITERION = "latency"
_SLOWEST = 3
_TOLERATED_BESIDE_A_MEAN = 0.05
"""Share of errors, as for a p95, beyond which the mean of the answers says nothing about the service."""


class Summary(TypedDict):
    """Figures of some exchanges; seconds, over those that were answered as expected; None where there were none."""

    n: int
    errors: int
    p50: float | None
    p95: float | None
    max: float | None


def summary(observations: Sequence[Observation]) -> Summary:
    """Number, errors, nearest-rank p50 and p95, and the maximum, in seconds. Errors have no latency."""
    times = [observation.latency for observation in _answers(observations)]
    return Summary(
        n=len(observations),
        errors=sum(exchange.is_error(observation) for observation in observations),
        p50=statistics.quantile(times, 0.5) if times else None,
        p95=statistics.quantile(times, 0.95) if times else None,
        max=max(times, default=None),
    )


def next_step(observations: Sequence[Observation], limit: str, confidence: float, at_most: int) -> More | Decided:
    """What to do after these observations: send more, or stop with a verdict. Raises ValueError for another limit."""
    return sampling.next(grammar.latency_limit(limit), observations, confidence, at_most)


def judge(
    observations: Sequence[Observation],
    limits: Sequence[str],
    target: str,
    subject: str = "",
    confidence: float = 0.95,
    at_most: int = 1000,
) -> list[Finding]:
    """The findings of each limit: `error` where it is broken, `insufficient` where too little was seen to tell.

    `at_most` is the number of requests that the plan allows. Raises ValueError for a text that is no latency limit.
    """
    judgement = _Judgement(observations, target, subject, confidence, at_most)
    if observations and all(observation.error or observation.server_error for observation in observations):
        return [judgement.nothing_answered()]
    return [finding for limit in limits for finding in judgement.of(grammar.latency_limit(limit))]


class _Judgement(NamedTuple):
    observations: Sequence[Observation]
    target: str
    subject: str
    confidence: float
    at_most: int

    def of(self, limit: Comparison) -> Iterator[Finding]:
        step = sampling.next(limit, self.observations, self.confidence, self.at_most)
        if limit.subject == "mean" and self._errors_break(_TOLERATED_BESIDE_A_MEAN):
            yield self._errors_not_fast(limit)
        elif step == Decided("pass"):
            return
        elif step == Decided("fail"):
            yield self._broken(limit, sampling.counted(limit, self.observations))
        else:
            yield self._undecided(limit, sampling.counted(limit, self.observations))

    def nothing_answered(self) -> Finding:
        what = f"100 % {exchange.kinds(self.observations)}; no latency to judge"
        code = exchange.commonest_code(self.observations)
        return self._finding(what, code, seen=f"{len(self.observations)} of {len(self.observations)} failed")

    def _broken(self, limit: Comparison, seen: Sample) -> Finding:
        if limit.quantile is not None and self._errors_break(sampling.share(limit) or 0.0):
            return self._errors_not_fast(limit)
        if limit.subject:
            return self._over(limit, *self._figure(limit, seen))
        slow = [o for o in self.observations if not o.error and not o.server_error and not limit.holds(o.latency)]
        worst = max(slow, key=lambda observation: observation.latency)
        took = show_duration(worst.latency)
        which = f"{worst.operation} took {took}"
        more = f"{len(slow)} of {seen.n} requests over the limit; " if len(slow) > 1 else ""
        return self._over(limit, more + which, took)

    def _errors(self) -> list[Observation]:
        return [observation for observation in self.observations if exchange.is_error(observation)]

    def _errors_break(self, share: float) -> bool:
        """Whether the errors alone prove that `share` of the requests or more get no answer in time."""
        counted = sum(not exchange.rate_limited(observation) for observation in self.observations)
        return Boundary(share, self.confidence, self.at_most).refuted(counted, len(self._errors()))

    def _errors_not_fast(self, limit: Comparison) -> Finding:
        errors = self._errors()
        share = f"{wording.percentage(len(errors) / len(self.observations))} {exchange.kinds(errors)}"
        message = f"{share} among {len(self.observations)} requests; errors are not counted as fast answers"
        return self._finding(f"{message}, promised {limit.text}", exchange.commonest_code(errors), limit, share)

    def _figure(self, limit: Comparison, seen: Sample) -> tuple[str, str]:
        if limit.subject == "mean":
            return f"mean is {show_duration(seen.mean)} over {seen.n} requests", show_duration(seen.mean)
        times = [observation.latency for observation in _answers(self.observations)]
        measured = f"{limit.subject} is {show_duration(statistics.quantile(times, limit.quantile or 1))}"
        return f"{measured}; {seen.exceeding} of {seen.n} requests over {show_duration(limit.value)}", measured

    def _over(self, limit: Comparison, what: str, seen: str) -> Finding:
        code = "cache.latency.over_limit" if self.target.partition(".")[0] == "cache" else "http.latency.over_limit"
        return self._finding(f"{what}, promised {limit.text}", code, limit, seen)

    def _undecided(self, limit: Comparison, seen: Sample) -> Finding:
        if any(map(exchange.rate_limited, self.observations)):
            return self._finding(wording.rate_limited(limit, seen), exchange.RATE_LIMITED, limit, undecided=True)
        needed = sampling.needed(limit, seen, self.confidence, self.at_most)
        message = wording.insufficient(limit, seen, self.confidence, needed)
        return self._finding(message, "sampling.insufficient", limit, f"{seen.exceeding} of {seen.n}", undecided=True)

    def _finding(
        self, message: str, code: str, limit: Comparison | None = None, seen: str = "", *, undecided: bool = False
    ) -> Finding:
        return Finding(
            CRITERION,
            self.target,
            message,
            code,
            "insufficient" if undecided else "error",
            seen,
            limit.text if limit else "an answer",
            self.subject,
            data={**summary(self.observations), "slowest": _slowest(self.observations)},
        )


def _answers(observations: Sequence[Observation]) -> list[Observation]:
    """The exchanges that were answered as expected: only they have a latency in a quantile."""
    return [o for o in observations if not exchange.is_error(o) and not exchange.rate_limited(o)]


def _slowest(observations: Sequence[Observation]) -> list[dict[str, str | float]]:
    """The slowest operations by name, each with its mean in seconds."""
    by_operation: dict[str, list[float]] = {}
    for observation in _answers(observations):
        by_operation.setdefault(observation.operation, []).append(observation.latency)
    means = sorted(((fsum(times) / len(times), name) for name, times in by_operation.items()), reverse=True)
    return [{"operation": name, "mean": mean} for mean, name in means[:_SLOWEST]]
