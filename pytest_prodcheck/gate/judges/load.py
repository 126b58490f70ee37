"""The checks of `suites/load.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import LoadTarget
from pytest_prodcheck.criteria import load
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.load import samples
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.load import LoadRun, Samples


def scenario(case: Case) -> list[Finding]:
    """One scenario: whether its run can be trusted, and its own limits."""
    run: LoadRun = case.evidence.facts["run"]
    own = case.table(LoadTarget).scenarios[case.check.subject]
    return load.judge(run, _samples(run), own.limits, own.names, case.check.target, case.environment.confidence)


def limits(case: Case) -> list[Finding]:
    """What is promised of all scenarios together."""
    runs: tuple[LoadRun, ...] = case.evidence.facts["runs"]
    table = case.table(LoadTarget)
    found = [_samples(run) for run in runs]
    return load.overall(runs, found, table.limits, table.names, case.check.target, case.environment.confidence)


def _samples(run: LoadRun) -> Samples:
    return samples.read(run.folder) if run.folder and run.samples else Samples()


JUDGES: Mapping[str, Judge] = {"test_load": scenario, "test_soak": scenario, "test_limits": limits}
