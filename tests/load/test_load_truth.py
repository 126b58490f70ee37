"""What is reported is what happened: quantiles, error rates and arrivals against a server that knows."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from load_lab import BROWSE, Known, Lab, latencies, quantile

from pytest_prodcheck.criteria import load
from pytest_prodcheck.load.order import Stage

CHANCE = random.Random(4)
DISTRIBUTIONS = {
    "constant": [0.05],
    "uniform": [CHANCE.uniform(0.02, 0.12) for _ in range(400)],
    "bimodal": [0.02 if CHANCE.random() < 0.8 else 0.3 for _ in range(400)],
    "heavy_tail": [min(0.8, 0.02 * CHANCE.paretovariate(1.2)) for _ in range(400)],
    "lognormal": [min(0.8, CHANCE.lognormvariate(-3.2, 0.6)) for _ in range(400)],
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_are_those_of_the_server(name: str, serve: Callable[..., Known], lab: Lab) -> None:
    """p50, p95 and p99 are those that the server saw, and the error rate is exact (C3, C4, C46, C47, T9)."""
    server = serve(delays=DISTRIBUTIONS[name], statuses=[200] * 19 + [503])
    run = lab.run(lab.order(BROWSE, server.url, model="open", rate=150, duration=2.5, stages=(Stage(2.5, 150, True),)))
    found = lab.samples(run)
    seen = server.seen()
    truth = [took for _, took, status, _ in seen if status == 200]
    # what a busy machine adds: the generator is late to send and to read, the server to be woken
    delays = DISTRIBUTIONS[name]
    woken = max(took - delays[number % len(delays)] for number, took in server.taken())
    noise = 2 * max((second.lag for second in run.seconds), default=0.0) + woken + 0.001
    assert run.ending == "finished"
    assert len(found) == len(seen) == run.planned == run.sent
    assert sum(error != 0 for part in found.parts for error in part.error) == sum(row[2] == 503 for row in seen)
    for share in (0.5, 0.95, 0.99):
        was, is_ = quantile(truth, share), quantile(latencies(found), share)
        assert was - 0.001 <= is_ <= was + max(0.01 * was, 0.001) + noise, (name, share)


def test_a_stall_is_seen_as_users_see_it(serve: Callable[..., Known], lab: Lab) -> None:
    """100 arrivals a second for 10 s, frozen for 2 s: p50 5, p95 1500, p99 1900 ms, all 1,000 sent (A48, C3)."""
    server = serve(delays=[0.005], freeze=[4.0, 6.0])
    run = lab.run(
        lab.order(
            BROWSE, server.url, model="open", rate=100, duration=10.0, stages=(Stage(10.0, 100, True),), grace=5.0
        )
    )
    times = latencies(lab.samples(run))
    noise = max((second.lag for second in run.seconds), default=0.0)
    assert (run.planned, run.sent, len(times), run.unfinished) == (1000, 1000, 1000, 0)
    assert run.model == "open"
    assert 0.005 <= quantile(times, 0.5) <= 0.010 + noise
    assert quantile(times, 0.95) == pytest.approx(1.5, abs=0.03 + noise)
    assert quantile(times, 0.99) == pytest.approx(1.9, abs=0.03 + noise)


def test_pacing_counts_from_when_an_iteration_was_due(serve: Callable[..., Known], lab: Lab) -> None:
    """A closed model with pacing sees a stall in the requests that it delayed, too."""
    server = serve(delays=[0.002], freeze=[1.0, 2.0])
    run = lab.run(lab.order(BROWSE, server.url, users=1, pacing=0.1, duration=4.0))
    found = lab.samples(run)
    late = [value / 1e6 for part in found.parts for value in part.late]
    slow = [value for value in latencies(found) if value > 0.2]
    assert run.model == "closed"
    assert run.pacing == 0.1
    assert max(late) > 0.7
    assert len(slow) >= 6


def test_arrivals_follow_their_stages(serve: Callable[..., Known], lab: Lab) -> None:
    """A ramp, a step and a spike start as many arrivals, and when, as they say."""
    server = serve()
    stages = (Stage(1.0, 100), Stage(1.0, 20, True), Stage(0.5, 200, True))
    run = lab.run(lab.order(BROWSE, server.url, model="open", rate=200, duration=2.5, stages=stages))
    arrived = [at for at, *_ in server.seen()]
    assert run.planned == run.sent == len(arrived) == 50 + 20 + 100
    assert sum(at < 0.5 for at in arrived) < sum(0.5 <= at < 1.0 for at in arrived)


def test_users_follow_their_stages(serve: Callable[..., Known], lab: Lab) -> None:
    """The closed model ramps users up, in steps of a second."""
    server = serve(delays=[0.01])
    stages = (Stage(2.0, 2, True), Stage(2.0, 6, True))
    run = lab.run(lab.order(BROWSE, server.url, users=6, duration=4.0, stages=stages))
    assert run.ending == "finished"
    assert {second.users for second in run.seconds} >= {2, 6}


WAITS_LONG = BROWSE.replace("    wait_time", "    network_timeout = 60\n    wait_time")


@pytest.mark.parametrize("model", ["open", "closed"])
def test_what_never_ended_is_not_left_out(model: str, serve: Callable[..., Known], lab: Lab) -> None:
    """One of ten answers never comes, and the scenario itself waits longer than the run: without those that were cut
    off at its end, the others alone would keep every promise."""
    server = serve(delays=[0.005] * 9 + [60.0])
    shape = {"model": "open", "stages": (Stage(3.0, 60.0, step=True),)} if model == "open" else {"users": 12}
    run = lab.run(lab.order(WAITS_LONG, server.url, duration=3.0, grace=1.0, **shape))
    assert run.ending == "finished", run.message
    assert run.unfinished == (18 if model == "open" else 12)
    found = load.judge(run, lab.samples(run), ("p95 < 500ms", "errors < 5%", "mean < 500ms"), {}, "load")
    assert {one.severity for one in found} == {"insufficient"}
    assert len(found) == 3
    unlimited = load.judge(run, lab.samples(run), (), {}, "load")
    assert [one.code for one in unlimited] == ["sampling.insufficient"]


def test_a_run_whose_requests_all_end_has_none_unfinished(serve: Callable[..., Known], lab: Lab) -> None:
    """Users who wait between two tasks when the time is over had nothing under way."""
    run = lab.run(lab.order(BROWSE, serve(delays=[0.005]).url, users=5, duration=1.0))
    assert (run.ending, run.unfinished) == ("finished", 0)


def test_a_server_error_is_no_success(serve: Callable[..., Known], lab: Lab) -> None:
    """Whatever the scenario makes of it; a declared status is another thing."""
    text = BROWSE.replace(
        'self.client.get("/")', 'with self.client.get("/", catch_response=True) as answer: answer.success()'
    )
    server = serve(delays=[0.005], statuses=[200, 500])
    run = lab.run(lab.order(text, server.url, duration=2.5))
    (kind,) = {(one.kind, one.message) for one in lab.samples(run).errors[1:]}
    assert kind == ("status", "500, which the scenario calls a success")
    found = load.judge(run, lab.samples(run), (), {}, "load")
    assert [(one.code, one.severity) for one in found] == [("load.errors.seen", "error")]


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser"])
def test_no_answer_is_no_success(base: str, lab: Lab) -> None:
    """Nobody listens there, and every refused connection is called a quick success."""
    text = BROWSE.replace("FastHttpUser", base).replace(
        'self.client.get("/")', 'with self.client.get("/", catch_response=True) as answer: answer.success()'
    )
    run = lab.run(lab.order(text, "http://127.0.0.1:9", duration=1.0))
    (kind,) = lab.samples(run).errors[1:]
    assert kind.kind == "tcp.refused"
    assert not latencies(lab.samples(run))


@pytest.mark.parametrize("ends", ["on_start", "task"])
def test_users_that_end_before_the_run_are_missed(ends: str, serve: Callable[..., Known], lab: Lab) -> None:
    """Nine of ten stop: what one user sees proves nothing of ten."""
    text = "from locust.exception import StopUser\nbegun = []\n" + BROWSE
    if ends == "on_start":
        text += (
            "\n    def on_start(self):\n        begun.append(self)\n"
            "        if len(begun) > 1:\n            raise StopUser\n"
        )
    else:
        text += "        begun.append(self)\n        if begun[0] is not self:\n            raise StopUser\n"
    run = lab.run(lab.order(text, serve(delays=[0.005]).url, users=10, duration=3.0))
    found = load.judge(run, lab.samples(run), ("p95 < 500ms",), {}, "load")
    assert [(one.code, one.severity) for one in found] == [("load.users.lost", "insufficient")]
    assert "9 of 10 users ended before the run did" in found[0].message


def test_a_clock_that_is_set_back_hides_nothing(serve: Callable[..., Known], lab: Lab) -> None:
    """Seconds of the generator stay within the run: else whoever sets the clock back would hide that it was busy."""
    text = (
        "import time\nfrom pytest_prodcheck.load.child import figures\nbegin, now = time.monotonic(), time.time\n"
        "import gc\n(own,) = [one for one in gc.get_objects() if type(one) is figures.Figures]\n"
        "own._wall = lambda: now() - 3600 * (time.monotonic() > begin + 2)\n" + BROWSE
    )
    run = lab.run(lab.order(text, serve(delays=[0.005]).url, duration=4.0))
    assert any("the clock of local jumped by -3" in note for note in run.notes), run.notes
    assert len(run.seconds) >= 3
    assert all(run.began_at < one.at <= run.ended_at for one in run.seconds)


def test_a_row_is_in_all_columns_or_in_none(serve: Callable[..., Known], lab: Lab) -> None:
    """What a scenario fires itself may be of any type; it moves no other request's error to another row."""
    text = BROWSE + (
        "        class Odd:\n            status_code = 'OK'\n"
        "        self.environment.events.request.fire(request_type='X', name='x', response_time=1, response_length=0,\n"
        "                                             response=Odd(), exception=None, context={})\n"
    )
    run = lab.run(lab.order(text, serve(delays=[0.005], statuses=[200, 500]).url, duration=1.0))
    found = lab.samples(run)
    assert run.ending == "finished", run.message
    for part in found.parts:
        assert {len(column) for column in (part.start, part.status, part.error)} == {len(part)}
        assert all((error != 0) == (status == 500) for error, status in zip(part.error, part.status, strict=True))
