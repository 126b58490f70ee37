"""Two samples compared by ranks, whatever their distribution: is one larger, by how much, and how sure is that?

The Wilcoxon–Mann–Whitney test with corrections for ties and continuity (Mann & Whitney 1947, Ann. Math. Stat. 18:50;
Lehmann 2006, Nonparametrics §1.4), and the shift of Hodges & Lehmann (1963, Ann. Math. Stat. 34:598), the median of all
differences, with the interval that inverts the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import erfc, sqrt
from typing import NamedTuple


class Shift(NamedTuple):
    """By how much the second sample is larger than the first, with its interval; all in the samples' unit."""

    value: float
    low: float
    high: float


def larger(first: Sequence[float], second: Sequence[float]) -> float:
    """The probability of ranks like these, or more telling ones, if `second` were not larger than `first` (one-sided).
    1.0 where there is nothing to compare."""
    n, m = len(first), len(second)
    if not n or not m:
        return 1.0
    marked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    rank_sum, ties, at = 0.0, 0, 0
    for _, group in groupby(marked, key=lambda pair: pair[0]):
        members = [number for _, number in group]
        size = len(members)
        rank_sum += sum(members) * (at + (size + 1) / 2)
        ties += size**3 - size
        at += size
    u = rank_sum - m * (m + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1))) if total > 1 else 0.0
    if variance <= 0:
        return 1.0  # all values are equal
    return erfc((u - n * m / 2 - 0.5) / sqrt(2 * variance)) / 2


def shift(first: Sequence[float], second: Sequence[float], deviations: float) -> Shift:
    """The Hodges–Lehmann shift from `first` to `second`, with the interval of that many standard deviations (2.576 for
    99 %). Raises ValueError for an empty sample."""
    if not first or not second:
        raise ValueError("no values: there is no shift")
    n, m = len(first), len(second)
    differences = sorted(after - before for before in first for after in second)
    count = n * m
    middle = (differences[(count - 1) // 2] + differences[count // 2]) / 2
    outside = max(0, int(count / 2 - deviations * sqrt(count * (n + m + 1) / 12)))
    return Shift(middle, differences[outside], differences[count - 1 - outside])
