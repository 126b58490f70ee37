"""Why a system suffers under load: rules over what its other parts showed meanwhile, and where they must not speak."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_prodcheck.diagnosis.diagnose import Diagnosis, diagnose
from pytest_prodcheck.observe.finding import CheckResult, Finding
from pytest_prodcheck.observe.growth import growth
from pytest_prodcheck.observe.watch import Glance, glances

SLOW = {"p50": 0.08, "p95": 20.0, "n": 1000, "errors": 0}
MIB = 2**20
REFUSED = "FATAL:  sorry, too many clients already"


def diagnosed(*seen: Glance, code: str = "load.latency.over_limit", severity: str = "error", **data: Any) -> Diagnosis:
    """The diagnosis of a load check that is not green, with glances beside it."""
    finding = Finding("load", "load", "browse: p95 20s, promised p95 < 500ms", code, severity,  # type: ignore[arg-type]
                      subject="browse p95 < 500ms", data={**SLOW, **data})  # fmt: skip
    check = CheckResult("prodcheck.toml::load::test_load[browse]", "load", "fail", (finding,))
    return diagnose([check], [one.observation() for one in seen])


def codes(found: Diagnosis) -> list[str]:
    """The codes of the causes."""
    return [cause.code for cause in found.causes]


def database(
    at: float = 0.0, connections: int = 10, waits: list[dict[str, Any]] | None = None, problem: str = ""
) -> Glance:
    """One look at a database for 97 clients."""
    values = {"connections": connections, "limit": 97, "active": 5, "waiting": len(waits or ())}
    if problem:
        return Glance("database", at, {}, {"message": REFUSED}, problem)
    return Glance("database", at, values, {"top": [["plan-api", connections - 2], ["psql", 2]], "waits": waits or []})


def wait(seconds: float = 15.0, **changes: Any) -> dict[str, Any]:
    """A session that waits."""
    base = {"pid": 9, "seconds": seconds, "lock": "RowExclusiveLock on public.tasks", "blockers": [4711],
            "blocker": "pid 4711 (nightly-export), idle in transaction", "blocker_seconds": 41.3}  # fmt: skip
    return {**base, **changes}


def pods(at: float, memory: float, restarts: int = 0, reason: str = "OOMKilled") -> Glance:
    """One look at a pod."""
    name = "plan-app-7d9f8b6c54-x2x4z"
    killed = [{"pod": name, "container": "app", "namespace": "plan", "reason": reason}] if restarts else []
    facts = {"pods": {name: {"app": {"memory": memory}}}, "restarted": {name: restarts} if restarts else {},
             "killed": killed}  # fmt: skip
    return Glance("cluster", at, {"memory": memory, "restarts": restarts}, facts)


def leaking(step: float = 20 * MIB, **how: Any) -> list[Glance]:
    """A container whose memory rises until it is ended."""
    return [*(pods(at * 10.0, 100 * MIB + at * step) for at in range(8)), pods(90.0, 90 * MIB, 1, **how)]


def test_connections_that_ran_out_explain_errors() -> None:
    """The server refuses our own connection, too, and its slots are held by one application (R14, A50)."""
    found = diagnosed(database(0, 60), database(1, 97), database(2, problem="53300"))
    assert codes(found) == ["database.connections.exhausted"]
    assert "97 of 97 connections were in use, most of them of plan-api (95)" in " ".join(found.causes[0].evidence)
    assert found.causes[0].explains == ("prodcheck.toml::load::test_load[browse]",)


def test_our_own_limit_is_nobodys_cause() -> None:
    """53300 of a role that may connect twice is our reader's, and the application's slots are free."""
    facts = {"message": 'FATAL:  too many connections for role "reader"'}
    assert codes(diagnosed(database(0, 12), Glance("database", 1.0, facts=facts, problem="53300"))) == [
        "load.latency.over_limit"
    ]


def test_a_pool_that_times_out_is_told_from_a_full_server() -> None:
    """R14: P2024 with backends at the limit is the server's, with room the pool's."""
    text = "GET /a assertion (Timed out fetching a new connection from the connection pool P2024)"
    assert codes(diagnosed(database(0, 96), text=text)) == ["database.connections.exhausted"]
    assert codes(diagnosed(database(0, 12), text=text)) == ["database.pool.exhausted"]


@pytest.mark.parametrize("words", ["P2024", "PoolTimeout", "QueuePool limit", "couldn't get a connection after",
                                   "Timed out fetching a new connection"])  # fmt: skip
def test_what_an_answer_names_is_read(words: str) -> None:
    """The reason that a 5xx states, beside its status, as the engine keeps it (R14)."""
    kinds = [{"name": "GET /a", "kind": "status", "message": f"500 {words}", "number": 30}]
    assert codes(diagnosed(database(0, 12), kinds=kinds)) == ["database.pool.exhausted"]
    plain = [{"name": "GET /a", "kind": "status", "message": "500", "number": 30}]
    assert codes(diagnosed(database(0, 12), kinds=plain)) == ["load.latency.over_limit"]


def test_a_full_server_alone_is_no_cause() -> None:
    """A pool that is as large as the server is full on every day; nobody was refused."""
    assert codes(diagnosed(database(0, 97))) == ["load.latency.over_limit"]


def test_lock_waits_explain_a_part_that_is_slow() -> None:
    """p95 high, p50 low, and sessions wait about as long: who holds it, by pid and age (R15)."""
    found = diagnosed(database(0), database(1, waits=[wait()]))
    assert codes(found) == ["database.lock.contention"]
    assert found.causes[0].message == "requests wait for a lock on public.tasks"
    assert "held by pid 4711 (nightly-export), idle in transaction (its transaction is 41.3s old)" in str(
        found.causes[0]
    )


@pytest.mark.parametrize(
    ("data", "waits"),
    [
        ({"p50": 15.0}, [wait()]),
        ({}, [wait(0.2)]),
        ({}, [wait(blockers=[])]),
        ({}, []),
        ({"p50": None, "p95": None}, [wait()]),
    ],
    ids=["all are slow", "waits are short", "nobody holds it", "nobody waits", "nothing was answered"],
)
def test_not_every_wait_is_the_cause(data: dict[str, Any], waits: list[dict[str, Any]]) -> None:
    """Each of the signs of R15 is needed."""
    assert codes(diagnosed(database(0, waits=waits), **data)) == ["load.latency.over_limit"]


def test_memory_that_rose_until_it_was_ended() -> None:
    """OOMKilled, restarts during load, and a slope above its scatter (R16)."""
    found = diagnosed(*leaking())
    assert codes(found) == ["cluster.container.oom_killed"]
    assert "it rose by 120 MiB/min" in str(found.causes[0])
    assert "plan-app-7d9f8b6c54-x2x4z" in found.causes[0].message


@pytest.mark.parametrize(
    ("container", "causes"),
    [
        ("app", ["cluster.memory.growing"]),
        ("proxy", ["cluster.memory.growing", "cluster.container.oom_killed"]),
    ],
)
def test_a_leak_is_why_its_container_was_ended(container: str, causes: list[str]) -> None:
    """One cause where what grew is what was ended, two where it is another container (R16, C24)."""
    where = {"pod": "plan-app-7d9f8b6c54-x2x4z", "container": container}
    leak = Finding("memory", "load", f"memory of {container} rose by 80 %", "cluster.memory.growing", data=where)
    slow = Finding("load", "load", "browse: p95 20s", "load.latency.over_limit", data=SLOW)
    checks = [CheckResult(f"prodcheck.toml::load::{name}", "load", "fail", (finding,))
              for name, finding in (("test_load[browse]", slow), ("test_memory", leak))]  # fmt: skip
    assert codes(diagnose(checks, [one.observation() for one in leaking()])) == causes


def test_a_restart_is_not_always_memory() -> None:
    """Ended for another reason, without a rise, before the load, or seen too seldom."""
    assert codes(diagnosed(*leaking(reason="Error"))) == ["load.latency.over_limit"]
    assert codes(diagnosed(*leaking(step=0))) == ["load.latency.over_limit"]
    assert codes(diagnosed(*leaking(step=-5 * MIB))) == ["load.latency.over_limit"]
    assert codes(diagnosed(*leaking()[-3:])) == ["load.latency.over_limit"]
    assert codes(diagnosed(*leaking()[:-1])) == ["load.latency.over_limit"]


def test_a_saturated_generator_blames_nobody() -> None:
    """We were the bottleneck, whatever a database showed meanwhile."""
    found = diagnosed(database(0, waits=[wait()]), code="load.generator.saturated", severity="insufficient")
    assert codes(found) == ["load.generator.saturated"]


def test_a_slope_has_an_error() -> None:
    """A line has none, scatter has one, and fewer than three points have no slope."""
    line = growth([(at * 60.0, at * 5.0) for at in range(5)])
    assert line is not None
    assert line[:2] == pytest.approx((5.0, 0.0))
    assert line.certain
    scatter = growth([(at * 60.0, (-1) ** at * 50.0 + at) for at in range(6)])
    assert scatter is not None
    assert not scatter.certain
    assert growth([(0.0, 1.0), (1.0, 2.0)]) is None
    assert growth([(1.0, 1.0)] * 5) is None


def test_glances_are_observations() -> None:
    """They travel as any other, and come back in order of time."""
    later, first = database(2.0, problem="53300"), database(1.0, 7)
    assert glances([later.observation(), first.observation()]) == (first, later)


def _run(scenario: str, code: str, **data: Any) -> Finding:
    """What a run itself came to."""
    return Finding("load", "load", f"{scenario}: {code}", code, "error", subject=scenario,
                   data={"scenario": scenario, "text": f"{scenario}: {code}", **data})  # fmt: skip


def test_a_run_that_never_began_is_one_cause() -> None:
    """That nothing was sent, of the scenario and of all together, is its symptom; of another scenario it is not."""
    absent, empty = "load.generator.not_installed", "load.run.empty"
    one = CheckResult("load::test_load[browse]", "load", "fail", (_run("browse", absent), _run("browse", empty)))
    whole = CheckResult("load::test_load", "load", "fail", (_run("", empty),))
    found = diagnose([one, whole], [])
    assert codes(found) == [absent]
    assert len(found.causes[0].explains) == 2
    assert found.causes[0].next == "pip install 'pytest-prodcheck[load]'"
    other = CheckResult("load::test_load[night]", "load", "fail", (_run("night", empty),))
    assert codes(diagnose([one, whole, other], [])) == [absent, empty]


def test_a_shipped_scenario_has_no_file_for_locust() -> None:
    """The next command is one that can be typed."""
    (check,) = [CheckResult("load::test_load[browse]", "load", "fail", (_run("browse", "load.run.empty", file=""),))]
    assert diagnose([check], []).causes[0].next == "pytest --prodcheck=ENV -m load"
