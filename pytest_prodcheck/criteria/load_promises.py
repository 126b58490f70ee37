"""The limits of a load run: each judged once, over all its requests, by exact binomial bounds; pass, fail, or too few.

A request that got no right answer is not a fast one: in a quantile it counts as over the limit. What never started or
never ended may have been anything: a limit is kept only if it is kept with all of that over it, and broken only if it
is broken without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Literal

from pytest_prodcheck.config import load_limits
from pytest_prodcheck.config.grammar import Comparison, show_duration
from pytest_prodcheck.criteria import load_errors, load_populations, sampling, statistics
from pytest_prodcheck.criteria.load_errors import Kind
from pytest_prodcheck.criteria.load_tally import Cell, Tally
from pytest_prodcheck.criteria.wording import percentage

QUANTILES = (0.5, 0.9, 0.95, 0.99, 1.0)
_BUCKET_SECONDS = 256e-6
_MOST_NAMES = 50
Word = Literal["pass", "fail", "insufficient"]


@dataclass(frozen=True, slots=True)
class View:
    """The requests that a limit is over: some names, or all, of one run or of several."""

    tallies: tuple[tuple[Tally, tuple[Cell, ...]], ...]
    """Each run's tally with the cells of its right answers."""
    errors: tuple[Kind, ...]
    seconds: float
    """How long requests were judged, all runs together."""
    unknown: int = 0
    """Requests of which nobody knows what became of them."""
    saturated: bool = False
    figures: tuple[float, ...] = field(default=())
    """p50, p90, p95, p99 and the maximum in seconds; empty where nothing was answered."""

    @property
    def answered(self) -> int:
        """Right answers."""
        return sum(tally.number(cells) for tally, cells in self.tallies)

    @property
    def failed(self) -> int:
        """Errors."""
        return sum(one.number for one in self.errors)

    @property
    def n(self) -> int:
        """Requests that are judged."""
        return self.answered + self.failed

    def over(self, limit: Comparison) -> int:
        """Right answers that break a limit of latencies."""
        inclusive = limit.operator == "<"
        return sum(tally.over(cells, limit.value, inclusive=inclusive) for tally, cells in self.tallies if cells)

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation in seconds; of several runs, of all their requests."""
        n = self.answered
        parts = [
            (tally.number(cells), tally.mean(cells), tally.deviation(cells)) for tally, cells in self.tallies if cells
        ]
        mean = sum(count * own for count, own, _ in parts) / n
        squares = sum((count - 1) * deviation**2 + count * (own - mean) ** 2 for count, own, deviation in parts)
        return mean, sqrt(squares / (n - 1)) if n > 1 else 0.0

    def mean_bytes(self) -> float:
        """Mean bytes of a right answer."""
        return sum(tally.number(cells) * tally.bytes(cells) for tally, cells in self.tallies if cells) / self.answered


def of(tally: Tally, names: Collection[int] | None, seconds: float, unknown: int, *, saturated: bool) -> View:
    """The view of one run's requests, of these names or of all."""
    cells = tuple(tally.answered(names))
    figures = tuple(tally.quantiles(cells, QUANTILES)) if cells else ()
    errors = tuple(load_errors.kinds(tally, names))
    return View(((tally, cells),), errors, seconds, unknown, saturated, figures)


def together(views: Sequence[View]) -> View:
    """One view of several runs. Its quantiles are left out: they are of different requests under different loads."""
    tallies = tuple(pair for view in views for pair in view.tallies)
    errors = tuple(load_errors.merged(view.errors for view in views))
    seconds, unknown = sum(view.seconds for view in views), sum(view.unknown for view in views)
    figures = views[0].figures if len(views) == 1 else ()
    return View(tallies, errors, seconds, unknown, any(view.saturated for view in views), figures)


@dataclass(frozen=True, slots=True)
class Judged:
    """One limit with its verdict, in words."""

    limit: Comparison
    word: Word
    text: str
    seen: str
    code: str
    data: dict[str, Any]


def judge(view: View, limits: Sequence[str], confidence: float) -> Iterator[Judged]:
    """Each limit with its verdict. Raises ValueError for a text that is no limit of load."""
    for text in limits:
        limit = load_limits.load_limit(text)
        yield _JUDGES.get(limit.subject, _quantile)(view, limit, confidence)


def counts_unknown(text: str) -> bool:
    """Whether a limit is not kept by requests of which nobody knows what became of them."""
    return load_limits.load_limit(text).subject not in ("throughput", "bytes")


def summary(view: View) -> dict[str, Any]:
    """Figures of a view, JSON-safe: mean and p95 stand together (T9)."""
    mean, deviation = view.moments() if view.answered else (None, None)
    p50, p90, p95, p99, most = view.figures or (None,) * 5
    return {
        "n": view.n, "errors": view.failed, "rate": view.answered / view.seconds if view.seconds else None,
        "mean": mean, "deviation": deviation, "p50": p50, "p90": p90, "p95": p95, "p99": p99, "max": most,
        "unknown": view.unknown,
    }  # fmt: skip


def figures(view: View) -> str:
    """`mean 120ms, p50 80ms, p95 410ms, p99 1.2s over 12000 answers`, with the two populations where there are two."""
    if not view.answered:
        return "nothing was answered"
    mean, _ = view.moments()
    parts = [f"mean {show_duration(mean)}"]
    if view.figures:
        named = zip(("p50", "p95", "p99"), (view.figures[0], view.figures[2], view.figures[3]), strict=True)
        parts += [f"{name} {show_duration(value)}" for name, value in named]
    return f"{', '.join(parts)} over {view.answered} answers{populations(view)}"


def populations(view: View) -> str:
    """`; GET /a: p95 20s while p50 80ms, two populations (6 % at about 20s, the others at 80ms): a wait or a lock …`;
    empty where there is one. Names are looked at one by one: two endpoints may well take differently long."""
    named = [(tally, cell) for tally, cells in view.tallies for cell in cells]
    for tally, cell in sorted(named, key=lambda pair: -pair[0].counts[pair[1]])[:_MOST_NAMES]:
        if found := load_populations.two(tally.buckets[cell], _BUCKET_SECONDS):
            high, middle = (
                show_duration(value) for value in load_populations.quantiles(tally.buckets[cell], _BUCKET_SECONDS)
            )
            slow, fast = show_duration(found.slow), show_duration(found.fast)
            parts = f"{percentage(found.share)} at about {slow}, the others at {fast}"
            name = tally.samples.names[cell.name]
            return (
                f"; {name}: p95 {high} while p50 {middle}, two populations ({parts}): a wait or a lock, not slow code"
            )
    return ""


def _quantile(view: View, limit: Comparison, confidence: float) -> Judged:
    share = statistics.share_over(limit.quantile or 0.0)
    if not view.answered:
        return _nothing_answered(view, limit)
    over = view.over(limit)
    sure = load_errors.by_server(view.errors) if view.saturated else over + view.failed
    word = _binomial(view.n, sure, over + view.failed, view.unknown, share, confidence)
    known = load_errors.most(list(view.errors))
    by_errors = load_errors.by_server(view.errors) if view.saturated else view.failed
    if word == "fail" and by_errors and statistics.at_least(by_errors, view.n, share) <= 1 - confidence:
        return _errors_not_fast(view, limit, known)
    errors = f", {view.failed} errors, which are not counted as fast answers ({known})" if view.failed else ""
    seen = f"{over} of {view.n} over {show_duration(limit.value)}"
    text = f"{figures(view)}; {seen}{errors}{_unknown(view)}"
    return _judged(view, limit, word, text, seen, "load.latency.over_limit", confidence, over + view.failed, share)


def _errors_not_fast(view: View, limit: Comparison, known: str) -> Judged:
    """Errors alone break the quantile: that the rest was quick is no comfort."""
    share = percentage(view.failed / view.n)
    text = f"{share} errors among {view.n} requests; errors are not counted as fast answers ({known}); {figures(view)}"
    seen = f"{view.failed} of {view.n} failed"
    return Judged(limit, "fail", f"{text}{_unknown(view)}", seen, "load.errors.over_limit", _data(view))


def _errors(view: View, limit: Comparison, confidence: float) -> Judged:
    sure = load_errors.by_server(view.errors) if view.saturated else view.failed
    word = _binomial(view.n, sure, view.failed, view.unknown, limit.value, confidence)
    if word == "pass" and limit.operator == "<" and view.failed >= limit.value * view.n:
        word = "insufficient"
    low = statistics.lower_bound(view.failed, view.n, confidence)
    high = statistics.upper_bound(view.failed, view.n, confidence)
    rate = percentage(view.failed / view.n)
    seen = f"{view.failed} of {view.n}"
    text = f"{rate} errors ({seen}; {percentage(low)} to {percentage(high)})"
    known = load_errors.most(list(view.errors))
    text += (f": {known}" if known else "") + _unknown(view)
    return _judged(view, limit, word, text, seen, "load.errors.over_limit", confidence, view.failed, limit.value)


def _mean(view: View, limit: Comparison, confidence: float) -> Judged:
    if not view.answered:
        return _nothing_answered(view, limit)
    mean, deviation = view.moments()
    n = view.answered
    word: Word = "insufficient"
    if n >= sampling.FEWEST_FOR_A_MEAN:
        margin = statistics.student_t(confidence, n - 1) * deviation / sqrt(n)
        if limit.holds(mean + margin):
            word = "pass"
        elif not limit.holds(mean - margin) and not view.saturated:
            word = "fail"
    if word == "pass" and not _aside(view, confidence):
        word = "insufficient"
    text = f"{figures(view)}{_errors_beside(view)}{_unknown(view)}"
    return _judged(view, limit, word, text, show_duration(mean), "load.latency.over_limit", confidence)


def _max(view: View, limit: Comparison, confidence: float) -> Judged:
    if not view.answered:
        return _nothing_answered(view, limit)
    over = view.over(limit)
    word: Word = "pass"
    if over:
        word = "insufficient" if view.saturated else "fail"
    elif view.unknown or view.failed:
        word = "insufficient"
    seen = f"{over} of {view.n} over {show_duration(limit.value)}"
    text = f"{figures(view)}; {seen}{_errors_beside(view)}{_unknown(view)}"
    return _judged(view, limit, word, text, seen, "load.latency.over_limit", confidence)


def _throughput(view: View, limit: Comparison, confidence: float) -> Judged:
    """Right answers a second: errors are no throughput, however many."""
    rate = view.answered / view.seconds if view.seconds > 0 else 0.0
    word: Word = "pass" if limit.holds(rate) else "insufficient" if view.saturated else "fail"
    seen = f"{rate:.4g}/s"
    text = f"{seen} right answers over {show_duration(view.seconds)}{_errors_beside(view)}"
    return _judged(view, limit, word, text, seen, "load.throughput.under_limit", confidence)


def _bytes(view: View, limit: Comparison, confidence: float) -> Judged:
    if not view.answered:
        return _nothing_answered(view, limit)
    mean = view.mean_bytes()
    seen = f"mean {mean:.0f} bytes"
    text = f"{seen} an answer over {view.answered} answers{_errors_beside(view)}"
    word: Word = "pass" if limit.holds(mean) else "fail"
    return _judged(view, limit, word, text, seen, "load.bytes.over_limit", confidence)


_JUDGES = {"errors": _errors, "mean": _mean, "max": _max, "throughput": _throughput, "bytes": _bytes}


def _binomial(n: int, sure: int, over: int, unknown: int, share: float, confidence: float) -> Word:
    """One exact look: is the share over the limit certainly below `share`, certainly not, or can it not be told?"""
    alpha = 1 - confidence
    if sure and statistics.at_least(sure, n, share) <= alpha:
        return "fail"
    return "pass" if statistics.at_most(over + unknown, n + unknown, share) <= alpha else "insufficient"


def _aside(view: View, confidence: float) -> bool:
    """Whether errors, and what nobody knows, are so few that the mean of the answers still says something: as for a
    p95."""
    many = view.failed + view.unknown
    return not many or statistics.at_most(many, view.n + view.unknown, 0.05) <= 1 - confidence


def _nothing_answered(view: View, limit: Comparison) -> Judged:
    """NaN is no latency: where nothing was answered, every limit of latencies is broken."""
    total, known = view.failed, load_errors.most(list(view.errors))
    kind = view.errors[0].kind if view.errors else "errors"
    what = f"100 % {'timeouts' if kind == 'timeout' else 'errors'}; no latency to judge ({total} of {total}: {known})"
    word: Word = "insufficient" if view.saturated and not load_errors.by_server(view.errors) else "fail"
    return Judged(limit, word, what, f"{total} of {total} failed", "load.errors.over_limit", _data(view))


def _unknown(view: View) -> str:
    return f"; of {view.unknown} more nobody knows (not started, or not ended)" if view.unknown else ""


def _errors_beside(view: View) -> str:
    return f"; {view.failed} errors beside them ({load_errors.most(list(view.errors))})" if view.failed else ""


def _judged(
    view: View,
    limit: Comparison,
    word: Word,
    text: str,
    seen: str,
    code: str,
    confidence: float,
    over: int = 0,
    share: float = 0.0,
) -> Judged:
    if word == "insufficient":
        text += f"; {_why_not(view, limit, confidence, over, share)}"
        code = "load.generator.saturated" if view.saturated else "sampling.insufficient"
    return Judged(limit, word, text, seen, code, _data(view))


def _why_not(view: View, limit: Comparison, confidence: float, over: int, share: float) -> str:
    if view.saturated:
        return "we were the bottleneck"
    if not share:
        return f"too few or too near to tell for {limit.text} ({percentage(confidence)})"
    bound = percentage(statistics.upper_bound(over + view.unknown, view.n + view.unknown, confidence))
    needed = statistics.smallest_sample(share, confidence)
    promise = limit.subject if limit.quantile is not None else f"{limit.operator} {percentage(limit.value)}"
    if view.n < needed:
        more = f"{needed} requests are needed for {promise} ({percentage(confidence)})"
        return f"{over} of {view.n} proves only < {bound}; {more}"
    return f"{over + view.unknown} of {view.n + view.unknown} proves only < {bound}, too near to tell for {promise}"


def _data(view: View) -> dict[str, Any]:
    kinds = list(view.errors)
    return {**summary(view), "kinds": load_errors.rows(kinds), "text": "; ".join(one.said for one in kinds[:3])}
