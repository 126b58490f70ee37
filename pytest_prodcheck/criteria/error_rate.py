"""The criterion `error_rate`: the share of requests without an expected answer, proven or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import Comparison
from pytest_prodcheck.criteria import exchange, sampling, statistics, wording
from pytest_prodcheck.criteria.sampling import Decided, More, Sample
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Observation

CRITERION = "error_rate"


def next_step(observations: Sequence[Observation], limit: str, confidence: float, at_most: int) -> More | Decided:
    """What to do after these observations: send more, or stop with a verdict. Raises ValueError for another limit."""
    return sampling.next(grammar.rate_limit(limit), observations, confidence, at_most)


def judge(
    observations: Sequence[Observation],
    limit: str,
    target: str,
    subject: str = "",
    confidence: float = 0.95,
    at_most: int = 1000,
) -> list[Finding]:
    """The finding of the limit: `error` (broken), `insufficient` (unproven), `warning` (kept, with some 5xx), or none.

    `at_most` is the number of requests that the plan allows. Raises ValueError for a text that is no error rate.
    """
    judgement = _Judgement(observations, grammar.rate_limit(limit), target, subject, confidence, at_most)
    return judgement.findings()


class _Judgement(NamedTuple):
    observations: Sequence[Observation]
    limit: Comparison
    target: str
    subject: str
    confidence: float
    at_most: int

    @property
    def seen(self) -> Sample:
        return sampling.counted(self.limit, self.observations)

    def findings(self) -> list[Finding]:
        step = sampling.next(self.limit, self.observations, self.confidence, self.at_most)
        if step == Decided("pass"):
            return self._tolerated()
        return [self._broken() if step == Decided("fail") else self._undecided()]

    def _broken(self) -> Finding:
        errors, seen = [o for o in self.observations if exchange.is_error(o)], self.seen
        proven = wording.percentage(statistics.lower_bound(seen.exceeding, seen.n, self.confidence))
        what = f"{seen.exceeding} of {seen.n} requests failed ({exchange.kinds(errors)})"
        message = f"{what}: at least {proven} do, promised {self.limit.text}"
        code = exchange.commonest_code(errors)
        return self._finding(message, "http.error_rate.over_limit" if code == "unknown" else code, "error")

    def _undecided(self) -> Finding:
        if any(map(exchange.rate_limited, self.observations)):
            return self._finding(wording.rate_limited(self.limit, self.seen), exchange.RATE_LIMITED, "insufficient")
        needed = sampling.needed(self.limit, self.seen, self.confidence, self.at_most)
        message = wording.insufficient(self.limit, self.seen, self.confidence, needed)
        return self._finding(message, "sampling.insufficient", "insufficient")

    def _tolerated(self) -> list[Finding]:
        """5xx among the extra samples within what is proven are a warning; those elsewhere `no_server_errors` has."""
        failed = [o for o in self.observations if o.kind == "sample" and o.server_error and exchange.is_error(o)]
        if not failed:
            return []
        counted = f"{len(failed)} of {self.seen.n} requests answered 5xx"
        message = f"{counted}, within the promised {self.limit.text}; the first: {exchange.answered(failed[0])}"
        return [self._finding(message, exchange.commonest_code(failed), "warning")]

    def _finding(self, message: str, code: str, severity: Severity) -> Finding:
        seen = self.seen
        by_kind = Counter(
            exchange.kind(observation) for observation in self.observations if exchange.is_error(observation)
        )
        return Finding(
            CRITERION,
            self.target,
            message,
            code,
            severity,
            f"{seen.exceeding} of {seen.n}",
            self.limit.text,
            self.subject,
            data={"n": seen.n, "errors": seen.exceeding, "sent": len(self.observations), "by_kind": dict(by_kind)},
        )
