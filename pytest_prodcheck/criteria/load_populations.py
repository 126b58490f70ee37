"""Whether latencies are of two populations: a valley between two hills of their logarithms (C3).

`p95 20 s while p50 80 ms` is not slow code: a part of the requests waits for something (a pool, a lock, a retry) that
the others do not need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import floor, log2
from typing import NamedTuple

_STEPS = 4
"""Bins an octave."""
_LEAST = 0.02
"""Share of the requests that is a population."""
_APART = 5.0
"""Ratio of the two hills' places."""
_DEPTH = 0.25
"""Of the lesser hill's height, that the valley may have at most."""
_FEWEST = 100
_FINEST = 16
"""Buckets below which bins are narrower than buckets, so that some would be empty whatever the latencies."""


class Two(NamedTuple):
    """The two, by the places of their hills in seconds."""

    fast: float
    slow: float
    share: float
    """Of the slow ones."""


def two(buckets: Mapping[int, int], width: float) -> Two | None:
    """The two populations of a histogram; `width` is a bucket's in seconds. None where there is one, or too few."""
    total = sum(buckets.values())
    if total < _FEWEST:
        return None
    bins: Counter[int] = Counter()
    for bucket, count in buckets.items():
        bins[floor(_STEPS * log2(max(bucket, _FINEST) + 0.5))] += count
    first, last = min(bins), max(bins)
    found = [_split(bins, first, last, at, total, width) for at in range(first + 1, last)]
    return max((one for one in found if one is not None), key=lambda one: one.slow / one.fast, default=None)


def quantiles(buckets: Mapping[int, int], width: float) -> tuple[float, float]:
    """p95 and p50 in seconds, the middles of their buckets."""
    total = sum(buckets.values())
    found: list[float] = []
    for q in (0.95, 0.5):
        left = q * total
        for bucket in sorted(buckets):
            left -= buckets[bucket]
            if left <= 0:
                found.append((bucket + 0.5) * width)
                break
    return found[0], found[1]


def _split(bins: Mapping[int, int], first: int, last: int, at: int, total: int, width: float) -> Two | None:
    left, right = range(first, at), range(at + 1, last + 1)
    share = sum(bins.get(one, 0) for one in right) / total
    if not _LEAST <= share <= 1 - _LEAST:
        return None
    fast, slow = (max(side, key=lambda one: bins.get(one, 0)) for side in (left, right))
    lower = min(bins.get(fast, 0), bins.get(slow, 0))
    if bins.get(at, 0) > _DEPTH * lower or 2 ** ((slow - fast) / _STEPS) < _APART:
        return None
    return Two(_seconds(fast, width), _seconds(slow, width), share)


def _seconds(bin_: int, width: float) -> float:
    return float(2 ** ((bin_ + 0.5) / _STEPS) * width)
