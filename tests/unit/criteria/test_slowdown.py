"""Two runs compared: ranks against scipy, and the power and false alarms of the comparison, simulated (D39)."""

from __future__ import annotations

import random

import pytest

from pytest_prodcheck.criteria import ranks, series, slowdown
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.series import MOST_SAMPLES, MOST_SERIES, Series, allowance, thinned

RUNS = 1000
SIGMA = 0.25
"""Of the logarithm of latencies, as nightly figures scatter (libraries: lognormal, 0.25)."""


def drawn(random_: random.Random, n: int, median: float = 0.100, sigma: float = SIGMA) -> tuple[float, ...]:
    """Latencies of one run, ascending."""
    return tuple(sorted(median * random_.lognormvariate(0, sigma) for _ in range(n)))


def one(samples: tuple[float, ...], subject: str = "tasks", **more: object) -> Series:
    """A series of those latencies."""
    return Series("http", subject, f"GET /{subject}", "", len(samples), tuple(sorted(samples)), **more)  # type: ignore[arg-type]


def word(then: tuple[float, ...], now: tuple[float, ...]) -> str:
    """How the comparison calls the change."""
    (change,) = slowdown.compare([one(then)], [one(now)])
    return change.word


@pytest.mark.parametrize(("n", "m", "digits"), [(5, 5, 9), (30, 30, 9), (8, 40, 9), (30, 59, 2), (200, 150, 2)])
@pytest.mark.parametrize("factor", [1.0, 1.1, 1.5, 0.7])
def test_ranks_agree_with_scipy(n: int, m: int, digits: int, factor: float) -> None:
    """With and without ties, on both sides: the normal approximation with both corrections."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    random_ = random.Random(n * m)
    first = [round(value, digits) for value in drawn(random_, n)]
    second = [round(value, digits) for value in drawn(random_, m, 0.1 * factor)]
    expected = stats.mannwhitneyu(second, first, alternative="greater", method="asymptotic").pvalue
    assert ranks.larger(first, second) == pytest.approx(expected, rel=1e-9)


def test_equal_values_prove_nothing() -> None:
    """All ties, one value, none: 1.0, and no division by zero."""
    assert ranks.larger([1.0] * 9, [1.0] * 9) == 1.0
    assert ranks.larger([], [1.0]) == ranks.larger([1.0], []) == 1.0
    assert ranks.larger([1.0], [2.0]) > 0.05


def test_the_shift_is_the_median_of_all_differences() -> None:
    """Hodges and Lehmann's, with the interval that inverts the test: it holds the truth in about 99 % of cases."""
    assert ranks.shift([1, 2, 3], [11, 12, 13], 0.0).value == 10
    assert ranks.shift([1, 2], [4, 8], 0.0).value == 4.5
    with pytest.raises(ValueError, match="no values"):
        ranks.shift([], [1.0], 1.0)
    random_, held = random.Random(7), 0
    for _ in range(400):
        first = [random_.gauss(0, 1) for _ in range(25)]
        second = [random_.gauss(0.5, 1) for _ in range(25)]
        found = ranks.shift(first, second, 2.576)
        assert found.low <= found.value <= found.high
        held += found.low <= 0.5 <= found.high
    assert held >= 390


@pytest.mark.parametrize("n", [5, 10, 30, 200])
def test_equal_distributions_raise_hardly_an_alarm(n: int) -> None:
    """At most 1 % of comparisons, measured where every effect is large enough to matter, so that ranks alone decide."""
    random_ = random.Random(n)
    alarms = 0
    for _ in range(RUNS if n < 200 else 200):
        then, now = (drawn(random_, n, 2.0, 1.5) for _ in range(2))
        alarms += word(then, now) == "slower"
    assert alarms <= RUNS * 0.01 + 3 * (RUNS * 0.01) ** 0.5


def test_many_series_together_raise_hardly_an_alarm() -> None:
    """A run of 50 endpoints raises none in 99 % of runs: the comparisons share their allowance."""
    random_, runs = random.Random(50), 0
    for _ in range(100):
        then, now = ([one(drawn(random_, 20, 2.0, 1.5), f"e{i}") for i in range(50)] for _ in range(2))
        runs += any(change.word == "slower" for change in slowdown.compare(then, now))
    assert runs <= 4


@pytest.mark.parametrize("series_", [1, 20])
def test_half_as_slow_again_is_found(series_: int) -> None:
    """+50 % at 30 samples a run in at least 90 % of cases, alone or among 20 that did not change."""
    random_, found, tries = random.Random(series_), 0, 200
    for _ in range(tries):
        then = [one(drawn(random_, 30), f"e{i}") for i in range(series_)]
        now = [one(drawn(random_, 30, 0.150 if i == 0 else 0.100), f"e{i}") for i in range(series_)]
        found += slowdown.compare(then, now)[0].word == "slower"
    assert found >= tries * 0.9


def test_a_proven_difference_that_does_not_matter_is_noise() -> None:
    """Sure, and below 20 ms or below 10 %: within noise, and never a finding."""
    random_ = random.Random(3)
    assert word(drawn(random_, 200, 0.010, 0.01), drawn(random_, 200, 0.028, 0.01)) == "within noise"
    assert word(drawn(random_, 200, 1.000, 0.01), drawn(random_, 200, 1.080, 0.01)) == "within noise"
    assert word(drawn(random_, 200, 0.100, 0.01), drawn(random_, 200, 0.125, 0.01)) == "slower"
    assert word(drawn(random_, 200, 0.125, 0.01), drawn(random_, 200, 0.100, 0.01)) == "faster"


def test_few_answers_are_not_compared() -> None:
    """Four on a side prove nothing, and that is said; another endpoint is not this one."""
    assert word((0.1,) * 4, (9.0,) * 40) == "too few"
    assert word((0.1,) * 40, (9.0,) * 4) == "too few"
    assert word((0.1,) * 5, (9.0, 9.1, 9.2, 9.3, 9.4)) == "slower"
    assert slowdown.compare([one((0.1,) * 9, "a")], [one((9.0,) * 9, "b")]) == ()
    assert slowdown.compare([], [one((0.1,) * 9)]) == ()


def test_the_finding_says_what_was_measured() -> None:
    """A warning with both medians, the shift, its band and the numbers of requests."""
    random_ = random.Random(4)
    (found,) = slowdown.findings(slowdown.compare([one(drawn(random_, 60))], [one(drawn(random_, 59, 0.2))]))
    assert (found.severity, found.code, found.subject) == ("warning", "baseline.latency.slower", "tasks")
    assert "GET /tasks is slower than in the baseline: median " in found.message
    assert "60 requests then, 59 now" in found.message
    assert "99 %: +" in found.message


def test_a_slow_night_does_not_become_the_usual_thing() -> None:
    """The third night is held against the first, not against the second; a fast one again drops that reference."""
    random_ = random.Random(5)
    first, second, third, fourth = (one(drawn(random_, 60, median)) for median in (0.1, 0.2, 0.2, 0.1))
    (kept,) = slowdown.keeping_references([second], [first], slowdown.compare([first], [second]))
    assert kept.reference == first.samples
    changes = slowdown.compare([kept], [third])
    assert [change.word for change in changes] == ["slower"]
    (again,) = slowdown.keeping_references([third], [kept], changes)
    assert again.reference == first.samples
    changes = slowdown.compare([again], [fourth])
    assert [change.word for change in changes] == ["within noise"]
    assert slowdown.keeping_references([fourth], [again], changes)[0].reference == ()


def test_series_are_of_answers_alone() -> None:
    """Errors, unexpected statuses and 429 have no latency, and what tests did through fixtures is nobody's promise."""
    good = Observation("http", "GET /a", subject="a", status=200, phases={"first_byte": 0.2, "dns": 3.0})
    others = [
        Observation("http", "GET /a", subject="a", status=500, expected=False, phases={"first_byte": 0.001}),
        Observation("http", "GET /a", subject="a", error="timeout", expected=False),
        Observation("http", "GET /a", subject="a", status=429, expected=False, phases={"first_byte": 0.001}),
        Observation("http", "GET /a", "fixture", "a", status=200, phases={"first_byte": 0.001}),
        Observation("http", "GET /a", "readiness", "a", status=200, phases={"first_byte": 0.001}),
    ]
    assert series.of([good, *others, good]) == (Series("http", "a", "GET /a", "", 2, (0.2, 0.2)),)


def test_what_a_verdict_keeps_is_bounded() -> None:
    """200 samples a series, 500 series, 20,000 samples or 40 each; their distribution stays that of all."""
    many = [i / 1000 for i in range(10_001)]
    kept = thinned(many)
    assert len(kept) == MOST_SAMPLES
    assert kept[100] == pytest.approx(5.0, abs=0.05)
    assert kept[0] > 0
    assert kept[-1] < 10
    assert thinned([0.123456, 2.0]) == (0.1235, 2.0)
    wide = series.bounded(one(tuple(many), f"e{i}") for i in range(700))
    assert len(wide) == MOST_SERIES
    assert {len(row.samples) for row in wide} == {40} == {allowance(700)}
    assert {row.n for row in wide} == {10_001}
    row = one((0.1, 0.2), reference=(0.05,))
    assert Series.load(row.as_json()) == row
