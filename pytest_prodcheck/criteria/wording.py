"""How an undecided limit is said: what the sample proves, and how many requests would prove the promise."""

from __future__ import annotations

from pytest_prodcheck.config.grammar import Comparison, show_duration
from pytest_prodcheck.criteria import sampling, statistics
from pytest_prodcheck.criteria.sampling import Sample


def percentage(share: float) -> str:
    """A share as people write it: `5.8 %`, `0.77 %`, `1 %`."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.3g} %"


def insufficient(limit: Comparison, seen: Sample, confidence: float, needed: int | None) -> str:
    """`0 of 50 proves only < 5.8 %; 299 requests are needed for < 1 % (95 %)`; quantiles: `0 of 50 over 500ms …`."""
    if not seen.n:
        return f"0 requests: nothing to judge; {_needed(needed)} for {_promise(limit)} ({percentage(confidence)})"
    allowed = sampling.share(limit)
    if allowed is None:
        return _undecided_mean(limit, seen, confidence, needed)
    counted = f"{seen.exceeding} of {seen.n}" + (f" over {show_duration(limit.value)}" if limit.quantile else "")
    bound = statistics.upper_bound(seen.exceeding, seen.n, confidence)
    proves = f"proves only < {percentage(bound)}" if bound >= allowed else "is too near for repeated looks"
    return f"{counted} {proves}; {_needed(needed)} for {_promise(limit)} ({percentage(confidence)})"


def rate_limited(limit: Comparison, seen: Sample) -> str:
    """What stays undecided because the server answered 429."""
    return f"{seen.n} requests counted, the others were answered 429: too few for {_promise(limit)}; lower per_second"


def _undecided_mean(limit: Comparison, seen: Sample, confidence: float, needed: int | None) -> str:
    if needed and seen.n < needed:
        return f"{seen.n} requests are too few for {limit.text}; {_needed(needed)} ({percentage(confidence)})"
    figure = f"mean {show_duration(seen.mean)} ± {show_duration(seen.deviation)} over {seen.n} requests"
    return f"{figure} is too near to tell for {limit.text} ({percentage(confidence)})"


def _needed(number: int | None) -> str:
    if number == 1:
        return "1 request is needed"
    return f"{number} requests are needed" if number else "no planned number of requests is enough"


def _promise(limit: Comparison) -> str:
    if limit.quantile is not None:
        return limit.subject
    return f"{limit.operator} {percentage(limit.value)}" if limit.unit == "%" else limit.text
