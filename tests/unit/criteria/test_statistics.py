"""Exact bounds and quantiles, against known values and, where scipy is there, against scipy."""

from __future__ import annotations

import random

import pytest

from pytest_prodcheck.criteria import statistics

COUNTS = [(0, 1), (0, 50), (1, 50), (3, 1000), (50, 50), (17, 300), (500, 1000), (999, 1000), (40, 100_000)]


@pytest.mark.parametrize(
    ("share", "confidence", "expected"),
    [(0.01, 0.95, 299), (0.05, 0.95, 59), (0.001, 0.95, 2995), (0.1, 0.95, 29), (0.5, 0.95, 5), (0.01, 0.99, 459)],
)
def test_smallest_sample_is_the_known_one(share, confidence, expected):
    """So many requests without a failure prove the share, and one fewer does not (facts §10)."""
    assert statistics.smallest_sample(share, confidence) == expected
    assert (1 - share) ** expected <= 1 - confidence + 1e-12
    assert (1 - share) ** (expected - 1) > 1 - confidence


@pytest.mark.parametrize(("failures", "n"), [(0, 299), (1, 473), (2, 628)])
def test_upper_bound_agrees_with_the_known_samples_for_one_percent(failures, n):
    """0 of 299, 1 of 473 and 2 of 628 are the first to prove less than 1 % in one look (facts §10)."""
    assert statistics.upper_bound(failures, n, 0.95) < 0.01
    assert statistics.upper_bound(failures, n - 1, 0.95) >= 0.01


def test_fifty_requests_prove_only_5_82_percent():
    """0 of 50 prove no more than 5.82 % (T10)."""
    assert statistics.upper_bound(0, 50, 0.95) == pytest.approx(0.0582, abs=5e-5)


@pytest.mark.parametrize(("k", "n"), COUNTS)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_bounds_agree_with_scipy(k, n, confidence):
    """Clopper-Pearson by bisection is the beta quantile."""
    beta = pytest.importorskip("scipy.stats", reason="scipy is not installed").beta
    upper = 1.0 if k == n else beta.ppf(confidence, k + 1, n - k)
    lower = 0.0 if k == 0 else beta.ppf(1 - confidence, k, n - k + 1)
    assert statistics.upper_bound(k, n, confidence) == pytest.approx(upper, rel=1e-7, abs=1e-12)
    assert statistics.lower_bound(k, n, confidence) == pytest.approx(lower, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), COUNTS)
@pytest.mark.parametrize("p", [0.0004, 0.01, 0.05, 0.5, 0.95])
def test_tails_agree_with_scipy(k, n, p):
    """Both tails are right on both sides of the mean, also where they are tiny and for 100,000 trials."""
    binom = pytest.importorskip("scipy.stats", reason="scipy is not installed").binom
    assert statistics.at_most(k, n, p) == pytest.approx(binom.cdf(k, n, p), rel=1e-7, abs=1e-14)
    assert statistics.at_least(k, n, p) == pytest.approx(binom.sf(k - 1, n, p), rel=1e-7, abs=1e-14)


@pytest.mark.parametrize("freedom", [29, 100, 1000])
@pytest.mark.parametrize("p", [0.6, 0.95, 0.975, 0.9995])
def test_student_t_agrees_with_scipy(p, freedom):
    """The expansion is good to a thousandth from 29 degrees of freedom on."""
    t = pytest.importorskip("scipy.stats", reason="scipy is not installed").t
    assert statistics.student_t(p, freedom) == pytest.approx(t.ppf(p, freedom), abs=1e-3)


@pytest.mark.parametrize(
    ("n", "q", "rank"), [(1, 0.95, 1), (19, 0.95, 19), (20, 0.95, 19), (21, 0.95, 20), (100, 0.99, 99), (4, 0.5, 2)]
)
def test_quantile_is_the_nearest_rank(n, q, rank):
    """The quantile is x[ceil(q n) - 1] of the sorted values: one that was measured."""
    values = list(range(1, n + 1))
    random.Random(3).shuffle(values)
    assert statistics.quantile(values, q) == rank


def test_no_values_have_no_quantile():
    """Nothing measured is an error, not zero and not NaN (fg-load-nan)."""
    with pytest.raises(ValueError, match="no values"):
        statistics.quantile([], 0.95)


@pytest.mark.parametrize(("p", "k", "tail"), [(0.0, 0, 1.0), (1.0, 5, 1.0), (1.0, 4, 0.0)])
def test_certain_trials_have_certain_tails(p, k, tail):
    """Shares of 0 and 1 do not divide by zero."""
    assert statistics.at_most(k, 5, p) == tail
