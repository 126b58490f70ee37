"""Counting samples: every quantile, count and mean is that of a plain sort (the truth)."""

from __future__ import annotations

import random
from math import ceil
from statistics import fmean, stdev

import pytest
from load_runs import Row, samples

from pytest_prodcheck.criteria import load_tally
from pytest_prodcheck.criteria.load_tally import Tally

QUANTILES = (0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


def constant(_: random.Random) -> float:
    """All the same."""
    return 0.123456


def bimodal(random_: random.Random) -> float:
    """Two hills."""
    return 0.08 if random_.random() < 0.94 else 20.0


def tail(random_: random.Random) -> float:
    """A heavy tail, to hours."""
    return min(4000.0, 0.01 / (1 - random_.random()) ** 2)


def stalls(random_: random.Random) -> float:
    """A server that freezes for two seconds now and then."""
    return 0.005 if random_.random() < 0.8 else 2 * random_.random()


def normal(random_: random.Random) -> float:
    """A bell."""
    return max(0.0, random_.gauss(0.2, 0.05))


SHAPES = [constant, bimodal, tail, stalls, normal]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 2, 19, 20, 21, 999, 5000])
def test_quantiles_are_exact(shape, n) -> None:
    """To the microsecond, for every size and shape, over several processes: nearest rank, as everywhere."""
    random_ = random.Random(n)
    values = [round(shape(random_), 6) for _ in range(n)]
    split = random_.randrange(n + 1)
    tally = Tally(samples(map(Row, values[:split]), map(Row, values[split:])))
    cells = tally.answered()
    ordered = sorted(values)
    expected = [ordered[max(1, ceil(round(q * n, 6))) - 1] for q in QUANTILES]
    assert tally.quantiles(cells, QUANTILES) == expected
    assert tally.mean(cells) == pytest.approx(fmean(values), abs=1e-9)
    if n > 1:
        assert tally.deviation(cells) == pytest.approx(stdev(values), abs=2e-4)
    for limit in (values[0], 0.08, 0.5, 1.0, 20.0):
        assert tally.over(cells, limit, inclusive=True) == sum(value >= limit for value in values)
        assert tally.over(cells, limit, inclusive=False) == sum(value > limit for value in values)


@pytest.mark.parametrize(("q", "n", "rank"), [(0.07, 100, 7), (0.55, 100, 55), (0.56, 100, 56), (0.95, 20, 19)])
def test_a_rank_is_what_is_meant(q: float, n: int, rank: int) -> None:
    """0.07 of 100 is 7.000000000000001 as doubles, and means the seventh."""
    tally = Tally(samples([Row(at / 1000) for at in range(1, n + 1)]))
    assert tally.quantiles(tally.answered(), [q]) == [rank / 1000]


def test_a_limit_at_a_value_is_not_off_by_one() -> None:
    """`< 500ms` is broken by 500 ms, `<= 500ms` is not; one microsecond decides, at the edge of a bucket too."""
    for limit in (0.5, 0.000256, 0.001024, 0.000001):
        tally = Tally(samples([Row(limit - 1e-6), Row(limit), Row(limit + 1e-6)]))
        assert tally.over(tally.answered(), limit, inclusive=True) == 2
        assert tally.over(tally.answered(), limit, inclusive=False) == 1


def test_names_and_errors_are_apart() -> None:
    """Errors have no latency, and one name's requests are not another's."""
    rows = [Row(0.1), Row(0.3, name=1), Row(0.001, error=1), Row(0.002, error=2, name=1, size=7)]
    tally = Tally(samples(rows))
    assert tally.quantiles(tally.answered(), [1.0]) == [0.3]
    assert tally.quantiles(tally.answered({0}), [1.0]) == [0.1]
    assert (tally.n, tally.number(tally.failed()), tally.number(tally.failed({1}))) == (4, 2, 1)
    assert tally.bytes(tally.answered()) == 100


def test_the_warm_up_is_left_out_by_its_starts() -> None:
    """What started in it is not judged, however late it ended; what has no start is."""
    rows = [Row(0.1, start=9.999999), Row(50.0, start=5.0), Row(0.2, start=10.0), Row(0.3, start=-1.0)]
    tally = Tally(samples(rows), 10.0)
    assert (tally.n, tally.warmed) == (2, 2)
    assert tally.quantiles(tally.answered(), [0.5, 1.0]) == [0.2, 0.3]
    assert Tally(samples(rows)).n == 4


@pytest.mark.parametrize("warm_up", [0.5, 3.0, 9.0, 100.0])
def test_chunks_of_the_warm_up_are_found(monkeypatch: pytest.MonkeyPatch, warm_up: float) -> None:
    """Many chunks, of which some are wholly past the warm-up and are not looked at row by row."""
    monkeypatch.setattr(load_tally, "CHUNK", 97)
    random_ = random.Random(1)
    rows = [Row(random_.choice([0.01, 0.5, 6.0]), start=at / 100) for at in range(1000)]
    tally = Tally(samples(rows, rows[::3]), warm_up)
    kept = [row for row in [*rows, *rows[::3]] if row.start >= warm_up]
    assert tally.n == len(kept)
    if kept:
        assert tally.mean(tally.answered()) == pytest.approx(fmean(row.response for row in kept))


def test_latency_counts_from_the_intended_start() -> None:
    """Response and lateness together: what coordinated omission would hide; beyond 4,294 s it is that."""
    tally = Tally(samples([Row(0.1, late=1.9), Row(0.1)]))
    assert tally.quantiles(tally.answered(), [0.5, 1.0]) == [0.1, 2.0]
    most = Tally(samples([Row(4000.0, late=4000.0)]))
    assert most.quantiles(most.answered(), [1.0]) == [(2**32 - 1) / 1e6]


def test_what_is_prepared_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten million samples are read twice, however many limits there are."""
    tally = Tally(samples([Row(at / 1000) for at in range(500)]))
    cells = tally.answered()
    tally.prepare([(cells, QUANTILES, [0.25, 0.3]), ([], QUANTILES, [1.0])])
    monkeypatch.setattr(tally, "_chunks", lambda: pytest.fail("read again"))
    assert tally.quantiles(cells, QUANTILES)[1] == 0.249
    assert tally.over(cells, 0.25, inclusive=True) == 250
    assert tally.over(cells, 0.3, inclusive=False) == 199


def test_no_samples_are_no_quantile() -> None:
    """Never a zero that would look fast."""
    tally = Tally(samples())
    assert (tally.n, tally.answered()) == (0, [])
    with pytest.raises(ValueError, match="no quantile"):
        tally.quantiles([], [0.5])
