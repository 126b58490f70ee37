"""Load runs judged: no false green, no blame for what was ours."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from load_runs import ERRORS, Row, busy, run, samples

from pytest_prodcheck.criteria import load
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.load import ErrorClass, LoadRun, Samples

P95 = ("p95 < 500ms",)
ONE_PERCENT = ("errors < 1%",)


def rows(n: int, response: float = 0.05, **more: object) -> list[Row]:
    """Some requests that are alike."""
    return [Row(response, **more) for _ in range(n)]  # type: ignore[arg-type]


def judged(
    found: Samples, *limits: str, of: LoadRun | None = None, names: dict[str, tuple[str, ...]] | None = None
) -> list[Finding]:
    """The findings of one scenario."""
    return load.judge(of or run(), found, limits, names or {}, "load")


def replace_name(row: Row) -> Row:
    """The request, by another name."""
    return row._replace(name=1)


def word(findings: list[Finding]) -> list[tuple[str, str]]:
    """Severity and code of each."""
    return [(one.severity, one.code) for one in findings]


# --- what must not be green ------------------------------------------------------------------------------------------


def test_zero_requests_are_red() -> None:
    """fg-load-zero-requests: 0/0 is no error rate."""
    (found,) = judged(samples(), *P95, *ONE_PERCENT, of=run(samples=0, sent=0))
    assert (found.severity, found.message) == ("error", "browse: empty load run: 0 requests")


def test_an_empty_window_after_the_warm_up_is_red() -> None:
    """Everything was sent in the warm-up: nothing is judged, and that is said."""
    (found,) = judged(samples(rows(500, start=2.0)), *P95, of=run(warm_up=10.0))
    assert found.severity == "error"
    assert "0 requests after the warm-up of 10s, 500 in it" in found.message


def test_few_samples_are_insufficient() -> None:
    """fg-load-few-samples (C41, C47, T10): 0 errors in 50 requests, and 299 would be needed."""
    (found,) = judged(samples(rows(50)), *ONE_PERCENT)
    assert found.severity == "insufficient"
    assert "0 of 50 proves only < 5.8 %; 299 requests are needed for < 1 % (95 %)" in found.message
    assert judged(samples(rows(299)), *ONE_PERCENT) == []
    assert word(judged(samples(rows(298)), *ONE_PERCENT)) == [("insufficient", "sampling.insufficient")]


def test_nothing_answered_is_red() -> None:
    """fg-load-nan: all time out, and NaN > 500 is False."""
    found = judged(samples(rows(400, 10.0, error=3)), *P95, "mean < 1s", "max < 20s")
    assert [one.severity for one in found][:3] == ["error"] * 3
    assert "100 % timeouts; no latency to judge" in found[0].message
    assert not any("nan" in one.message.lower() for one in found)


def test_errors_are_not_fast_answers() -> None:
    """fg-load-errors-fast: 30 % 503 within 2 ms break a p95 that the answers keep."""
    found = judged(samples([*rows(700), *rows(300, 0.002, error=2)]), *P95)
    assert [one.severity for one in found] == ["error", "error"]
    assert (
        "30 % errors among 1000 requests; errors are not counted as fast answers (100 % are GET /a 503)"
        in found[0].message
    )
    assert found[0].code == "load.errors.over_limit"
    slow = judged(samples([*rows(900), *rows(60, 0.6), *rows(40, error=2)]), *P95)
    assert slow[0].code == "load.latency.over_limit"
    assert "60 of 1000 over 500ms, 40 errors, which are not counted as fast answers" in slow[0].message
    assert found[1].criterion == "no_server_errors"


def test_errors_are_no_throughput() -> None:
    """A server that fails at once has a high rate of nothing."""
    found = samples([*rows(600), *rows(60_000, 0.001, error=2)])
    assert word(judged(found, "throughput > 100/s", "errors < 99.9%"))[0] == ("error", "load.throughput.under_limit")
    assert judged(samples(rows(6600)), "throughput > 100/s") == []


def test_errors_that_nothing_promises_are_told() -> None:
    """A 5xx without a limit is red, other errors warn; within a promised share a 5xx warns."""
    five = samples([*rows(5000), *rows(5, error=1)])
    assert word(judged(five)) == [("error", "load.errors.seen")]
    assert word(judged(five, *ONE_PERCENT)) == [("warning", "load.errors.seen")]
    late = samples([*rows(5000), *rows(5, error=3)])
    assert word(judged(late)) == [("warning", "load.errors.seen")]
    assert word(judged(late, *ONE_PERCENT)) == []


def test_a_name_that_no_request_had_is_red() -> None:
    """Its limit could not have been broken: a typing error in the configuration, or in the scenario."""
    (found,) = judged(samples(rows(400)), names={"GET /aa": P95})
    assert (found.severity, found.code) == ("error", "load.name.unseen")
    assert "no request named GET /aa was judged; did you mean GET /a?" in found.message
    assert judged(samples(rows(400)), names={"GET /a": P95}) == []
    assert word(judged(samples([*rows(400), Row(name=1, start=1.0)]), names={"POST /api/graphql": P95},
                       of=run(warm_up=10.0)))[0] == ("error", "load.name.unseen")  # fmt: skip


def test_a_limit_of_a_name_is_over_its_own_requests() -> None:
    """A slow name does not hide among quick ones."""
    found = samples([*rows(9700), *rows(300, 3.0, name=1)])
    assert judged(found, *P95) == []
    (slow,) = judged(found, *P95, names={"POST /api/graphql": P95, "GET /a": P95})
    assert (slow.severity, slow.subject) == ("error", "browse POST /api/graphql p95 < 500ms")


# --- three-valued verdicts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slow", "severity"),
    [(0, None), (38, None), (45, "insufficient"), (60, "insufficient"), (63, "error"), (1000, "error")],
)
def test_a_quantile_is_proven_refuted_or_neither(slow: int, severity: str | None) -> None:
    """Of 1,000 requests, 5 % are 50: exact binomial tails at 95 % on both sides."""
    found = judged(samples([*rows(1000 - slow), *rows(slow, 0.5)]), *P95)
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_false_verdicts_are_as_rare_as_promised() -> None:
    """A service exactly at its limit: at most 5 % of runs pass, and at most 5 % fail."""
    random_ = random.Random(2)
    words = []
    for _ in range(400):
        slow = sum(random_.random() < 0.05 for _ in range(600))
        found = judged(samples([*rows(600 - slow), *rows(slow, 0.6)]), *P95)
        words.append(found[0].severity if found else "pass")
    assert words.count("pass") <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05)
    assert words.count("error") <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05)


@pytest.mark.parametrize(
    "limit", ["p50 < 40ms", "p90 < 40ms", "p99 < 40ms", "mean < 40ms", "max < 49ms", "bytes < 90B"]
)
def test_every_kind_of_limit_can_fail(limit: str) -> None:
    """And is kept where it holds."""
    assert word(judged(samples(rows(2000)), limit))[0][0] == "error"
    assert judged(samples(rows(2000, 0.01, size=10)), limit) == []


def test_mean_and_p95_stand_together() -> None:
    """A mean of a heavy tail says little by itself (T9, C46)."""
    random_ = random.Random(1)
    found = samples([Row(min(60.0, 0.2 / (1 - random_.random()))) for _ in range(1000)])
    for limit in ("mean < 200ms", "p95 < 500ms"):
        (one,) = judged(found, limit)
        assert "mean " in one.message
        assert ", p95 " in one.message
        assert {"mean", "p95"} <= one.data.keys()


def test_the_maximum_is_not_proven_by_what_was_not_seen() -> None:
    """An error, or an arrival that never started, might have taken longer."""
    assert judged(samples(rows(10)), "max < 1s") == []
    assert word(judged(samples([*rows(10), Row(error=3)]), "max < 1s"))[0] == ("insufficient", "sampling.insufficient")
    assert word(judged(samples(rows(10)), "max < 1s", of=run(unfinished=1)))[0][0] == "insufficient"


def test_two_populations_are_named() -> None:
    """p95 20 s while p50 80 ms is a wait, not slow code (C3); a heavy tail is one population."""
    random_ = random.Random(3)
    two = [Row(0.08 * random_.lognormvariate(0, 0.2)) for _ in range(900)]
    two += [Row(20 * random_.lognormvariate(0, 0.2)) for _ in range(100)]
    (found,) = judged(samples(two), *P95)
    assert "two populations (10 % at about" in found.message
    assert "GET /a: p95 2" in found.message
    assert "while p50 8" in found.message
    (mixed,) = judged(samples([*two[:900], *(replace_name(row) for row in two[900:])]), *P95)
    assert "two populations" not in mixed.message, "two endpoints may well take differently long"
    for sigma in (0.3, 1.0, 2.0):
        one = [Row(min(4000.0, 0.6 * random_.lognormvariate(0, sigma))) for _ in range(3000)]
        assert "two populations" not in judged(samples(one), "p95 < 100ms")[0].message


def test_errors_are_split() -> None:
    """What most of them are, with the bounds of the rate (A48, C4)."""
    found = [*rows(968), *rows(29, error=1, name=1), *rows(3, error=3)]
    (one, _) = judged(samples(found), *ONE_PERCENT)
    assert "3.2 % errors (32 of 1000; 2.3 % to 4.3 %): 90.6 % are POST /api/graphql 500" in one.message
    assert one.data["kinds"][0] == {"name": "POST /api/graphql", "kind": "status", "message": "500", "number": 29}
    hidden = samples([*rows(900), *rows(100, error=1)], errors=[ErrorClass(""), ErrorClass("assertion", "P2024: pool")])
    assert "100 % are GET /a assertion (P2024: pool)" in judged(hidden, *ONE_PERCENT)[0].message


# --- whose fault it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"cpu": 0.99}, {"lag": 0.5}, {"descriptors": 1000, "most_descriptors": 1024}])
def test_a_saturated_generator_is_insufficient_never_red(how: dict[str, float]) -> None:
    """We were the bottleneck: by CPU, by its event loop, by descriptors."""
    found = judged(samples(rows(1000, 2.0)), *P95, "mean < 1s", "throughput > 1000/s", "max < 1s",
                   of=run(seconds=busy(0.5, **how)))  # fmt: skip
    assert {one.severity for one in found} == {"insufficient"}
    assert "we were the bottleneck" in found[0].message
    timeouts = judged(samples(rows(1000, error=3)), *P95, *ONE_PERCENT, of=run(seconds=busy(0.5, **how)))
    assert "error" not in {one.severity for one in timeouts}


def test_a_pause_is_no_saturation() -> None:
    """One busy second of sixty, one late one, or all of the warm-up."""
    assert word(judged(samples(rows(1000)), *P95, of=run(seconds=busy(1 / 60)))) == []
    assert word(judged(samples(rows(1000)), *P95, of=run(seconds=busy(0.1), warm_up=10.0))) == []
    assert len(judged(samples(rows(1000)), *P95, of=run(seconds=busy(0.2), warm_up=5.0))) == 1


def test_who_was_late_for_seven_seconds_was_so_for_seven_seconds() -> None:
    """An event loop that a scenario blocks is seen once, when it is free again; a second of it is a pause."""
    once = tuple(replace(one, cpu=0.2, lag=7.0 if at == 30 else 0.0) for at, one in enumerate(busy(0)))
    found = judged(samples(rows(1000, 2.0)), *P95, of=run(seconds=once))
    assert {one.code for one in found} == {"load.generator.saturated"}
    assert "the event loop was up to 7s late in 1 of 59 s" in found[0].message


def test_one_busy_worker_of_four_is_enough() -> None:
    """Its requests are as distorted, however idle the others are."""
    seconds = tuple(replace(one, process=f"w{n}") for n, share in enumerate((0, 0, 1, 0)) for one in busy(share))
    (found,) = judged(samples(rows(1000)), *P95, of=run(seconds=seconds, workers=4))
    assert (found.code, found.severity) == ("load.generator.saturated", "insufficient")
    assert "(w2)" in found.message


def test_what_the_server_answered_is_its_own() -> None:
    """However busy the generator is, 30 % answers 500 are the server's."""
    found = judged(samples([*rows(700), *rows(300, error=1)]), *ONE_PERCENT, of=run(seconds=busy()))
    assert ("error", "load.errors.over_limit") in word(found)


def test_a_generator_that_nobody_saw_warns() -> None:
    """Its figures may be its own."""
    assert word(judged(samples(rows(1000)), *P95, of=run(seconds=()))) == [("warning", "load.generator.unwatched")]


def test_arrivals_that_never_started_are_not_left_out() -> None:
    """Open model: 500 of 1,000 sent and quick prove nothing of the others; without them it would be green."""
    half = run(model="open", rate=100.0, planned=1000, sent=500, unstarted=500, users=0)
    (found,) = judged(samples(rows(500)), *P95, of=half)
    assert found.severity == "insufficient"
    assert "of 500 more nobody knows" in found.message
    assert "open model, up to 100 arrivals/s" in found.message
    assert judged(samples(rows(500)), *P95, of=replace(half, planned=500, unstarted=0)) == []


@pytest.mark.parametrize("limits", [(), ("throughput > 1/s",), ("mean < 1s",), ("max < 1s",), ONE_PERCENT, P95])
def test_no_promise_is_green_where_half_of_the_arrivals_never_started(limits: tuple[str, ...]) -> None:
    """Also where no limit counts them: what was to be sent was not."""
    half = run(model="open", rate=100.0, planned=1000, sent=500, unstarted=500, users=0)
    (found,) = judged(samples(rows(500)), *limits, of=half)
    assert (found.severity, found.code) == ("insufficient", "sampling.insufficient")
    assert "of 500 " in found.message


def test_users_that_ended_are_missed() -> None:
    """Where they are missing for a tenth of the judged seconds; one second at the end of a ramp is none."""
    gone = tuple(replace(one, missing=49) for one in busy(0))
    (found,) = judged(samples(rows(1000)), *P95, of=run(seconds=gone))
    assert (found.severity, found.code) == ("insufficient", "load.users.lost")
    assert "49 of 50 users ended before the run did" in found.message
    assert judged(samples(rows(1000)), *P95, of=run(seconds=(gone[0], *busy(0)[1:]))) == []


def test_samples_that_were_lost_are_not_left_out() -> None:
    """The generator saw 5,000 requests end and wrote 1,000: a disk was full, and the rest may have been anything."""
    counted = tuple(replace(one, requests=100) for one in busy(0)[:50])
    (found,) = judged(samples(rows(1000)), *P95, of=run(seconds=counted))
    assert found.severity == "insufficient"
    assert "of 4000 more nobody knows" in found.message
    assert judged(samples(rows(5000)), *P95, of=run(seconds=counted, samples=5000)) == []


def test_throughput_is_over_the_planned_time() -> None:
    """Not over what the last answers were waited for, nor over the warm-up."""
    late = run(ended_at=run().began_at + 600, warm_up=10.0)
    assert judged(samples(rows(5000)), "throughput > 99/s", of=late) == []
    assert word(judged(samples(rows(5000)), "throughput > 101/s", of=late)) == [
        ("error", "load.throughput.under_limit")
    ]


@pytest.mark.parametrize(
    ("ending", "severity", "code"),
    [("aborted", "error", "load.run.aborted"), ("breaker", "error", "load.run.breaker"), ("failed", "error", "load.x"),
     ("interrupted", "blocked", "load.run.interrupted")],
)  # fmt: skip
def test_a_run_that_did_not_end_is_not_green(ending: str, severity: str, code: str) -> None:
    """However good what was seen of it is; with its own cause and words."""
    cut = run(ending=ending, message="browse: p95 11s passed p95 < 10s", code="load.x" if ending == "failed" else "")
    (found,) = judged(samples(rows(2000)), *P95, of=cut)
    assert (found.severity, found.code, found.message) == (severity, code, "browse: p95 11s passed p95 < 10s")


def test_lost_workers_and_refused_requests_are_told() -> None:
    """Less was sent than promised; what the guard refused is the scenario's mistake."""
    lost = run(workers=4, workers_lost=("w3",))
    assert word(judged(samples(rows(1000)), *P95, of=lost)) == [("insufficient", "load.worker.lost")]
    refused = run(refused=("POST https://other.example/x",))
    assert word(judged(samples(rows(1000)), *P95, of=refused)) == [("error", "load.request.refused")]


# --- all scenarios together -------------------------------------------------------------------------------------------


def test_overall_is_over_all_requests() -> None:
    """Two scenarios, their names and ids apart; moments are those of all requests."""
    one, other = run(), run(scenario="buy", model="open", rate=5.0)
    quick, slow = samples(rows(5000)), samples(rows(400, 2.0), names=("POST /api/graphql",), errors=ERRORS)
    assert load.overall([one, other], [quick, slow], ["p90 < 500ms", "errors < 1%", "mean < 300ms"], {}, "load") == []
    (found,) = load.overall([one, other], [quick, slow], ["p95 < 500ms"], {"GET /a": P95}, "load")
    assert found.severity == "error"
    assert "closed model, up to 50 users" in found.message
    assert "open model" in found.message
    (name,) = load.overall([one, other], [quick, slow], [], {"POST /api/graphql": P95}, "load")
    assert (name.severity, name.subject) == ("error", "POST /api/graphql p95 < 500ms")


def test_overall_of_what_did_not_end_is_not_proven() -> None:
    """One scenario of two, or the only one, was stopped: the limit is not kept by what is left."""
    cut = run(scenario="buy", ending="aborted")
    (found,) = load.overall([run(), cut], [samples(rows(2000)), samples(rows(100))], P95, {}, "load")
    assert (found.severity, "buy did not run to the end" in found.message) == ("insufficient", True)
    assert word(load.overall([cut], [samples(rows(2000))], P95, {}, "load")) == [
        ("insufficient", "sampling.insufficient")
    ]
    assert word(load.overall([run(), cut], [samples(), samples()], P95, {}, "load")) == [("error", "load.run.empty")]
    (none,) = load.overall([run(), run(scenario="buy")], [samples(rows(2000)), samples()], P95, {}, "load")
    assert none.severity == "insufficient"


def test_a_text_that_is_no_limit_is_refused() -> None:
    """Never skipped."""
    with pytest.raises(ValueError, match="not a limit of load"):
        judged(samples(rows(10)), "p95 about 500ms")
