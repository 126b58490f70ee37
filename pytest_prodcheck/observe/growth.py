"""How a figure rose or fell over a time: a straight line through its points, by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

_T = 2.0
"""Standard errors by which a slope must be above 0: about 97.5 %, one-sided."""


class Growth(NamedTuple):
    """The line of one figure."""

    per_minute: float
    error: float
    """Standard error of `per_minute`."""
    start: float
    """The line's value at the first point."""
    seconds: float
    """From the first point to the last."""

    @property
    def certain(self) -> bool:
        """Whether it rose beyond the scatter of its points."""
        return self.per_minute > _T * self.error

    def share(self, errors: float = 0.0) -> float:
        """By which share of its start it rose from the first point to the last, with so many standard errors on top."""
        rose = (self.per_minute + errors * self.error) * self.seconds / 60
        return rose / self.start if self.start > 0 else float("inf") if rose > 0 else 0.0


def growth(points: Sequence[tuple[float, float]]) -> Growth | None:
    """The line through (seconds, figure), in order of time; None for fewer than three points, or where they are all of
    one moment.

    A figure that is asked more often than it is taken comes several times (metrics.k8s.io takes one in 15 s or more):
    the error is that of the points that differ from the one before.
    """
    n = len(points)
    if n < 3:
        return None
    middle = (sum(at for at, _ in points) / n, sum(figure for _, figure in points) / n)
    spread = sum((at - middle[0]) ** 2 for at, _ in points)
    if not spread:
        return None
    slope = sum((at - middle[0]) * (figure - middle[1]) for at, figure in points) / spread
    rest = sum((figure - middle[1] - slope * (at - middle[0])) ** 2 for at, figure in points)
    taken = 1 + sum(one[1] != other[1] for one, other in pairwise(points))
    error = sqrt(rest / (n - 2) / spread * (n / taken))
    first, last = points[0][0], points[-1][0]
    return Growth(slope * 60, error * 60, middle[1] + slope * (first - middle[0]), last - first)
