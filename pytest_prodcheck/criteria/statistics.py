"""Exact statistics of counts and quantiles, with the standard library alone.

Quantiles are nearest-rank (`x[ceil(q·n) - 1]`): always a value that was measured. Bounds of a share are
Clopper–Pearson, one-sided: their coverage is at least the confidence at every true share (Clopper & Pearson 1934,
Biometrika 26:404).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, exp, fsum, inf, lgamma, log, log1p

_BISECTIONS = 60
"""Halvings of [0, 1]: below the resolution of a double."""
_NEGLIGIBLE = 1e-17


def quantile(values: Sequence[float], q: float) -> float:
    """Nearest-rank quantile of `values` (any order), `0 < q <= 1`. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values: there is no quantile")
    rank = ceil(round(q * len(values), 9))  # 0.95 * 20 is 19.000000000000004 in some roundings, and means rank 19
    return sorted(values)[max(rank, 1) - 1]


def share_over(q: float) -> float:
    """The share of requests that may lie over a limit of the quantile `q`.

    The order-statistic view: `p95 < 500ms` holds exactly if less than 5 % of all requests take 500 ms or longer.
    """
    return round(1 - q, 12)


def log_probability(k: int, n: int, p: float) -> float:
    """Natural logarithm of P(X = k) for X binomial (n, p)."""
    if not 0 <= k <= n:
        return -inf
    if p <= 0 or p >= 1:
        return 0.0 if k == (n if p >= 1 else 0) else -inf
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return ways + k * log(p) + (n - k) * log1p(-p)


def at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) for X binomial (n, p), to about 1e-9 relative for n up to 100,000."""
    if k >= n:
        return 1.0
    return _lower_sum(k, n, p) if k < n * p else 1.0 - _upper_sum(k + 1, n, p)


def at_least(k: int, n: int, p: float) -> float:
    """P(X >= k) for X binomial (n, p), to about 1e-9 relative for n up to 100,000."""
    if k <= 0:
        return 1.0
    return _upper_sum(k, n, p) if k > n * p else 1.0 - _lower_sum(k - 1, n, p)


def upper_bound(k: int, n: int, confidence: float) -> float:
    """The share that `k` of `n` prove not to be exceeded: 0 of 50 at 95 % give 0.0582. 1.0 where nothing is known."""
    if k >= n:
        return 1.0
    return _bisect(lambda p: at_most(k, n, p) > 1 - confidence)


def lower_bound(k: int, n: int, confidence: float) -> float:
    """The share that `k` of `n` prove to be reached at least. 0.0 where nothing is known."""
    if k <= 0 or n <= 0:
        return 0.0
    return _bisect(lambda p: at_least(k, n, p) < 1 - confidence)


def smallest_sample(share: float, confidence: float) -> int:
    """How many requests without one failure prove that less than `share` fail: 299 for 1 %, 59 for 5 %, at 95 %."""
    return max(1, ceil(round(log(round(1 - confidence, 12)) / log1p(-share), 9)))


def student_t(probability: float, freedom: int) -> float:
    """Quantile of Student's t for `freedom >= 10` (Abramowitz & Stegun 26.7.5; error below 1e-3 for p <= 0.9995)."""
    from statistics import NormalDist  # as large as all of this module's other needs, and only a mean asks for it

    z = NormalDist().inv_cdf(probability)
    terms: tuple[float, ...] = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + fsum(term / float(freedom) ** power for power, term in enumerate(terms, 1))


def _lower_sum(k: int, n: int, p: float) -> float:
    """Sum of the probabilities of k, k - 1, … 0; converges fast below the mean, where it is used."""
    if p <= 0 or p >= 1:
        return 0.0 if p >= 1 else 1.0
    factor, total, term = (1 - p) / p, 1.0, 1.0
    for i in range(k, 0, -1):
        term *= i / (n - i + 1) * factor
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(1.0, exp(log_probability(k, n, p) + log(total)))


def _upper_sum(k: int, n: int, p: float) -> float:
    """Sum of the probabilities of k, k + 1, … n: those of the failures seen from the other side."""
    return _lower_sum(n - k, n, 1 - p)


def _bisect(low_enough: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if low_enough(middle) else (low, middle)
    return high
