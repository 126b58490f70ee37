"""The two lines of a sequential test of "less than `share` of the requests fail": where it is proven, where refuted.

Both are computed exactly at the limit itself, where each kind of false verdict is likeliest. A line that is crossed
stays crossed, so the counts may be looked at as often and at whatever sizes one likes: `proven` at (n, k) implies that
the pass line was crossed at one of its looks, `refuted` at (n, k) that the fail line will be at its next checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from math import ceil, exp, log, log1p
from operator import mul
from typing import NamedTuple

from pytest_prodcheck.criteria import statistics

MOST_EXCEEDANCES = 500
"""More exceedances than this never prove a limit: a service so near to it is not worth the requests."""
FIRST_CHECKPOINT = 5


class Boundary(NamedTuple):
    """The lines for one share and confidence, planned for at most `at_most` requests."""

    share: float
    confidence: float
    at_most: int

    def proven(self, n: int, exceeding: int) -> bool:
        """Whether `exceeding` of `n` prove that the true share is below the limit."""
        looks = pass_looks(self.share, self.confidence, self._horizon(n))
        return exceeding < len(looks) and looks[exceeding] <= n

    def refuted(self, n: int, exceeding: int) -> bool:
        """Whether `exceeding` of `n` prove that the true share is at the limit or above it."""
        return n > 0 and exceeding >= self._critical(*checkpoint(n, self.at_most))

    def proof_at(self, exceeding: int) -> int | None:
        """The number of requests at which `exceeding` would be a proof; None where that is beyond what is planned."""
        looks = pass_looks(self.share, self.confidence, self._horizon(self.at_most * 4))
        return looks[exceeding] if exceeding < len(looks) else None

    def next_look(self, n: int, exceeding: int) -> int | None:
        """The next size, `at_most` at the latest, at which a verdict is possible; None where none is any more."""
        sizes = [size for _, size in self._checkpoints_after(n) if self._can_be_refuted(size, n, exceeding)]
        looks = pass_looks(self.share, self.confidence, self.at_most)
        if exceeding < len(looks) and n < looks[exceeding] <= self.at_most:
            sizes.append(looks[exceeding])
        return min(sizes, default=None)

    def _can_be_refuted(self, size: int, n: int, exceeding: int) -> bool:
        return exceeding + size - n >= self._critical(*checkpoint(size, self.at_most))

    def _checkpoints_after(self, n: int) -> Iterator[tuple[int, int]]:
        for index, size in checkpoints(self.at_most):
            if size > self.at_most:
                return
            if size > n:
                yield index, size

    def _critical(self, index: int, size: int) -> int:
        return fail_at(self.share, (1 - self.confidence) / (index * (index + 1)), size)

    def _horizon(self, n: int) -> int:
        """`at_most`, doubled until it covers `n`: the looks do not depend on it, only how many are worked out."""
        horizon = max(1, self.at_most)
        while horizon < n:
            horizon *= 2
        return horizon


def checkpoints(at_most: int, first: int = FIRST_CHECKPOINT) -> Iterator[tuple[int, int]]:
    """Sizes at which the fail line is drawn, numbered from 1: 5, 10, 20 … below `at_most`, then that, then doubled."""
    size = first
    for index in count(1):
        if size < at_most < 2 * size:
            yield index, size
            size = at_most
            continue
        yield index, size
        size *= 2


def checkpoint(n: int, at_most: int, first: int = FIRST_CHECKPOINT) -> tuple[int, int]:
    """The first checkpoint at or after `n`, with its number."""
    return next((index, size) for index, size in checkpoints(at_most, first) if size >= n)


@lru_cache(maxsize=1024)
def fail_at(share: float, alpha: float, size: int) -> int:
    """The smallest k with P(X >= k) <= alpha for X binomial (size, share): size + 1 where there is none."""
    low, high = 0, size + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if statistics.at_least(middle, size, share) <= alpha else (middle, high)
    return high


@lru_cache(maxsize=128)
def pass_looks(share: float, confidence: float, horizon: int) -> tuple[int, ...]:
    """For x = 0, 1, 2 … the smallest size at which x exceedances prove the limit, as far as `horizon` (and one beyond).

    The first look spends (1 - share)^n of alpha = 1 - confidence; look x may have spent, all in all, that and x/(x + 1)
    of what it left. What a look spends is the exact probability, at the limit, of passing there and not before: whoever
    did not pass at look x - 1 has at least x exceedances, so it is that of exactly x there, and none since.
    """
    sizes = [statistics.smallest_sample(share, confidence)]
    most = min(MOST_EXCEEDANCES, int(horizon * share) + 1)
    alive = [exp(statistics.log_probability(k, sizes[0], share)) for k in range(1, most + 1)]
    spent = first = exp(sizes[0] * log1p(-share))
    left = 1 - confidence - first
    while alive and left > 0 and sizes[-1] <= horizon:
        steps = _quiet_steps(alive[0], first + left * len(sizes) / (len(sizes) + 1) - spent, share)
        sizes.append(sizes[-1] + steps)
        alive = _advanced(alive, steps, share)
        spent += alive.pop(0)
    return tuple(sizes)


def _quiet_steps(probability: float, allowed: float, share: float) -> int:
    """How many requests without an exceedance bring `probability` down to what is allowed."""
    steps = 0 if probability <= allowed else ceil(log(allowed / probability) / log1p(-share))
    while probability * exp(steps * log1p(-share)) > allowed:
        steps += 1
    return steps


def _advanced(alive: Sequence[float], steps: int, share: float) -> list[float]:
    """The probabilities of the counts after `steps` more requests; counts beyond the last one never come back."""
    width = min(steps, len(alive) - 1) + 1
    kernel = [exp(statistics.log_probability(j, steps, share)) for j in reversed(range(width))]
    padded = [0.0] * (width - 1) + list(alive)
    return [sum(map(mul, kernel, padded[state : state + width])) for state in range(len(alive))]
