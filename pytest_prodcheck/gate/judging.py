"""How one item is blocked, judged and reported; in the process that runs it, so that -x, reruns and --lf see it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import pytest

from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.errors import DeadlinePassed, NotReady
from pytest_prodcheck.gate import asserting, outcome, state
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.recorder import Record, Recorder
from pytest_prodcheck.gate.results import KEY, Attempt, passed_on_retry
from pytest_prodcheck.gate.state import FIXTURE_TARGETS
from pytest_prodcheck.observe.evidence import Standing
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

BLOCKED = pytest.StashKey[Standing]()
RECORD = pytest.StashKey[Record]()
RAISED = pytest.StashKey[str]()
WORSE = pytest.StashKey[Attempt]()
"""What this attempt was until now, where that was no pass."""
EARLIER = pytest.StashKey[Attempt]()
"""The same of an earlier attempt: a plugin that runs a test again may keep its first report to itself."""


NO_XFAIL = "xfail does not apply to gate checks: an accepted finding needs a reason and an end ([[env.X.accepted]])"


class Asker(Protocol):
    """The owner, directly or through the broker."""

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """The owner's answer."""
        ...


class Judging:
    """Hooks around each item."""

    def __init__(
        self,
        asker: Asker,
        recorder: Recorder,
        redactor: Redactor,
        environment: Callable[[], Environment],
        worker: str,
        refresh: Callable[[], None],
        fixture: Callable[[str], object],
    ) -> None:
        """`environment` gives the resolved one; `refresh` learns secrets that the owner got meanwhile; `fixture` gives
        what a test gets by that name."""
        self._asker, self._recorder, self._redactor, self._worker = asker, recorder, redactor, worker
        self._environment, self._refresh, self._fixture = environment, refresh, fixture

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Starts the record; skips a check whose target, or one it needs, is not there."""
        facts = state.read(item)
        record = Record(item.nodeid, getattr(item, "execution_count", 1), facts.sampled_limits)
        item.stash[RECORD] = record
        if WORSE in item.stash:
            item.stash.setdefault(EARLIER, item.stash[WORSE])
            del item.stash[WORSE]
        item.stash.setdefault(RAISED, "")
        del item.stash[RAISED]
        self._recorder.start(record)
        if self._worker:
            self._asker.call("running_now", (self._worker, item.nodeid))
        if facts.check is not None:
            self._fill(item, facts.check)
        if facts.check is not None and facts.check.function == "test_ready":
            return
        blocker: Standing | None = self._asker.call("blocker", (facts.needs,))
        if blocker is not None:
            item.stash[BLOCKED] = blocker
            pytest.skip(self._redactor.harmless(f"blocked by {blocker.name}: {blocker.cause}: {blocker.message}"))

    def _fill(self, item: pytest.Item, check: Check) -> None:
        """Gives a shipped check its arguments: what it observes with is the gate's own, whatever a conftest calls by
        that name; and pytest would set a parameter up anew for each of thousands."""
        function = cast("pytest.Function", item)
        arguments = {"check": check, "pytestconfig": item.config, "request": function._request}
        arguments.update((name, self._fixture(name)) for name in function.fixturenames if name in FIXTURE_TARGETS)
        function.funcargs.update(arguments)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        """Knows that the body really ran; what pytest_pyfunc_call does not see of it is held to assert here."""
        state.read(item).executed = True
        with asserting.held(item):
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Any:
        """Stands closest to the body: what it raises is known, also where a hook around it swallows it."""
        body = pyfuncitem.obj
        try:
            if state.read(pyfuncitem).check is None and not _is_asynchronous(body):
                pyfuncitem.obj = asserting.returning_nothing(body)
            return (yield)
        except (Exception, pytest.fail.Exception) as error:
            pyfuncitem.stash[RAISED] = f"{type(error).__name__}: {outcome.first_line(str(error))}"
            raise
        finally:
            pyfuncitem.obj = body

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Judges what was observed, puts the outcome on the report, and removes every secret from it."""
        report: pytest.TestReport = yield
        self._refresh()
        outcome.scrub(report, self._redactor)  # before a part of it is cut off and told on
        attempt = self._attempt(item, report, call)
        if attempt is not None and attempt.verdict in ("fail", "blocked", "insufficient"):
            item.stash.setdefault(WORSE, attempt)
        elif attempt is not None and attempt.verdict == "pass" and EARLIER in item.stash:
            attempt = passed_on_retry(attempt, item.stash[EARLIER])
        if attempt is not None:
            attempt.message = self._redactor.scrub(attempt.message)
            outcome.show(report, item, attempt)
            setattr(report, KEY, attempt.dump())
        facts = state.read(item)
        if facts.check is not None:  # pytest keeps three reports an item: their keywords are the same
            report.keywords = facts.keywords = facts.keywords or report.keywords
        return report

    def _attempt(self, item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> Attempt | None:
        """What this phase decides about the item; None where the phase decides nothing."""
        if call.excinfo is not None and isinstance(call.excinfo.value, DeadlinePassed):
            report.longrepr = None  # where in the gate it waited tells nobody anything
            return self._too_late(item, call.excinfo.value)
        if call.when == "setup":
            return self._not_run(item, report)
        if call.when == "teardown":
            return self._torn_down(item, report)
        return self._said(item, lambda: self._judged(item, report, call))

    def _torn_down(self, item: pytest.Item, report: pytest.TestReport) -> Attempt | None:
        """A fixture's teardown sends requests, too: a 5xx that came after the body is a finding all the same."""
        beside, record = _beside(item), item.stash.get(RECORD, None)
        message = beside or (outcome.crash(report) if report.failed else "")
        late = record.own[record.judged :] if record is not None else []
        if not late:
            return Attempt("fail", message=message, executed=True) if message else None
        return self._said(item, lambda: self._late(item, late, message))

    def _late(self, item: pytest.Item, late: list[Observation], message: str) -> Attempt | None:
        from pytest_prodcheck.gate import judge

        allowed = {name: marks for name, marks in state.read(item).criteria.items() if name == "allows_server_errors"}
        facts, after = state.ItemState(None, allowed), Record(item.nodeid, 1, own=late)
        findings = tuple(self._scrubbed(judge.judge(facts, after, self._environment(), self._asker, time.time())))
        if not message and not findings:
            return None
        return Attempt("fail" if message else judge.verdict_of(findings), findings, message=message, executed=True)

    def _said(self, item: pytest.Item, judging: Callable[[], Attempt | None]) -> Attempt | None:
        """What `judging` says; what stops it fails this check, and the others go on."""
        try:
            return judging()
        except DeadlinePassed as reason:
            return self._too_late(item, reason)
        except Exception as error:  # noqa: BLE001  an answer that no judge foresaw may raise anything
            check = state.read(item).check
            text = f"the answer could not be judged: {type(error).__name__}: {outcome.first_line(str(error))}"
            finding = Finding("executed", check.target if check else "", text, code="gate.check.failed")
            return Attempt("fail", tuple(self._scrubbed([finding])), message=text, executed=True)

    def _too_late(self, item: pytest.Item, reason: DeadlinePassed) -> Attempt:
        check = state.read(item).check
        text = f"not executed: {reason}"
        finding = Finding("executed", check.target if check else "", text, code="gate.run.deadline")
        return Attempt("fail", (finding,), message=text)

    def _not_run(self, item: pytest.Item, report: pytest.TestReport) -> Attempt | None:
        blocker = item.stash.get(BLOCKED, None)
        if blocker is not None:
            del item.stash[BLOCKED]
            message = f"{blocker.name}: {blocker.message}"
            return Attempt("blocked", blocked_by=blocker.cause, message=message, waits_for=blocker.name)
        if report.skipped:
            return _foreign_skip(item, report)
        return Attempt("fail", message=outcome.crash(report)) if report.failed else None

    def _judged(self, item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> Attempt:
        from pytest_prodcheck.gate import judge  # the criteria load while the first probes are under way

        facts, record = state.read(item), item.stash[RECORD]
        record.judged = len(record.own)
        if facts.check is not None and record.evidence is None and not report.failed:
            return Attempt("fail", message="not executed: the check's body did not run")
        findings = tuple(self._scrubbed(judge.judge(facts, record, self._environment(), self._asker, time.time())))
        if facts.check is None and record.limits and not record.sampled and not report.failed:
            return Attempt("fail", message="carries a rate or a quantile and never called sample()", executed=True)
        missing = call.excinfo.value if call.excinfo is not None else None
        if isinstance(missing, NotReady) and (facts.check is not None or not findings):
            return _blocked(missing)
        verdict = judge.verdict_of(findings)
        message = _failure(item, report, call)
        if message:
            verdict = "fail"
        elif verdict in ("pass", "degraded") and report.skipped and not hasattr(report, "wasxfail"):
            return _foreign_skip(item, report)
        elif hasattr(report, "wasxfail") and facts.check is None and verdict == "pass":
            verdict, message = "degraded", f"expected to fail: {report.wasxfail}"
        if facts.check is not None and verdict == "fail" and item.get_closest_marker("xfail"):
            message = f"{message}; {NO_XFAIL}".removeprefix("; ")
        return Attempt(
            verdict,
            findings,
            next((finding.code for finding in findings if verdict == "blocked" and finding.severity == "blocked"), ""),
            message=message,
            criteria=judge.criteria_of(facts),
            samples=len(record.observations),
            duration=report.duration,
            executed=True,
        )

    def _scrubbed(self, findings: list[Finding]) -> list[Finding]:
        self._refresh()
        return [Finding(**self._redactor.harmless(finding.as_json())) for finding in findings]


def _is_asynchronous(body: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(body) or inspect.isasyncgenfunction(body)


def _failure(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    """How the body failed by itself; empty where it did not. xfail is a user's own to have, not a shipped check's."""
    shipped = state.read(item).check is not None
    if beside := _beside(item):
        return beside
    if call.excinfo is None and RAISED in item.stash:
        return f"{item.stash[RAISED]} (a hook swallowed it)"
    if call.excinfo is None or isinstance(call.excinfo.value, pytest.skip.Exception):
        return "" if shipped or not report.failed else outcome.crash(report)
    if hasattr(report, "wasxfail"):
        return item.stash.get(RAISED, "failed") if shipped else ""
    return outcome.crash(report) if report.failed else item.stash.get(RAISED, "failed")


def _blocked(error: NotReady) -> Attempt:
    """Of a test that found out in its body: which user or member of a family it asks is not known before."""
    return Attempt("blocked", blocked_by=error.code, message=str(error), waits_for=error.target, executed=True)


def _beside(item: pytest.Item) -> str:
    """What went wrong beside the item's body since this was asked last; empty for nothing."""
    record = item.stash.get(RECORD, None)
    wrong = record.beside[:] if record else []
    if record:
        record.beside.clear()
    return "; ".join(wrong)


def _foreign_skip(item: pytest.Item, report: pytest.TestReport) -> Attempt:
    """A skip that is not the gate's: of a shipped check it is a failure, of a user's own test it proves nothing."""
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix(
        "Skipped: "
    )
    if state.read(item).check is None:
        finding = Finding("executed", "", f"skipped by itself: {reason}", severity="insufficient", code="gate.skipped")
        return Attempt("insufficient", (finding,), message=reason, skipped_by=reason)
    by = "a marker" if any(mark.name in ("skip", "skipif", "xfail") for mark in item.iter_markers()) else "a hook"
    message = f"skipped by {by}, not by the gate: {reason}; required checks cannot be skipped"
    finding = Finding("executed", state.read(item).check.target, message, code="gate.skipped")  # type: ignore[union-attr]
    return Attempt("fail", (finding,), message=message, skipped_by=reason)
