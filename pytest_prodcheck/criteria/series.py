"""The series of a run: what its declared requests took, one series a request and user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_prodcheck.criteria import exchange
from pytest_prodcheck.observe import series
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.series import Series


def of(observations: Sequence[Observation]) -> tuple[Series, ...]:
    """The series of the declared requests and of the samples for limits; at most 500, those of most answers."""
    times: dict[tuple[str, str, str, str], list[float]] = {}
    for seen in observations:
        if seen.kind in ("declared", "sample") and not exchange.is_error(seen) and not exchange.rate_limited(seen):
            times.setdefault((seen.target, seen.subject, seen.operation, seen.user), []).append(seen.latency)
    return bounded(Series(*key, len(found), tuple(sorted(found))) for key, found in times.items())


def bounded(found: Iterable[Series]) -> tuple[Series, ...]:
    """The series with as many samples as a verdict may keep."""
    kept = sorted(found, key=lambda one: (-one.n, one.key))[: series.MOST_SERIES]
    most = series.allowance(len(kept))
    short = (Series(*one.key, one.n, series.thinned(one.samples, most), one.reference) for one in kept)
    return tuple(sorted(short, key=lambda one: one.key))
