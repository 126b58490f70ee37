"""The checks of `suites/load.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.load_limits import load_limit
from pytest_prodcheck.config.models import LoadTarget
from pytest_prodcheck.criteria import load, load_memory
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.load import samples
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.load import LoadRun, Samples


def scenario(case: Case) -> list[Finding]:
    """One scenario: whether its run can be trusted, and its own limits."""
    run: LoadRun = case.evidence.facts["run"]
    table = case.table(LoadTarget)
    own = table.scenarios[case.check.subject]
    found = load.judge(run, _samples(run), own.limits, own.names, case.check.target, case.environment.confidence)
    shared = any(load_limit(text).subject == "errors" for text in table.limits)
    # a share of errors that is promised of all scenarios is judged over all of them
    return [one for one in found if not (shared and one.code == "load.errors.seen")]


def limits(case: Case) -> list[Finding]:
    """What is promised of all scenarios together."""
    runs: tuple[LoadRun, ...] = case.evidence.facts["runs"]
    table = case.table(LoadTarget)
    found = [_samples(run) for run in runs]
    judged = load.overall(runs, found, table.limits, table.names, case.check.target, case.environment.confidence)
    broken = any(one.code == "load.errors.over_limit" for one in judged)
    return [one for one in judged if not (broken and one.code == "load.errors.seen")]


def memory(case: Case) -> list[Finding]:
    """What containers may grow by."""
    promised = case.table(LoadTarget).memory or ""
    facts = case.evidence.facts
    return load_memory.judge(facts["runs"], facts["glances"], promised, case.check.target)


def _samples(run: LoadRun) -> Samples:
    return samples.read(run.folder) if run.folder and run.samples else Samples()


JUDGES: Mapping[str, Judge] = {"test_load": scenario, "test_soak": scenario, "test_limits": limits,
                               "test_memory": memory}  # fmt: skip
