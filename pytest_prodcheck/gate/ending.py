"""How a run ends: nothing lost, findings accepted or explained, one verdict."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.config.loader import slug
from pytest_prodcheck.config.models import Accepted, Environment
from pytest_prodcheck.criteria import series
from pytest_prodcheck.gate import figures, judge, load_report, places, remarks, vantage
from pytest_prodcheck.gate import verdict as deciding
from pytest_prodcheck.gate.course import Course
from pytest_prodcheck.gate.owner import Owner
from pytest_prodcheck.gate.plan import ROOT, Check, Plan
from pytest_prodcheck.gate.results import Attempt, Results
from pytest_prodcheck.gate.selection import OPT_IN_REASON, Selection, missed
from pytest_prodcheck.observe.finding import Cause, CheckResult, Finding
from pytest_prodcheck.observe.result import CheckVerdict, RunResult, RunVerdict
from pytest_prodcheck.observe.vantage import Vantage

if TYPE_CHECKING:
    from pytest_prodcheck.gate.baseline import Held
    from pytest_prodcheck.history.earlier import Earlier
    from pytest_prodcheck.observe.series import Series


def lost(selection: Selection, results: Results, course: Course) -> dict[str, Attempt]:
    """A failed attempt for every check that was planned or collected and has no result, id by id."""
    found: dict[str, Attempt] = {}
    for identifier, reason in selection.dropped.items():
        found[identifier] = _failed(missed(identifier, reason), "gate.deselected")
    for identifier in selection.collected:
        if identifier in results.attempts or course.stopped_by:
            continue
        worker = course.died.get(identifier)
        text = (
            f"worker {worker} died while running {identifier}"
            if worker
            else (
                f"collected but not reported: {identifier}"
                if identifier not in results.started
                else f"0 checks executed: {identifier} was set up and its body never ran"
            )
        )
        found[identifier] = _failed(text, "gate.not_executed")
    return found


def unselected_readiness(owner: Owner, selection: Selection) -> dict[str, Attempt]:
    """A failed attempt for each target that is not ready, and each user without a token, whose own check is not among
    the selected (§2.3): what is blocked by it has its cause among the checks."""
    found = {}
    for identifier, name in _readiness(owner):
        standing = owner.standings.seen(name)
        if identifier not in selection.collected and standing is not None and not standing.ready:
            found[identifier] = Attempt("fail", standing.findings, criteria=("ready",), executed=True)
    return found


def _readiness(owner: Owner) -> Iterator[tuple[str, str]]:
    """Id of the check → name of its standing; a user's token has a check of its own only where there is an auth
    target, and is not missed where that is not ready."""
    planned = {(check.function, check.subject or check.target): check.id for check in owner.plan.checks.values()}
    for check in owner.plan.checks.values():
        if check.function == "test_ready":
            yield check.id, check.target
    auths = [owner.standings.seen(target) for target in owner.targets if target.split(".")[0] == "auth"]
    if all(auth is None or auth.ready for auth in auths):
        for user in owner.environment.users:
            yield planned.get(("test_token", user), f"{ROOT}::auth::test_token[{slug(user)}]"), f"user:{user}"


def conclude(
    environment: Environment,
    owner: Owner,
    selection: Selection,
    results: Results,
    marks: Mapping[str, tuple[str, ...]],
    course: Course,
    inside: Vantage | None = None,
    earlier: Earlier | None = None,
) -> RunResult:
    """The whole run's result; `inside` is what a run inside the cluster saw, `earlier` the run of the baseline."""
    final = {identifier: attempt for identifier in results.attempts if (attempt := results.final(identifier))}
    final.update(vantage.findings(inside, final, owner.plan) if inside else {})
    measured = series.bounded([*series.of(owner.observations), *load_report.series(owner)])
    held, slower = _held(earlier, measured, vantage.of(environment))
    complete = _complete(owner, selection, course)
    accepted = _Accepting(environment.accepted, datetime.datetime.now(datetime.UTC).date())
    final = _accepted({**final, **slower}, accepted, owner, complete=complete)
    causes, explained = _diagnosed(final, owner, course.asked)
    rows = (_check(identifier, final[identifier], owner.plan, marks, explained) for identifier in final)
    checks = tuple(_with_rerun(row, course.asked) for row in rows)
    word = _word(checks, final, environment, course)
    result = RunResult(
        environment.name,
        environment.kind,
        _iso(course.started_at),
        round(time.time() - course.started_at, 3),
        word,
        deciding.exit_status(word, environment, selected=len(selection.collected)),
        complete=complete,
        revision=figures.revision(environment, owner),
        causes=causes,
        checks=checks,
        accepted=tuple(accepted.rows),
        sent=owner.sent,
        left_out=_left_out(owner.plan, selection, final, course),
        targets=figures.rows(owner, checks),
        probing_s=round(owner.probing_s, 3),
        vantage=vantage.of(environment),
        notes=(*remarks.of(final, selection, course), *remarks.mentioned(owner)),
        latency=tuple(one.as_json() for one in (held.series if held else measured)),
        load=load_report.rows(owner),
    )
    if earlier is None or held is None:
        return result
    from pytest_prodcheck.gate import baseline

    return baseline.marked(result, earlier, held)


def _complete(owner: Owner, selection: Selection, course: Course) -> bool:
    """Whether everything that was promised was to be looked at, and nothing stopped the run."""
    narrowed = any(reason != OPT_IN_REASON for reason in selection.narrowed.values())
    return not (narrowed or selection.dropped or course.stopped_by or owner.plan.narrowed)


def _accepted(
    attempts: Mapping[str, Attempt], accepted: _Accepting, owner: Owner, *, complete: bool
) -> dict[str, Attempt]:
    """The attempts with their checks' severities, and what is known taken out of them."""
    final = {
        identifier: accepted.apply(_graded(attempt, owner.plan.checks.get(identifier)))
        for identifier, attempt in attempts.items()
    }
    looked = complete and all(attempt.verdict != "blocked" for attempt in final.values())
    return {**final, **accepted.own_findings(looked=looked)}


def _word(
    checks: Sequence[CheckVerdict], final: Mapping[str, Attempt], environment: Environment, course: Course
) -> RunVerdict:
    """The verdict; a run that was stopped has failed."""
    executed = sum(attempt.executed for attempt in final.values())
    word = deciding.of([check.verdict for check in checks], executed=executed, policy=environment)
    return "fail" if course.stopped_by else word


def _held(
    earlier: Earlier | None, measured: tuple[Series, ...], seen_from: str
) -> tuple[Held | None, Mapping[str, Attempt]]:
    """This run's series held against an earlier run's, and a check for each target that is slower; loads what compares
    only where there is one."""
    if earlier is None:
        return None, {}
    from pytest_prodcheck.gate import baseline

    held = baseline.held(earlier, measured, seen_from)
    return held, baseline.attempts(held.changes)


def _diagnosed(final: Mapping[str, Attempt], owner: Owner, asked: str) -> tuple[tuple[Cause, ...], Mapping[str, str]]:
    """The causes, and the cause of each check that is not green; loads nothing where all is well."""
    if all(attempt.verdict == "pass" for attempt in final.values()):
        return (), {}
    from pytest_prodcheck.diagnosis.diagnose import diagnose

    diagnosis = diagnose(
        _check_results(final, owner), owner.observations, owner.catalogs, places.of_targets(owner.environment, asked)
    )
    dragged = {identifier: cause.code for cause in reversed(diagnosis.causes) for identifier in cause.explains}
    causes = tuple(_with_owner(cause, owner.plan) for cause in diagnosis.causes)
    return causes, {**dragged, **diagnosis.explained}


class _Accepting:
    """`[[env.X.accepted]]`: known findings with an end. Expired is red, unused warns."""

    def __init__(self, accepted: Sequence[Accepted], today: datetime.date) -> None:
        self._accepted, self._today = accepted, today
        self._used: set[int] = set()
        self.rows: list[dict[str, Any]] = []

    def apply(self, attempt: Attempt) -> Attempt:
        """The attempt without the findings that are accepted today."""
        kept = [finding for finding in attempt.findings if not self._takes(finding)]
        if len(kept) == len(attempt.findings):
            return attempt
        verdict = "fail" if attempt.verdict == "fail" and attempt.message else judge.verdict_of(kept)
        return replace(attempt, findings=tuple(kept), verdict=verdict)

    def own_findings(self, *, looked: bool) -> dict[str, Attempt]:
        """A check of its own for each entry that is expired and still needed (red), or not needed (a warning, where
        everything was `looked` at)."""
        found = {}
        for number, entry in enumerate(self._accepted):
            expired = entry.until < self._today and number in self._used
            if not expired and (number in self._used or not looked):
                continue
            text = f"accepted {entry.code} ({entry.reason}) " + (
                f"ended on {entry.until}" if expired else "matches no finding any more: remove the entry"
            )
            code = "config.accepted.expired" if expired else "config.accepted.unused"
            finding = Finding("accepted", entry.on, text, code=code, severity="error" if expired else "warning")
            name = f"prodcheck.toml::accepted[{'-'.join(part for part in (entry.on, entry.code) if part)}]"
            found[name] = Attempt("fail" if expired else "degraded", (finding,), executed=False)
        return found

    def _takes(self, finding: Finding) -> bool:
        for number, entry in enumerate(self._accepted):
            if entry.code == finding.code and entry.on in ("", finding.target, finding.target.split(".")[0]):
                self._used.add(number)
                if entry.until >= self._today:
                    self.rows.append({**finding.as_json(), "reason": entry.reason, "until": entry.until.isoformat()})
                    return True
        return False


def _graded(attempt: Attempt, check: Check | None) -> Attempt:
    """A check that its configuration calls a warning makes the run degraded, never red."""
    if check is None or check.severity != "warning" or attempt.verdict not in ("fail", "blocked", "insufficient"):
        return attempt
    if any(finding.code.startswith("gate.") for finding in attempt.findings):
        return attempt
    findings = tuple(replace(finding, severity="warning") for finding in attempt.findings)
    return replace(attempt, verdict="degraded", findings=findings)


def _check_results(final: Mapping[str, Attempt], owner: Owner) -> list[CheckResult]:
    rows, ready = [], dict(_readiness(owner))
    for identifier, attempt in final.items():
        check = owner.plan.checks.get(identifier)
        standing = owner.standings.seen(ready[identifier]) if identifier in ready else None
        seen = owner.seen(identifier) or list(standing.evidence.observations if standing else ())
        target = check.target if check else (seen[0].target if seen else "")
        rows.append(
            CheckResult(
                identifier,
                target,
                attempt.verdict,
                attempt.findings,
                tuple(seen),
                attempt.blocked_by,
                check.subject if check else "",
                (*(check.needs if check else ()), *filter(None, (attempt.waits_for,))),
                attempt.message,
            )
        )
    return rows


def _check(
    identifier: str, attempt: Attempt, plan: Plan, marks: Mapping[str, tuple[str, ...]], explained: Mapping[str, str]
) -> CheckVerdict:
    check = plan.checks.get(identifier)
    findings = tuple(finding.as_json() for finding in attempt.findings)
    return CheckVerdict(
        identifier,
        check.target if check else "",
        attempt.verdict,
        marks.get(identifier, ()),
        (attempt.blocked_by and explained.get(identifier, attempt.blocked_by)) or None,
        None if attempt.blocked_by else explained.get(identifier),
        attempt.criteria,
        attempt.samples,
        findings,
        attempt.message,
        round(attempt.duration, 4),
        check.owner if check else "",
        check.runbook if check else "",
    )


def _with_rerun(check: CheckVerdict, asked: str) -> CheckVerdict:
    """The check whose findings say how to run it alone."""
    if not check.findings:
        return check
    added = {"rerun": f"pytest --prodcheck={asked} '{check.id}'", "since": None, "first_seen": None}
    return replace(check, findings=tuple({**finding, **added} for finding in check.findings))


def _with_owner(cause: Cause, plan: Plan) -> Cause:
    """The cause with the owner and runbook of the first check that shows it."""
    for identifier in cause.explains:
        check = plan.checks.get(identifier)
        if check and check.target == cause.target and (check.owner or check.runbook):
            return replace(cause, owner=check.owner, runbook=check.runbook)
    return cause


def _left_out(
    plan: Plan, selection: Selection, final: Mapping[str, Attempt], course: Course
) -> tuple[Mapping[str, str], ...]:
    rows = [{"id": name, "reason": reason} for name, reason in (*plan.left_out.items(), *selection.narrowed.items())]
    if course.stopped_by:
        reason = f"stopped: {course.stopped_by.removeprefix('stopped by ')}"
        rows += [{"id": name, "reason": reason} for name in selection.collected if name not in final]
    return tuple(rows)


def _failed(message: str, code: str) -> Attempt:
    return Attempt("fail", (Finding("executed", "", message, code=code),), message=message)


def _iso(moment: float) -> str:
    return (
        datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
