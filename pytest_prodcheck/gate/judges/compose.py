"""The checks of a compose project in `suites/cluster.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.criteria.containers import document, health, promised, running
from pytest_prodcheck.criteria.containers import usage as uses
from pytest_prodcheck.criteria.containers.case import Case as Seen
from pytest_prodcheck.gate import compose_file
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.observe.finding import Finding


def service(case: Case) -> list[Finding]:
    """One service: it runs, is healthy, and its ports are published."""
    file = compose_file.of(case.environment, case.table(ClusterTarget))
    seen = Seen(case.evidence.facts["containers"], file, file.services[case.check.subject], case.check.target)
    return [*running.running(seen), *health.health(seen), *promised.ports(seen)]


def file(case: Case) -> list[Finding]:
    """The file, and what its containers differ in from it."""
    table = case.table(ClusterTarget)
    declared = compose_file.of(case.environment, table)
    containers, target = case.evidence.facts["containers"], case.check.target
    judged = compose_file.judged(case.environment, table)
    differences = [promised.promised(Seen(containers, declared, one, target)) for one in judged]
    return [*document.document(declared, target), *(finding for found in differences for finding in found)]


def usage(case: Case) -> list[Finding]:
    """What the containers use."""
    facts = case.evidence.facts
    return uses.usage(facts["usage"], facts.get("disk"), case.table(ClusterTarget), case.check.target, facts["silent"])


JUDGES: Mapping[str, Judge] = {
    "test_compose_service": service,
    "test_compose_file": file,
    "test_compose_usage": usage,
}
