"""A series: the latencies of one kind of request in one run, few enough to be kept in a `verdict.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_SAMPLES = 200
"""Latencies that are kept of one series: more do not decide a comparison that 200 leave open."""
MOST_SERIES = 500
_FEWEST_SAMPLES = 40
_IN_ALL = 20_000
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Series:
    """The latencies of what was answered as expected: errors have none."""

    target: str
    subject: str
    """Name of the declared endpoint, query or operation; of a load run, of the scenario."""
    operation: str
    user: str = ""
    n: int = 0
    """Answers that were measured; `samples` may be fewer."""
    samples: tuple[float, ...] = ()
    """Seconds in ascending order, to a tenth of a millisecond: all, or as many quantiles at equal distances."""
    reference: tuple[float, ...] = ()
    """The samples that a slow-down was found against. Later runs are held against them, not against the slow ones: a
    slow-down does not become the usual thing by being old."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same series in another run."""
        return self.target, self.subject, self.operation, self.user

    def as_json(self) -> dict[str, Any]:
        """The row of `verdict.json`."""
        row: dict[str, Any] = {"target": self.target, "subject": self.subject, "operation": self.operation}
        row |= {"user": self.user, "n": self.n, "samples": list(self.samples)}
        return {**row, "reference": list(self.reference)} if self.reference else row

    @classmethod
    def load(cls, row: Mapping[str, Any]) -> Series:
        """The series that `as_json` wrote."""
        target, subject, operation, user = (str(row[name]) for name in ("target", "subject", "operation", "user"))
        samples, reference = (tuple(sorted(map(float, row.get(name, ())))) for name in ("samples", "reference"))
        return cls(target, subject, operation, user, int(row["n"]), samples, reference)


def allowance(number: int) -> int:
    """How many samples each of `number` series may keep."""
    return max(_FEWEST_SAMPLES, min(MOST_SAMPLES, _IN_ALL // max(number, 1)))


def thinned(ascending: Sequence[float], most: int = MOST_SAMPLES) -> tuple[float, ...]:
    """At most `most` of the values: quantiles at equal distances, so that their distribution is that of all."""
    n = len(ascending)
    chosen = ascending if n <= most else [ascending[(2 * i + 1) * n // (2 * most)] for i in range(most)]
    return tuple(round(value, _DIGITS) for value in chosen)
