"""What is drawn of a load run is what was measured."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from load_runs import BEGAN, Row, busy, run, samples

from pytest_prodcheck.criteria import load_picture
from pytest_prodcheck.observe.watch import Glance


def test_figures_names_and_errors_are_those_of_the_samples() -> None:
    """The warm-up is not in them; the time line shows it."""
    rows = [Row(0.1, start=at / 10) for at in range(100, 600)] + [Row(0.4, name=1, start=30.0)] * 3
    rows += [Row(9.0, start=1.0), Row(0.001, error=1, start=20.0)]
    found = load_picture.picture(run(warm_up=10.0), samples(rows))
    assert (found["n"], found["errors"], found["max"], found["p50"]) == (504, 1, 0.4, 0.1)
    assert [(one["name"], one["n"]) for one in found["names"]] == [("GET /a", 501), ("POST /api/graphql", 3)]
    assert found["errors_by_kind"] == [{"name": "GET /a", "kind": "status", "message": "500", "number": 1}]
    assert sum(count for _, _, count in found["distribution"]) == 503
    assert all(low < high for low, high, _ in found["distribution"])
    assert found["timeline"][1]["p50"] == 9.0
    json.dumps(found, allow_nan=False)


def test_a_run_without_requests_has_a_picture() -> None:
    """Of nothing, without a zero that would look fast."""
    found = load_picture.picture(run(samples=0, seconds=(), ending="failed", message="no"), samples())
    assert (found["n"], found["mean"], found["p95"], found["distribution"], found["names"]) == (0, None, None, [], [])


def test_a_long_run_is_bounded() -> None:
    """Hours are as many points as minutes are; what was seen of others keeps to the run."""
    seconds = tuple(one for hour in range(100) for one in run(began_at=BEGAN + 60 * hour).seconds)
    glances = [Glance("database", BEGAN + at, {"connections": at, "limit": 97}) for at in range(-100, 7000)]
    found = load_picture.picture(run(ended_at=BEGAN + 6000, seconds=seconds), samples([Row(start=5900.0)]), glances)
    assert len(found["timeline"]) <= 121
    (watched,) = found["watched"]
    assert watched["figure"] == "connections"
    assert len(watched["points"]) <= 121
    assert watched["points"][0][0] >= -1
    assert watched["points"][-1][0] <= 6001


def test_series_of_load_are_by_name() -> None:
    """Quantiles at equal distances, to the bucket; errors have none."""
    rows = [Row(at / 1000, start=30.0) for at in range(1, 1001)] + [Row(0.5, name=1, error=1)] * 9
    (found,) = load_picture.of_run(run(), samples(rows), "load")
    assert (found.key, found.n, len(found.samples)) == (("load", "browse", "GET /a (50 users)", ""), 1000, 200)
    assert found.samples[100] == pytest.approx(0.502, abs=0.001)
    assert list(found.samples) == sorted(found.samples)
    for untrusted in ({"ending": "aborted"}, {"workers_lost": ("w1",)}, {"seconds": busy()}):
        assert not list(load_picture.of_run(run(**untrusted), samples(rows), "load"))
    assert not list(
        load_picture.of_run(run(seconds=[replace(one, missing=9) for one in busy(0)]), samples(rows), "load")
    )
    harder = [run(users=500), run(model="open", rate=50.0), run(model="open", rate=500.0)]
    keys = {next(load_picture.of_run(one, samples(rows), "load")).key for one in harder}
    assert len(keys | {found.key}) == 4  # what it took under another load is no slow-down
    few = [Row(0.1), Row(0.2), Row(0.3)]
    assert next(load_picture.of_run(run(), samples(few), "load")).samples == pytest.approx((0.1, 0.2, 0.3), abs=2e-4)
