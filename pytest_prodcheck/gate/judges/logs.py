"""The checks of `suites/logs.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs import answers, judging
from pytest_prodcheck.criteria.logs.coverage import coverage
from pytest_prodcheck.criteria.logs.startup import startup
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.observe.finding import Finding


def _over(judge: judging.Judge) -> Judge:
    """The judge of a case, of one that judges a digest."""
    return lambda case: judge(case.evidence.facts["digest"], case.table(LogsTarget), case.check.target)


def traces(case: Case) -> list[Finding]:
    """The lines of the answers that we got."""
    facts = case.evidence.facts
    return answers.traces(facts["digest"], facts["asked"], case.check.target)


JUDGES: Mapping[str, Judge] = {
    "test_coverage": _over(coverage),
    "test_server_errors": _over(judging.server_errors),
    "test_errors": _over(judging.errors),
    "test_forbidden": _over(judging.forbidden),
    "test_private": _over(judging.private),
    "test_slow": _over(judging.slow),
    "test_retries": _over(judging.retries),
    "test_refused_logins": _over(judging.logins),
    "test_structured": _over(judging.structured),
    "test_startup": _over(startup),
    "test_traces": traces,
}
