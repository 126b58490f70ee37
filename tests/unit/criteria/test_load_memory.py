"""Whether containers grow while load runs: told from scatter, and from what nobody saw (C24, C48, D49)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from load_runs import BEGAN

from pytest_prodcheck.criteria.load_memory import judge
from pytest_prodcheck.observe.growth import growth
from pytest_prodcheck.observe.load import LoadRun
from pytest_prodcheck.observe.watch import Glance

MIB = 2.0**20
POD = "plan-app-5d9c7b6f4-x2x7k"


def run(seconds: float = 1800.0) -> LoadRun:
    """A soak of half an hour, whose first minute is warm-up."""
    return LoadRun("soak", began_at=BEGAN, ended_at=BEGAN + seconds, warm_up=60.0, samples=1000)


def seen(memory: Callable[[float], float], every: float = 30.0, until: float = 1800.0) -> list[Glance]:
    """What was seen of one container, whose memory is a function of the seconds of the run."""
    moments = [every * number for number in range(int(until / every) + 1)]
    return [
        Glance("cluster", BEGAN + at, facts={"pods": {POD: {"app": {"memory": memory(at)}}}}) for at in moments
    ]  # fmt: skip


def judged(glances: Sequence[Glance], promised: str = "< 10%") -> list[tuple[str, str]]:
    """Code and severity of what is found."""
    return [(one.code, one.severity) for one in judge([run()], glances, promised, "load")]


def noisy(level: float, scatter: float, per_minute: float = 0.0) -> Callable[[float], float]:
    """A line with scatter, the same each time."""
    chance = random.Random(7)
    return lambda at: (level + per_minute * at / 60 + chance.gauss(0.0, scatter)) * MIB


@pytest.mark.parametrize(
    ("memory", "found"),
    [
        (lambda _: 200 * MIB, []),
        (noisy(200, 3), []),
        (noisy(200, 3, 3.1), [("cluster.memory.growing", "error")]),
        (noisy(200, 3, -3.1), []),
        (noisy(200, 3, 0.2), []),
        (noisy(200, 60), [("sampling.insufficient", "insufficient")]),
        # fills a cache in the warm-up, and stays there
        (lambda at: (100 + min(at, 60.0) * 2) * MIB, []),
    ],
    ids=["flat", "scatter", "leak", "falls", "a little", "saw teeth", "warms up"],
)
def test_a_leak_is_told_from_scatter(memory: Callable[[float], float], found: list[tuple[str, str]]) -> None:
    """3.1 MiB a minute for half an hour are 45 % of 200 MiB."""
    assert judged(seen(memory)) == found


def test_a_leak_is_said_with_its_slope_and_bounds() -> None:
    """And with whose it is, for the next command."""
    (one,) = judge([run()], seen(noisy(200, 3, 3.1)), "< 10%", "load")
    assert one.message.startswith(f"memory of app of {POD} rose by 4")
    assert "% in 29 min (+3.1" in one.message
    assert "MiB/min; +" in one.message
    assert (one.data["pod"], one.data["container"], one.data["watched"]) == (POD, "app", "cluster")


def test_what_was_seen_too_seldom_proves_nothing() -> None:
    """Nine points, and a container that was ended in the middle: its line is that up to there."""
    assert judged(seen(lambda _: 200 * MIB, every=200.0)) == [("sampling.insufficient", "insufficient")]
    ended = seen(lambda at: (200 if at < 200 else 50) * MIB)
    assert judged(ended) == [("sampling.insufficient", "insufficient")]


@pytest.mark.parametrize(
    "glances",
    [
        [],
        [Glance("cluster", BEGAN + 90.0, problem="cluster.rbac.denied")],
        [Glance("database", BEGAN + 90.0, values={"connections": 3.0})],
        seen(lambda _: 200 * MIB, until=30.0),
    ],
    ids=["never looked", "may not look", "another target", "in the warm-up alone"],
)
def test_what_nobody_saw_is_not_proven(glances: list[Glance]) -> None:
    """Silence is no stable memory."""
    assert judged(glances) == [("load.memory.unwatched", "insufficient")]


def test_a_refusal_is_said() -> None:
    """So that the on-call engineer need not look for metrics-server first."""
    (one,) = judge([run()], [Glance("cluster", BEGAN + 90.0, problem="cluster.rbac.denied")], "< 10%", "load")
    assert "(cluster.rbac.denied)" in one.message


def test_a_figure_that_is_asked_more_often_than_taken_is_not_surer_for_it() -> None:
    """metrics.k8s.io gives the same number until it takes another one."""
    line = noisy(200, 20)
    taken = [(at, line(at)) for at in range(0, 1800, 60)]
    asked = [(at + shift, figure) for at, figure in taken for shift in (0, 10, 20, 30, 40, 50)]
    once, often = growth(taken), growth(asked)
    assert once
    assert often
    assert often.error == pytest.approx(once.error, rel=0.25)


def test_each_container_is_judged_by_itself() -> None:
    """The one that grows is named, the quiet one beside it is not."""
    leak, quiet = noisy(200, 3, 3.1), noisy(100, 1)
    glances = [
        Glance(
            "cluster", BEGAN + at, facts={"pods": {POD: {"app": {"memory": leak(at)}, "proxy": {"memory": quiet(at)}}}}
        )
        for at in range(0, 1800, 30)
    ]
    assert [(one.code, one.subject) for one in judge([run()], glances, "< 10%", "load")] == [
        ("cluster.memory.growing", "app")
    ]
