"""The sequential test of a limit: its false verdicts by simulation, its sizes, its ends."""

from __future__ import annotations

import random
import time
from math import log

import pytest

from pytest_prodcheck.config import grammar
from pytest_prodcheck.criteria import boundary, sampling
from pytest_prodcheck.criteria.sampling import Decided, More, Sample
from pytest_prodcheck.observe.observation import Observation

RUNS = 4000
NOISE = 0.0087
"""2.5 standard deviations of a share of 5 % among 4,000 runs: what a simulation may be off by chance."""
LIMITS = {"< 1%": 0.01, "p95 < 500ms": 0.05, "p90 < 500ms": 0.10}


def run(generator, limit, rate, at_most, overshoot=0):
    """One service of this failure rate, tested until decided: verdict and requests sent."""
    n = failed = 0
    step: More | Decided = More(0)
    upcoming = 1 + int(log(1 - generator.random()) / log(1 - rate))
    while isinstance(step, More):
        n += step.count + (generator.randint(0, overshoot) if overshoot else 0)
        while upcoming <= n:
            failed += 1
            upcoming += 1 + int(log(1 - generator.random()) / log(1 - rate))
        step = sampling.decide(limit, Sample(n, failed), 0.95, at_most)
    return step.verdict, n


def verdicts(text, rate, at_most, overshoot=0):
    """The share of each verdict, and the mean number of requests."""
    generator, limit = random.Random(20260101), grammar.comparison(text)
    counts, sent = {"pass": 0, "fail": 0, "insufficient": 0}, 0
    for _ in range(RUNS):
        verdict, n = run(generator, limit, rate, at_most, overshoot)
        counts[verdict] += 1
        sent += n
    return {verdict: count / RUNS for verdict, count in counts.items()}, sent / RUNS


@pytest.mark.parametrize("at_most", [1000, 5000])
@pytest.mark.parametrize("text", LIMITS)
def test_at_the_limit_false_verdicts_are_at_most_five_percent(text, at_most):
    """At the limit itself, and just beside it, each kind of false verdict stays within 1 - confidence."""
    at_limit, _ = verdicts(text, LIMITS[text], at_most)
    above, _ = verdicts(text, LIMITS[text] * 1.05, at_most)
    below, _ = verdicts(text, LIMITS[text] * 0.95, at_most)
    assert at_limit["pass"] <= 0.05 + NOISE
    assert at_limit["fail"] <= 0.05
    assert above["pass"] <= 0.05
    assert below["fail"] <= 0.05


@pytest.mark.parametrize("text", LIMITS)
def test_looks_at_any_size_keep_the_confidence(text):
    """Users' own requests come in between: looks at whatever sizes are no less certain."""
    at_limit, _ = verdicts(text, LIMITS[text], 1000, overshoot=13)
    assert at_limit["pass"] <= 0.05 + NOISE
    assert at_limit["fail"] <= 0.05


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.5])
def test_the_exact_probability_of_a_false_pass_is_within_alpha(share):
    """Request by request, without the look-ahead of the plan: the pass line lets at most 5 % through at the limit."""
    looks = boundary.pass_looks(share, 0.95, 1500)
    allowed = {size: x for x, size in enumerate(looks)}
    alive, passed = [1.0], 0.0
    for n in range(1, 1501):
        below = [0.0, *alive]
        alive = [a * (1 - share) + b * share for a, b in zip([*alive, 0.0], below, strict=True)]
        if n in allowed:
            passed += sum(alive[: allowed[n] + 1])
            alive[: allowed[n] + 1] = [0.0] * (allowed[n] + 1)
    assert 0.025 < passed <= 0.05 + 1e-12


@pytest.mark.parametrize(("text", "most"), [("< 1%", 700), ("p95 < 500ms", 120), ("p90 < 500ms", 60)])
def test_a_healthy_service_needs_few_requests(text, most, capsys):
    """At a tenth of the limit nearly every run passes, with little more than the minimum on average."""
    shares, mean = verdicts(text, LIMITS[text] / 10, 5000)
    with capsys.disabled():
        print(f"\n{text} at a tenth of the limit: {mean:.0f} requests on average, {shares['pass']:.1%} pass")
    assert shares["pass"] > 0.99
    assert mean < most


@pytest.mark.parametrize("text", LIMITS)
def test_a_service_at_three_times_the_limit_fails(text):
    """What is clearly broken is found out, and soon."""
    shares, mean = verdicts(text, LIMITS[text] * 3, 5000)
    assert shares["fail"] > 0.99
    assert mean < 1000


@pytest.mark.parametrize(
    ("text", "least"),
    [("< 1%", 299), ("p95 < 500ms", 59), ("p99 < 1s", 299), ("p99.9 < 1s", 2995), ("< 300ms", 1), ("mean < 1s", 30)],
)
def test_minimum_is_the_fewest_that_can_prove(text, least):
    """The plan names the fewest requests, and that many without a fault pass at once, one fewer does not."""
    limit = grammar.comparison(text)
    assert sampling.minimum(limit, 0.95) == least
    assert sampling.decide(limit, Sample(least, mean=0.1), 0.95, 5000) == Decided("pass")
    assert isinstance(sampling.decide(limit, Sample(least - 1, mean=0.1), 0.95, 5000), More)


@pytest.mark.parametrize("text", LIMITS)
def test_nothing_but_errors_stops_after_a_handful(text):
    """100 % errors are certain after five requests, not after the minimum."""
    limit = grammar.comparison(text)
    assert sampling.decide(limit, Sample(0), 0.95, 1000) == More(5)
    assert sampling.decide(limit, Sample(5, 5), 0.95, 1000) == Decided("fail")


def test_what_cannot_be_decided_any_more_is_insufficient():
    """At the cap, or where no verdict is left within it, sampling stops."""
    limit = grammar.comparison("< 1%")
    assert sampling.decide(limit, Sample(1000, 6), 0.95, 1000) == Decided("insufficient")
    assert sampling.decide(limit, Sample(996, 4), 0.95, 1000) == Decided("insufficient")
    assert sampling.decide(limit, Sample(0), 0.95, 4) == Decided("insufficient")


def test_more_requests_than_planned_still_decide():
    """A user's own tests may send more than `at_most`; what they show counts."""
    limit = grammar.comparison("< 1%")
    assert sampling.decide(limit, Sample(5000, 5), 0.95, 1000) == Decided("pass")
    assert sampling.decide(limit, Sample(5000, 200), 0.95, 1000) == Decided("fail")


def test_more_never_exceeds_the_cap():
    """Whatever is undecided, the next batch ends at `at_most`."""
    limit = grammar.comparison("p95 < 500ms")
    for n in range(1000):
        step = sampling.decide(limit, Sample(n, n // 25), 0.95, 1000)
        assert isinstance(step, Decided) or 0 < step.count <= 1000 - n


def test_a_thousand_looks_take_less_than_fifty_milliseconds():
    """Deciding costs nothing beside asking; the lines of all common limits included."""
    boundary.pass_looks.cache_clear()
    boundary.fail_at.cache_clear()
    limits = [grammar.comparison(text) for text in LIMITS]
    started = time.process_time()
    for n in range(334):
        for limit in limits:
            sampling.decide(limit, Sample(3 * n, n // 50), 0.95, 1000)
    assert time.process_time() - started < 0.05


def answer(seconds=0.1, **changes):
    """One answer of GET /x."""
    return Observation("http", "GET /x", status=200, phases={"first_byte": seconds}, **changes)


def test_a_429_does_not_count_and_ends_in_insufficient():
    """A server that only says 429 is not asked for ever (fault-http-429-ours)."""
    limited = Observation("http", "GET /x", status=429, expected=False)
    limit = grammar.comparison("< 1%")
    assert sampling.counted(limit, [answer(), limited]) == Sample(1)
    assert sampling.next(limit, [limited], 0.95, 1000) == More(5)
    assert sampling.next(limit, [limited] * 10, 0.95, 1000) == Decided("insufficient")
    assert sampling.next(limit, [answer()] * 298 + [limited] * 2, 0.95, 300) == Decided("insufficient")


def test_a_limit_of_each_request_needs_one():
    """Without a quantile one right answer decides, and one slow one."""
    limit = grammar.comparison("< 300ms")
    assert sampling.next(limit, [], 0.95, 1000) == More(1)
    assert sampling.next(limit, [answer(0.1)], 0.95, 1000) == Decided("pass")
    assert sampling.next(limit, [answer(0.1), answer(0.4)], 0.95, 1000) == Decided("fail")


def test_nothing_with_a_latency_is_a_failure_not_a_loop():
    """All timed out: there is no mean, and more of the same gives none."""
    timeout = Observation("http", "GET /x", error="timeout", expected=False)
    assert sampling.next(grammar.comparison("mean < 1s"), [timeout], 0.95, 1000) == Decided("fail")


@pytest.mark.parametrize(
    ("mean", "expected"), [(0.15, Decided("pass")), (0.199, More(30)), (0.201, More(30)), (0.3, Decided("fail"))]
)
def test_a_mean_is_judged_from_thirty_requests(mean, expected):
    """Far from the limit a mean is decided at once, near it more are asked for."""
    limit = grammar.comparison("mean < 200ms")
    assert sampling.decide(limit, Sample(30, 0, mean, 0.05), 0.95, 1000) == expected
    assert sampling.decide(limit, Sample(29, 0, mean, 0.05), 0.95, 1000) == More(1)


def test_the_mean_of_skewed_latencies_is_rarely_misjudged():
    """Lognormal latencies whose true mean is the limit: about 5 % of false verdicts of each kind, approximately."""
    generator, limit = random.Random(5), grammar.comparison("mean < 200ms")
    scale, passed, failed, runs = 0.2 / 2.718281828 ** (0.25**2 / 2), 0, 0, 400
    for _ in range(runs):
        values: list[float] = []
        step: More | Decided = More(30)
        while isinstance(step, More):
            values += [scale * generator.lognormvariate(0, 0.25) for _ in range(step.count)]
            step = sampling.decide(limit, Sample.of(values), 0.95, 500)
        passed += step.verdict == "pass"
        failed += step.verdict == "fail"
    assert passed / runs <= 0.08
    assert failed / runs <= 0.08
