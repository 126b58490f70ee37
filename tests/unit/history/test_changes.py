"""What is new, known and fixed: over data."""

from __future__ import annotations

from typing import Any

from pytest_prodcheck.history import changes
from pytest_prodcheck.history.earlier import Earlier, Known, Root, Standing
from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.result import CheckVerdict

THEN, BEFORE = "2026-11-28T02:00:00Z", "2026-11-20T02:00:00Z"
CAUSES = [("http.tcp.refused", "nothing listens on port 80", "x"), ("unknown", "GET /a answers 404", "a")]


def row(**changed: Any) -> dict[str, Any]:
    """A finding."""
    base = {"criterion": "expected_answer", "target": "http", "message": "GET /a answered 500 in 3ms",
            "promised": "200",
            "code": "http.answer.unexpected_status", "severity": "error", "subject": "a"}  # fmt: skip
    return {**base, **changed}


def check(*findings: dict[str, Any], name: str = "x", verdict: str = "fail", **more: Any) -> CheckVerdict:
    """A check of this run."""
    return CheckVerdict(name, "http", verdict, findings=findings, **more)  # type: ignore[arg-type]


def known(check: str = "x", **changed: Any) -> Known:
    """A finding of then."""
    one = row(**changed)
    names = ("criterion", "target", "code", "subject", "severity", "promised", "message")
    return Known(check, *(one[name] for name in names), BEFORE)


def earlier(*findings: Known, **checks: Standing) -> Earlier:
    """An earlier run with these findings, and checks."""
    causes = tuple(Root(code, "http", message, frozenset({name}), BEFORE) for code, message, name in CAUSES)
    standings = {one.check: Standing("fail", "", "") for one in findings} | checks
    return Earlier("last.json", THEN, 86400.0, "fail", 1, True, "runner", standings, findings, causes, (), ())


def since(then: Earlier, *checks: CheckVerdict, **more: Any) -> changes.Changes:
    """The comparison."""
    return changes.since(then, checks, more.get("causes", ()), more.get("accepted", ()), more.get("compared", ()))


def counts(found: changes.Changes) -> tuple[int, int, int, int]:
    """New, known, fixed, unseen."""
    return found.new, found.known, len(found.fixed), found.unseen


def test_a_finding_that_was_there_is_known_since_its_first_day() -> None:
    """With other figures in its message, and as red as it was."""
    found = since(earlier(known()), check(row(message="GET /a answered 500 in 71ms")))
    (marked,) = found.checks
    assert (marked.verdict, marked.since) == ("fail", "known")
    assert (marked.findings[0]["since"], marked.findings[0]["first_seen"]) == ("known", BEFORE)
    assert counts(found) == (0, 1, 0, 0)


def test_a_second_one_of_a_kind_is_new() -> None:
    """One known finding does not cover two."""
    found = since(earlier(known()), check(row(), row()))
    assert [one["since"] for one in found.checks[0].findings] == ["known", "new"]
    assert found.checks[0].since == "new"
    assert counts(found) == (1, 1, 0, 0)


def test_another_promise_of_the_same_thing_is_new() -> None:
    """And the one that is gone is fixed."""
    found = since(earlier(known()), check(row(promised="body: ok", message="GET /a says no")))
    assert counts(found) == (1, 0, 1, 0)


def test_what_became_graver_is_new() -> None:
    """A warning that is an error now; the other way round it is known."""
    assert counts(since(earlier(known(severity="warning")), check(row()))) == (1, 0, 0, 0)
    assert counts(since(earlier(known()), check(row(severity="warning"), verdict="degraded"))) == (0, 1, 0, 0)


def test_only_what_was_looked_at_is_fixed() -> None:
    """A check that is blocked, unproven or left out fixes nothing."""
    then = earlier(known())
    assert counts(since(then, check(verdict="pass"))) == (0, 0, 1, 0)
    assert counts(since(then, check(verdict="degraded"))) == (1, 0, 1, 0)
    for verdict in ("blocked", "insufficient"):
        assert counts(since(then, check(verdict=verdict)))[2:] == (0, 1)
    assert counts(since(then, check(name="other", verdict="pass"))) == (0, 0, 0, 1)
    assert counts(since(then)) == (0, 0, 0, 1)


def test_an_accepted_finding_is_not_fixed() -> None:
    """Nor one that stands under another check, whose id an accepted one does not name."""
    assert counts(since(earlier(known(subject="")), check(verdict="pass"), accepted=[row(subject="")])) == (0, 0, 0, 0)


def test_a_finding_that_was_accepted_is_known() -> None:
    """When the acceptance is over, it is no news; and it is not counted as fixed."""
    then = earlier(known(check=""))
    assert counts(since(then, check(row()))) == (0, 1, 0, 0)
    assert counts(since(then, check(verdict="pass"))) == (0, 0, 0, 0)


def test_a_slow_down_is_fixed_where_it_was_compared() -> None:
    """Its check exists only while there is one."""
    slow = known("prodcheck.toml::baseline[http]", code="baseline.latency.slower")
    assert counts(since(earlier(slow), compared={("http", "a")})) == (0, 0, 1, 0)
    assert counts(since(earlier(slow))) == (0, 0, 0, 1)


def test_a_failed_assertion_is_known_by_its_words() -> None:
    """A user's own test has no finding; blocked checks are known by what blocks them, and not counted."""
    then = earlier(x=Standing("fail", "", "assert 3 == 4"), b=Standing("blocked", "http.tcp.refused", ""))
    found = since(then, check(message="assert 5 == 4"))
    assert (found.checks[0].since, counts(found)[:2]) == ("known", (0, 1))
    assert since(then, check(message="assert tasks")).checks[0].since == "new"
    assert since(then, check(name="y", message="assert 3 == 4")).checks[0].since == "new"
    blocked = check(name="b", verdict="blocked", blocked_by="http.tcp.refused")
    assert since(then, blocked).checks[0].since == "known"
    assert since(then, check(name="b", verdict="blocked", blocked_by="http.dns")).checks[0].since == "new"
    assert since(then, check(name="x", verdict="pass")).checks[0].since is None
    green = earlier(x=Standing("degraded", "", "assert 3 == 4"))
    assert since(green, check(message="assert 3 == 4")).checks[0].since == "new"


def test_a_cause_is_known_by_its_words_or_its_findings() -> None:
    """One code at one target may be two causes: of another endpoint, workload or table it is new."""
    then = earlier(known("a", code="unknown", message="GET /a answers 404"))

    def marked(cause: Cause, *checks: CheckVerdict) -> tuple[str | None, str | None]:
        (found,) = since(then, *checks, causes=[cause]).causes
        return found.since, found.first_seen

    a = check(row(code="unknown", message="GET /a answers 404"), name="a")
    b = check(row(code="unknown", message="GET /b answers 404"), name="b")
    assert marked(Cause("http.tcp.refused", "http", "nothing listens on port 8080")) == ("known", BEFORE)
    assert marked(Cause("http.tcp.refused", "http.app", "nothing listens on port 80")) == ("new", None)
    assert marked(Cause("http.tcp.refused", "http", "it says no", explains=("x",))) == ("known", BEFORE)
    assert marked(Cause("http.tcp.refused", "http", "it says no", explains=("y",))) == ("new", None)
    assert marked(Cause("unknown", "http", "GET /a answers 404; no cause known", explains=("a",)), a, b)[0] == "known"
    assert marked(Cause("unknown", "http", "GET /b answers 404; no cause known", explains=("b",)), a, b)[0] == "new"


def test_turns_are_told() -> None:
    """What became worse comes first."""
    then = earlier(x=Standing("fail", "", ""), y=Standing("pass", "", ""), z=Standing("pass", "", ""))
    found = since(then, check(verdict="pass"), check(name="y", message="m"), check(name="z", verdict="pass"))
    assert [(turn["id"], turn["was"], turn["is"]) for turn in found.turned] == [
        ("y", "pass", "fail"),
        ("x", "fail", "pass"),
    ]
