"""The part of this process in an active run: which hooks it registers, and with which exit status it ends."""

from __future__ import annotations

import sys

import pytest

from pytest_prodcheck import markers
from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.gate import provable, role, start
from pytest_prodcheck.gate.report_file import ReportFile
from pytest_prodcheck.gate.run import Run
from pytest_prodcheck.gate.service import Service
from pytest_prodcheck.gate.session import NOTHING_SENT, Gate


def activate(config: pytest.Config) -> Gate:
    """Reads and checks everything, then gives the hooks to register. Raises pytest.UsageError (exit 4)."""
    part = role.of(config)
    report = ReportFile.of(config) if part != "worker" else None
    try:
        role.refuse_unsafe(config, "")
        begun = start.read(config)
        role.refuse_unsafe(config, begun.environment.kind)
        gate = Gate(config, begun)
        if part == "worker":
            from pytest_prodcheck.observe.broker import BrokerClient

            gate.connect(BrokerClient(config.workerinput["prodcheck"], gate.learn))  # type: ignore[attr-defined]
        else:
            _take_charge(config, gate, begun, report, part)
    except UsageProblem as problem:
        if report:
            report.usage(str(problem))
        raise pytest.UsageError(*str(problem).splitlines(), NOTHING_SENT) from None
    except pytest.UsageError as problem:
        if report:
            report.usage(str(problem))
        raise pytest.UsageError(*problem.args, NOTHING_SENT) from None
    for line in markers.lines():
        config.addinivalue_line("markers", line)
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")
    config.addinivalue_line("filterwarnings", "error:assertion is always true:pytest.PytestAssertRewriteWarning")
    return gate


def last_word(config: pytest.Config, status: int) -> int:
    """The exit status of this process: the gate's, also where a hook ended the session before its verdict."""
    if role.idle(config) or role.of(config) == "worker":
        return status
    run = config.pluginmanager.get_plugin("prodcheck-run")
    if run is not None and run.result is not None:
        return int(run.result.exit_status)
    if status == 0:
        print("prodcheck: the session ended before its verdict: nothing is proven", file=sys.stderr)  # noqa: T201
    return status or 1


def _take_charge(
    config: pytest.Config, gate: Gate, begun: start.Start, report: ReportFile | None, part: role.Role
) -> None:
    """Makes this process the owner of the run. Raises UsageProblem before anything is sent."""
    problems = provable.problems(begun.environment, begun.plan, begun.deadline_s)
    if problems:
        raise UsageProblem(*problems)
    idle = role.idle(config)
    service = Service(begun, gate.redactor, config, idle=idle)
    gate.connect(service)
    run = Run(config, gate, service, report, part, idle=idle)
    config.pluginmanager.register(run, "prodcheck-run")
    if part == "controller":
        from pytest_prodcheck.gate.xdist import Controller
        from pytest_prodcheck.observe.broker import BrokerServer

        config.pluginmanager.register(Controller(run, BrokerServer(service)), "prodcheck-controller")
