"""What is judged of every target that speaks TLS."""

from __future__ import annotations

from pytest_prodcheck.config.models import WebTarget
from pytest_prodcheck.gate.judges.case import Case
from pytest_prodcheck.observe.finding import Finding


def certificate(case: Case) -> list[Finding]:
    """The certificate that readiness saw."""
    from pytest_prodcheck.criteria import certificate

    table = case.environment.targets[case.check.target]
    valid_for = table.tls.valid_for if isinstance(table, WebTarget) else 0.0
    return certificate.judge(case.evidence.observations, valid_for, case.check.target, now=case.now)
